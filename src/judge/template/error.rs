//! What is wrong with a template file.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

/// What is wrong with a template file; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum TemplateError {
    /// It is missing or cannot be opened.
    #[error("cannot read the prompt's template {}: {reason}", path.display())]
    #[diagnostic(help(
        "the path is relative to the working directory; docs/judge-template.md says what stands in the file"
    ))]
    Unreadable { path: PathBuf, reason: String },
    /// Something in it.
    #[error("{}:{line}:{column}: {message}; expected {expected}", path.display())]
    #[diagnostic(help("docs/judge-template.md lists the keys of a template and the places of each text"))]
    Wrong { path: PathBuf, line: usize, column: usize, message: String, expected: String },
}
