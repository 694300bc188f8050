//! Whether the models of a pack take what its other files make, and answer with numbers. One picture shows it:
//!
//! ```text
//!  a prompt that fills the context, with the highest id ─┬─► text encoders ─► finite? ─┐
//!  the empty prompt ─────────────────────────────────────┘                             │
//!  a latent of noise ──────────────────────────────────────────────────────────────────┴─► denoiser, half way ─► finite?
//!  a latent of noise ────────────────────────────────────────────────────────────────────► decoder ─► finite?
//! ```
//!
//! What a graph declares is checked before, when it is loaded; but exporters leave most lengths open, and then only a
//! call tells that a prompt is longer than the model has positions, an id beyond its embedding, or a latent of a size
//! that the levels of the denoiser cannot halve.
//!
//! Autoencoders above all were trained in 32 bits and overflow in 16, whose range ends at 65,504 for f16: the one of
//! Stable Diffusion XL does. A NaN then goes through all that follows, and the picture is black.
//!
//! A pack is tried once in a process: what one set of sessions answers, every other answers too.

mod blame;

use std::sync::PoisonError;

use ndarray::{Array4, ArrayView};
use rand_distr::{Distribution, StandardNormal};

use super::{Conditioning, DiffusionModels, EncodedPrompts};
use crate::onnx::pack::{DiffusionPack, PromptIds, VAE_DECODER_FILE};
use crate::onnx::pack_error::PackError;
use crate::onnx::session::ModelSession;
use crate::onnx::tokenizer::PromptTokenizer;
use crate::random::StreamKey;

/// A guidance scale that people use.
const GUIDANCE: f64 = 7.5;
/// Steps of training, where the scheduler's file does not say.
const TRAINING_STEPS: f64 = 1000.0;
/// Words that are said until the context is full.
const WORDS: &str = "a tiger sits in front of a bush and looks at a dog, ";

/// Tries the models of `pack` unless that was done before.
///
/// # Errors
/// [`PackError::Unworkable`], [`PackError::NotFinite`], [`PackError::UnfitTensor`], [`PackError::Run`].
pub(super) fn once(pack: &DiffusionPack, models: &mut DiffusionModels) -> Result<(), PackError> {
    // Held while one worker looks: the others wait for what it finds.
    let mut done = pack.golden_pass.lock().unwrap_or_else(PoisonError::into_inner);
    if !*done {
        Trial { pack, models }.examine()?;
        *done = true;
    }
    Ok(())
}

struct Trial<'a> {
    pack: &'a DiffusionPack,
    models: &'a mut DiffusionModels,
}

impl Trial<'_> {
    fn examine(&mut self) -> Result<(), PackError> {
        self.read(&self.pack.tokenize("")?)?;
        let encoded = self.encode(full_prompt(self.pack)?)?;
        let size = self.pack.latent_shape();
        let predicted = self.predict(size, &encoded)?;
        self.require_finite(predicted.view(), self.models.denoiser.session())?;
        let painted = self.paint(size)?;
        self.require_finite(painted.view(), self.models.decoder.session())
    }

    /// Reads a prompt with each text encoder.
    fn read(&mut self, prompt: &PromptIds) -> Result<(), PackError> {
        let apart = self.models.prompts.run_apart(prompt).map_err(|error| self.blame_prompt(error, prompt))?;
        for (text, session) in apart.iter().zip(self.models.prompts.sessions()) {
            self.require_finite(text.view(), session)?;
        }
        Ok(())
    }

    fn encode(&mut self, prompt: PromptIds) -> Result<EncodedPrompts, PackError> {
        let prompts = [prompt];
        let encoded = self.models.prompts.run(&prompts).map_err(|error| self.blame_prompt(error, &prompts[0]))?;
        if !encoded.text.iter().all(|value| value.is_finite()) {
            // Which encoder it is only each of them alone can tell.
            self.read(&prompts[0])?;
        }
        Ok(encoded)
    }

    fn predict(&mut self, size: [usize; 3], encoded: &EncodedPrompts) -> Result<Array4<f32>, PackError> {
        let timestep = (training_steps(self.pack)? / 2.0).floor();
        match self.evaluate(size, encoded, timestep) {
            Err(error @ (PackError::Run { .. } | PackError::UnfitTensor { .. })) => {
                let other = self.other_size().filter(|&other| self.evaluate(other, encoded, timestep).is_ok());
                Err(self.blame_latent(error, other))
            }
            evaluated => evaluated,
        }
    }

    fn evaluate(
        &mut self,
        size: [usize; 3],
        encoded: &EncodedPrompts,
        timestep: f64,
    ) -> Result<Array4<f32>, PackError> {
        let conditioning = Conditioning {
            text: encoded.text.view(),
            pooled: encoded.pooled.as_ref().map(|pooled| pooled.view()),
            guidance: &[GUIDANCE],
        };
        self.models.denoiser.run(noise(size).view(), &[timestep], &conditioning)
    }

    fn paint(&mut self, size: [usize; 3]) -> Result<Array4<f32>, PackError> {
        match self.models.decoder.paint(noise(size).view()) {
            Err(error @ (PackError::Run { .. } | PackError::UnfitTensor { .. })) => {
                let other = self.other_size().filter(|&other| self.models.decoder.paint(noise(other).view()).is_ok());
                Err(self.blame_latent(error, other))
            }
            painted => painted,
        }
    }

    fn require_finite<D: ndarray::Dimension>(
        &self,
        values: ArrayView<'_, f32, D>,
        (session, output): (&ModelSession, &str),
    ) -> Result<(), PackError> {
        let file = session.file();
        let narrow = session.computes_in_16_bits()
            || self.pack.models().iter().any(|model| model.file.file() == file && model.file.has_16_bit_weights());
        let help = if file.ends_with(VAE_DECODER_FILE) {
            "put the vae_decoder/ of an export in 32 bits in its place (optimum-cli export onnx --dtype fp32 …): the models \
             of a pack may differ in precision. For Stable Diffusion XL there is an autoencoder made for 16 bits, \
             madebyollin/sdxl-vae-fp16-fix: export the pack with that"
        } else {
            "put this model's folder of an export in 32 bits in its place (optimum-cli export onnx --dtype fp32 …): the \
             models of a pack may differ in precision. If it is the same in 32 bits, the weights are broken: fetch them \
             again"
        };
        PackError::require_finite(values.iter().copied(), (file, output), narrow, "pictures would be black", help)
    }
}

/// A prompt that leaves no place empty, with the highest ids of the tokenizers in its middle.
fn full_prompt(pack: &DiffusionPack) -> Result<PromptIds, PackError> {
    let with_highest = |mut ids: Vec<i64>, tokenizer: &PromptTokenizer| {
        let middle = ids.len() / 2;
        ids[middle] = tokenizer.highest_id();
        ids
    };
    let PromptIds { first, second } = pack.tokenize(&WORDS.repeat(pack.tokenizer().prompt_length().div_ceil(8)))?;
    Ok(PromptIds {
        first: with_highest(first, pack.tokenizer()),
        second: second.zip(pack.second_tokenizer()).map(|(ids, tokenizer)| with_highest(ids, tokenizer)),
    })
}

fn training_steps(pack: &DiffusionPack) -> Result<f64, PackError> {
    let (file, config) = pack.scheduler_config();
    let key = "num_train_timesteps";
    match &config[key] {
        serde_json::Value::Null => Ok(TRAINING_STEPS),
        steps => steps.as_f64().ok_or_else(|| PackError::config(file, key, "a number of steps", steps)),
    }
}

/// The same standard normal latent every time.
fn noise([channels, height, width]: [usize; 3]) -> Array4<f32> {
    let mut rng = StreamKey::new(0, 0, "golden-pass", "latent").rng();
    Array4::from_shape_simple_fn((1, channels, height, width), || StandardNormal.sample(&mut rng))
}
