//! One denoising step as factors: every solver's step is a linear combination, but for the clipping of the clean latent.
//!
//! ```text
//!   latent ──┬─► clean ─► clip ─► × of_clean ─┐
//!            ├─► rest ────────────────────────┼─► + ─► next latent
//!   output ──┼─► remembered ─► history        │
//!   earlier outputs, noise ─► × their factors ┘
//! ```

use super::multistep::{PLMS_HISTORY, plms_weights};
use super::{DenoisingStep, StepRule};
use crate::diffusion::noise_schedule::PredictionType;

/// Factors on a latent and on a model output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FactorPair {
    pub of_latent: f32,
    pub of_output: f32,
}

impl FactorPair {
    /// The combination of two values.
    pub(super) fn of(self, latent: f32, output: f32) -> f32 {
        self.of_latent * latent + self.of_output * output
    }
}

/// The step: next = `of_clean`·clip(`clean`) + `rest` + Σ `of_earlier`·(earlier output) + `of_noise`·noise. The factors come
/// from double precision, the latents are single.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepFactors {
    /// 0 where nothing is clipped: the clean latent is then part of the rest.
    pub of_clean: f32,
    /// ẑ_0.
    pub clean: FactorPair,
    /// Range ± of the clean latent.
    pub clip: Option<f32>,
    pub rest: FactorPair,
    /// Newest first; 0 for those that the step does not go by.
    pub of_earlier: [f32; PLMS_HISTORY as usize],
    /// 0 in a deterministic step.
    pub of_noise: f32,
    /// What a multistep method remembers of this step.
    pub remembered: FactorPair,
}

/// A linear combination of a latent and a model output, by its two factors.
#[derive(Clone, Copy)]
struct Combination {
    of_latent: f64,
    of_output: f64,
}

impl Combination {
    const ZERO: Self = Self { of_latent: 0.0, of_output: 0.0 };

    fn scaled(self, factor: f64) -> Self {
        Self { of_latent: factor * self.of_latent, of_output: factor * self.of_output }
    }

    fn plus(self, other: Self) -> Self {
        Self { of_latent: self.of_latent + other.of_latent, of_output: self.of_output + other.of_output }
    }

    fn single(self) -> FactorPair {
        FactorPair { of_latent: self.of_latent as f32, of_output: self.of_output as f32 }
    }
}

/// The mean of the next latent: `of_clean`·clip(ẑ_0) + `rest` + Σ `of_earlier`·(earlier output).
struct Mean {
    of_clean: f64,
    clean: Combination,
    rest: Combination,
    of_earlier: [f64; PLMS_HISTORY as usize],
}

impl DenoisingStep {
    /// The step as factors.
    pub fn factors(&self) -> StepFactors {
        let Mean { of_clean, clean, rest, of_earlier } = self.mean();
        let remembered = match self.rule {
            StepRule::DpmSolver { .. } => self.estimated_clean_latent(self.alpha_bar_from),
            _ => Combination { of_latent: 0.0, of_output: 1.0 },
        };
        let (of_clean, clean, rest) = match self.clip_sample {
            None => (0.0, Combination::ZERO, clean.scaled(of_clean).plus(rest)),
            Some(_) => (of_clean, clean, rest),
        };
        StepFactors {
            of_clean: of_clean as f32,
            clean: clean.single(),
            clip: self.clip_sample.map(|range| range as f32),
            rest: rest.single(),
            of_earlier: of_earlier.map(|factor| factor as f32),
            of_noise: self.noise_scale as f32,
            remembered: remembered.single(),
        }
    }

    /// The latent on which the [second evaluation](Self::second_evaluation) is made; of other steps the next one by DDIM.
    pub(super) fn prediction_factors(&self) -> FactorPair {
        let to = self.second_evaluation().map_or(self.alpha_bar_to, |second| second.alpha_bar_predicted);
        let (of_clean, rest) = self.along_the_noise(self.alpha_bar_from, to, 0.0);
        self.estimated_clean_latent(self.alpha_bar_from).scaled(of_clean).plus(rest).single()
    }

    /// z_θ of (9): the clean latent that the model output stands for at this level.
    fn estimated_clean_latent(&self, from: f64) -> Combination {
        let alpha = from.sqrt();
        let sigma = (1.0 - from).sqrt();
        match self.prediction {
            PredictionType::Epsilon => Combination { of_latent: 1.0 / alpha, of_output: -sigma / alpha },
            PredictionType::VPrediction => Combination { of_latent: alpha, of_output: -sigma },
            PredictionType::Sample => Combination { of_latent: 0.0, of_output: 1.0 },
        }
    }

    /// ε_θ: the noise that the model output stands for at this level.
    fn estimated_noise(&self, from: f64) -> Combination {
        let alpha = from.sqrt();
        let sigma = (1.0 - from).sqrt();
        match self.prediction {
            PredictionType::Epsilon => Combination { of_latent: 0.0, of_output: 1.0 },
            PredictionType::VPrediction => Combination { of_latent: sigma, of_output: alpha },
            PredictionType::Sample => Combination { of_latent: 1.0 / sigma, of_output: -alpha / sigma },
        }
    }

    /// DDIM's mean of z_s: a factor on the estimated clean latent, and the rest.
    fn along_the_noise(&self, from: f64, to: f64, noise_scale: f64) -> (f64, Combination) {
        // max: for η = 1 rounding may leave the least bit below 0.
        let direction = (1.0 - to - noise_scale * noise_scale).max(0.0).sqrt();
        let noise = self.estimated_noise(from);
        (to.sqrt(), Combination { of_latent: direction * noise.of_latent, of_output: direction * noise.of_output })
    }

    /// The mean of z_s.
    fn mean(&self) -> Mean {
        let (mut from, to) = (self.alpha_bar_from, self.alpha_bar_to);
        let mut of_earlier = [0.0; _];
        let mut weight = 1.0;
        let (mut of_clean, mut rest) = match self.rule {
            StepRule::Ddim => self.along_the_noise(from, to, self.noise_scale),
            StepRule::Posterior => {
                let ratio = from / to; // α²_{t|s}
                let of_clean = to.sqrt() * (1.0 - ratio) / (1.0 - from);
                let of_latent = ratio.sqrt() * (1.0 - to) / (1.0 - from);
                (of_clean, Combination { of_latent, of_output: 0.0 })
            }
            StepRule::Consistency { skip } => {
                let of_clean = (to * (1.0 - skip)).sqrt();
                (of_clean, Combination { of_latent: to.sqrt() * skip, of_output: 0.0 })
            }
            StepRule::PlmsStart(second) => {
                from = second.alpha_bar_from;
                self.along_the_noise(from, to, 0.0)
            }
            StepRule::Plms { earlier } => {
                let weights = plms_weights(earlier);
                weight = weights[0];
                of_earlier.copy_from_slice(&weights[1..]);
                self.along_the_noise(from, to, 0.0)
            }
            StepRule::DpmSolver { difference } => {
                let of_latent = ((1.0 - to) / (1.0 - from)).sqrt();
                let of_clean = to.sqrt() - of_latent * from.sqrt();
                of_earlier[0] = -difference * of_clean;
                (of_clean * (1.0 + difference), Combination { of_latent, of_output: 0.0 })
            }
        };
        let mut clean = self.estimated_clean_latent(from);
        if let StepRule::Plms { .. } = self.rule {
            // All outputs as one: Σ of (weight · output) in place of the output.
            let of_outputs = of_clean * clean.of_output + rest.of_output;
            rest.of_latent += of_clean * clean.of_latent;
            rest.of_output = weight * of_outputs;
            of_earlier = of_earlier.map(|weight| weight * of_outputs);
            (of_clean, clean) = (0.0, Combination::ZERO);
        }
        Mean { of_clean, clean, rest, of_earlier }
    }
}
