//! CLIP's tokenizer from its two files: padding as transformers does it, and what is said where a file is cut, absent or of
//! another tokenizer.

use latentlink::onnx::{PackError, PromptTokenizer};
use serde_json::{Value, json};

use crate::error_text::{says, told};
use crate::tiny_pack::{TinyPack, vectors, word_list_tokenizer};
use crate::tiny_stable_diffusion::StableDiffusionPack;

/// What is said of a changed tokenizer.
fn refusal(change: impl FnOnce(&StableDiffusionPack)) -> (PackError, String) {
    let pack = StableDiffusionPack::new("sd15");
    change(&pack);
    let error = PromptTokenizer::open(&pack.path("tokenizer")).expect_err("it cannot be used");
    let text = told(&error, pack.root());
    (error, text)
}

#[test]
fn prompts_are_padded_with_the_token_that_transformers_takes_from_its_two_files() {
    let reference = std::fs::read(vectors().join("clip_padding.json")).expect("the reference is committed");
    let reference: Value = serde_json::from_slice(&reference).expect("the reference is JSON");
    let prompt = reference["prompt"].as_str().expect("a text");
    let cases = reference["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 50);
    for case in cases {
        let pack = StableDiffusionPack::new("sd15");
        pack.write("tokenizer/tokenizer_config.json", &case["config"].to_string());
        match &case["map"] {
            Value::Null => pack.remove("tokenizer/special_tokens_map.json"),
            map => pack.write("tokenizer/special_tokens_map.json", &map.to_string()),
        }
        match (PromptTokenizer::open(&pack.path("tokenizer")), case["ids"].as_array()) {
            (Ok(tokenizer), Some(ids)) => {
                let found = tokenizer.encode(prompt).expect("it can be tokenized").ids;
                assert_eq!(json!(found[..ids.len()]), case["ids"], "{case}");
                assert!(found[ids.len()..].iter().all(|id| json!(id) == ids[ids.len() - 1]), "{case}");
            }
            // Transformers refuses to pad.
            (Err(error), None) => says(&error.to_string(), &["tokenizer_config.json: `pad_token`"]),
            (found, _) => panic!("{found:?} for {case}"),
        }
    }
}

#[test]
fn merges_that_are_cut_at_their_end_are_told_by_the_first_token_that_is_lost() {
    let cut = |lines: usize| {
        refusal(|pack| {
            let whole = std::fs::read_to_string(pack.path("tokenizer/merges.txt")).expect("there");
            let kept: Vec<_> = whole.lines().take(lines).collect();
            pack.write("tokenizer/merges.txt", &(kept.join("\n") + "\n"));
        })
        .1
    };
    says(&cut(8), &["PACK/tokenizer/merges.txt: no line makes the token `bush</w>` of vocab.json: it is cut"]);
    says(&cut(6), &["no line makes the token `us` of vocab.json, nor 2 others: it is cut", "fetch the file again"]);
}

/// CLIP's own: bytes as letters, the same at a word's end, a token for each of 48,894 merges, two marks: 49,408 tokens.
#[test]
fn merges_and_vocabulary_in_the_size_of_clips_own_pass() {
    let letters: Vec<String> = (0..256).filter_map(|byte| char::from_u32(0x100 + byte)).map(String::from).collect();
    let mut tokens: Vec<String> =
        letters.iter().cloned().chain(letters.iter().map(|one| format!("{one}</w>"))).collect();
    let mut merges = String::from("#version: 0.2\n");
    let mut made = 0;
    'pairs: for first in &letters {
        for second in &letters {
            for end in ["", "</w>"] {
                if made == 48_894 {
                    break 'pairs;
                }
                merges += &format!("{first} {second}{end}\n");
                tokens.push(format!("{first}{second}{end}"));
                made += 1;
            }
        }
    }
    tokens.extend(["<|startoftext|>".into(), "<|endoftext|>".into()]);
    assert_eq!(tokens.len(), 49_408);
    let vocabulary: serde_json::Map<_, _> = tokens.into_iter().zip((0..).map(Value::from)).collect();
    let pack = StableDiffusionPack::new("sd15");
    pack.write("tokenizer/vocab.json", &Value::Object(vocabulary).to_string());
    pack.write("tokenizer/merges.txt", &merges);
    pack.edit("tokenizer/tokenizer_config.json", "\"86\"", "\"49406\"");
    pack.edit("tokenizer/tokenizer_config.json", "\"87\"", "\"49407\"");
    let tokenizer = PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole");
    assert_eq!(tokenizer.vocabulary_size(), 49_408);
    // Of the file that came with CLIP itself only as many lines count.
    pack.write("tokenizer/merges.txt", &(merges.clone() + "one more\n"));
    PromptTokenizer::open(&pack.path("tokenizer")).expect("it is whole");
    let end = merges.trim_end().rfind('\n').expect("lines");
    pack.write("tokenizer/merges.txt", &merges[..end]);
    PromptTokenizer::open(&pack.path("tokenizer")).expect_err("one is lost");
}

#[test]
fn files_of_two_tokenizers_are_told_by_line_and_token() {
    let (_, text) = refusal(|pack| pack.edit("tokenizer/merges.txt", "b ush</w>", "b ush</w>\nb us"));
    says(&text, &["PACK/tokenizer/merges.txt: line 10 joins `b` and `us`, but vocab.json has no token `bus`"]);
    let (_, text) = refusal(|pack| pack.edit("tokenizer/vocab.json", "\"ush</w>\": 84,", ""));
    says(&text, &["merges.txt: line 8 joins `us` and `h</w>`, but vocab.json has no token `ush</w>`", "one tokenizer"]);
    let (error, text) = refusal(|pack| pack.edit("tokenizer/vocab.json", "\"z\": 28", "\"z\": -28"));
    assert!(matches!(error, PackError::Config { .. }), "{error}");
    says(&text, &["PACK/tokenizer/vocab.json: `z` should be the id of this token, a whole number, found -28"]);
    let (_, text) = refusal(|pack| pack.write("tokenizer/vocab.json", "[]"));
    says(&text, &["PACK/tokenizer/vocab.json", "a JSON object"]);
}

#[test]
fn of_two_files_the_one_that_is_gone_is_asked_for() {
    for file in ["tokenizer/vocab.json", "tokenizer/merges.txt"] {
        let (error, text) = refusal(|pack| pack.remove(file));
        assert!(matches!(error, PackError::MissingFile { .. }), "{error}");
        says(&text, &[&format!("lacks PACK/{file} (")]);
    }
    let (_, text) = refusal(|pack| {
        pack.remove("tokenizer/vocab.json");
        pack.remove("tokenizer/merges.txt");
    });
    says(&text, &["lacks PACK/tokenizer/tokenizer.json (how prompts become tokens)"]);
}

#[test]
fn settings_of_the_wrong_kind_are_errors_and_not_taken_for_absent() {
    for (key, value) in [
        ("model_max_length", json!("77")),
        ("model_max_length", json!(-77)),
        ("model_max_length", json!(0)),
        ("model_max_length", json!(77.5)),
        ("truncation_side", json!("middle")),
        ("padding_side", json!(true)),
        ("pad_token", json!(3)),
        ("bos_token", json!({ "text": "a" })),
        ("added_tokens_decoder", json!([])),
        ("added_tokens_decoder", json!({ "eighty": { "content": "x" } })),
        ("added_tokens_decoder", json!({ "80": { "content": 80 } })),
        ("added_tokens_decoder", json!({ "80": { "content": "x", "special": "yes" } })),
        ("tokenizer_class", json!(1)),
    ] {
        let (error, text) = refusal(|pack| {
            let file = "tokenizer/tokenizer_config.json";
            let mut config: Value =
                serde_json::from_slice(&std::fs::read(pack.path(file)).expect("there")).expect("JSON");
            config[key] = value.clone();
            pack.write(file, &config.to_string());
        });
        assert!(matches!(error, PackError::Config { .. }), "{value}: {error}");
        says(&text, &["PACK/tokenizer/tokenizer_config.json", key]);
    }
}

#[test]
fn a_broken_tokenizer_json_is_told_by_the_part_that_cannot_be_read_and_what_it_is_for() {
    let rows: [(&str, Value, &[&str]); 11] = [
        (
            "model",
            json!({ "type": "WordLevel", "vocab": { "a": "b" }, "unk_token": "a" }),
            &["`model`", "how words become ids"],
        ),
        (
            "model",
            json!({ "type": "BPE", "vocab": { "a": 0, "b": 1 }, "merges": [["a", "b"]] }),
            &["its `model` joins `a` and `b`, but its vocab has no token of both"],
        ),
        (
            "model",
            json!({ "type": "BPE", "vocab": { "a": 0, "b": 1 }, "merges": ["a b"] }),
            &["its `model` joins `a` and `b`"],
        ),
        (
            "model",
            json!({ "type": "BPE", "vocab": { "a": 0, "b": 1 }, "merges": ["a b"], "continuing_subword_prefix": "##" }),
            &["its `model` joins `a` and `b`"],
        ),
        (
            "model",
            json!({ "type": "BPE", "vocab": { "a": 0, "b": 1, "long": 2 }, "merges": [["a", "b"]] }),
            &["`model` should be how words become ids", "BPE", "Token `ab` out of vocabulary"],
        ),
        ("model", Value::Null, &["it has no `model`", "how words become ids"]),
        (
            "normalizer",
            json!({ "type": "Upside" }),
            &["`normalizer` should be how a text is brought into one form", "Upside"],
        ),
        (
            "pre_tokenizer",
            json!({ "kind": "Whitespace" }),
            &["`pre_tokenizer` should be how a text is cut", "no `type`"],
        ),
        ("post_processor", json!("none"), &["`post_processor` should be what is put around a text"]),
        ("padding", json!({ "strategy": "Wide" }), &["`padding` should be how short texts are filled up"]),
        (
            "added_tokens",
            json!([{ "content": "<x>" }]),
            &["`added_tokens` should be a list", "found {\"content\":\"<x>\"}"],
        ),
    ];
    for (part, value, said) in rows {
        let pack = TinyPack::new();
        let mut description = word_list_tokenizer(Some("<unk>"));
        description[part] = value;
        pack.write("tokenizer/tokenizer.json", &description.to_string());
        let error = PromptTokenizer::open(&pack.path("tokenizer")).expect_err("it cannot be read");
        assert!(matches!(error, PackError::Tokenizer { .. }), "{error}");
        let text = error.to_string();
        says(&text, said);
        says(&text, &["tokenizer/tokenizer.json: it"]);
        for raw in ["untagged enum", "line 1 column"] {
            assert!(!text.contains(raw), "{text}");
        }
    }
}
