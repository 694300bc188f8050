//! A `tokenizer.json` as the `tokenizers` library takes it. What the library says of a file that it cannot read is the text of
//! a parser; here the part at fault is looked for and named, with what it is for.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokenizers::utils::padding::PaddingParams;
use tokenizers::utils::truncation::TruncationParams;
use tokenizers::{
    AddedToken, DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer,
};

use crate::onnx::pack_error::PackError;

/// Reads a part, and says what is wrong with it.
type Reading = fn(&Value) -> Option<String>;

/// The parts of a description, what they are, and how each is read.
const PARTS: [(&str, &str, Reading); 8] = [
    ("truncation", "how long texts are cut", read::<Option<TruncationParams>>),
    ("padding", "how short texts are filled up", read::<Option<PaddingParams>>),
    ("added_tokens", "a list of tokens besides the vocabulary, each with an `id` and a `content`", read_added),
    ("normalizer", "how a text is brought into one form", read::<Option<NormalizerWrapper>>),
    ("pre_tokenizer", "how a text is cut into words", read::<Option<PreTokenizerWrapper>>),
    ("model", "how words become ids, a BPE, WordPiece, WordLevel or Unigram with its `vocab`", read::<ModelWrapper>),
    ("post_processor", "what is put around a text", read::<Option<PostProcessorWrapper>>),
    ("decoder", "how ids become text again", read::<Option<DecoderWrapper>>),
];

/// The tokenizer that `text` describes; `description` is the same, parsed, and `file` where it stands.
///
/// # Errors
/// [`PackError::Tokenizer`] with the part that cannot be read.
pub(super) fn tokenizer_of(file: &Path, text: &str, description: &Value) -> Result<Tokenizer, PackError> {
    require_template_tokens(file, &description["post_processor"])?;
    require_room_for_merges(file, &description["model"])?;
    Tokenizer::from_bytes(text).map_err(|error| unusable(file, in_words(description, &error.to_string())))
}

fn in_words(description: &Value, said: &str) -> String {
    if description["model"].is_null() {
        return "it has no `model`, which says how words become ids: it is no tokenizer of the `tokenizers` library"
            .into();
    }
    let broken = PARTS.into_iter().find_map(|(part, what, reading)| {
        let reason = reading(&description[part])?;
        Some(format!("its `{part}` should be {what}; {reason}"))
    });
    broken.unwrap_or_else(|| format!("it is no tokenizer: {}", without_place(said)))
}

fn read<T: DeserializeOwned>(part: &Value) -> Option<String> {
    let said = serde_json::from_value::<T>(part.clone()).err()?.to_string();
    let kind = match part["type"].as_str() {
        Some(kind) => format!("of this {kind} "),
        None if part.is_object() => "it has no `type`, and ".to_owned(),
        None => String::new(),
    };
    Some(match said.contains("did not match any variant") {
        true => format!("{kind}a setting is not known, absent, or of another kind"),
        false => format!("{kind}it is said: {}", without_place(&said)),
    })
}

fn read_added(tokens: &Value) -> Option<String> {
    let list = match tokens {
        Value::Null => return None,
        Value::Array(list) => list,
        _ => return Some("it is no list".into()),
    };
    let is_wrong = |token: &&Value| {
        token["id"].as_u64().is_none() || serde_json::from_value::<AddedToken>((*token).clone()).is_err()
    };
    Some(format!("found {}", crate::onnx::pack::shortened(list.iter().find(is_wrong)?)))
}

/// Positions in a file that only the parser has seen help nobody.
fn without_place(said: &str) -> &str {
    said.split(" at line ").next().unwrap_or(said)
}

/// Refuses a `post_processor` that adds a special token which it does not list: the tokenizer would panic on the first text.
fn require_template_tokens(file: &Path, post_processor: &Value) -> Result<(), PackError> {
    let list = |key: &str| post_processor[key].as_array().into_iter().flatten();
    list("processors").try_for_each(|part| require_template_tokens(file, part))?;
    let mut added = list("single").chain(list("pair")).filter_map(|piece| piece["SpecialToken"]["id"].as_str());
    match added.find(|&token| post_processor["special_tokens"][token].is_null()) {
        None => Ok(()),
        Some(token) => {
            Err(unusable(file, format!("its post_processor adds {token}, which its special_tokens do not list")))
        }
    }
}

/// Refuses merges that make a token longer than any of the vocabulary, or cut more off a piece than it has: the library would
/// panic on them. What else may be wrong with merges it says itself.
fn require_room_for_merges(file: &Path, model: &Value) -> Result<(), PackError> {
    let (Some(merges), Some(vocabulary)) = (model["merges"].as_array(), model["vocab"].as_object()) else {
        return Ok(());
    };
    let longest = vocabulary.keys().map(String::len).max().unwrap_or(0);
    let prefix = model["continuing_subword_prefix"].as_str().map_or(0, str::len);
    let has_room = |(first, second): &(&str, &str)| {
        second.len().checked_sub(prefix).is_some_and(|rest| first.len() + rest <= longest)
    };
    match merges.iter().filter_map(pair_of).find(|pair| !has_room(pair)) {
        None => Ok(()),
        Some((first, second)) => {
            let message = format!("its `model` joins `{first}` and `{second}`, but its vocab has no token of both");
            Err(unusable(file, message))
        }
    }
}

/// A merge as a list of two, or as older files have it, with a space between.
fn pair_of(merge: &Value) -> Option<(&str, &str)> {
    match merge {
        Value::String(pair) => pair.split_once(' '),
        pair => Some((pair[0].as_str()?, pair[1].as_str()?)),
    }
}

pub(in crate::onnx) fn unusable(file: &Path, message: String) -> PackError {
    PackError::Tokenizer {
        file: file.to_owned(),
        message,
        help: "correct the file, or fetch or export the pack again".into(),
    }
}
