//! CLIP's tokenizer from the two files that Stable Diffusion repositories have in place of a `tokenizer.json`:
//! `vocab.json`, the tokens and their numbers, and `merges.txt`, the byte pairs in the order in which they are joined.
//!
//! The files say nothing of how text is cut before it is numbered, nor what surrounds a prompt; that is CLIP's own
//! (OpenAI's `simple_tokenizer.py`), and is written out here as the `tokenizer.json` of transformers' `CLIPTokenizerFast`:
//! lower case, words, contractions, single digits and runs of signs, bytes as letters, `</w>` at the end of words.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::pack::{read_json, read_text};
use super::pack_error::PackError;

pub(super) const VOCABULARY_FILE: &str = "vocab.json";
pub(super) const MERGES_FILE: &str = "merges.txt";

/// Classes of transformers whose two files these are.
const CLASSES: [&str; 2] = ["CLIPTokenizer", "CLIPTokenizerFast"];
/// CLIP's tokenizer joins no more pairs than these: 49,152 tokens less 256 bytes, as many at a word's end, and two marks.
const MOST_MERGES: usize = 49_152 - 256 - 2;
/// What CLIP's tokenizer takes where no file names its special tokens.
const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// The special tokens of a CLIP tokenizer.
pub(super) struct SpecialTokens {
    start: String,
    end: String,
    unknown: String,
    pub padding: String,
}

impl SpecialTokens {
    /// As `tokenizer_config.json` and, where it is silent, `special_tokens_map.json` name them.
    pub fn named_by(config: &Value, special_tokens: &Value) -> Self {
        let named = |key: &str, otherwise: &str| {
            let text = token_text(&config[key]).or_else(|| token_text(&special_tokens[key]));
            text.unwrap_or(otherwise).to_owned()
        };
        Self {
            start: named("bos_token", START),
            end: named("eos_token", END),
            unknown: named("unk_token", END),
            padding: named("pad_token", END),
        }
    }
}

/// A token in transformers' files is a string, or an object with its text under `content`.
pub(super) fn token_text(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token["content"].as_str())
}

/// The `tokenizer.json` that `vocab.json` and `merges.txt` in `folder` stand for.
///
/// # Errors
/// A tokenizer of another class, unreadable files, a vocabulary without the special tokens.
pub(super) fn description(folder: &Path, config: &Value, special: &SpecialTokens) -> Result<Value, PackError> {
    if let Some(class) = config["tokenizer_class"].as_str().filter(|class| !CLASSES.contains(class)) {
        return Err(PackError::Config {
            file: folder.join("tokenizer_config.json"),
            key: "tokenizer_class".into(),
            expected: "CLIPTokenizer: of others a tokenizer.json is needed".into(),
            found: class.into(),
        });
    }
    let vocabulary_file = folder.join(VOCABULARY_FILE);
    let vocabulary = read_json(&vocabulary_file)?;
    let number = |token: &str| {
        vocabulary[token].as_u64().ok_or_else(|| PackError::Config {
            file: vocabulary_file.clone(),
            key: token.into(),
            expected: "the number of this special token".into(),
            found: super::pack::shortened(&vocabulary[token]),
        })
    };
    let (start, end) = (number(&special.start)?, number(&special.end)?);
    number(&special.unknown)?;
    number(&special.padding)?;
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(config, special, &vocabulary),
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "NFC" },
            { "type": "Replace", "pattern": { "Regex": "\\s+" }, "content": " " },
            { "type": "Lowercase" }
        ]},
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            {
                "type": "Split",
                "pattern": { "Regex": "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
                "behavior": "Removed",
                "invert": true
            },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true }
        ]},
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": [special.end, end],
            "cls": [special.start, start],
            "trim_offsets": false,
            "add_prefix_space": false
        },
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": special.unknown,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>",
            "fuse_unk": false,
            "byte_fallback": false,
            "merges": merges(&folder.join(MERGES_FILE))?,
            "vocab": vocabulary
        }
    }))
}

/// What is cut out of a prompt before anything else: the special tokens, and what `added_tokens_decoder` lists. A padding
/// token that is a sign, the `!` of Stable Diffusion 2, is among them: as in transformers, a prompt's own `!` becomes it.
fn added_tokens(config: &Value, special: &SpecialTokens, vocabulary: &Value) -> Vec<Value> {
    let mut tokens: Vec<(u64, Value)> = Vec::new();
    let listed = config["added_tokens_decoder"].as_object().into_iter().flatten();
    for (id, token) in listed {
        let (Ok(id), Some(content)) = (id.parse(), token["content"].as_str()) else { continue };
        let flag = |name: &str, otherwise: bool| token[name].as_bool().unwrap_or(otherwise);
        let normalized = flag("normalized", !flag("special", false));
        tokens.push((id, added_token(id, content, normalized, |name| flag(name, false))));
    }
    for content in [&special.start, &special.end, &special.unknown, &special.padding] {
        let id = vocabulary[content.as_str()].as_u64().unwrap_or_default();
        if tokens.iter().all(|(known, _)| *known != id) {
            // The marks may be written in any case; a plain sign is one.
            let normalized = [START, END].contains(&content.as_str());
            tokens.push((id, added_token(id, content, normalized, |name| name == "special")));
        }
    }
    tokens.sort_by_key(|(id, _)| *id);
    tokens.into_iter().map(|(_, token)| token).collect()
}

fn added_token(id: u64, content: &str, normalized: bool, flag: impl Fn(&str) -> bool) -> Value {
    let mut token = Map::new();
    token.insert("id".into(), id.into());
    token.insert("content".into(), content.into());
    token.insert("normalized".into(), normalized.into());
    for name in ["single_word", "lstrip", "rstrip", "special"] {
        token.insert(name.into(), flag(name).into());
    }
    Value::Object(token)
}

/// The pairs of `merges.txt`; its first line names a version.
fn merges(file: &Path) -> Result<Vec<[String; 2]>, PackError> {
    if !file.is_file() {
        return Err(PackError::MissingFile { file: file.to_owned(), role: "which letters of a prompt are joined" });
    }
    let text = read_text(file)?;
    let lines = text.trim().split('\n').zip(1..).skip(1).take(MOST_MERGES);
    let pairs = lines
        .map(|(line, number)| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [first, second] => Ok([(*first).to_owned(), (*second).to_owned()]),
            _ => Err(PackError::Tokenizer {
                file: file.to_owned(),
                message: format!("line {number} should be two pieces with a space between, found “{line}”"),
                help: "fetch or export the pack again".into(),
            }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    if pairs.is_empty() {
        return Err(PackError::Tokenizer {
            file: file.to_owned(),
            message: "it joins nothing: below its first line stands one pair of pieces a line".into(),
            help: "the file was not fetched to its end: fetch or export the pack again".into(),
        });
    }
    Ok(pairs)
}
