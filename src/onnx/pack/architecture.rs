//! What kind of Stable Diffusion a pack is: how many text encoders it has, and how its denoiser is told the guidance.

use std::path::Path;

use serde_json::Value;

use super::{SECOND_TEXT_ENCODER_FILE, positive, shortened};
use crate::onnx::pack_error::PackError;

/// What a pack has beyond a text encoder, a denoiser and a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    pub text_encoders: TextEncoders,
    /// Width of the embedding of the guidance scale that the denoiser takes (`time_cond_proj_dim`), in a latent consistency
    /// model: it was distilled from a guided one, so that a step is one evaluation whatever the scale.
    pub guidance_width: Option<usize>,
}

/// Who reads the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoders {
    /// Stable Diffusion 1 and 2: the last hidden state of one.
    One,
    /// Stable Diffusion XL: the last hidden state but one of two, side by side, and the pooled text of the second.
    Two {
        /// Whether the unconditional prediction has zeros in place of the empty prompt's text.
        zeros_for_empty_prompt: bool,
    },
}

impl Architecture {
    /// From `model_index.json`, which is `index_file`, and the denoiser's configuration at `unet_config`, where it has one.
    pub(super) fn of(
        root: &Path,
        index_file: &Path,
        model_index: &Value,
        unet_config: Option<(&Path, &Value)>,
    ) -> Result<Self, PackError> {
        let named = match &model_index["text_encoder_2"] {
            Value::Null => false,
            Value::Array(class) => class.iter().any(|part| !part.is_null()),
            other => {
                let expected = "a list, library and class, or of two nulls where there is none";
                return Err(PackError::config(index_file, "text_encoder_2", expected, other));
            }
        };
        let text_encoders = if named || root.join(SECOND_TEXT_ENCODER_FILE).is_file() {
            let key = "force_zeros_for_empty_prompt";
            let zeros_for_empty_prompt = match &model_index[key] {
                // What diffusers' pipeline takes.
                Value::Null => true,
                Value::Bool(zeros) => *zeros,
                other => return Err(PackError::config(index_file, key, "true or false", other)),
            };
            TextEncoders::Two { zeros_for_empty_prompt }
        } else {
            TextEncoders::One
        };
        let guidance_width = match unet_config {
            Some((file, config)) => guidance_width(file, config)?,
            None => None,
        };
        Ok(Self { text_encoders, guidance_width })
    }

    /// The name for people.
    pub fn name(&self) -> &'static str {
        match (self.text_encoders, self.guidance_width) {
            (TextEncoders::One, None) => "Stable Diffusion",
            (TextEncoders::One, Some(_)) => "Stable Diffusion, told the guidance (latent consistency)",
            (TextEncoders::Two { .. }, None) => "Stable Diffusion XL",
            (TextEncoders::Two { .. }, Some(_)) => "Stable Diffusion XL, told the guidance (latent consistency)",
        }
    }
}

fn guidance_width(file: &Path, config: &Value) -> Result<Option<usize>, PackError> {
    let width = &config["time_cond_proj_dim"];
    if width.is_null() {
        return Ok(None);
    }
    // A sine and a cosine of at least two frequencies.
    match positive(width).filter(|&width| width >= 4) {
        Some(width) => Ok(Some(width)),
        None => Err(PackError::Config {
            file: file.to_owned(),
            key: "time_cond_proj_dim".into(),
            expected: "a whole number of at least 4, or null".into(),
            found: shortened(width),
        }),
    }
}
