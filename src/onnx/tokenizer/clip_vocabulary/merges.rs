//! `merges.txt`: one pair of pieces a line, in the order in which they are joined, under a first line that names a version.
//!
//! It and `vocab.json` are made together: the vocabulary is the bytes as letters, the same at the end of words, one token for
//! each line, and the special tokens (OpenAI's `simple_tokenizer.py`). So a line whose pieces are no tokens, and a token
//! that no line makes, tell of a file that was cut or belongs to another vocabulary; a prompt would get other ids than the
//! text encoder was trained with.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::onnx::pack::read_text;
use crate::onnx::pack_error::PackError;

const MERGES_FILE: &str = "merges.txt";
const WORD_END: &str = "</w>";

/// CLIP's tokenizer joins no more pairs than these: 49,152 tokens less 256 bytes, as many at a word's end, and two marks.
const MOST_MERGES: usize = 49_152 - 256 - 2;

/// The pairs of `merges.txt` in `folder`, which make the tokens of `vocabulary` but for those that `is_special`.
pub(super) fn merges(
    folder: &Path,
    vocabulary: &Map<String, Value>,
    is_special: impl Fn(&str) -> bool,
) -> Result<Vec<[String; 2]>, PackError> {
    let file = folder.join(MERGES_FILE);
    if !file.is_file() {
        return Err(PackError::MissingFile { file, role: "which letters of a prompt are joined" });
    }
    let text = read_text(&file)?;
    let lines = Lines { file, vocabulary };
    let pairs: Vec<[String; 2]> = text
        .trim()
        .split('\n')
        .zip(1..)
        .skip(1)
        .take(MOST_MERGES)
        .map(|(line, number)| lines.pair(line, number))
        .collect::<Result<_, _>>()?;
    if pairs.is_empty() {
        return Err(lines.wrong(
            "it joins nothing: below its first line stands one pair of pieces a line".into(),
            "the file was not fetched to its end: fetch or export the pack again",
        ));
    }
    lines.require_all_made(&pairs, is_special)?;
    Ok(pairs)
}

struct Lines<'v> {
    file: PathBuf,
    vocabulary: &'v Map<String, Value>,
}

impl Lines<'_> {
    fn pair(&self, line: &str, number: usize) -> Result<[String; 2], PackError> {
        let [first, second] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            let message = format!("line {number} should be two pieces with a space between, found “{line}”");
            return Err(self.wrong(message, "fetch or export the pack again"));
        };
        let joined = format!("{first}{second}");
        match [first, second, &joined].into_iter().find(|token| !self.vocabulary.contains_key(*token)) {
            None => Ok([first.to_owned(), second.to_owned()]),
            Some(missing) => Err(self.wrong(
                format!("line {number} joins `{first}` and `{second}`, but vocab.json has no token `{missing}`"),
                "take vocab.json and merges.txt from one tokenizer",
            )),
        }
    }

    /// Refuses a vocabulary with tokens that no pair makes.
    fn require_all_made(&self, pairs: &[[String; 2]], is_special: impl Fn(&str) -> bool) -> Result<(), PackError> {
        let made: HashSet<String> = pairs.iter().map(|pair| pair.concat()).collect();
        let is_letter = |token: &str| token.strip_suffix(WORD_END).unwrap_or(token).chars().count() <= 1;
        let never_made = |token: &&String| !made.contains(*token) && !is_letter(token) && !is_special(token);
        let mut lost: Vec<&String> = self.vocabulary.keys().filter(never_made).collect();
        lost.sort_by_key(|token| self.vocabulary[*token].as_u64());
        match lost.as_slice() {
            [] => Ok(()),
            [first, others @ ..] => {
                let others = match others.len() {
                    0 => String::new(),
                    number => format!(", nor {number} others"),
                };
                Err(self.wrong(
                    format!(
                        "no line makes the token `{first}` of vocab.json{others}: it is cut, or of another vocabulary"
                    ),
                    "fetch the file again, or take vocab.json and merges.txt from one tokenizer",
                ))
            }
        }
    }

    fn wrong(&self, message: String, help: &str) -> PackError {
        PackError::Tokenizer { file: self.file.clone(), message, help: help.to_owned() }
    }
}
