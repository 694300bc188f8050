//! The networks of a diffusion pack, ready to run: text encoders, denoiser, picture decoder.
//!
//! ```text
//! ids [b, tokens] ─ encode_prompts ─► text [b, tokens, hidden], pooled [b, width] ┐
//! guidance scales [b], where the denoiser is told them ───────────────────────────┤
//! latents [b, c, h, w], timesteps [b] ────────────────────────────────────────────┴─ predict ─► prediction [b, c, h, w]
//! latents [b, c, h, w] ─ decode ─► pictures [b, 3, H, W] in [0, 1]
//! ```
//!
//! Names, ranks and element types are read from the sessions; arrays here are always 32-bit floats.
//!
//! When a pack is loaded for the first time in a process, it makes one picture (`golden_pass`), so that files that do not fit
//! each other, and models whose arithmetic overflows, are errors that name file and setting before any work is done.

mod decoder;
mod denoiser;
mod golden_pass;
mod resident;
mod text_encoders;

use std::path::Path;

use ndarray::{Array2, Array3, Array4, ArrayView2, ArrayView3, ArrayView4, Axis};

use self::decoder::Decoder;
use self::denoiser::Denoiser;
use self::resident::ResidentDenoising;
pub use self::resident::{ResidentChains, ResidentOutcome, ResidentStep, STEP_FACTORS};
use self::text_encoders::PromptEncoder;
use super::pack::{DiffusionPack, PromptIds};
use super::pack_error::PackError;
use super::provider::ResolvedProvider;

/// One set of sessions, for one worker at a time.
#[derive(Debug)]
pub struct DiffusionModels {
    prompts: PromptEncoder,
    denoiser: Denoiser,
    decoder: Decoder,
    /// Once it was needed.
    resident: Option<ResidentDenoising>,
}

/// What the text encoders make of `b` prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedPrompts {
    /// `[b, tokens, hidden]`; of two text encoders, side by side.
    pub text: Array3<f32>,
    /// `[b, width]`, from the second text encoder.
    pub pooled: Option<Array2<f32>>,
}

/// What a denoiser is told of `b` latents besides their timesteps.
#[derive(Debug, Clone, Copy)]
pub struct Conditioning<'a> {
    /// `[b, tokens, hidden]`.
    pub text: ArrayView3<'a, f32>,
    /// `[b, width]`, where the pack has two text encoders.
    pub pooled: Option<ArrayView2<'a, f32>>,
    /// `b` guidance scales, for denoisers that are told ([`super::pack::Architecture::guidance_width`]).
    pub guidance: &'a [f64],
}

impl DiffusionModels {
    /// Loads the models of `pack` and checks that they fit the layout, the tokenizers and each other. See
    /// [`DiffusionPack::load_worker`].
    pub(super) fn load(
        pack: &DiffusionPack,
        provider: ResolvedProvider,
        intra_threads: usize,
    ) -> Result<Self, PackError> {
        let prompts = PromptEncoder::load(pack, provider, intra_threads)?;
        let mut models = Self {
            denoiser: Denoiser::load(pack, provider, intra_threads, prompts.widths())?,
            decoder: Decoder::load(pack, provider, intra_threads)?,
            prompts,
            resident: None,
        };
        golden_pass::once(pack, &mut models)?;
        Ok(models)
    }

    /// Encodes `b` prompts that the pack tokenized.
    ///
    /// # Errors
    /// [`PackError::Run`].
    ///
    /// # Panics
    /// Where a prompt's ids are not of this pack's tokenizers.
    pub fn encode_prompts(&mut self, prompts: &[PromptIds]) -> Result<EncodedPrompts, PackError> {
        self.prompts.run(prompts)
    }

    /// One evaluation of the denoiser: what it predicts (noise, velocity or sample, as the scheduler's
    /// `prediction_type` says) for `b` latents `[b, channels, height, width]` at their `timesteps` (`b` of them, in
    /// training steps) under their conditions.
    ///
    /// Timesteps may differ within a batch; where the model takes one timestep only, it runs once for each.
    /// Models with an integer timestep get the nearest integer.
    ///
    /// # Errors
    /// [`PackError::Run`].
    ///
    /// # Panics
    /// Where the batches differ in length, or the pack wants pooled text that is not there.
    pub fn predict(
        &mut self,
        latents: ArrayView4<'_, f32>,
        timesteps: &[f64],
        conditioning: &Conditioning<'_>,
    ) -> Result<Array4<f32>, PackError> {
        let batch = timesteps.len();
        assert!(
            latents.len_of(Axis(0)) == batch
                && conditioning.text.len_of(Axis(0)) == batch
                && conditioning.pooled.is_none_or(|pooled| pooled.len_of(Axis(0)) == batch)
                && conditioning.guidance.len() == batch,
            "every latent of a batch has one timestep, one text and one guidance scale"
        );
        self.denoiser.run(latents, timesteps, conditioning)
    }

    /// Takes chains through steps between which nobody looks at them; their latents stay on the device. The same as
    /// [`DiffusionModels::predict`] and a step after the other, but for rounding on a GPU.
    ///
    /// # Errors
    /// [`PackError::Run`], [`PackError::Load`]; [`PackError::Unworkable`] where the denoiser takes latents and gives predictions
    /// of two types.
    ///
    /// # Panics
    /// Where the batches differ in length, or the pack wants pooled text that is not there.
    pub fn denoise_resident(
        &mut self,
        chains: &ResidentChains<'_>,
        steps: impl Iterator<Item = ResidentStep>,
    ) -> Result<ResidentOutcome, PackError> {
        let resident = match self.resident.take() {
            Some(resident) => resident,
            None => ResidentDenoising::new(&self.denoiser)?,
        };
        self.resident.insert(resident).denoise(&mut self.denoiser, chains, steps)
    }

    /// Whether nobody has seen yet that chains of that many evaluations come out of [`DiffusionModels::denoise_resident`] as
    /// they do step by step. Where that goes wrong, with a CUDA graph that remembers what it should ask say, nothing else would
    /// tell.
    pub fn is_resident_unproven(&self, evaluations: usize) -> bool {
        self.resident.as_ref().is_none_or(|resident| resident.is_unproven(evaluations))
    }

    /// Somebody has.
    pub fn set_resident_proven(&mut self, evaluations: usize) {
        if let Some(resident) = &mut self.resident {
            resident.set_proven(evaluations);
        }
    }

    /// The denoiser's file.
    pub fn denoiser_file(&self) -> &Path {
        self.denoiser.session().0.file()
    }

    /// Pictures of `b` finished latents `[b, channels, height, width]`: `[b, 3, H, W]`, red, green, blue in [0, 1].
    /// A NaN in a latent gives NaN in its picture.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn decode(&mut self, latents: ArrayView4<'_, f32>) -> Result<Array4<f32>, PackError> {
        let mut pictures = self.decoder.paint(latents)?;
        // The decoder paints in [−1, 1].
        pictures.mapv_inplace(|value| (value / 2.0 + 0.5).clamp(0.0, 1.0));
        Ok(pictures)
    }
}
