//! A judge pack with a file missing, damaged or in another precision.

use latentlink::onnx::digest::sha256_of_file;
use latentlink::onnx::{JudgePack, PackError, ResolvedProvider};
use serde_json::json;

use crate::tiny_llava::{CopiedPack, open};

#[test]
fn a_pack_tells_what_its_files_say() {
    let pack = open();
    assert_eq!(pack.image_token(), 3);
    assert_eq!(pack.image_tokens(), Some(16));
    assert_eq!(pack.context_tokens(), 160);
    assert_eq!(pack.end_tokens(), [2]);
    assert_eq!(pack.preprocessing().size(), Some([32, 32]));
    assert_eq!(pack.tokenizer().vocabulary_size(), 300);
    assert_eq!(pack.name(), "pack");
    assert!(pack.template_file().is_some());
}

#[test]
fn a_missing_file_is_named() {
    for file in [
        "preprocessor_config.json",
        "tokenizer.json",
        "onnx/vision_encoder.onnx",
        "onnx/embed_tokens.onnx",
        "onnx/decoder_model_merged.onnx",
    ] {
        let copied = CopiedPack::new();
        std::fs::remove_file(copied.path(file)).expect("it was there");
        let error = JudgePack::open(copied.root()).expect_err("a file is missing");
        assert!(matches!(&error, PackError::MissingFile { file: named, .. } if *named == copied.path(file)), "{error}");
    }
    let copied = CopiedPack::new();
    std::fs::remove_file(copied.path("config.json")).expect("it was there");
    let error = JudgePack::open(copied.root()).expect_err("no pack");
    assert!(matches!(error, PackError::MissingPack { why: "it has no config.json", .. }), "{error}");
    let error = JudgePack::open(&copied.path("nowhere")).expect_err("no pack");
    assert!(matches!(error, PackError::MissingPack { .. }), "{error}");
}

#[test]
fn without_a_plain_model_the_only_other_one_is_taken_and_of_several_none() {
    let copied = CopiedPack::new();
    let half = copied.path("onnx/embed_tokens_fp16.onnx");
    std::fs::copy(copied.path("onnx/embed_tokens.onnx"), &half).expect("a copy");
    assert_eq!(copied.open().model_files().embed_tokens, "onnx/embed_tokens.onnx");
    std::fs::remove_file(copied.path("onnx/embed_tokens.onnx")).expect("it was there");
    let pack = copied.open();
    assert_eq!(pack.model_files().embed_tokens, "onnx/embed_tokens_fp16.onnx");
    pack.load_worker(ResolvedProvider::Cpu, 1).expect("it loads");
    std::fs::copy(&half, copied.path("onnx/embed_tokens_q4.onnx")).expect("a copy");
    let error = JudgePack::open(copied.root()).expect_err("two are there");
    let text = error.to_string();
    assert!(text.contains("embed_tokens_fp16.onnx, onnx/embed_tokens_q4.onnx"), "{text}");
}

#[test]
fn a_file_that_is_not_what_digests_json_lists_is_corrupt_and_other_precisions_are_not_looked_at() {
    let copied = CopiedPack::new();
    let digest = sha256_of_file(&copied.path("onnx/embed_tokens.onnx")).expect("it is there").to_string();
    let list =
        |digest: &str| json!({ "files": { "onnx/embed_tokens.onnx": digest, "onnx/embed_tokens_q4.onnx": digest } });
    std::fs::write(copied.path("digests.json"), list(&digest).to_string()).expect("a new file");
    let whole = copied.open();
    let before = whole.digest();
    std::fs::write(copied.path("README.md"), "a note").expect("a new file");
    assert_eq!(copied.open().digest(), before);
    std::fs::write(copied.path("digests.json"), list(&"0".repeat(64)).to_string()).expect("a new file");
    let error = JudgePack::open(copied.root()).expect_err("another digest");
    assert!(matches!(error, PackError::CorruptFile { .. }), "{error}");
}

#[test]
fn settings_that_are_absent_or_wrong_are_named_and_llamas_defaults_are_known() {
    let copied = CopiedPack::new();
    copied.edit("config.json", |config| {
        let text = config["text_config"].as_object_mut().expect("a table");
        text.retain(|key, _| key != "max_position_embeddings" && key != "eos_token_id");
    });
    std::fs::remove_file(copied.path("generation_config.json")).expect("it was there");
    let pack = copied.open();
    assert_eq!((pack.context_tokens(), pack.end_tokens()), (2048, &[2][..]));
    for (key, value, named) in [
        ("image_token_index", json!("<image>"), "image_token_index"),
        ("text_config", json!({ "max_position_embeddings": 0 }), "text_config.max_position_embeddings"),
        ("eos_token_id", json!("</s>"), "eos_token_id"),
    ] {
        let copied = CopiedPack::new();
        std::fs::remove_file(copied.path("generation_config.json")).expect("it was there");
        copied.edit("config.json", |config| config[key] = value);
        let text = JudgePack::open(copied.root()).expect_err("a wrong setting").to_string();
        assert!(text.contains(named) && text.contains("config.json"), "{text}");
    }
    let copied = CopiedPack::new();
    copied.edit("preprocessor_config.json", |config| config["do_center_crop"] = false.into());
    let text = JudgePack::open(copied.root()).expect_err("pictures of any size").to_string();
    assert!(text.contains("one size"), "{text}");
}

#[test]
fn a_model_that_does_not_fit_its_place_is_refused_by_tensor() {
    for (place, other, tensor) in [
        ("vision_encoder", "embed_tokens", "pixel_values"),
        ("decoder_model_merged", "embed_tokens", "inputs_embeds"),
        ("embed_tokens", "vision_encoder", "input_ids"),
    ] {
        let copied = CopiedPack::new();
        let file = |name: &str| copied.path(&format!("onnx/{name}.onnx"));
        std::fs::copy(file(other), file(place)).expect("a copy");
        let error = copied.open().load_worker(ResolvedProvider::Cpu, 1).expect_err("it does not fit");
        assert!(matches!(error, PackError::UnfitTensor { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(place), "{tensor}: {text}");
    }
}

#[test]
fn weights_in_a_file_of_any_name_are_part_of_what_a_judge_is() {
    let copied = CopiedPack::new();
    // `inputs_embeds` of four weights: ModelProto { graph { initializer { dims 4, float, external_data location } } }.
    let field = |number: u8, content: &[u8]| [&[(number << 3) | 2, content.len() as u8], content].concat();
    let pair = |key: &str, value: &str| field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    let tensor = [vec![8, 4, 16, 1], field(8, b"w"), pair("location", "weights.bin"), vec![112, 1]].concat();
    let mut model = std::fs::read(copied.path("onnx/embed_tokens.onnx")).expect("there");
    model.extend(field(7, &field(5, &tensor)));
    std::fs::write(copied.path("onnx/embed_tokens.onnx"), model).expect("writable");
    let digest = |weights: [u8; 16]| {
        std::fs::write(copied.path("onnx/weights.bin"), weights).expect("writable");
        copied.open().digest()
    };
    assert_ne!(digest([0; 16]), digest([1; 16]), "stored scores would be taken for those of other weights");
    std::fs::remove_file(copied.path("onnx/weights.bin")).expect("there");
    let error = JudgePack::open(copied.root()).expect_err("its weights are gone");
    assert!(matches!(&error, PackError::MissingWeights { file, .. } if file.ends_with("weights.bin")), "{error}");
}

#[test]
fn a_tokenizer_that_would_panic_a_placeholder_and_a_mark_of_encoding_are_told_apart() {
    let copied = CopiedPack::new();
    copied.edit("tokenizer.json", |tokenizer| tokenizer["post_processor"]["special_tokens"] = json!({}));
    let text = JudgePack::open(copied.root()).expect_err("it would panic").to_string();
    assert!(text.contains("tokenizer.json") && text.contains("post_processor adds <s>"), "{text}");

    let copied = CopiedPack::new();
    let file = copied.path("config.json");
    let whole = std::fs::read_to_string(&file).expect("there");
    std::fs::write(&file, format!("\u{FEFF}{whole}")).expect("writable");
    copied.open();
    std::fs::write(&file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n").expect("writable");
    let error = JudgePack::open(copied.root()).expect_err("a placeholder");
    let help = miette::Diagnostic::help(&error).expect("a help").to_string();
    assert!(error.to_string().contains("config.json is damaged") && help.contains("git lfs pull"), "{error} {help}");
}
