//! Prompts as ids, against transformers and tokenizers (`tests/reference/tokenizer.py`).

use std::path::Path;

use latentlink::onnx::{PackError, PromptTokenizer};
use serde_json::{Value, json};

use crate::tiny_pack::{TinyPack, shipped_pack, vectors, word_list_tokenizer};

fn reference(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).expect("the reference is committed");
    serde_json::from_str(&text).expect("the reference is JSON")
}

fn agrees_with(tokenizer: &PromptTokenizer, reference: &Value) {
    assert_eq!(reference["prompt_length"], tokenizer.prompt_length());
    let cases = reference["cases"].as_array().expect("a list of cases");
    assert!(cases.len() > 7);
    for case in cases {
        let prompt = case["prompt"].as_str().expect("a prompt");
        let found = tokenizer.encode(prompt).expect("any prompt can be tokenized");
        assert_eq!(json!(found.ids), case["ids"], "{prompt}");
        assert_eq!(json!(found.truncated), case["truncated"], "{prompt}");
        let no_words = json!([]);
        let words = case.get("unknown_words").unwrap_or(&no_words);
        assert_eq!(&json!(found.unknown_words), words, "{prompt}");
    }
}

#[test]
fn a_clip_tokenizer_without_a_padding_section_pads_as_transformers_does() {
    let folder = vectors().join("clip_tokenizer");
    let tokenizer = PromptTokenizer::open(&folder).expect("the tokenizer is whole");
    assert_eq!(tokenizer.known_words(), None);
    agrees_with(&tokenizer, &reference(&folder.join("reference.json")));
}

#[test]
fn the_shipped_tokenizer_gives_the_ids_of_the_tokenizers_library() {
    let tokenizer = PromptTokenizer::open(&shipped_pack().join("tokenizer")).expect("the tokenizer is whole");
    agrees_with(&tokenizer, &reference(&vectors().join("pack_tokenizer.json")));
}

#[test]
fn unknown_words_are_named_once_also_where_the_prompt_is_cut() {
    let pack = TinyPack::new();
    let tokenizer = PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole");
    let found = tokenizer.encode("Zebra a zebra Zebra b quokka").expect("it can be tokenized");
    assert_eq!(found.ids, [0, 2, 3, 1]);
    assert_eq!(found.unknown_words, ["Zebra", "zebra", "quokka"]);
    assert!(found.truncated);
    assert_eq!(tokenizer.known_words().expect("a word list"), ["a", "b", "c"]);
    assert_eq!(tokenizer.vocabulary_size(), 6);
}

#[test]
fn a_word_list_without_an_unknown_token_drops_what_it_does_not_know() {
    let pack = TinyPack::new();
    pack.write("tokenizer/tokenizer.json", &word_list_tokenizer(None).to_string());
    let tokenizer = PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole");
    let found = tokenizer.encode("a Zèbra, C").expect("it can be tokenized");
    assert_eq!(found.ids, [0, 3, 5, 1]);
    assert_eq!(found.unknown_words, ["Zèbra", ","]);
    assert!(!found.truncated);
    assert_eq!(tokenizer.encode("zebra").expect("it can be tokenized").ids, [0, 1, 1, 1]);
}

#[test]
fn the_configuration_of_transformers_rules_over_the_padding_of_tokenizer_json() {
    let pack = TinyPack::new();
    pack.write(
        "tokenizer/tokenizer_config.json",
        r#"{ "model_max_length": 6, "pad_token": { "content": "c" }, "padding_side": "left" }"#,
    );
    let tokenizer = PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole");
    assert_eq!(tokenizer.encode("a b").expect("it can be tokenized").ids, [5, 5, 0, 3, 4, 1]);
}

#[test]
fn a_boundless_model_max_length_is_no_length() {
    let pack = TinyPack::new();
    pack.write(
        "tokenizer/tokenizer_config.json",
        r#"{ "model_max_length": 1000000000000000019884624838656, "pad_token": null }"#,
    );
    assert_eq!(PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole").prompt_length(), 4);
}

#[test]
fn the_padding_token_may_stand_in_the_special_tokens_map() {
    let pack = TinyPack::new();
    let mut description = word_list_tokenizer(Some("<unk>"));
    description["padding"] = Value::Null;
    pack.write("tokenizer/tokenizer.json", &description.to_string());
    pack.write("tokenizer/special_tokens_map.json", r#"{ "pad_token": "b" }"#);
    let tokenizer = PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole");
    assert_eq!(tokenizer.encode("a").expect("it can be tokenized").ids, [0, 3, 1, 4]);
}

#[test]
fn a_tokenizer_that_cannot_be_used_says_why() {
    let mut unpadded = word_list_tokenizer(Some("<unk>"));
    unpadded["padding"] = Value::Null;
    let mut boundless = unpadded.clone();
    boundless["truncation"] = Value::Null;
    let whole = word_list_tokenizer(Some("<unk>"));
    for (description, config, message) in [
        (unpadded.to_string(), "{}", "padding token"),
        (boundless.to_string(), r#"{ "pad_token": "a" }"#, "how many tokens"),
        (whole.to_string(), r#"{ "pad_token": "absent" }"#, "`absent`"),
        (whole.to_string(), r#"{ "model_max_length": 2 }"#, "no room for words"),
        (r#"{ "model": {} }"#.into(), "{}", "tokenizer.json"),
    ] {
        let pack = TinyPack::new();
        pack.write("tokenizer/tokenizer.json", &description);
        pack.write("tokenizer/tokenizer_config.json", config);
        let error = PromptTokenizer::open(&pack.path("tokenizer")).expect_err("it cannot be used");
        assert!(matches!(error, PackError::Tokenizer { .. }), "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
}

/// `vocab.json` and `merges.txt` of a `tokenizer.json`, in its place.
fn slow_files(pack: &TinyPack, description: &Value, config: &str) {
    let merges: Vec<_> = description["model"]["merges"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|pair| format!("{} {}\n", pair[0].as_str().expect("a piece"), pair[1].as_str().expect("a piece")))
        .collect();
    pack.remove("tokenizer/tokenizer.json");
    pack.write("tokenizer/vocab.json", &description["model"]["vocab"].to_string());
    pack.write("tokenizer/merges.txt", &("#version: 0.2\n".to_owned() + &merges.concat()));
    pack.write("tokenizer/tokenizer_config.json", config);
}

#[test]
fn vocabulary_and_merges_give_the_ids_of_the_tokenizer_json_that_they_stand_for() {
    let folder = vectors().join("clip_tokenizer");
    let description = reference(&folder.join("tokenizer.json"));
    let config = std::fs::read_to_string(folder.join("tokenizer_config.json")).expect("it is committed");
    let pack = TinyPack::new();
    slow_files(&pack, &description, &config);
    let tokenizer = PromptTokenizer::open(&pack.path("tokenizer")).expect("the files are whole");
    assert_eq!(tokenizer.file(), pack.path("tokenizer/vocab.json"));
    agrees_with(&tokenizer, &reference(&folder.join("reference.json")));
    // Where nothing else is said, special tokens are CLIP's.
    pack.write("tokenizer/tokenizer_config.json", r#"{ "model_max_length": 12 }"#);
    agrees_with(
        &PromptTokenizer::open(&pack.path("tokenizer")).expect("the files are whole"),
        &reference(&folder.join("reference.json")),
    );
}

#[test]
fn slow_tokenizer_files_that_cannot_be_used_are_told_by_name() {
    let description = reference(&vectors().join("clip_tokenizer/tokenizer.json"));
    let pack = TinyPack::new();
    let refusal = || {
        let error = PromptTokenizer::open(&pack.path("tokenizer")).expect_err("it cannot be used");
        error.to_string()
    };
    slow_files(&pack, &description, r#"{ "model_max_length": 12, "tokenizer_class": "T5Tokenizer" }"#);
    let text = refusal();
    assert!(text.contains("tokenizer_config.json: `tokenizer_class`") && text.contains("T5Tokenizer"), "{text}");
    pack.write("tokenizer/tokenizer_config.json", r#"{ "model_max_length": 12, "pad_token": "<pad>" }"#);
    let text = refusal();
    assert!(text.contains("vocab.json: `<pad>`"), "{text}");
    pack.write("tokenizer/tokenizer_config.json", "{}");
    let text = refusal();
    assert!(text.contains("model_max_length"), "{text}");
    pack.write("tokenizer/tokenizer_config.json", r#"{ "model_max_length": 12 }"#);
    pack.write("tokenizer/merges.txt", "#version: 0.2\no n\nthree in one\n");
    let text = refusal();
    assert!(text.contains("merges.txt: line 3") && text.contains("three in one"), "{text}");
    pack.remove("tokenizer/merges.txt");
    let text = refusal();
    assert!(text.contains("lacks") && text.contains("merges.txt"), "{text}");
}
