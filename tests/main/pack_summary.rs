//! What `latentlink models` tells of the packs that are there.

use latentlink::cli::models::{listing, pack_health};
use latentlink::onnx::pack_summary::PackSummary;

use crate::tiny_pack::TinyPack;

#[test]
fn a_whole_pack_is_listed_with_its_sizes_words_and_card() {
    let pack = TinyPack::new();
    pack.write("README.md", "---\nlicense: mit\n---\n\n# Tiny pack\n\nMore.\n");
    pack.write_digests(&["unet/model.onnx", "README.md"]);
    let summary = PackSummary::of(pack.root());
    assert!(summary.problem.is_none());
    assert_eq!(summary.card.as_deref(), Some("Tiny pack"));
    assert_eq!(summary.latent_shape, Some([4, 2, 2]));
    assert_eq!(summary.picture_size_px, Some([4, 4]));
    assert_eq!((summary.tokens_known, summary.prompt_tokens), (Some(6), Some(4)));
    assert_eq!(summary.digests.intact, 2);
    let text = listing(&[summary]);
    for part in ["Tiny pack", "4 × 2 × 2", "4 × 4 pixels", "6 tokens known", "a b c", "2 intact"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_broken_pack_is_listed_with_its_problem_and_the_mend() {
    let pack = TinyPack::new();
    pack.write_digests(&["unet/model.onnx"]);
    pack.model("unet", "unet_one_f32");
    let summary = PackSummary::of(pack.root());
    assert_eq!(summary.digests.corrupt, ["unet/model.onnx"]);
    let json = serde_json::to_value(&summary).expect("it is plain data");
    assert!(json["problem"].as_str().expect("a problem").contains("corrupt"));
    let text = listing(&[summary]);
    assert!(text.contains("1 corrupt (unet/model.onnx)") && text.contains("git checkout -- "), "{text}");
}

#[test]
fn the_doctor_hears_of_every_file_that_does_not_hold_or_of_what_else_is_wrong() {
    let pack = TinyPack::new();
    pack.write_digests(&["unet/model.onnx", "unet/config.json", "vae_decoder/config.json"]);
    let health = pack_health(pack.root());
    assert!(health.digests_listed && health.problems.is_empty());
    assert_eq!(health.files_intact, 3);
    pack.model("unet", "unet_one_f32");
    pack.remove("vae_decoder/config.json");
    let health = pack_health(pack.root());
    assert_eq!(health.problems, ["vae_decoder/config.json is missing", "unet/model.onnx is corrupt"]);
    assert_eq!(health.files_intact, 1);
    pack.remove("digests.json");
    let health = pack_health(pack.root());
    assert!(!health.digests_listed);
    assert!(health.problems[0].contains("lacks") && health.problems.len() == 1);
}
