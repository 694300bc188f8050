//! Why the agents could not be asked.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use crate::judge::endpoint::EndpointError;
use crate::judge::template::TemplateError;
use crate::onnx::PackError;

/// A question that could not be put.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum JudgeError {
    /// The pack's files or sessions fail.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] PackError),

    /// The prompt's template cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),

    /// A template leaves the form of the conversation to the pack, which has none.
    #[error("{} has no `format`, and the pack {} no chat template to take its place", .template.display(), .pack.display())]
    #[diagnostic(help(
        "write the `format` of the model's conversations into the template, say\n  \
         format = \"USER: {{general}}\\n{{agent}}\\n{{picture}}\\n{{question}} ASSISTANT:\""
    ))]
    NoChatTemplate { template: PathBuf, pack: PathBuf },

    /// The endpoint gives no answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Endpoint(#[from] EndpointError),

    /// Marks of the template's scale are no single tokens of the pack.
    #[error(
        "`expectation` reads the score from one token, but {pack} has no single token for {} of the marks {lowest} to \
         {highest}: {marks}",
        .missing
    )]
    #[diagnostic(help(
        "choose a scale in the judge's template whose marks are tokens, say scale = {{ lowest = 0, highest = 9 }}, or \
         read the answer's text with `judge.readout = \"greedy\"` or `\"sample\"`"
    ))]
    ScoreTokens {
        /// Name of the pack.
        pack: String,
        lowest: i32,
        highest: i32,
        /// Number of marks that are no tokens.
        missing: usize,
        /// The first of them.
        marks: String,
    },

    /// Prompt, picture and answer are more than the model can hold.
    #[error(
        "the question about \"{request}\" needs {needed} tokens (prompt {text}, picture {picture}, answer up to {answer}), but \
         the judge can hold {allowed}"
    )]
    #[diagnostic(help("{help}"))]
    ContextTooLong {
        request: String,
        needed: usize,
        allowed: usize,
        /// Tokens of the text around the picture.
        text: usize,
        /// Tokens of the picture.
        picture: usize,
        /// Most tokens of the answer.
        answer: usize,
        /// What makes fewer of them: also of the picture, where it takes many.
        help: String,
    },

    /// An option is outside its range.
    #[error("`judge.{option}` should be {expected}, found {found}")]
    #[diagnostic(help("correct it in the scenario"))]
    Options { option: &'static str, expected: &'static str, found: String },

    /// Answers are drawn, and a question has no stream to draw from.
    #[error("a question without a seed cannot be answered by drawing")]
    #[diagnostic(help("give every question a seed, or use `judge.readout = \"expectation\"` or `\"greedy\"`"))]
    NoSeed,
}
