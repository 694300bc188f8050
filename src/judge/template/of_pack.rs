//! Which template the agents of a pack are asked with, and how a template for chats gets the form of conversation that the
//! pack's model was trained on.
//!
//! ```text
//!  the scenario's template, else the pack's judge_template.toml ─┬─ with `format` ──────────────────────► taken as it is
//!                                                                └─ without ──► in the pack's chat template
//!  neither ──► the built-in words, in the pack's chat template, else in LLaVA-1.5's form
//! ```
//!
//! The chat template is filled in once, with marks in the place of the texts; what it puts around them is the `format`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::place::{Piece, Place};
use super::{Format, PromptTemplate};
use crate::judge::error::JudgeError;
use crate::onnx::judge_pack::{ChatTemplate, TEMPLATE_FILE};
use crate::onnx::{JudgePack, PackError};

/// Stand for the text before the picture and after it while a chat template is filled in; no text holds them.
const BEFORE: &str = "\u{E000}before\u{E001}";
const AFTER: &str = "\u{E000}after\u{E001}";

/// A template that puts everything in its place, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenTemplate {
    pub template: PromptTemplate,
    pub source: TemplateSource,
}

/// Where a template comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSource {
    /// `None`: built in.
    pub file: Option<PathBuf>,
    /// The file of the chat template that says who speaks.
    pub chat_template: Option<PathBuf>,
}

impl fmt::Display for TemplateSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(formatter, "{}", file.display())?,
            None => formatter.write_str("the built-in template")?,
        }
        match &self.chat_template {
            Some(file) => write!(formatter, " in the chat template of {}", file.display()),
            None => Ok(()),
        }
    }
}

impl PromptTemplate {
    /// The template that the agents of the pack in `root` are asked with; `own` is the one that a scenario names.
    ///
    /// # Errors
    /// [`JudgeError::Template`], [`JudgeError::Pack`] for a chat template that cannot be used, [`JudgeError::NoChatTemplate`].
    pub fn for_pack(root: &Path, own: Option<&Path>) -> Result<ChosenTemplate, JudgeError> {
        let of_pack = || Some(root.join(TEMPLATE_FILE)).filter(|file| file.is_file());
        let file = own.map(Path::to_owned).or_else(of_pack);
        let written = file.as_deref().map(Self::read).transpose()?;
        if let Some(template) = &written
            && !template.is_for_chats()
        {
            let source = TemplateSource { file, chat_template: None };
            return Ok(ChosenTemplate { template: template.clone(), source });
        }
        match (JudgePack::chat_template_of(root)?, written, file) {
            (Some(chat), written, file) => {
                let template = written.unwrap_or_else(Self::built_in_for_chats).in_chat(&chat)?;
                let source = TemplateSource { file, chat_template: Some(chat.file().to_owned()) };
                Ok(ChosenTemplate { template, source })
            }
            (None, None, _) => {
                let source = TemplateSource { file: None, chat_template: None };
                Ok(ChosenTemplate { template: Self::built_in(), source })
            }
            (None, Some(_), file) => {
                Err(JudgeError::NoChatTemplate { template: file.unwrap_or_default(), pack: root.to_owned() })
            }
        }
    }

    /// The same words as one message of a conversation with the pack's model.
    fn in_chat(self, chat: &ChatTemplate) -> Result<Self, PackError> {
        let filled = chat.fill_in(BEFORE, AFTER)?;
        let mut format = pieces(&filled.before_picture);
        format.push(Piece::Place(Place::Picture));
        format.extend(pieces(&filled.after_picture));
        for (place, name) in [(Place::Agent, "before"), (Place::Question, "after")] {
            let times = format.iter().filter(|piece| **piece == Piece::Place(place)).count();
            if times != 1 {
                let message = format!("it writes the text {name} the picture {times} times, which should be once");
                return Err(chat.wrong(message));
            }
        }
        Ok(Self { format: Format::Given(format), ..self })
    }
}

/// What an agent is told before the picture.
pub(super) fn before_picture() -> Vec<Piece> {
    let line = || Piece::Text("\n".to_owned());
    vec![Piece::Place(Place::General), line(), Piece::Place(Place::Agent), line()]
}

/// What it is told after it.
pub(super) fn after_picture() -> Vec<Piece> {
    vec![Piece::Place(Place::Question)]
}

/// The text of a filled-in chat template with places for the marks.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let marks = [(BEFORE, before_picture()), (AFTER, after_picture())];
        let first = marks.into_iter().filter_map(|(mark, stages)| Some((rest.find(mark)?, mark, stages)));
        let Some((at, mark, stages)) = first.min_by_key(|(at, ..)| *at) else { break };
        if at > 0 {
            pieces.push(Piece::Text(rest[..at].to_owned()));
        }
        pieces.extend(stages);
        rest = &rest[at + mark.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}
