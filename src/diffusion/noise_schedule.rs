//! How much noise a latent holds at each timestep of training, after diffusers' `scheduler_config.json`.
//!
//! A latent at timestep t is (4) `z_t = α_t z_0 + σ_t ε` with `σ_t² = 1 − α_t²` (variance preserving), so one table
//! of `ᾱ_t = α_t²` says everything. The table is kept in double precision; diffusers keeps it in single, which moves
//! its ᾱ by a few parts in 10⁶.

mod config;
mod error;
mod karras;

use serde::{Deserialize, Serialize};
use std::path::Path;

pub use error::ScheduleError;

use super::sampler::Sampler;

/// What the denoiser was trained to say about a noisy latent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PredictionType {
    /// The noise ε of (4).
    Epsilon,
    /// `v = α_t ε − σ_t z_0`, well defined at every noise level.
    VPrediction,
    /// The clean latent z_0 itself.
    Sample,
}

/// How the timesteps of a short chain are picked from those of training (arXiv 2305.08891, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimestepSpacing {
    /// Multiples of T // N plus an offset: starts somewhat below the noisiest timestep.
    Leading,
    /// From T − 1 downwards in strides of T / N.
    Trailing,
    /// N points from T − 1 to 0, both included.
    Linspace,
}

/// The noise levels of a trained denoiser and the rules for walking through them.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseSchedule {
    /// ᾱ_t for t = 0 … T − 1, strictly decreasing; only the last may be 0.
    alpha_bar: Vec<f64>,
    prediction: PredictionType,
    spacing: TimestepSpacing,
    /// Added to leading timesteps.
    steps_offset: u32,
    /// Where the last step of DDIM and PNDM goes: 1, or ᾱ_0 where `set_alpha_to_one` is false.
    final_alpha_bar: f64,
    /// Range ± to which DDIM, DDPM and LCM clip the predicted clean latent.
    clip_sample: Option<f64>,
    /// Whether Euler and DPM-Solver++ go through Karras's levels.
    use_karras_sigmas: bool,
    consistency: ConsistencyModel,
    misfits: Misfits,
}

/// Where a step of a chain begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StepStart {
    /// What the denoiser is told.
    pub timestep: f64,
    /// ᾱ of the latent.
    pub alpha_bar: f64,
}

/// What the file says of latent consistency models.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ConsistencyModel {
    /// Timesteps that the model was distilled at: `original_inference_steps`, every (T // them)th.
    original_steps: u32,
    /// `timestep_scaling`.
    timestep_scaling: f64,
}

/// Samplers of which the file asks for a variant that is not there. It still serves the others.
#[derive(Debug, Clone, PartialEq, Default)]
struct Misfits {
    pndm: Option<ScheduleError>,
    dpm_solver: Option<ScheduleError>,
}

/// What diffusers' schedulers with a σ = √((1 − ᾱ)/ᾱ) put in place of a terminal ᾱ of 0, where it would be infinite.
const SMALLEST_ALPHA_BAR: f64 = 1.0 / 16_777_216.0; // 2⁻²⁴

/// Standard deviation of clean latents in the boundary condition of consistency models.
const SIGMA_DATA: f64 = 0.5;

impl NoiseSchedule {
    /// Reads the `scheduler_config.json` at `path`, already parsed to `json`.
    ///
    /// Fields left out take the defaults of the file's own `_class_name`.
    ///
    /// # Errors
    /// Any field that is unknown, malformed, or asks for something else than this crate does; a table that is not
    /// strictly decreasing; ε-prediction with a terminal ᾱ of 0. Each names the file and the field.
    pub fn from_config(path: &Path, json: &serde_json::Value) -> Result<Self, ScheduleError> {
        config::read(path, json)
    }

    /// T, the number of timesteps of training.
    pub fn train_timesteps(&self) -> u32 {
        self.alpha_bar.len() as u32
    }

    /// The table of ᾱ_t, t = 0 … T − 1.
    pub fn alpha_bar(&self) -> &[f64] {
        &self.alpha_bar
    }

    /// γ(t) = ᾱ_t / (1 − ᾱ_t) of (3), the signal-to-noise ratio; strictly decreasing.
    pub fn signal_to_noise_ratio(&self, timestep: usize) -> f64 {
        let alpha_bar = self.alpha_bar[timestep];
        alpha_bar / (1.0 - alpha_bar)
    }

    /// (α_{t|s}, σ²_{t|s}) of (5), `z_t | z_s ~ N(α_{t|s} z_s, σ²_{t|s} I)`, for s < t. (The paper prints z_0 for
    /// z_s, with which the steps would not compose to (4).)
    pub fn transition(&self, s: usize, t: usize) -> (f64, f64) {
        let ratio = self.alpha_bar[t] / self.alpha_bar[s];
        (ratio.sqrt(), 1.0 - ratio)
    }

    /// What the denoiser predicts.
    pub fn prediction(&self) -> PredictionType {
        self.prediction
    }

    /// Range ± to which DDIM, DDPM and LCM clip the predicted clean latent; `None`: they do not.
    pub fn clip_sample(&self) -> Option<f64> {
        self.clip_sample
    }

    /// The timesteps of a chain of `steps` steps, noisiest first, exactly as diffusers picks them: whole numbers, but
    /// for Euler with Karras's levels, and Euler and Euler ancestral with `linspace`, which do not round them. (Of PNDM's
    /// list, which has the second one twice, each once.)
    ///
    /// # Errors
    /// No steps, more steps than timesteps of training or of a consistency model, or an offset that leads out of the table.
    pub fn timesteps(&self, sampler: Sampler, steps: u32) -> Result<Vec<f64>, ScheduleError> {
        Ok(self.starts(sampler, steps)?.into_iter().map(|start| start.timestep).collect())
    }

    /// The same with the noise levels there.
    pub(super) fn starts(&self, sampler: Sampler, steps: u32) -> Result<Vec<StepStart>, ScheduleError> {
        let timesteps = self.spaced_timesteps(sampler, steps)?;
        let of_the_table = |&timestep: &f64| StepStart { timestep, alpha_bar: self.level(sampler, timestep) };
        let karras = self.karras_starts(sampler, &timesteps);
        Ok(karras.unwrap_or_else(|| timesteps.iter().map(of_the_table).collect()))
    }

    fn spaced_timesteps(&self, sampler: Sampler, steps: u32) -> Result<Vec<f64>, ScheduleError> {
        let train = self.train_timesteps();
        if steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        if steps > train {
            return Err(ScheduleError::TooManySteps { steps, train_timesteps: train });
        }
        if sampler == Sampler::Lcm {
            return self.consistency_timesteps(steps);
        }
        // DPM-Solver++ takes one more with these two spacings, and leaves the last one out.
        let points = if sampler == Sampler::DpmSolver { steps + 1 } else { steps };
        let timesteps: Vec<f64> = match self.spacing {
            TimestepSpacing::Leading => {
                let stride = train / points;
                let indices = (0..points).rev().take(steps as usize);
                indices.map(|i| f64::from(i * stride) + f64::from(self.steps_offset)).collect()
            }
            // numpy rounds halves to even. (For some N, 61 of 1000 say, rounding errors give diffusers one timestep more,
            // −1; we take N.)
            TimestepSpacing::Trailing => {
                let stride = f64::from(train) / f64::from(steps);
                (0..steps).map(|i| (f64::from(train) - f64::from(i) * stride).round_ties_even() - 1.0).collect()
            }
            TimestepSpacing::Linspace => {
                let stride = if points == 1 { 0.0 } else { f64::from(train - 1) / f64::from(points - 1) };
                let points = (0..points).rev().take(steps as usize).map(|i| f64::from(i) * stride);
                if matches!(sampler, Sampler::Euler | Sampler::EulerAncestral) {
                    points.map(|t| f64::from(t as f32)).collect()
                } else {
                    points.map(f64::round_ties_even).collect()
                }
            }
        };
        if timesteps[0] > f64::from(train - 1) {
            return Err(ScheduleError::TimestepOutOfRange { timestep: timesteps[0], train_timesteps: train, steps });
        }
        if timesteps.windows(2).any(|pair| pair[1] >= pair[0]) {
            return Err(ScheduleError::TooManySteps { steps, train_timesteps: train - 1 });
        }
        Ok(timesteps)
    }

    /// Of those that the model was distilled at, `steps` evenly spread ones.
    fn consistency_timesteps(&self, steps: u32) -> Result<Vec<f64>, ScheduleError> {
        let original = self.consistency.original_steps;
        if steps > original {
            return Err(ScheduleError::BeyondOriginalSteps { steps, original_steps: original });
        }
        let stride = self.train_timesteps() / original;
        let skipped = f64::from(original) / f64::from(steps);
        let number = |i: u32| original - (f64::from(i) * skipped).floor() as u32;
        Ok((0..steps).map(|i| f64::from(number(i) * stride - 1)).collect())
    }

    /// c_skip of a consistency model at a timestep.
    pub(super) fn consistency_skip(&self, timestep: f64) -> f64 {
        let scaled = timestep * self.consistency.timestep_scaling;
        SIGMA_DATA * SIGMA_DATA / (scaled * scaled + SIGMA_DATA * SIGMA_DATA)
    }

    /// Why the file does not serve this sampler, if it does not.
    pub(super) fn misfit(&self, sampler: Sampler) -> Option<ScheduleError> {
        match sampler {
            Sampler::Pndm => self.misfits.pndm.clone(),
            Sampler::DpmSolver => self.misfits.dpm_solver.clone(),
            _ => None,
        }
    }

    /// The noise level ᾱ at a timestep of the table.
    ///
    /// Between two timesteps (Euler with `linspace`) σ = √((1 − ᾱ)/ᾱ) is interpolated linearly, as diffusers does.
    pub(super) fn level(&self, sampler: Sampler, timestep: f64) -> f64 {
        let at = |index: usize| {
            let alpha_bar = self.alpha_bar[index];
            match sampler {
                Sampler::Euler | Sampler::EulerAncestral | Sampler::DpmSolver if alpha_bar == 0.0 => SMALLEST_ALPHA_BAR,
                _ => alpha_bar,
            }
        };
        let below = timestep.floor();
        let fraction = timestep - below;
        if fraction == 0.0 {
            return at(below as usize);
        }
        let sigma = |alpha_bar: f64| ((1.0 - alpha_bar) / alpha_bar).sqrt();
        let (low, high) = (sigma(at(below as usize)), sigma(at(below as usize + 1)));
        let interpolated = low + fraction * (high - low);
        1.0 / (1.0 + interpolated * interpolated)
    }

    /// Where the last step of a chain goes. Only DDIM and PNDM heed `set_alpha_to_one`, as in diffusers.
    pub(super) fn final_level(&self, sampler: Sampler) -> f64 {
        match sampler {
            Sampler::Ddim { .. } | Sampler::Pndm => self.final_alpha_bar,
            Sampler::Ddpm | Sampler::Euler | Sampler::EulerAncestral | Sampler::DpmSolver | Sampler::Lcm => 1.0,
        }
    }

    /// Scale of the start noise in variance-preserving coordinates; see [`Chain::start_scale`](super::Chain).
    pub(super) fn start_scale(&self, sampler: Sampler, first_level: f64) -> f64 {
        match (sampler, self.spacing) {
            (_, TimestepSpacing::Leading) => 1.0,
            (Sampler::Euler | Sampler::EulerAncestral, _) => (1.0 - first_level).sqrt(),
            _ => 1.0,
        }
    }
}
