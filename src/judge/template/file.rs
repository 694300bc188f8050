//! Reads and checks a template file.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::error::TemplateError;
use super::place::{Piece, Place, pieces};
use super::{Format, PromptTemplate};
use crate::judge::persona::TRAIT_NAMES;
use crate::judge::score_scale::ScoreScale;

/// Most marks of a scale: each may be a token of its own.
const MAXIMUM_MARKS: i64 = 1001;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    scale: Spanned<ScaleFile>,
    general: Spanned<String>,
    agent: Spanned<String>,
    question: Spanned<String>,
    format: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleFile {
    lowest: i32,
    highest: i32,
}

/// A file under the reader's eyes.
struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
}

pub(super) fn read(text: &str, path: &Path) -> Result<PromptTemplate, TemplateError> {
    let reader = Reader { text, path };
    let file: TemplateFile = toml::from_str(text).map_err(|error| reader.not_a_template(&error))?;
    let scale = reader.scale(&file.scale)?;
    let general = reader.stage("general", &file.general, |_| false, "text without places")?;
    let agent = reader.stage(
        "agent",
        &file.agent,
        |place| matches!(place, Place::Trait(_) | Place::TraitPercent(_)),
        "the five traits, as {openness} (\"0.90\") or {openness_percent} (\"90\")",
    )?;
    let question = reader.stage(
        "question",
        &file.question,
        |place| matches!(place, Place::Request | Place::Lowest | Place::Highest),
        "{request}, {lowest} or {highest}",
    )?;
    let format = match &file.format {
        None => Format::OfChat,
        Some(text) => {
            let format = reader.stage(
                "format",
                text,
                |place| matches!(place, Place::General | Place::Agent | Place::Picture | Place::Question),
                "{general}, {agent}, {picture} and {question}",
            )?;
            reader.check_format(text, &format)?;
            Format::Given(format)
        }
    };
    for (index, name) in TRAIT_NAMES.iter().enumerate() {
        if position(&agent, Place::Trait(index)).or(position(&agent, Place::TraitPercent(index))).is_none() {
            let message = format!("`agent` has no place for {name}");
            return Err(reader.wrong(file.agent.span(), message, format!("{{{name}}} or {{{name}_percent}} in it")));
        }
    }
    if position(&question, Place::Request).is_none() {
        let message = "`question` has no place for what the user had asked for";
        return Err(reader.wrong(file.question.span(), message.into(), "{request} in it".into()));
    }
    Ok(PromptTemplate { scale, general, agent, question, format })
}

fn position(pieces: &[Piece], place: Place) -> Option<usize> {
    pieces.iter().position(|piece| *piece == Piece::Place(place))
}

impl Reader<'_> {
    fn wrong(&self, span: Range<usize>, message: String, expected: String) -> TemplateError {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        TemplateError::Wrong {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message,
            expected,
        }
    }

    /// The error of a file that is not TOML, or has other keys or types.
    fn not_a_template(&self, error: &toml::de::Error) -> TemplateError {
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        let (message, expected) = match message.split_once(", expected ") {
            Some((message, expected)) => (message.to_owned(), expected.to_owned()),
            None => (
                message,
                "scale = { lowest, highest }, and the texts general, agent, question, format (which may be left out)"
                    .to_owned(),
            ),
        };
        self.wrong(error.span().unwrap_or(0..0), message, expected)
    }

    fn scale(&self, file: &Spanned<ScaleFile>) -> Result<ScoreScale, TemplateError> {
        let ScaleFile { lowest, highest } = *file.get_ref();
        let marks = i64::from(highest) - i64::from(lowest) + 1;
        if marks < 2 {
            let message = format!("the scale goes from {lowest} to {highest}");
            return Err(self.wrong(file.span(), message, "a highest mark above the lowest".into()));
        }
        if marks > MAXIMUM_MARKS {
            let message = format!("the scale has {marks} marks");
            return Err(self.wrong(file.span(), message, format!("at most {MAXIMUM_MARKS}")));
        }
        Ok(ScoreScale { lowest, highest })
    }

    /// A text with its places, all of which must be `allowed`.
    fn stage(
        &self,
        key: &str,
        text: &Spanned<String>,
        allowed: impl Fn(Place) -> bool,
        expected: &str,
    ) -> Result<Vec<Piece>, TemplateError> {
        // the line breaks after """ and before its end belong to the file, not to the prompt
        let stage = text.get_ref().trim();
        if stage.is_empty() {
            return Err(self.wrong(text.span(), format!("`{key}` is empty"), "text".into()));
        }
        let pieces = pieces(stage).map_err(|unknown| {
            let message = match unknown.is_open {
                true => format!("`{key}` has a brace that is not closed: {}", unknown.written),
                false => format!("`{key}` has the unknown place {}", unknown.written),
            };
            self.wrong(self.place_of(&unknown.written, text.span()), message, expected.to_owned())
        })?;
        for piece in &pieces {
            if let Piece::Place(place) = piece
                && !allowed(*place)
            {
                let written = format!("{{{}}}", place.name());
                let message = format!("{written} has no meaning in `{key}`");
                return Err(self.wrong(self.place_of(&written, text.span()), message, expected.to_owned()));
            }
        }
        Ok(pieces)
    }

    /// Where in the value at `span` the words stand; the whole value where escapes hide them.
    fn place_of(&self, written: &str, span: Range<usize>) -> Range<usize> {
        match self.text.get(span.clone()).and_then(|value| value.find(written)) {
            Some(offset) => span.start + offset..span.start + offset + written.len(),
            None => span,
        }
    }

    /// Each stage once, the picture after the agent and before the question.
    fn check_format(&self, file: &Spanned<String>, format: &[Piece]) -> Result<(), TemplateError> {
        for place in [Place::General, Place::Agent, Place::Picture, Place::Question] {
            let written = format!("{{{}}}", place.name());
            let count = format.iter().filter(|piece| **piece == Piece::Place(place)).count();
            if count != 1 {
                let what = if place == Place::Picture { "the picture" } else { "the text" };
                let message = match count {
                    0 => format!("`format` has no place for {what}, {written}"),
                    _ => format!("`format` has {count} places {written}"),
                };
                return Err(self.wrong(file.span(), message, format!("{written} once")));
            }
        }
        let at = |place| position(format, place);
        let (message, expected) = if at(Place::Picture) > at(Place::Question) {
            ("`format` asks the question before it shows the picture", "{picture} before {question}")
        } else if at(Place::Agent) > at(Place::Picture) {
            ("`format` shows the picture before it says who the agent is", "{agent} before {picture}")
        } else {
            return Ok(());
        };
        Err(self.wrong(self.place_of("{picture}", file.span()), message.to_owned(), expected.to_owned()))
    }
}
