//! The prompt to an agent, in the two stages of Fig. 6: a general set-up that explains the five traits, this user's
//! own scores, then the picture and the question that asks for a score only.
//!
//! ```text
//!  template.toml            persona                          request
//!    general ─┐               │                                 │
//!    agent ───┼─► "… You are a person with openness 0.90 …" ▢ "You had asked for: a dog … one digit from 0 to 9"
//!    question ┤     before the picture: the same for          after it
//!    format ──┘     every picture of a persona
//! ```
//!
//! Texts have places in braces; `docs/judge-template.md` lists them. A template without `format` is for chats: who speaks is
//! said by the server that is asked, or by the chat template of a pack (`of_pack.rs`).

mod error;
mod file;
mod of_pack;
mod place;

use std::path::Path;

use sha2::{Digest, Sha256};

pub use self::error::TemplateError;
pub use self::of_pack::{ChosenTemplate, TemplateSource};
use self::place::{Piece, Place};
use super::persona::Persona;
use super::score_scale::ScoreScale;

/// How families of models mark who speaks.
const SPEAKER_MARKS: [&str; 7] =
    ["USER:", "ASSISTANT:", "[INST]", "<|im_start|>", "<|user|>", "<start_of_turn>", "<|start_header_id|>"];

/// A checked template: every place that it needs is there.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptTemplate {
    scale: ScoreScale,
    general: Vec<Piece>,
    agent: Vec<Piece>,
    question: Vec<Piece>,
    format: Format,
}

/// How the stages are put together.
#[derive(Debug, Clone, PartialEq)]
enum Format {
    /// As one message of a chat, whose form another says.
    OfChat,
    Given(Vec<Piece>),
}

/// What one agent is told, around the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPrompt {
    /// Depends on the persona alone.
    pub before_picture: String,
    pub after_picture: String,
}

impl AgentPrompt {
    /// The whole prompt, with `picture` in the picture's place.
    pub fn with_picture_shown_as(&self, picture: &str) -> String {
        format!("{}{picture}{}", self.before_picture, self.after_picture)
    }
}

impl PromptTemplate {
    /// Reads a template file.
    ///
    /// # Errors
    /// [`TemplateError`]: the file cannot be read, or the first thing that is wrong in it, with its place.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let unreadable = |reason: String| TemplateError::Unreadable { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".into()))?;
        Self::parse(&text, path)
    }

    /// Reads the text of a template; `path` stands for it in messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TemplateError> {
        file::read(text, path)
    }

    /// The template that is taken where neither scenario nor judge pack has one: LLaVA-1.5's form, marks 0 to 9.
    pub fn built_in() -> Self {
        Self::parse(include_str!("template/default.toml"), Path::new("default.toml"))
            .expect("a test reads the built-in template")
    }

    /// The same words for a model that is asked by chat: who speaks is said by the server, not by the text.
    pub fn built_in_for_chats() -> Self {
        Self { format: Format::OfChat, ..Self::built_in() }
    }

    /// Whether it leaves to others who speaks.
    pub fn is_for_chats(&self) -> bool {
        self.format == Format::OfChat
    }

    fn format(&self) -> Vec<Piece> {
        match &self.format {
            Format::Given(format) => format.clone(),
            Format::OfChat => {
                let [mut format, question] = [of_pack::before_picture(), of_pack::after_picture()];
                format.push(Piece::Place(Place::Picture));
                format.extend(question);
                format
            }
        }
    }

    /// A word of `format` that says who speaks, which a server that is asked by chat says itself.
    pub fn speaker_mark(&self) -> Option<&'static str> {
        let format = self.format();
        let is_in =
            |mark: &&&str| format.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(**mark)));
        SPEAKER_MARKS.iter().find(is_in).copied()
    }

    /// The marks that the question asks for.
    pub fn scale(&self) -> ScoreScale {
        self.scale
    }

    /// What the agent with this personality is told of the picture that a user had asked for with `request`.
    pub fn render(&self, persona: &Persona, request: &str) -> AgentPrompt {
        let words = |place: Place| match place {
            Place::Trait(index) => format!("{:.2}", persona.traits()[index]),
            Place::TraitPercent(index) => format!("{:.0}", persona.traits()[index] * 100.0),
            Place::Request => request.to_owned(),
            Place::Lowest => self.scale.lowest.to_string(),
            Place::Highest => self.scale.highest.to_string(),
            Place::General | Place::Agent | Place::Picture | Place::Question => {
                unreachable!("the reader lets these stand in `format` alone")
            }
        };
        let mut sides = [String::new(), String::new()];
        let mut side = 0;
        for piece in &self.format() {
            match piece {
                Piece::Text(text) => sides[side] += text,
                Piece::Place(Place::Picture) => side = 1,
                Piece::Place(place) => {
                    let stage = match place {
                        Place::General => &self.general,
                        Place::Agent => &self.agent,
                        _ => &self.question,
                    };
                    sides[side] += &place::filled(stage, words);
                }
            }
        }
        let [before_picture, after_picture] = sides;
        AgentPrompt { before_picture, after_picture }
    }

    /// SHA-256 of all that decides what an agent is told.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"latentlink prompt template 1");
        hash.update(self.scale.lowest.to_le_bytes());
        hash.update(self.scale.highest.to_le_bytes());
        for stage in [&self.general, &self.agent, &self.question, &self.format()] {
            let text = place::written(stage);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().into()
    }
}
