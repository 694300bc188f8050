//! Which tokens of a tokenizer are its special ones, as transformers reads `tokenizer_config.json` and
//! `special_tokens_map.json`.
//!
//! Its files of today have all in the former, with a table of the added tokens (`added_tokens_decoder`), and then the latter
//! is not read. Older ones have no such table; there what the latter says counts before the former, as in Stable Diffusion
//! 2.1, whose padding is `!` by the one and `<|endoftext|>` by the other.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::onnx::pack::read_object_if_there;
use crate::onnx::pack_error::PackError;

pub(in crate::onnx) const CONFIG_FILE: &str = "tokenizer_config.json";
const MAP_FILE: &str = "special_tokens_map.json";

/// The two files of a folder; either may be absent.
pub(super) struct SpecialTokenFiles {
    config_file: PathBuf,
    pub config: Value,
    map_file: PathBuf,
    map: Value,
}

/// What the files say of one special token.
pub(super) enum Named {
    Nothing,
    /// `null` in `tokenizer_config.json`: there is none.
    None,
    Token(String),
}

impl SpecialTokenFiles {
    pub fn read(folder: &Path) -> Result<Self, PackError> {
        let (config_file, map_file) = (folder.join(CONFIG_FILE), folder.join(MAP_FILE));
        Ok(Self {
            config: read_object_if_there(&config_file)?,
            map: read_object_if_there(&map_file)?,
            config_file,
            map_file,
        })
    }

    /// The token that is called `key`.
    pub fn named(&self, key: &str) -> Result<Named, PackError> {
        let in_map = token_text(&self.map_file, key, &self.map[key])?;
        let in_config = token_text(&self.config_file, key, &self.config[key])?;
        Ok(match in_map.filter(|_| self.config["added_tokens_decoder"].is_null()).or(in_config) {
            Some(token) => Named::Token(token.to_owned()),
            None if self.config.get(key).is_some() => Named::None,
            None => Named::Nothing,
        })
    }

    /// A text of `tokenizer_config.json` that is one of these.
    pub fn word<'w, T: Copy>(&self, key: &str, words: &'w [(&'w str, T)]) -> Result<Option<T>, PackError> {
        let value = &self.config[key];
        if value.is_null() {
            return Ok(None);
        }
        let known = words.iter().find(|(word, _)| value == word);
        known.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let names: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            PackError::config(&self.config_file, key, names.join(" or "), value)
        })
    }

    /// The error for `key` of `tokenizer_config.json`.
    pub fn wrong(&self, key: &str, expected: &str) -> PackError {
        PackError::config(&self.config_file, key, expected, &self.config[key])
    }

    /// The same, of a value below it.
    pub fn wrong_value(&self, key: &str, expected: &str, found: &Value) -> PackError {
        PackError::config(&self.config_file, key, expected, found)
    }
}

/// A token in transformers' files is a text, or an object with its text under `content`.
///
/// # Errors
/// [`PackError::Config`] where it is neither, and not `null`.
pub(in crate::onnx) fn token_text<'t>(file: &Path, key: &str, token: &'t Value) -> Result<Option<&'t str>, PackError> {
    if token.is_null() {
        return Ok(None);
    }
    let text = token.as_str().or_else(|| token["content"].as_str());
    text.map(Some).ok_or_else(|| PackError::config(file, key, "a token: a text, or { content = a text }", token))
}
