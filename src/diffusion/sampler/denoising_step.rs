//! One denoising step: its numbers, and what they do to a latent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::factors::StepFactors;
use super::multistep::PLMS_HISTORY;
use crate::diffusion::noise_schedule::PredictionType;

/// How the next latent is made from the estimated clean one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum StepRule {
    /// Along the predicted noise: DDIM (arXiv 2010.02502, equation 12), and Euler in variance-preserving coordinates.
    Ddim,
    /// The mean (8) of the posterior (7), of the estimated clean latent and the current one.
    Posterior,
    /// Back to the next level from c_out ẑ_0 + c_skip z_t, with c_out² = 1 − c_skip.
    Consistency { skip: f64 },
    /// DDIM's, along a weighted sum of this model output and that many earlier ones, at most 3.
    Plms { earlier: u32 },
    /// The first step of a PLMS chain, which has no earlier outputs: DDIM's along the mean of the outputs at its beginning
    /// and at the end that the first of them leads to. Two evaluations.
    PlmsStart(SecondEvaluation),
    /// DPM-Solver++: from ẑ_0 + `difference`·(ẑ_0 − that of the step before). 0: first order, by ẑ_0 alone.
    DpmSolver { difference: f64 },
}

/// The second evaluation of a first PLMS step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SecondEvaluation {
    /// What the denoiser is told.
    pub timestep: f64,
    /// ᾱ of the latent that the first output leads to.
    pub alpha_bar_predicted: f64,
    /// ᾱ from which the mean of both outputs leads on: that of the step's latent but for diffusers' rounding of timesteps.
    pub alpha_bar_from: f64,
}

/// One denoising step as numbers only: everything that a node's key needs besides its parents.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DenoisingStep {
    /// What the denoiser is told; whole but for Euler and Euler ancestral with `linspace` spacing.
    pub timestep: f64,
    /// ᾱ_t of the latent that goes in.
    pub alpha_bar_from: f64,
    /// ᾱ_s of the latent that comes out; above `alpha_bar_from`.
    pub alpha_bar_to: f64,
    /// What the denoiser predicts.
    pub prediction: PredictionType,
    /// How the next latent is made.
    pub rule: StepRule,
    /// Standard deviation of the fresh noise; 0 in a deterministic step.
    pub noise_scale: f64,
    /// Range ± to which the estimated clean latent is clipped. As in diffusers, DDIM's ε_θ stays that of the unclipped one.
    pub clip_sample: Option<f64>,
}

impl DenoisingStep {
    /// Whether [`apply`](Self::apply) needs noise.
    pub fn is_stochastic(&self) -> bool {
        self.noise_scale > 0.0
    }

    /// Model evaluations of the step, each of them two with guidance: 2 in the first step of a PLMS chain, else 1.
    pub fn evaluations(&self) -> u32 {
        match self.rule {
            StepRule::PlmsStart(_) => 2,
            _ => 1,
        }
    }

    /// The second evaluation, where the step has one: on the latent that [`predict`](Self::predict) gives. The mean of both
    /// outputs is then what [`apply`](Self::apply) takes, and the first is what [`remember`](Self::remember) does.
    pub fn second_evaluation(&self) -> Option<SecondEvaluation> {
        match self.rule {
            StepRule::PlmsStart(second) => Some(second),
            _ => None,
        }
    }

    /// How many earlier model outputs the step goes by.
    pub fn earlier_outputs(&self) -> usize {
        match self.rule {
            StepRule::Plms { earlier } => earlier as usize,
            StepRule::DpmSolver { difference } if difference != 0.0 => 1,
            _ => 0,
        }
    }

    /// Takes the step for one latent: `out` becomes z_s.
    ///
    /// All slices have the latent's length. `earlier` is the history that came with the latent, newest first, of which the
    /// step goes by the first [`earlier_outputs`](Self::earlier_outputs); `noise` is standard normal and is needed where the
    /// step [is stochastic](Self::is_stochastic), otherwise ignored. Coefficients come from double precision, the latents
    /// are single. NaN goes through.
    ///
    /// # Panics
    /// If lengths differ, the history is too short or a stochastic step gets no noise: all are errors of the caller.
    pub fn apply(
        &self,
        latent: &[f32],
        model_output: &[f32],
        earlier: &[Arc<[f32]>],
        noise: Option<&[f32]>,
        out: &mut [f32],
    ) {
        assert!(
            latent.len() == out.len() && model_output.len() == out.len(),
            "latent, model output and result of a denoising step have one length"
        );
        let StepFactors { of_clean, clean, clip, rest, of_earlier, of_noise, .. } = self.factors();
        match clip {
            None => {
                for ((next, &z), &output) in out.iter_mut().zip(latent).zip(model_output) {
                    *next = rest.of(z, output);
                }
            }
            Some(range) => {
                for ((next, &z), &output) in out.iter_mut().zip(latent).zip(model_output) {
                    *next = of_clean * clean.of(z, output).clamp(-range, range) + rest.of(z, output);
                }
            }
        }
        assert!(earlier.len() >= self.earlier_outputs(), "a latent brings the history that its next step goes by");
        for (earlier, factor) in earlier.iter().zip(of_earlier).take(self.earlier_outputs()) {
            assert!(earlier.len() == out.len(), "a history is as long as its latent");
            for (next, &output) in out.iter_mut().zip(earlier.iter()) {
                *next += factor * output;
            }
        }
        if self.is_stochastic() {
            let noise = noise.expect("the caller draws noise for every stochastic step");
            assert!(noise.len() == out.len(), "the noise of a denoising step is as long as its latent");
            for (next, &n) in out.iter_mut().zip(noise) {
                *next += of_noise * n;
            }
        }
    }

    /// The latent on which the [second evaluation](Self::second_evaluation) is made; of other steps the next one by DDIM.
    pub fn predict(&self, latent: &[f32], model_output: &[f32]) -> Vec<f32> {
        let factors = self.prediction_factors();
        latent.iter().zip(model_output).map(|(&z, &output)| factors.of(z, output)).collect()
    }

    /// The history of the next latent, newest first: what of this step later ones go by, and before it what they still need
    /// of `earlier`. Empty for methods of one step.
    ///
    /// PLMS remembers the model's outputs as they are, DPM-Solver++ the clean latents that they stand for.
    pub fn remember(&self, latent: &[f32], model_output: &[f32], earlier: &[Arc<[f32]>]) -> Vec<Arc<[f32]>> {
        let Some(kept) = self.history_length().checked_sub(1) else { return Vec::new() };
        let newest = match self.rule {
            StepRule::DpmSolver { .. } => {
                let StepFactors { remembered, .. } = self.factors();
                latent.iter().zip(model_output).map(|(&z, &output)| remembered.of(z, output)).collect()
            }
            _ => model_output.into(),
        };
        std::iter::once(newest).chain(earlier[..kept].iter().cloned()).collect()
    }

    /// How long the history of the next latent is: this step's output, where the method remembers it, and what of the earlier
    /// ones later steps still go by.
    pub fn history_length(&self) -> usize {
        match self.rule {
            StepRule::Ddim | StepRule::Posterior | StepRule::Consistency { .. } => 0,
            StepRule::PlmsStart(_) | StepRule::DpmSolver { .. } => 1,
            StepRule::Plms { earlier } => (earlier + 1).min(PLMS_HISTORY) as usize,
        }
    }

    /// Feeds the step to a hash: the same bytes exactly where the same numbers, on every machine.
    pub fn write_key(&self, hasher: &mut impl FnMut(&[u8])) {
        hasher(b"denoising step 1");
        let (rule, more): (u8, &[f64]) = match self.rule {
            StepRule::Ddim => (0, &[]),
            StepRule::Posterior => (1, &[]),
            StepRule::Consistency { skip } => (2, &[skip]),
            StepRule::Plms { earlier } => (3, &[f64::from(earlier)]),
            StepRule::PlmsStart(second) => (4, &[second.timestep, second.alpha_bar_predicted, second.alpha_bar_from]),
            StepRule::DpmSolver { difference } => (5, &[difference]),
        };
        hasher(&[
            match self.prediction {
                PredictionType::Epsilon => 0,
                PredictionType::VPrediction => 1,
                PredictionType::Sample => 2,
            },
            rule,
            u8::from(self.clip_sample.is_some()),
        ]);
        let common =
            [self.timestep, self.alpha_bar_from, self.alpha_bar_to, self.noise_scale, self.clip_sample.unwrap_or(0.0)];
        for number in common.iter().chain(more) {
            hasher(&number.to_bits().to_le_bytes());
        }
    }
}
