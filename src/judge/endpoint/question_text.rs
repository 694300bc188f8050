//! The JSON of a request.

use rand::RngExt;
use serde_json::{Value, json};

use super::error::EndpointError;
use crate::picture::Picture;
use crate::random::StreamKey;

/// How an answer is to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AnswerForm {
    pub temperature: f64,
    pub max_tokens: u32,
    /// Of a drawn answer.
    pub seed: Option<StreamKey>,
    /// Likeliest tokens to be named at each place.
    pub top_logprobs: Option<u32>,
}

/// A picture as a data URL of its PNG file: the 8-bit picture, as it stands in the results.
///
/// # Errors
/// [`EndpointError::Picture`].
pub(super) fn data_url(picture: &Picture) -> Result<String, EndpointError> {
    let png = picture.to_png_bytes(&[]).map_err(|error| EndpointError::Picture { message: error.to_string() })?;
    Ok(format!("data:image/png;base64,{}", base64::encode(png)))
}

/// One user message: text, picture, text.
pub(super) fn about_picture(model: &str, before: &str, picture_url: &str, after: &str, form: AnswerForm) -> Vec<u8> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let mut parts = vec![json!({ "type": "image_url", "image_url": { "url": picture_url } })];
    // Servers refuse an empty part.
    if !before.trim().is_empty() {
        parts.insert(0, text(before));
    }
    if !after.trim().is_empty() {
        parts.push(text(after));
    }
    body(model, json!(parts), form)
}

/// One user message of text alone, drawn at `temperature` with `seed`.
pub fn chat_text(model: &str, text: &str, temperature: f64, max_tokens: u32, seed: &StreamKey) -> Vec<u8> {
    body(model, json!(text), AnswerForm { temperature, max_tokens, seed: Some(*seed), top_logprobs: None })
}

fn body(model: &str, content: Value, form: AnswerForm) -> Vec<u8> {
    let mut request = json!({
        "model": model,
        "messages": [{ "role": "user", "content": content }],
        "temperature": form.temperature,
        "max_tokens": form.max_tokens,
        "stream": false,
    });
    if let Some(seed) = form.seed {
        // 31 bits: all servers take these.
        request["seed"] = json!(seed.rng().random_range(0..i32::MAX));
    }
    if let Some(named) = form.top_logprobs {
        request["logprobs"] = json!(true);
        request["top_logprobs"] = json!(named);
    }
    request.to_string().into_bytes()
}
