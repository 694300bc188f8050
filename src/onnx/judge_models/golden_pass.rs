//! Whether a judge's models that compute with 16-bit floats stay within their range. One plain picture shows it:
//!
//! ```text
//!  a picture of slopes ─► vision encoder ─► finite? ─► its first features ─► language model ─► finite?
//! ```
//!
//! A pack is looked at if some of its weights are 16 bits wide, once in a process.

use std::path::Path;
use std::sync::PoisonError;

use ndarray::s;

use super::{DecoderRow, JudgeModels, Keep};
use crate::onnx::judge_pack::JudgePack;
use crate::onnx::pack_error::PackError;
use crate::picture::Picture;

const SIDE_PX: usize = 64;
/// Features that the language model reads: any number of them would do, and each costs a large one time.
const FEATURES: usize = 8;
const SO: &str = "scores would mean nothing";
const HELP: &str = "take the models in another precision with `judge.dtype`, say \"fp32\", where the pack has them; the \
                    vision encoder is the first to overflow, and its file in 32 bits may take the place of this one. If it \
                    is the same in 32 bits, the weights are broken: fetch them again";

/// Looks at the models of `pack` unless that was done before.
///
/// # Errors
/// [`PackError::NotFinite`], [`PackError::Run`].
pub(super) fn once(pack: &JudgePack, models: &mut JudgeModels) -> Result<(), PackError> {
    // Held while one worker looks: the others wait for what it finds.
    let mut done = pack.golden_pass.lock().unwrap_or_else(PoisonError::into_inner);
    if !*done && pack.models().iter().any(|model| model.file.has_16_bit_weights()) {
        examine(pack, models)?;
    }
    *done = true;
    Ok(())
}

fn examine(pack: &JudgePack, models: &mut JudgeModels) -> Result<(), PackError> {
    let [vision, _, decoder] = pack.models().each_ref().map(|model| model.file.file());
    let pixels = pack.preprocessing().pixels(&slopes());
    let features = models.image_features(&[pixels])?.remove(0);
    require_finite(features.iter().copied(), vision, "image_features")?;
    let embeddings = features.slice(s![..features.nrows().min(FEATURES), ..]);
    let row = DecoderRow { past: None, embeddings, picture: None };
    let logits = models.continue_rows(&[row], Keep::Nothing)?.remove(0).logits;
    require_finite(logits.iter().copied(), decoder, "logits")
}

fn require_finite(values: impl Iterator<Item = f32> + Clone, file: &Path, tensor: &str) -> Result<(), PackError> {
    PackError::require_finite(values, (file, tensor), SO, HELP)
}

/// A picture that gets brighter to the right, redder downwards.
fn slopes() -> Picture {
    let last = (SIDE_PX - 1) as f32;
    let value = |place: usize| {
        let (pixel, channel) = (place / 3, place % 3);
        let (down, right) = ((pixel / SIDE_PX) as f32 / last, (pixel % SIDE_PX) as f32 / last);
        if channel == 0 { down } else { right }
    };
    Picture::new(SIDE_PX, SIDE_PX, (0..3 * SIDE_PX * SIDE_PX).map(value).collect())
        .expect("three values for each pixel")
}
