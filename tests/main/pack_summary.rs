//! What `latentlink models` tells of the packs that are there.

use latentlink::cli::doctor::PackCheck;
use latentlink::cli::models::{listing, pack_health};
use latentlink::cli::pack_summary::{MarkRange, PackKind, PackSummary};
use latentlink::onnx::digest::sha256_of_file;
use latentlink::onnx::{ResolvedProvider, runtime};
use serde_json::json;

use crate::shipped_pack;
use crate::tiny_llava::CopiedPack;
use crate::tiny_pack::TinyPack;

/// As the doctor looks at a pack that is named.
const WITH_SESSIONS: PackCheck = PackCheck { sessions_on: Some(ResolvedProvider::Cpu), dtype: None };

#[test]
fn a_whole_pack_is_listed_with_its_sizes_words_and_card() {
    let pack = TinyPack::new();
    pack.write("README.md", "---\nlicense: mit\n---\n\n# Tiny pack\n\nMore.\n");
    pack.write_digests(&["unet/model.onnx", "README.md"]);
    let summary = PackSummary::of(pack.root());
    assert!(summary.problem.is_none());
    assert_eq!(summary.card.as_deref(), Some("Tiny pack"));
    assert_eq!((summary.kind, summary.score_scale), (PackKind::Diffusion, None));
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
    let health = pack_health(pack.root(), PackCheck::default());
    assert!(health.digests_listed && health.problems.is_empty());
    assert_eq!(health.files_intact, 3);
    pack.model("unet", "unet_one_f32");
    pack.remove("vae_decoder/config.json");
    let health = pack_health(pack.root(), PackCheck::default());
    assert_eq!(
        health.problems,
        ["vae_decoder/config.json is missing, which digests.json lists", "unet/model.onnx is corrupt"]
    );
    assert_eq!(health.files_intact, 1);
    pack.remove("digests.json");
    let health = pack_health(pack.root(), PackCheck::default());
    assert!(!health.digests_listed);
    assert!(health.problems[0].contains("lacks") && health.problems.len() == 1);
    assert!(health.mend.is_some_and(|mend| mend.contains("git checkout -- ")), "the error's own mend");
}

#[test]
fn a_judge_pack_is_listed_with_what_it_looks_at_reads_and_answers() {
    let copied = CopiedPack::new();
    std::fs::write(copied.path("README.md"), "# A tiny judge\n").expect("a new file");
    let summary = PackSummary::of(copied.root());
    assert!(summary.problem.is_none(), "{:?}", summary.problem);
    assert_eq!(summary.kind, PackKind::Judge);
    assert_eq!((summary.picture_size_px, summary.tokens_per_picture), (Some([32, 32]), Some(16)));
    assert_eq!((summary.tokens_known, summary.context_tokens), (Some(300), Some(160)));
    assert_eq!(summary.score_scale, Some(MarkRange { lowest: 0, highest: 9 }));
    assert_eq!((summary.latent_shape, summary.prompt_tokens), (None, None));
    let json = serde_json::to_value(&summary).expect("it is plain data");
    assert_eq!((&json["kind"], &json["template_file"]), (&json!("judge"), &json!("judge_template.toml")));
    assert_eq!(json["score_scale"], json!({ "lowest": 0, "highest": 9 }));
    let text = listing(&[summary]);
    for part in [
        "A tiny judge",
        "judge, ",
        "32 × 32 pixels",
        "becomes 16 tokens",
        "300 tokens known, up to 160",
        "0 to 9 (judge_template.toml)",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    std::fs::remove_file(copied.path("judge_template.toml")).expect("it was there");
    let summary = PackSummary::of(copied.root());
    assert_eq!((summary.score_scale, summary.template_file), (Some(MarkRange { lowest: 0, highest: 9 }), None));
    assert!(listing(&[summary]).contains("built-in template"));
}

#[test]
fn a_judge_pack_with_a_damaged_file_or_template_is_listed_with_its_problem() {
    let copied = CopiedPack::new();
    let file = copied.path("onnx/embed_tokens.onnx");
    let digest = sha256_of_file(&file).expect("it is there").to_string();
    std::fs::write(copied.path("digests.json"), json!({ "files": { "onnx/embed_tokens.onnx": digest } }).to_string())
        .expect("a new file");
    assert_eq!(PackSummary::of(copied.root()).digests.intact, 1);
    let mut bytes = std::fs::read(&file).expect("the model");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("the model is writable");
    let summary = PackSummary::of(copied.root());
    assert_eq!(summary.digests.corrupt, ["onnx/embed_tokens.onnx"]);
    assert!(summary.problem.as_ref().is_some_and(|problem| problem.to_string().contains("corrupt")));
    assert_eq!(pack_health(copied.root(), PackCheck::default()).problems, ["onnx/embed_tokens.onnx is corrupt"]);

    let copied = CopiedPack::new();
    std::fs::write(copied.path("judge_template.toml"), "scale = 3\n").expect("it is writable");
    let problem = PackSummary::of(copied.root()).problem.expect("a wrong template").to_string();
    assert!(problem.contains("judge_template.toml:1"), "{problem}");
}

#[test]
fn packs_of_both_kinds_in_a_folder_are_listed_by_name() {
    let models = shipped_pack::folder().parent().expect("models/").to_owned();
    let kinds: Vec<_> = PackSummary::of_all_in(&models).into_iter().map(|pack| (pack.name, pack.kind)).collect();
    assert_eq!(kinds, [("emoji-ldm".to_owned(), PackKind::Diffusion), ("emoji-llava".to_owned(), PackKind::Judge)]);
}

#[test]
fn the_doctor_loads_the_sessions_of_packs_of_both_kinds_and_hears_of_a_model_that_does_not_fit() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let copied = CopiedPack::new();
    for root in [&shipped_pack::folder(), copied.root()] {
        let health = pack_health(root, WITH_SESSIONS);
        assert_eq!((health.sessions_load, health.problems), (Some(true), Vec::<String>::new()));
    }
    std::fs::copy(copied.path("onnx/embed_tokens.onnx"), copied.path("onnx/vision_encoder.onnx")).expect("a copy");
    assert!(pack_health(copied.root(), PackCheck::default()).problems.is_empty(), "no session was asked for");
    let health = pack_health(copied.root(), WITH_SESSIONS);
    assert_eq!((health.sessions_load, health.problems.len()), (Some(false), 1));
    assert!(health.problems[0].contains("vision_encoder"), "{:?}", health.problems);
}
