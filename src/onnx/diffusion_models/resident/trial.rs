//! Whether a denoiser answers on tensors that stay on the device as it does otherwise. Nothing that stands in the way of that, an
//! input that the session reads before it is written, or a CUDA graph that remembers what it should ask, would be an error by
//! itself: the pictures would only be wrong.
//!
//! ```text
//!  latents,    texts,    first timestep ─┐
//!  latents/2,  texts/2,  last timestep  ─┼─► fixed call ─► prediction ─┬─► equal, all three
//!  latents/4,  texts/4,  first timestep ─┴─► plain call ─► prediction ─┘
//! ```
//!
//! Three, because ONNX Runtime captures a graph in the first or the second call, and the third replays it for certain.

use ndarray::Array4;

use crate::onnx::diffusion_models::Conditioning;
use crate::onnx::diffusion_models::denoiser::Denoiser;
use crate::onnx::pack_error::PackError;
use crate::onnx::session::FixedCall;

/// Largest difference, of the largest value. The kernels are the same.
const TOLERANCE: f32 = 1e-3;

/// Makes calls on `latents`, one for each evaluation, and makes them again the plain way.
///
/// # Errors
/// [`PackError::Unworkable`] where they differ, [`PackError::Run`].
pub(super) fn compare(
    denoiser: &mut Denoiser,
    call: &mut FixedCall,
    latents: &Array4<f32>,
    conditioning: &Conditioning<'_>,
    [first, last]: [f64; 2],
) -> Result<(), PackError> {
    for (scale, timestep) in [(1.0, first), (0.5, last), (0.25, first)] {
        let (latents, text) = (latents * scale, &conditioning.text * scale);
        let pooled = conditioning.pooled.as_ref().map(|pooled| pooled * scale);
        let conditioning = Conditioning {
            text: text.view(),
            pooled: pooled.as_ref().map(|pooled| pooled.view()),
            guidance: conditioning.guidance,
        };
        let shape: [usize; 4] = latents.dim().into();
        let evaluations = shape[0];
        denoiser.tell(call, &conditioning)?;
        denoiser.hand(call, &shape, latents.as_slice().expect("a new array is in standard layout"))?;
        denoiser.run_fixed(call, evaluations, timestep)?;
        let found = denoiser.prediction_of(call, evaluations)?;
        let expected = denoiser.run(latents.view(), &vec![timestep; evaluations], &conditioning)?;
        if !agree(&found, expected.as_slice().expect("predictions are in standard layout")) {
            return Err(PackError::Unworkable {
                file: denoiser.memory().file().to_owned(),
                fed: "latents that stay on the device".to_owned(),
                reason: "its predictions are others than for latents that come and go".to_owned(),
                help: "leave out `cuda_graphs` under [models], and if that does not mend it `resident_latents`; then report \
                       it: it should not happen"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

/// A NaN on one side alone is a difference, on both none.
fn agree(found: &[f32], expected: &[f32]) -> bool {
    let largest = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let is_same = |(&found, &expected): (&f32, &f32)| {
        (found - expected).abs() <= TOLERANCE * largest || found.is_nan() && expected.is_nan()
    };
    found.len() == expected.len() && found.iter().zip(expected).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::agree;

    #[test]
    fn predictions_agree_up_to_rounding_and_a_nan_agrees_with_a_nan_alone() {
        let expected = [10.0, -1.0, f32::NAN];
        assert!(agree(&expected, &expected));
        assert!(agree(&[10.001, -1.001, f32::NAN], &expected));
        assert!(!agree(&[10.1, -1.0, f32::NAN], &expected));
        assert!(!agree(&[10.0, -1.0, 0.0], &expected));
        assert!(!agree(&[10.0, f32::NAN, f32::NAN], &expected));
        assert!(!agree(&[10.0, -1.0], &expected));
        assert!(!agree(&[0.0; 3], &[0.0, 0.0, 1e-9]));
    }
}
