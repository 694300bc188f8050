//! The form of a conversation that a pack's model was trained on: its *chat template*, a Jinja text that comes with the
//! tokenizer or the processor, as transformers fills it in.

use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as JinjaValue;
use minijinja::{Environment, ErrorKind};
use serde_json::Value;

use crate::onnx::pack::{read_object, read_object_if_there, read_text};
use crate::onnx::pack_error::PackError;
use crate::onnx::tokenizer::{CONFIG_FILE as TOKENIZER_CONFIG_FILE, token_text};

const OWN_FILE: &str = "chat_template.jinja";
/// Files with a template under `chat_template`, in the order in which they count.
const FILES: [&str; 2] = ["chat_template.json", TOKENIZER_CONFIG_FILE];
const KEY: &str = "chat_template";
/// Special tokens that a template may name.
const SPECIAL_TOKENS: [&str; 4] = ["bos_token", "eos_token", "pad_token", "unk_token"];

/// A pack's chat template.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatTemplate {
    file: PathBuf,
    source: String,
    special_tokens: Vec<(&'static str, String)>,
    /// What the template writes where a picture goes.
    picture: PictureToken,
}

/// The token of a picture, and where it is said which one that is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PictureToken {
    pub text: String,
    pub id: i64,
    pub file: PathBuf,
    /// The setting in `file`.
    pub key: &'static str,
}

/// One message with a picture, written out, cut where the picture goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatWithPicture {
    pub before_picture: String,
    pub after_picture: String,
}

impl ChatTemplate {
    /// The template of the pack in `root`, if it brings one. `picture` gives the picture's token.
    pub(super) fn find(
        root: &Path,
        picture: impl FnOnce() -> Result<PictureToken, PackError>,
    ) -> Result<Option<Self>, PackError> {
        let config_file = root.join(TOKENIZER_CONFIG_FILE);
        let config = read_object_if_there(&config_file)?;
        let own = root.join(OWN_FILE);
        let (file, source) = if own.is_file() {
            let source = read_text(&own)?;
            (own, source)
        } else {
            let mut found = None;
            for name in FILES {
                let file = root.join(name);
                if file.is_file() && found.is_none() {
                    let json = read_object(&file)?;
                    found = source_of(&file, &json[KEY])?.map(|source| (file, source));
                }
            }
            let Some(found) = found else { return Ok(None) };
            found
        };
        let mut special_tokens = Vec::new();
        for name in SPECIAL_TOKENS {
            let text = token_text(&config_file, name, &config[name])?;
            special_tokens.extend(text.map(|text| (name, text.to_owned())));
        }
        Ok(Some(Self { file, source, special_tokens, picture: picture()? }))
    }

    /// The file it is in.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A conversation of one message, `before`, a picture and `after`, up to where the model is to answer.
    ///
    /// # Errors
    /// [`PackError::ChatTemplate`] where the text is no template, refuses the message, or writes no picture's token, or
    /// several.
    pub fn fill_in(&self, before: &str, after: &str) -> Result<ChatWithPicture, PackError> {
        let text = self.render(before, after).map_err(|error| {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let line = error.line().map_or_else(String::new, |line| format!("line {line} of the template: "));
            self.wrong(format!("{line}{detail}"))
        })?;
        let token = self.picture.text.as_str();
        let parts: Vec<&str> = text.split(token).collect();
        if let Some(other) = between(&text, before, after).filter(|other| !other.contains(token))
            // A picture may stand before all text, but not behind it.
            && (parts.len() != 2 || parts[0].contains(after))
        {
            return Err(self.wrong_token(other));
        }
        match parts.as_slice() {
            [before_picture, after_picture] => Ok(ChatWithPicture {
                before_picture: (*before_picture).to_owned(),
                after_picture: (*after_picture).to_owned(),
            }),
            several => {
                let times = several.len() - 1;
                Err(self.wrong(format!("it writes the picture's token {token} {times} times, which should be once")))
            }
        }
    }

    /// The template writes `other` in a picture's place, and not the token that the configuration names.
    fn wrong_token(&self, other: &str) -> PackError {
        let PictureToken { text, id, file, key } = &self.picture;
        let template = self.file.display();
        PackError::Config {
            file: file.clone(),
            key: (*key).into(),
            expected: format!(
                "the id of the picture's token, for which the chat template in {template} writes `{other}`"
            ),
            found: format!("{id}, which is `{text}`"),
        }
    }

    pub(crate) fn wrong(&self, message: String) -> PackError {
        PackError::ChatTemplate { file: self.file.clone(), message }
    }

    fn render(&self, before: &str, after: &str) -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("it refuses the message: {message}")))
        });
        let template = environment.template_from_str(&self.source)?;
        let text = |text: &str| JinjaValue::from_pairs([("type", "text"), ("text", text)]);
        let content = vec![text(before), JinjaValue::from_pairs([("type", "image")]), text(after)];
        let message = JinjaValue::from_pairs([("role", JinjaValue::from("user")), ("content", content.into())]);
        let special_tokens = self.special_tokens.iter().map(|(name, text)| (*name, JinjaValue::from(text.as_str())));
        let asked = [("messages", vec![message].into()), ("add_generation_prompt", true.into())];
        template.render(JinjaValue::from_pairs(special_tokens.chain(asked)))
    }
}

/// What is written between the text before the picture and the one after it, where it is a token: no text of a conversation
/// stands between signs like these.
fn between<'t>(whole: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let start = whole.find(before)? + before.len();
    let end = start + whole[start..].find(after)?;
    let written = whole[start..end].trim();
    (written.starts_with(['<', '[']) && written.ends_with(['>', ']'])).then_some(written)
}

/// A template, or the one called `default` of several.
fn source_of(file: &Path, value: &Value) -> Result<Option<String>, PackError> {
    match value {
        Value::Null => Ok(None),
        Value::String(source) => Ok(Some(source.clone())),
        several => {
            let usual = several.as_array().into_iter().flatten().find(|named| named["name"] == "default");
            let source = usual.and_then(|named| named["template"].as_str()).map(str::to_owned);
            source.map(Some).ok_or_else(|| {
                PackError::config(file, KEY, "a text, or a list of { name, template } with one called default", value)
            })
        }
    }
}
