//! From the text around a picture to token ids, and from an answer's ids back to text.

use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;

use super::prompt::{highest_id, note_unknown_words, unknown_token};
use super::tokenizer_json::{tokenizer_of, unusable};
use crate::onnx::pack::{parse_json, read_text};
use crate::onnx::pack_error::PackError;

/// The tokenizer of a judge pack: its `tokenizer.json`, without the cutting and padding that the file may ask for.
#[derive(Debug)]
pub struct JudgeTokenizer {
    file: PathBuf,
    tokenizer: Tokenizer,
    /// The token that stands for unknown words.
    unknown_id: Option<u32>,
}

impl JudgeTokenizer {
    /// Opens a `tokenizer.json`.
    ///
    /// # Errors
    /// The file is not there or cannot be used.
    pub fn open(file: &Path) -> Result<Self, PackError> {
        let text = read_text(file)?;
        let description = parse_json(file, &text)?;
        let mut tokenizer = tokenizer_of(file, &text, &description)?;
        tokenizer.with_truncation(None).map_err(|error| unusable(file, error.to_string()))?.with_padding(None);
        Ok(Self { unknown_id: unknown_token(&tokenizer, &description), file: file.to_owned(), tokenizer })
    }

    /// The ids of the text before the picture: special tokens that begin a text (`<s>`) come first; those that would
    /// end it are left out, since it goes on. A text that writes such a beginning itself, as chat templates do, isn't given
    /// another.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`], say for an unknown word where the vocabulary has no token for such.
    pub fn encode_start(&self, text: &str) -> Result<Vec<i64>, PackError> {
        let encoding = self.tokenizer.encode(text, true).map_err(|error| self.failed(&error))?;
        let (ids, special) = (encoding.get_ids(), encoding.get_special_tokens_mask());
        // A special token that the template itself writes comes from a place in the text, an added one from none.
        let added = |&(index, _): &(usize, &u32)| special[index] == 1 && encoding.get_offsets()[index] == (0, 0);
        let end = ids.len() - ids.iter().enumerate().rev().take_while(added).count();
        // Without text every special token is at the end as well as at the start: one `<s>` stays.
        let end = if end == 0 && text.is_empty() { ids.len().min(1) } else { end };
        let is_added = |index: usize| ids.get(index).is_some_and(|id| added(&(index, id)));
        let written_again = end > 1 && is_added(0) && !is_added(1) && ids[0] == ids[1];
        let start = usize::from(written_again);
        Ok(ids[start..end].iter().map(|&id| i64::from(id)).collect())
    }

    /// The text of the picture's token `id`, which `key` of `config_file` names.
    ///
    /// # Errors
    /// [`PackError::Config`] where there is no such, or it is a word like any other, which prompts may hold.
    pub fn picture_token_text(&self, config_file: &Path, key: &str, id: i64) -> Result<String, PackError> {
        let text = u32::try_from(id).ok().and_then(|id| self.tokenizer.id_to_token(id));
        let tokenizer = self.file.display();
        let wrong = |found: String| PackError::Config {
            file: config_file.to_owned(),
            key: key.to_owned(),
            expected: format!("the id of the picture's token, one of the added_tokens of {tokenizer}"),
            found,
        };
        let text = text.ok_or_else(|| wrong(format!("{id}, which is no token")))?;
        match self.tokenizer.get_added_vocabulary().get_vocab().contains_key(&text) {
            true => Ok(text),
            false => Err(wrong(format!("{id}, which is the word `{text}`"))),
        }
    }

    /// Refuses a tokenizer that lacks one of these tokens.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`].
    pub fn require_tokens(&self, tokens: &[&str]) -> Result<(), PackError> {
        match tokens.iter().find(|token| self.tokenizer.token_to_id(token).is_none()) {
            None => Ok(()),
            Some(missing) => {
                Err(unusable(&self.file, format!("it has no token {missing}, which stands around a picture's tiles")))
            }
        }
    }

    /// The ids of text that goes on: no special tokens are added.
    ///
    /// # Errors
    /// As [`JudgeTokenizer::encode_start`].
    pub fn encode_rest(&self, text: &str) -> Result<Vec<i64>, PackError> {
        let encoding = self.tokenizer.encode(text, false).map_err(|error| self.failed(&error))?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    /// The text of an answer, special tokens left out.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`].
    pub fn decode(&self, ids: &[i64]) -> Result<String, PackError> {
        let ids: Vec<u32> = ids.iter().filter_map(|&id| u32::try_from(id).ok()).collect();
        self.tokenizer.decode(&ids, true).map_err(|error| self.failed(&error))
    }

    /// Words of `text` that the tokenizer doesn't know, each once, in their order.
    ///
    /// # Errors
    /// As [`JudgeTokenizer::encode_start`].
    pub fn unknown_words(&self, text: &str) -> Result<Vec<String>, PackError> {
        let encoding = self.tokenizer.encode(text, false).map_err(|error| self.failed(&error))?;
        let mut words = Vec::new();
        note_unknown_words(&self.tokenizer, self.unknown_id, text, &encoding, &mut words);
        Ok(words)
    }

    /// Whether `id` stands for words that are not known.
    pub fn is_unknown(&self, id: i64) -> bool {
        self.unknown_id.is_some_and(|unknown| i64::from(unknown) == id)
    }

    /// The highest id that a prompt may hold.
    pub(in crate::onnx) fn highest_id(&self) -> i64 {
        highest_id(&self.tokenizer, true)
    }

    /// The highest id of a word or a piece of one, tokens that were added besides left out.
    pub(in crate::onnx) fn highest_word_id(&self) -> i64 {
        highest_id(&self.tokenizer, false)
    }

    /// The file.
    pub(in crate::onnx) fn file(&self) -> &Path {
        &self.file
    }

    /// Number of tokens, special ones included.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    fn failed(&self, error: &tokenizers::Error) -> PackError {
        unusable(&self.file, error.to_string())
    }
}
