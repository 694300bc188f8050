//! What a server answers to `POST /chat/completions`.

use serde::Deserialize;
use serde_json::Value;

/// The first choice of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What was said; empty where nothing was.
    pub text: String,
    /// Whether it was cut off at its greatest length.
    pub is_cut: bool,
    /// The likeliest tokens at each place of the answer; `None` where the server gives none.
    pub tokens: Option<Vec<TokenChances>>,
}

/// One place of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenChances {
    /// The token that was said.
    pub said: String,
    pub likely: Vec<LikelyToken>,
}

/// A token that might have been said.
#[derive(Debug, Clone, PartialEq)]
pub struct LikelyToken {
    pub text: String,
    /// Natural logarithm; never NaN.
    pub log_probability: f64,
}

/// A body that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    #[error("it is no JSON of a chat completion ({reason}): {beginning}")]
    NotACompletion { reason: String, beginning: String },
    #[error("it holds an error: {0}")]
    Error(String),
    #[error("it has no choice")]
    NoChoice,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
    logprobs: Option<LogProbabilities>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

/// A text, or parts of which some are text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
struct LogProbabilities {
    content: Option<Vec<Place>>,
}

#[derive(Deserialize)]
struct Place {
    token: String,
    #[serde(default)]
    top_logprobs: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    token: String,
    logprob: Option<f64>,
}

/// Letters of a body that an error shows.
const LETTERS_SHOWN: usize = 200;

impl Reply {
    /// Reads a body.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn parse(body: &str) -> Result<Self, ReplyError> {
        let completion: Completion = serde_json::from_str(body)
            .map_err(|error| ReplyError::NotACompletion { reason: error.to_string(), beginning: beginning(body) })?;
        if let Some(error) = completion.error.filter(|error| !error.is_null()) {
            return Err(ReplyError::Error(words_of(&error).unwrap_or_else(|| error.to_string())));
        }
        let choice = completion.choices.into_iter().next().ok_or(ReplyError::NoChoice)?;
        let text = match choice.message.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
        };
        let tokens = choice.logprobs.and_then(|given| given.content).filter(|places| !places.is_empty());
        let tokens: Option<Vec<TokenChances>> = tokens.map(|places| places.into_iter().map(chances).collect());
        let tokens = tokens.filter(|tokens| tokens.iter().any(|token| !token.likely.is_empty()));
        Ok(Self { text, is_cut: choice.finish_reason.as_deref() == Some("length"), tokens })
    }
}

fn chances(place: Place) -> TokenChances {
    let likely = place.top_logprobs.into_iter().filter_map(|named| {
        let log_probability = named.logprob.filter(|value| !value.is_nan())?;
        Some(LikelyToken { text: named.token, log_probability })
    });
    TokenChances { said: place.token, likely: likely.collect() }
}

/// The server's own message in the body of an error: servers put it under `error.message`, `error`, `message` or `detail`.
pub(super) fn message_of(body: &str) -> String {
    let found = serde_json::from_str::<Value>(body).ok().and_then(|value| words_of(&value));
    found.unwrap_or_else(|| if body.trim().is_empty() { "it says nothing more".to_owned() } else { beginning(body) })
}

fn words_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(beginning(text)),
        Value::Object(fields) => ["error", "message", "detail"].iter().find_map(|key| words_of(fields.get(*key)?)),
        Value::Array(list) => list.first().and_then(|first| words_of(first.get("msg").unwrap_or(first))),
        _ => None,
    }
}

/// One line, not too long.
fn beginning(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LETTERS_SHOWN) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}
