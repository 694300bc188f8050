//! A judge pack answers one question when it is loaded: files that do not fit each other are told by the setting at fault.

use std::path::Path;

use latentlink::cli::doctor::PackCheck;
use latentlink::cli::models::pack_health;
use latentlink::judge::vlm::{VlmJudge, VlmOptions};
use latentlink::judge::{Persona, PromptTemplate, Readout};
use latentlink::onnx::judge_pack::ModelDtype;
use latentlink::onnx::{JudgePack, PackError, ResolvedProvider, runtime};
use miette::Diagnostic;
use serde_json::{Value, json};

use crate::error_text::{says, told};
use crate::onnx_bytes::embedding_model;
use crate::vlm_vectors::{CopiedVlm, VlmVectors};

const LLAVA: VlmVectors = VlmVectors::LLAVA;
const SMOLVLM: VlmVectors = VlmVectors::SMOLVLM;
const QWEN2_VL: VlmVectors = VlmVectors::QWEN2_VL;

/// What is said of a changed pack, which opens.
fn refusal(family: VlmVectors, change: impl FnOnce(&CopiedVlm)) -> (PackError, String) {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let pack = CopiedVlm::new(family);
    change(&pack);
    let opened = JudgePack::open(pack.root()).expect("each file is right by itself");
    let error = opened.load_worker(ResolvedProvider::Cpu, 1).expect_err("they do not fit each other");
    let text = told(&error, pack.root());
    assert!(!text.contains("xport the model again"), "{text}");
    (error, text)
}

#[test]
fn a_tile_of_other_features_than_the_processor_says_is_told_by_its_setting_and_the_right_number() {
    let (_, text) =
        refusal(SMOLVLM, |pack| pack.edit("processor_config.json", |config| config["image_seq_len"] = 9.into()));
    says(
        &text,
        &["PACK/processor_config.json: `image_seq_len` should be 4, as many features as onnx/vision_encoder.onnx"],
    );
    says(&text, &["found 9"]);
    let (_, text) = refusal(SMOLVLM, |pack| {
        pack.remove("processor_config.json");
        pack.edit("config.json", |config| config["scale_factor"] = 1.into());
    });
    says(
        &text,
        &["PACK/config.json: `scale_factor` should be such that", "scale_factor)² is 4", "found what makes it 16"],
    );
}

#[test]
fn patches_that_are_merged_otherwise_than_the_model_does_are_told_by_merge_size() {
    let merge = |size: u64| {
        refusal(QWEN2_VL, |pack| pack.edit("preprocessor_config.json", |config| config["merge_size"] = size.into())).1
    };
    says(
        &merge(4),
        &["PACK/preprocessor_config.json: `merge_size` should be 2", "onnx/vision_encoder.onnx", "found 4"],
    );
    says(&merge(1), &["preprocessor_config.json", "merge_size"]);
    says(&merge(3), &["preprocessor_config.json", "merge_size"]);
}

/// One more word, or one more added token, than the tiny LLaVA's embedding has rows.
fn one_token_more(pack: &CopiedVlm, is_word: bool) {
    pack.edit("tokenizer.json", |tokenizer| match is_word {
        true => tokenizer["model"]["vocab"]["zebra"] = 300.into(),
        false => {
            let mut token = tokenizer["added_tokens"][0].clone();
            (token["id"], token["content"]) = (300.into(), "<mine>".into());
            tokenizer["added_tokens"].as_array_mut().expect("a list").push(token);
        }
    });
}

#[test]
fn a_token_beyond_the_embedding_is_told_with_its_id() {
    for is_word in [true, false] {
        let (error, text) = refusal(LLAVA, |pack| one_token_more(pack, is_word));
        assert!(matches!(error, PackError::Unworkable { .. }), "{error}");
        says(&text, &["PACK/onnx/embed_tokens.onnx cannot take the token 300, the highest of PACK/tokenizer.json"]);
        says(&text, &["ids up to 300, the model fewer"]);
    }
}

#[test]
fn logits_that_are_narrower_than_the_words_of_the_tokenizer_are_refused() {
    let (error, text) = refusal(LLAVA, |pack| {
        one_token_more(pack, true);
        std::fs::write(pack.path("onnx/embed_tokens.onnx"), embedding_model(301, 32)).expect("writable");
    });
    assert!(matches!(error, PackError::UnfitTensor { .. }), "{error}");
    says(
        &text,
        &["PACK/onnx/decoder_model_merged.onnx: tensor `logits` should be at least 301 wide", "found 300 values"],
    );
    // An added token needs none: agents do not answer with it.
    let pack = CopiedVlm::new(LLAVA);
    one_token_more(&pack, false);
    std::fs::write(pack.path("onnx/embed_tokens.onnx"), embedding_model(301, 32)).expect("writable");
    JudgePack::open(pack.root()).and_then(|pack| pack.load_worker(ResolvedProvider::Cpu, 1)).expect("it fits");
}

#[test]
fn an_embedding_of_nans_is_refused_in_either_precision() {
    let (error, text) = refusal(LLAVA, |pack| {
        let model = embedding_model(300, 32);
        let zeros = vec![0_u8; 4 * 300 * 32];
        let start = model.windows(zeros.len()).position(|part| part == zeros).expect("its weights");
        let mut broken = model.clone();
        broken[start..start + zeros.len()]
            .chunks_exact_mut(4)
            .for_each(|value| value.copy_from_slice(&f32::NAN.to_le_bytes()));
        std::fs::write(pack.path("onnx/embed_tokens.onnx"), broken).expect("writable");
    });
    assert!(matches!(error, PackError::NotFinite { narrow: false, .. }), "{error}");
    says(&text, &["PACK/onnx/embed_tokens.onnx gives NaN in `inputs_embeds`", "its weights are broken"]);
    // The pack's own embedding is of 16-bit weights, 300 × 32 of them: field 9 of 19,200 (0x80 0x96 0x01) bytes.
    let (error, _) = refusal(LLAVA, |pack| {
        let file = pack.path("onnx/embed_tokens.onnx");
        let mut bytes = std::fs::read(&file).expect("there");
        let start = bytes.windows(4).position(|part| part == [0x4a, 0x80, 0x96, 0x01]).expect("its weights") + 4;
        bytes[start..start + 19_200]
            .chunks_exact_mut(2)
            .for_each(|half| half.copy_from_slice(&0x7e00_u16.to_le_bytes()));
        std::fs::write(file, bytes).expect("writable");
    });
    assert!(matches!(error, PackError::NotFinite { narrow: true, .. }), "{error}");
}

#[test]
fn a_picture_that_leaves_no_room_for_words_is_told_by_what_makes_it_smaller() {
    let short = |pack: &CopiedVlm| {
        pack.edit("config.json", |config| config["text_config"]["max_position_embeddings"] = 40.into());
    };
    let (_, text) = refusal(SMOLVLM, short);
    says(
        &text,
        &["PACK/onnx/decoder_model_merged.onnx cannot take a picture of 64 × 64 pixels", "it can hold 40 tokens"],
    );
    says(&text, &["\"do_image_splitting\": false` or a smaller `size` in PACK/preprocessor_config.json"]);
}

#[test]
fn a_picture_that_takes_most_of_a_question_too_long_is_told_by_what_makes_it_smaller() {
    let room = |family: VlmVectors, tokens: u64, size: [usize; 2]| {
        let pack = CopiedVlm::new(family);
        pack.edit("config.json", |config| {
            let text = if config["text_config"].is_object() { &mut config["text_config"] } else { config };
            text["max_position_embeddings"] = tokens.into();
        });
        runtime::environment().expect("ONNX Runtime is found or fetched");
        let opened = JudgePack::open(pack.root()).expect("each file is right by itself");
        let template = PromptTemplate::for_pack(pack.root(), None).expect("it is right").template;
        let options = VlmOptions { readout: Readout::Expectation, temperature: 1.0, max_new_tokens: 6, retries: 0 };
        let judge = VlmJudge::new(opened.into(), template, options).expect("the pack can answer");
        let worker = judge.load_worker(ResolvedProvider::Cpu, 1).expect("it answers one question");
        let error = judge.check_prompt(&worker, &Persona::NEUTRAL, "a dog", size).expect_err("too long");
        error.help().expect("it helps").to_string()
    };
    says(
        &room(SMOLVLM, 100, [64, 64]),
        &["do_image_splitting", "preprocessor_config.json", "shorten the judge's template"],
    );
    assert!(room(QWEN2_VL, 40, [28, 28]).starts_with("shorten the judge's template"), "there the words are too many");
}

#[test]
fn a_wrong_token_of_the_picture_is_blamed_on_the_configuration_that_names_it() {
    for (family, written) in [(SMOLVLM, "`<image>`"), (QWEN2_VL, "`<|vision_start|><|image_pad|><|vision_end|>`")] {
        let pack = CopiedVlm::new(family);
        pack.edit("config.json", |config| config["image_token_id"] = 199.into());
        let error = PromptTemplate::for_pack(pack.root(), None).expect_err("another token").to_string();
        says(
            &error,
            &["config.json: `image_token_id` should be the id of the picture's token", written, "found 199, which is"],
        );
    }
}

#[test]
fn the_doctor_tries_the_files_of_the_dtype_that_it_is_told() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let pack = CopiedVlm::new(LLAVA);
    let variants = Path::new("tests/vectors/tiny_llava_variants");
    for model in ["decoder_model_merged", "embed_tokens", "vision_encoder"] {
        let file = format!("{model}_fp16.onnx");
        std::fs::copy(variants.join(&file), pack.path("onnx").join(&file)).expect("a copy");
    }
    let health = |dtype| pack_health(pack.root(), PackCheck { sessions_on: Some(ResolvedProvider::Cpu), dtype });
    assert_eq!(health(Some(ModelDtype::Fp16)).problems, Vec::<String>::new());
    let missing = health(Some(ModelDtype::Q4));
    says(&missing.problems[0], &["has no", "vision_encoder_q4.onnx"]);
    std::fs::write(pack.path("onnx/vision_encoder_fp16.onnx"), "no model").expect("writable");
    assert_eq!(health(None).problems, Vec::<String>::new());
    says(&health(Some(ModelDtype::Fp16)).problems[0], &["vision_encoder_fp16.onnx is damaged"]);

    let said = crate::program::Workplace::new();
    let root = pack.root().display().to_string();
    let doctor = said.run(&["doctor", &root, "--dtype", "fp16"]);
    assert_eq!(doctor.code, 3);
    says(&doctor.stdout, &["vision_encoder_fp16.onnx is damaged"]);
    said.run(&["doctor", &root, "--dtype", "half"]).assert_fails(2, &["fp16", "q4f16"]);
    said.run(&["doctor", "--dtype", "fp16"]).assert_fails(2, &["PACK"]);
}

#[test]
fn settings_of_the_wrong_kind_are_errors_and_not_taken_for_absent() {
    let rows: [(VlmVectors, &str, &str, Value); 11] = [
        (LLAVA, "generation_config.json", "eos_token_id", (-1).into()),
        (LLAVA, "generation_config.json", "eos_token_id", "</s>".into()),
        (LLAVA, "generation_config.json", "eos_token_id", json!([2, -1])),
        (LLAVA, "config.json", "image_seq_length", "many".into()),
        (LLAVA, "config.json", "text_config", "llama".into()),
        (LLAVA, "preprocessor_config.json", "image_processor_type", 3.into()),
        (QWEN2_VL, "config.json", "model_type", 3.into()),
        (QWEN2_VL, "tokenizer_config.json", "eos_token", 3.into()),
        (QWEN2_VL, "tokenizer_config.json", "pad_token", json!({ "text": "x" })),
        (SMOLVLM, "processor_config.json", "image_seq_len", "4".into()),
        (SMOLVLM, "preprocessor_config.json", "do_image_splitting", "no".into()),
    ];
    for (family, file, key, value) in rows {
        let pack = CopiedVlm::new(family);
        pack.edit(file, |config| config[key] = value.clone());
        let error = JudgePack::open(pack.root()).expect_err("a wrong kind");
        assert!(matches!(error, PackError::Config { .. }), "{error}");
        says(&error.to_string(), &[file, key]);
    }
    let pack = CopiedVlm::new(LLAVA);
    std::fs::write(pack.path("generation_config.json"), "[]").expect("writable");
    let error = JudgePack::open(pack.root()).expect_err("no object").to_string();
    says(&error, &["generation_config.json", "a JSON object"]);
}

#[test]
fn a_listed_template_or_configuration_that_is_absent_is_not_done_without() {
    for (family, file) in [
        (SMOLVLM, "chat_template.json"),
        (SMOLVLM, "tokenizer_config.json"),
        (QWEN2_VL, "chat_template.jinja"),
        (QWEN2_VL, "judge_template.toml"),
        (LLAVA, "generation_config.json"),
        (LLAVA, "onnx/embed_tokens.onnx"),
    ] {
        let pack = CopiedVlm::new(family);
        let digest = "0".repeat(64);
        std::fs::write(pack.path("digests.json"), json!({ "files": { file: digest } }).to_string()).expect("writable");
        pack.remove(file);
        let error = JudgePack::open(pack.root()).expect_err("it is gone");
        assert!(matches!(&error, PackError::ListedFileMissing { file: named } if named.ends_with(file)), "{error}");
    }
}
