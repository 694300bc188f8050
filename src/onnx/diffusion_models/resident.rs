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
//! Whether chains come out so as they do step by step is for the caller to see, the first time
//! ([`super::DiffusionModels::is_resident_unproven`]).

mod step_models;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use ndarray::ArrayView4;
use ort::value::DynTensor;

use self::step_models::{OnDevice, StepModels};
use super::Conditioning;
use super::denoiser::Denoiser;
use crate::onnx::pack_error::PackError;
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
pub(super) struct ResidentDenoising {
    steps: StepModels,
    /// By the number of evaluations. All of them where they are captured, else the last.
    calls: HashMap<usize, FixedCall>,
    /// Numbers of evaluations for which chains were seen to come out as they do step by step.
    proven: HashSet<usize>,
}

impl ResidentDenoising {
    /// Of this denoiser.
    ///
    /// # Errors
    /// [`PackError::Unworkable`] where it takes latents and gives predictions of two types; [`PackError::Load`].
    pub fn new(denoiser: &Denoiser) -> Result<Self, PackError> {
        let steps = StepModels::load(denoiser.float_type()?, denoiser.session().0.provider())?;
        Ok(Self { steps, calls: HashMap::new(), proven: HashSet::new() })
    }

    fn captures_graphs(&self) -> bool {
        self.steps.memory().provider().captures_graphs()
    }

    /// Whether nobody has looked yet whether calls of that many evaluations answer as they should: each captured one is a
    /// matter of its own.
    pub fn is_unproven(&self, evaluations: usize) -> bool {
        if self.captures_graphs() { !self.proven.contains(&evaluations) } else { self.proven.is_empty() }
    }

    pub fn set_proven(&mut self, evaluations: usize) {
        self.proven.insert(evaluations);
    }

    /// Takes chains through `steps`.
    ///
    /// # Errors
    /// [`PackError::Run`], [`PackError::Load`].
    pub fn denoise(
        &mut self,
        denoiser: &mut Denoiser,
        chains: &ResidentChains<'_>,
        steps: impl Iterator<Item = ResidentStep>,
    ) -> Result<ResidentOutcome, PackError> {
        let outcome = self.try_denoise(denoiser, chains, steps);
        if outcome.is_err() {
            // Whoever tries again with less may need the memory. New calls have graphs of their own.
            self.calls.clear();
            self.proven.clear();
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
        if !self.captures_graphs() {
            self.calls.retain(|&size, _| size == evaluations);
        }
        let memory = self.steps.memory();
        let call = match self.calls.entry(evaluations) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(none) => {
                none.insert(denoiser.fixed_call(memory, [channels, height, width], &chains.conditioning)?)
            }
        };

        let values = chains.latents.as_standard_layout();
        let values = values.as_slice().expect("a standard layout is a slice");
        denoiser.set_conditions(memory, call, &chains.conditioning)?;
        let samples = values.repeat(evaluations / batch);
        denoiser.set_latents(memory, call, &[evaluations, channels, height, width], &samples)?;
        let shape = [batch, channels, height, width];
        let upload = |values: &[f32]| {
            memory.upload(FloatType::F32, &shape, values).map_err(|reason| memory.failed(batch, reason))
        };
        let history = chains.history.iter().map(|values| upload(values)).collect::<Result<_, _>>()?;
        let mut on_device = OnDevice { latent: upload(values)?, history };
        for step in steps {
            denoiser.run_fixed(call, evaluations, step.timestep)?;
            self.steps.take(denoiser, call, chains.guidance, &step, &mut on_device)?;
        }
        let memory = self.steps.memory();
        let download =
            |tensor: &DynTensor| memory.download(FloatType::F32, tensor).map_err(|reason| memory.failed(batch, reason));
        Ok(ResidentOutcome {
            latents: download(&on_device.latent)?,
            history: on_device.history.iter().map(download).collect::<Result<_, _>>()?,
        })
    }
}
