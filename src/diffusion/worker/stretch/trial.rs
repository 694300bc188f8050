//! Whether latents that stay on the device come out as those that come and go. An input that is read before it is written, memory
//! that is used twice, a CUDA graph that remembers what it should ask: none of them is an error by itself, the pictures would only
//! be wrong.
//!
//! ```text
//!  latents/2, texts/2 ─► on the device ─► (dropped: what a graph captured here must not come again)
//!  latents, texts ─────┬─► on the device ─┬─► equal but for rounding
//!                      └─► step by step ──┘
//! ```

use std::sync::Arc;

use super::{Stretch, take as take_resident};
use crate::diffusion::text::TextEmbedding;
use crate::diffusion::value::{Latent, Value};
use crate::diffusion::worker::{DenoiseItem, denoise};
use crate::onnx::{DiffusionModels, PackError};

/// Largest difference, of the largest value: what 16 bits may add up to in a chain.
const TOLERANCE: f32 = 2e-2;

/// Takes stretches on the device, and in both ways to see that they are equal.
///
/// # Errors
/// [`PackError::Unworkable`] where they are not, [`PackError::Run`], [`PackError::Load`].
pub(super) fn take(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    stretches: &[Stretch],
    evaluations: usize,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Value>, PackError> {
    let halved: Vec<Stretch> = stretches.iter().map(half).collect();
    // The third call of a size is the one that is captured.
    let times = if stretches.iter().all(|stretch| stretch.later.len() > 1) { 1 } else { 2 };
    for _ in 0..times {
        take_resident(models, latent_shape, &halved, is_stopped)?;
    }
    let resident = take_resident(models, latent_shape, stretches, is_stopped)?;
    let stepwise = take_stepwise(models, latent_shape, stretches, is_stopped)?;
    if is_stopped() {
        return Ok(resident);
    }
    if !resident.iter().zip(&stepwise).all(|(resident, stepwise)| agree(resident, stepwise)) {
        return Err(PackError::Unworkable {
            file: models.denoiser_file().to_owned(),
            fed: "latents that stay on the device".to_owned(),
            reason: "they come out otherwise than those that come and go at each step".to_owned(),
            help: "leave out `cuda_graphs` under [models], and if that does not mend it `resident_latents`. A model that answers \
                   the same question differently each time cannot have them; with any other it should not happen: report it"
                .to_owned(),
        });
    }
    models.set_resident_proven(evaluations);
    Ok(resident)
}

/// Half of all numbers that stay the same through the steps, or begin them.
fn half(stretch: &Stretch) -> Stretch {
    let text = |text: &TextEmbedding| TextEmbedding {
        tokens: &text.tokens * 0.5,
        pooled: text.pooled.as_ref().map(|pooled| pooled * 0.5),
    };
    let mut half = stretch.clone();
    let first = &mut half.first;
    let latent =
        Latent { values: first.latent.values.iter().map(|value| 0.5 * value).collect(), ..(*first.latent).clone() };
    first.latent = Arc::new(latent);
    first.text = Arc::new(text(&first.text));
    first.unconditional_text = first.unconditional_text.as_ref().map(|none| Arc::new(text(none)));
    half
}

/// One step after the other, each latent back on the CPU in between.
fn take_stepwise(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    stretches: &[Stretch],
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Value>, PackError> {
    let mut values: Vec<Value> =
        stretches.iter().map(|stretch| Value::Latent(Arc::clone(&stretch.first.latent))).collect();
    let steps = stretches.first().map_or(0, |stretch| 1 + stretch.later.len());
    for index in (0..steps).take_while(|_| !is_stopped()) {
        let (places, items): (Vec<usize>, Vec<DenoiseItem>) = values
            .iter()
            .zip(stretches)
            .enumerate()
            .filter_map(|(place, (value, stretch))| match value {
                Value::Latent(latent) => Some((place, stretch.item(index, Arc::clone(latent)))),
                _ => None,
            })
            .unzip();
        for (place, value) in places.into_iter().zip(denoise(models, latent_shape, &items)?) {
            values[place] = value;
        }
    }
    Ok(values)
}

fn agree(resident: &Value, stepwise: &Value) -> bool {
    match (resident, stepwise) {
        (Value::Latent(resident), Value::Latent(stepwise)) => {
            let pairs = resident.history.iter().zip(&stepwise.history);
            resident.history.len() == stepwise.history.len()
                && are_close(&resident.values, &stepwise.values)
                && pairs.into_iter().all(|(resident, stepwise)| are_close(resident, stepwise))
        }
        (Value::Failed(resident), Value::Failed(stepwise)) => resident == stepwise,
        _ => false,
    }
}

fn are_close(found: &[f32], expected: &[f32]) -> bool {
    let largest = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let is_close = |(found, expected): (&f32, &f32)| (found - expected).abs() <= TOLERANCE * largest;
    found.len() == expected.len() && found.iter().zip(expected).all(is_close)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::value::Failure;

    fn latent(values: &[f32], history: &[&[f32]]) -> Value {
        let history = history.iter().map(|&values| Arc::from(values)).collect();
        Value::Latent(Arc::new(Latent { values: values.to_vec(), history, link_errors: None }))
    }

    #[test]
    fn latents_agree_with_their_history_up_to_rounding_and_failures_with_the_same_failure() {
        let expected = latent(&[10.0, -1.0], &[&[1.0]]);
        assert!(agree(&latent(&[10.1, -1.1], &[&[1.01]]), &expected));
        assert!(!agree(&latent(&[10.3, -1.0], &[&[1.0]]), &expected));
        assert!(!agree(&latent(&[10.0, -1.0], &[&[1.1]]), &expected));
        assert!(!agree(&latent(&[10.0, -1.0], &[]), &expected));
        assert!(!agree(&latent(&[10.0, f32::NAN], &[&[1.0]]), &expected));
        assert!(!agree(&latent(&[0.0], &[]), &latent(&[1e-9], &[])));
        let failed = Value::Failed(Failure::NonFiniteOutput);
        assert!(agree(&failed, &failed) && !agree(&failed, &expected) && !agree(&expected, &failed));
    }
}
