//! The form of a conversation that a pack's model was trained on: its *chat template*, a Jinja text that comes with the
//! tokenizer or the processor, as transformers fills it in.

use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as JinjaValue;
use minijinja::{Environment, ErrorKind};
use serde_json::Value;

use crate::onnx::clip_vocabulary::token_text;
use crate::onnx::pack::{read_json, read_text};
use crate::onnx::pack_error::PackError;
use crate::onnx::tokenizer::read_json_if_there;

const OWN_FILE: &str = "chat_template.jinja";
const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
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
    picture: String,
}

/// One message with a picture, written out, cut where the picture goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatWithPicture {
    pub before_picture: String,
    pub after_picture: String,
}

impl ChatTemplate {
    /// The template of the pack in `root`, if it brings one. `picture` gives the text of the picture's token.
    pub(super) fn find(
        root: &Path,
        picture: impl FnOnce() -> Result<String, PackError>,
    ) -> Result<Option<Self>, PackError> {
        let config = read_json_if_there(&root.join(TOKENIZER_CONFIG_FILE))?;
        let own = root.join(OWN_FILE);
        let (file, source) = if own.is_file() {
            let source = read_text(&own)?;
            (own, source)
        } else {
            let mut found = None;
            for name in FILES {
                let file = root.join(name);
                if file.is_file() && found.is_none() {
                    let json = read_json(&file)?;
                    found = source_of(&file, &json[KEY])?.map(|source| (file, source));
                }
            }
            let Some(found) = found else { return Ok(None) };
            found
        };
        let text_of = |name: &str| token_text(&config[name]).map(str::to_owned);
        let special_tokens = SPECIAL_TOKENS.into_iter().filter_map(|name| Some((name, text_of(name)?))).collect();
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
        let parts: Vec<&str> = text.split(self.picture.as_str()).collect();
        match parts.as_slice() {
            [before_picture, after_picture] => Ok(ChatWithPicture {
                before_picture: (*before_picture).to_owned(),
                after_picture: (*after_picture).to_owned(),
            }),
            several => Err(self.wrong(format!(
                "it writes the picture's token {} {} times, which should be once",
                self.picture,
                several.len() - 1
            ))),
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
