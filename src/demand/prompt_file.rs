//! A text file of prompts, one a line, most popular first. Lines that begin with `#` are remarks, blank ones mean nothing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

/// What is wrong with a file of prompts; lines count from 1.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum PromptFileError {
    /// It is missing or cannot be opened.
    #[error("cannot read the prompts in {}: {reason}", path.display())]
    #[diagnostic(help(
        "the path is relative to the working directory; the file has one prompt a line, as `latentlink prompts` writes it"
    ))]
    Unreadable { path: PathBuf, reason: String },
    /// A prompt that is there twice.
    #[error("{}:{line}: \"{prompt}\" is there already, in line {before}", path.display())]
    #[diagnostic(help("write each prompt once: popularity goes by the place in the file and `demand.zipf_exponent`"))]
    Twice { path: PathBuf, line: usize, before: usize, prompt: String },
    /// Nothing but remarks.
    #[error("{} holds no prompt", path.display())]
    #[diagnostic(help("write one prompt a line; a line that begins with # is a remark"))]
    Nothing { path: PathBuf },
}

/// The prompts of a file.
///
/// # Errors
/// [`PromptFileError`] for the first thing that is wrong.
pub fn read_prompts(path: &Path) -> Result<Vec<String>, PromptFileError> {
    let unreadable = |reason: String| PromptFileError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut prompts: Vec<String> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for (index, line) in text.lines().enumerate() {
        let prompt = line.trim();
        if prompt.is_empty() || prompt.starts_with('#') {
            continue;
        }
        if !seen.insert(prompt) {
            let before = text.lines().position(|line| line.trim() == prompt).map_or(0, |before| before + 1);
            return Err(PromptFileError::Twice {
                path: path.to_owned(),
                line: index + 1,
                before,
                prompt: prompt.to_owned(),
            });
        }
        prompts.push(prompt.to_owned());
    }
    if prompts.is_empty() {
        return Err(PromptFileError::Nothing { path: path.to_owned() });
    }
    Ok(prompts)
}

/// The text of a file of these prompts, with remarks above them.
pub fn written(remarks: &[String], prompts: &[String]) -> String {
    let remarks = remarks.iter().map(|remark| format!("# {remark}\n"));
    remarks.chain(prompts.iter().map(|prompt| format!("{prompt}\n"))).collect()
}
