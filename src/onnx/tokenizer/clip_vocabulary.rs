//! CLIP's tokenizer from the two files that Stable Diffusion repositories have in place of a `tokenizer.json`:
//! `vocab.json`, the tokens and their numbers, and `merges.txt`, the byte pairs in the order in which they are joined.
//!
//! The files say nothing of how text is cut before it is numbered, nor what surrounds a prompt; that is CLIP's own
//! (OpenAI's `simple_tokenizer.py`), and is written out here as the `tokenizer.json` of transformers' `CLIPTokenizerFast`:
//! lower case, words, contractions, single digits and runs of signs, bytes as letters, `</w>` at the end of words.

mod merges;

use std::path::Path;

use serde_json::{Map, Value, json};

use self::merges::merges;
use super::special_tokens::{CONFIG_FILE, Named, SpecialTokenFiles};
use crate::onnx::pack::{read_object, shortened};
use crate::onnx::pack_error::PackError;

pub(super) const VOCABULARY_FILE: &str = "vocab.json";
pub(super) const MERGES_FILE: &str = "merges.txt";

/// Classes of transformers whose two files these are.
const CLASSES: [&str; 2] = ["CLIPTokenizer", "CLIPTokenizerFast"];
/// What CLIP's tokenizer takes where no file names its special tokens.
const START: &str = "<|startoftext|>";
pub(super) const END: &str = "<|endoftext|>";

/// The special tokens of a CLIP tokenizer.
pub(super) struct SpecialTokens {
    start: String,
    end: String,
    unknown: String,
    pub padding: String,
}

impl SpecialTokens {
    /// As the files name them, else CLIP's own.
    ///
    /// # Errors
    /// [`PackError::Config`] where there is to be no padding, or a token is no text.
    pub fn named_by(files: &SpecialTokenFiles) -> Result<Self, PackError> {
        let named = |key: &str, otherwise: &str| match files.named(key)? {
            Named::Token(text) => Ok(text),
            Named::None if key == "pad_token" => {
                Err(files.wrong(key, "the token that fills up short prompts: without the line it is <|endoftext|>"))
            }
            Named::Nothing | Named::None => Ok(otherwise.to_owned()),
        };
        Ok(Self {
            start: named("bos_token", START)?,
            end: named("eos_token", END)?,
            unknown: named("unk_token", END)?,
            padding: named("pad_token", END)?,
        })
    }

    fn all(&self) -> [&str; 4] {
        [&self.start, &self.end, &self.unknown, &self.padding]
    }
}

/// Whether a class of transformers is CLIP's.
pub(super) fn is_clip(class: &Value) -> bool {
    CLASSES.iter().any(|known| class == known)
}

/// The `tokenizer.json` that `vocab.json` and `merges.txt` in `folder` stand for.
///
/// # Errors
/// A tokenizer of another class, unreadable files, a vocabulary without the special tokens.
pub(super) fn description(
    folder: &Path,
    files: &SpecialTokenFiles,
    special: &SpecialTokens,
) -> Result<Value, PackError> {
    let class = &files.config["tokenizer_class"];
    if !class.is_null() && !is_clip(class) {
        return Err(PackError::Config {
            file: folder.join(CONFIG_FILE),
            key: "tokenizer_class".into(),
            expected: "CLIPTokenizer: of others a tokenizer.json is needed".into(),
            found: class.as_str().map_or_else(|| shortened(class), str::to_owned),
        });
    }
    let vocabulary_file = folder.join(VOCABULARY_FILE);
    let vocabulary = read_object(&vocabulary_file)?;
    let vocabulary = vocabulary.as_object().expect("an object was read");
    let is_id = |id: &Value| id.as_u64().is_some_and(|id| u32::try_from(id).is_ok());
    if let Some((token, id)) = vocabulary.iter().find(|(_, id)| !is_id(id)) {
        return Err(PackError::config(&vocabulary_file, token, "the id of this token, a whole number", id));
    }
    let number = |token: &str| {
        let id = vocabulary.get(token).and_then(Value::as_u64);
        id.ok_or_else(|| PackError::config(&vocabulary_file, token, "the id of this special token", &Value::Null))
    };
    let (start, end) = (number(&special.start)?, number(&special.end)?);
    number(&special.unknown)?;
    number(&special.padding)?;
    let added_tokens = added_tokens(files, special, vocabulary)?;
    let is_special = |token: &str| added_tokens.iter().any(|added| added["content"] == token);
    let merges = merges(folder, vocabulary, is_special)?;
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens,
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
            "merges": merges,
            "vocab": vocabulary
        }
    }))
}

/// What is cut out of a prompt before anything else: the special tokens, and what `added_tokens_decoder` lists. A padding
/// token that is a sign, the `!` of Stable Diffusion 2, is among them: as in transformers, a prompt's own `!` becomes it.
fn added_tokens(
    files: &SpecialTokenFiles,
    special: &SpecialTokens,
    vocabulary: &Map<String, Value>,
) -> Result<Vec<Value>, PackError> {
    let mut tokens: Vec<(u64, Value)> = Vec::new();
    let key = "added_tokens_decoder";
    let listed = match &files.config[key] {
        Value::Null => None,
        Value::Object(listed) => Some(listed),
        _ => return Err(files.wrong(key, "an object of tokens by their ids")),
    };
    for (id, token) in listed.into_iter().flatten() {
        let wrong = |name: &str, expected| files.wrong_value(&format!("{key}.{id}{name}"), expected, token);
        let flag = |name: &str, otherwise: bool| match &token[name] {
            Value::Null => Ok(otherwise),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(wrong(&format!(".{name}"), "true or false")),
        };
        let number = id.parse().map_err(|_| wrong("", "below the token's id, a whole number"))?;
        let content = token["content"].as_str().ok_or_else(|| wrong("", "a token with its text under `content`"))?;
        let normalized = flag("normalized", !flag("special", false)?)?;
        let flags = FLAGS.iter().map(|name| Ok((*name, flag(name, false)?))).collect::<Result<Vec<_>, PackError>>()?;
        tokens.push((number, added_token(number, content, normalized, flags)));
    }
    for content in special.all() {
        let id = vocabulary[content].as_u64().unwrap_or_default();
        if tokens.iter().all(|(known, _)| *known != id) {
            // The marks may be written in any case; a plain sign is one.
            let normalized = [START, END].contains(&content);
            let flags = FLAGS.map(|name| (name, name == "special"));
            tokens.push((id, added_token(id, content, normalized, flags)));
        }
    }
    tokens.sort_by_key(|(id, _)| *id);
    Ok(tokens.into_iter().map(|(_, token)| token).collect())
}

/// What may be said of an added token.
const FLAGS: [&str; 4] = ["single_word", "lstrip", "rstrip", "special"];

fn added_token(
    id: u64,
    content: &str,
    normalized: bool,
    flags: impl IntoIterator<Item = (&'static str, bool)>,
) -> Value {
    let mut token = Map::new();
    token.insert("id".into(), id.into());
    token.insert("content".into(), content.into());
    token.insert("normalized".into(), normalized.into());
    token.extend(flags.into_iter().map(|(name, flag)| (name.to_owned(), flag.into())));
    Value::Object(token)
}
