//! Whether models that compute with 16-bit floats stay within their range, which ends at 65,504 for f16.
//!
//! Autoencoders above all were trained in 32 bits and overflow in 16: the one of Stable Diffusion XL does. A NaN then
//! goes through all that follows, and the picture is black. One plain input shows it:
//!
//! ```text
//!  the empty prompt ─► text encoders ─► finite? ─┐
//!  a latent of noise ────────────────────────────┴─► denoiser, half way ─► finite?
//!  a latent of noise ────────────────────────────────► decoder ─► finite?
//! ```
//!
//! A model is looked at if an input or output of it, or some of its weights, are 16 bits wide, and once for a pack in a
//! process: what one set of sessions answers, every other answers too.

use std::sync::PoisonError;

use ndarray::{Array4, ArrayView};
use rand_distr::{Distribution, StandardNormal};

use super::{Conditioning, DiffusionModels};
use crate::onnx::pack::{DiffusionPack, VAE_DECODER_FILE};
use crate::onnx::pack_error::PackError;
use crate::onnx::session::ModelSession;
use crate::random::StreamKey;

/// A guidance scale that people use.
const GUIDANCE: f64 = 7.5;
/// Steps of training, where the scheduler's file does not say.
const TRAINING_STEPS: f64 = 1000.0;

/// Looks at the models of `pack` unless that was done before.
///
/// # Errors
/// [`PackError::NotFinite`], [`PackError::Run`].
pub(super) fn once(pack: &DiffusionPack, models: &mut DiffusionModels) -> Result<(), PackError> {
    // Held while one worker looks: the others wait for what it finds.
    let mut done = pack.golden_pass.lock().unwrap_or_else(PoisonError::into_inner);
    if !*done {
        examine(pack, models)?;
        *done = true;
    }
    Ok(())
}

fn examine(pack: &DiffusionPack, models: &mut DiffusionModels) -> Result<(), PackError> {
    let suspects: Vec<_> = pack.models().iter().filter(|model| model.file.has_16_bit_weights()).collect();
    let is_suspect = |session: &ModelSession| {
        session.computes_in_16_bits() || suspects.iter().any(|model| model.file.file() == session.file())
    };
    let (denoiser, decoder) = (is_suspect(models.denoiser.session().0), is_suspect(models.decoder.session().0));
    let texts: Vec<bool> = models.prompts.sessions().map(|(session, _)| is_suspect(session)).collect();
    let latent = noise(pack.latent_shape());

    if denoiser || texts.contains(&true) {
        let prompt = pack.tokenize("")?;
        let apart = models.prompts.run_apart(&prompt)?;
        for ((text, suspect), (session, output)) in apart.iter().zip(texts).zip(models.prompts.sessions()) {
            if suspect {
                require_finite(text.view(), session, output)?;
            }
        }
        if denoiser {
            let encoded = models.prompts.run(&[prompt])?;
            let conditioning = Conditioning {
                text: encoded.text.view(),
                pooled: encoded.pooled.as_ref().map(|pooled| pooled.view()),
                guidance: &[GUIDANCE],
            };
            let training_steps = pack.scheduler_config().1["num_train_timesteps"].as_f64().unwrap_or(TRAINING_STEPS);
            let predicted = models.denoiser.run(latent.view(), &[(training_steps / 2.0).floor()], &conditioning)?;
            let (session, output) = models.denoiser.session();
            require_finite(predicted.view(), session, output)?;
        }
    }
    if decoder {
        let painted = models.decoder.paint(latent.view())?;
        let (session, output) = models.decoder.session();
        require_finite(painted.view(), session, output)?;
    }
    Ok(())
}

/// The same standard normal latent every time.
fn noise([channels, height, width]: [usize; 3]) -> Array4<f32> {
    let mut rng = StreamKey::new(0, 0, "golden-pass", "latent").rng();
    Array4::from_shape_simple_fn((1, channels, height, width), || StandardNormal.sample(&mut rng))
}

fn require_finite<D: ndarray::Dimension>(
    values: ArrayView<'_, f32, D>,
    session: &ModelSession,
    output: &str,
) -> Result<(), PackError> {
    let help = if session.file().ends_with(VAE_DECODER_FILE) {
        "put the vae_decoder/ of an export in 32 bits in its place (optimum-cli export onnx --dtype fp32 …): the models of a \
         pack may differ in precision. For Stable Diffusion XL there is an autoencoder made for 16 bits, \
         madebyollin/sdxl-vae-fp16-fix: export the pack with that"
    } else {
        "put this model's folder of an export in 32 bits in its place (optimum-cli export onnx --dtype fp32 …): the models \
         of a pack may differ in precision. If it is the same in 32 bits, the weights are broken: fetch them again"
    };
    let so = "pictures would be black";
    PackError::require_finite(values.iter().copied(), (session.file(), output), so, help)
}
