//! Chains whose latents stay on the device from step to step, while nobody looks at them.
//!
//! ```text
//!  texts, sizes, scales ─── once ──┐
//!  latents ──── once ──► sample ──►│ denoiser ├─► output ─┐
//!                          ▲       timestep               ├─► step ─► next latent ─► after the last step
//!                          │                    latent ───┤      └──► history, where the method has one
//!                          └───────────────────────────── sample
//!                                              factors, noise: a few numbers and, for some methods, a latent, each step
//! ```
//!
//! The first chains of each set of sessions are preceded by a trial of the denoiser's calls (`trial`).

mod step_models;
mod trial;

use std::collections::HashMap;

use ndarray::{Array4, ArrayView4};
use ort::value::DynTensor;

use self::step_models::{OnDevice, StepModels};
use super::Conditioning;
use super::denoiser::Denoiser;
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FixedCall, FloatType};

/// Numbers that say what a step does to one latent.
pub const STEP_FACTORS: usize = 12;

/// Chains that take the same number of steps, at the same timesteps, by methods that remember as much.
#[derive(Debug, Clone)]
pub struct ResidentChains<'a> {
    /// `[b, channels, height, width]`.
    pub latents: ArrayView4<'a, f32>,
    /// Earlier model outputs, newest first, each as `latents`.
    pub history: Vec<Vec<f32>>,
    /// Of each evaluation.
    pub conditioning: Conditioning<'a>,
    /// The first and the last of the steps.
    pub timesteps: [f64; 2],
    /// `b` scales of classifier-free guidance: there are 2b evaluations, those without prompt first. `None`: there are b.
    pub guidance: Option<&'a [f32]>,
}

/// One step of all chains.
#[derive(Debug, Clone)]
pub struct ResidentStep {
    pub timestep: f64,
    /// Of each chain, in the order that `tests/reference/step_models.py` gives.
    pub factors: Vec<[f32; STEP_FACTORS]>,
    /// How many earlier outputs it goes by.
    pub earlier_outputs: usize,
    /// How long the history is after it.
    pub history_length: usize,
    /// Standard normal values, as many as the latents have.
    pub noise: Option<Vec<f32>>,
}

/// What chains come to.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidentOutcome {
    /// b latents, one after the other.
    pub latents: Vec<f32>,
    /// Earlier model outputs, newest first, each as `latents`.
    pub history: Vec<Vec<f32>>,
}

/// What is kept for chains to come.
#[derive(Debug)]
pub(super) struct Resident {
    captures_graphs: bool,
    steps: StepModels,
    /// By the number of evaluations. All of them where they are captured, else the last.
    calls: HashMap<usize, FixedCall>,
    /// Whether the denoiser was seen to answer as it should.
    is_tried: bool,
}

impl Resident {
    pub fn new(denoiser: &Denoiser, provider: ResolvedProvider) -> Result<Self, PackError> {
        let steps = StepModels::new(denoiser.float_type()?, provider);
        Ok(Self { captures_graphs: provider.captures_graphs(), steps, calls: HashMap::new(), is_tried: false })
    }

    /// Takes chains through `steps`.
    pub fn denoise(
        &mut self,
        denoiser: &mut Denoiser,
        chains: &ResidentChains<'_>,
        steps: impl Iterator<Item = ResidentStep>,
    ) -> Result<ResidentOutcome, PackError> {
        let outcome = self.try_denoise(denoiser, chains, steps);
        if outcome.is_err() {
            // Whoever tries again with less may need the memory.
            self.calls.clear();
        }
        outcome
    }

    fn try_denoise(
        &mut self,
        denoiser: &mut Denoiser,
        chains: &ResidentChains<'_>,
        steps: impl Iterator<Item = ResidentStep>,
    ) -> Result<ResidentOutcome, PackError> {
        let (batch, channels, height, width) = chains.latents.dim();
        let evaluations = chains.conditioning.guidance.len();
        if !self.captures_graphs {
            self.calls.retain(|&size, _| size == evaluations);
        }
        let call = match self.calls.remove(&evaluations) {
            Some(call) => call,
            None => denoiser.fixed_call([channels, height, width], &chains.conditioning)?,
        };
        let call = self.calls.entry(evaluations).or_insert(call);

        let values = chains.latents.as_standard_layout();
        let values = values.as_slice().expect("a standard layout is a slice");
        let samples =
            Array4::from_shape_vec((evaluations, channels, height, width), values.repeat(evaluations / batch))
                .expect("each chain has as many evaluations");
        if !self.is_tried {
            trial::compare(denoiser, call, &samples, &chains.conditioning, chains.timesteps)?;
            self.is_tried = true;
        }
        denoiser.tell(call, &chains.conditioning)?;
        denoiser.hand(call, samples.shape(), samples.as_slice().expect("a new array is in standard layout"))?;
        let shape = [batch, channels, height, width];
        let failed = |denoiser: &Denoiser, reason| denoiser.memory().failed(batch, reason);
        let upload = |denoiser: &Denoiser, values: &[f32]| {
            denoiser.memory().upload(FloatType::F32, &shape, values).map_err(|reason| failed(denoiser, reason))
        };
        let history = chains.history.iter().map(|values| upload(denoiser, values)).collect::<Result<_, _>>()?;
        let mut on_device = OnDevice { latent: upload(denoiser, values)?, history };
        for step in steps {
            denoiser.run_fixed(call, evaluations, step.timestep)?;
            self.steps.take(denoiser, call, chains.guidance, &step, &mut on_device)?;
        }
        let download = |tensor: &DynTensor| {
            denoiser.memory().download(FloatType::F32, tensor).map_err(|reason| failed(denoiser, reason))
        };
        Ok(ResidentOutcome {
            latents: download(&on_device.latent)?,
            history: on_device.history.iter().map(download).collect::<Result<_, _>>()?,
        })
    }
}
