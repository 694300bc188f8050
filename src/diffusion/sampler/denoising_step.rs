//! One denoising step: its numbers, and what they do to a latent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::multistep::{PLMS_HISTORY, plms_weights};
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

/// A linear combination of a latent and a model output, by its two factors.
#[derive(Clone, Copy)]
struct Combination {
    of_latent: f64,
    of_output: f64,
}

/// The mean of the next latent: `of_clean`·clip(ẑ_0) + `rest` + Σ `of_earlier`·(earlier output).
struct Mean {
    of_clean: f64,
    clean: Combination,
    rest: Combination,
    of_earlier: [f64; PLMS_HISTORY as usize],
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
        let Mean { of_clean, clean, rest, of_earlier } = self.mean();
        match self.clip_sample {
            None => {
                let of_latent = (of_clean * clean.of_latent + rest.of_latent) as f32;
                let of_output = (of_clean * clean.of_output + rest.of_output) as f32;
                for ((next, &z), &output) in out.iter_mut().zip(latent).zip(model_output) {
                    *next = of_latent * z + of_output * output;
                }
            }
            Some(range) => {
                let range = range as f32;
                let (clean_z, clean_output) = (clean.of_latent as f32, clean.of_output as f32);
                let (rest_z, rest_output, of_clean) = (rest.of_latent as f32, rest.of_output as f32, of_clean as f32);
                for ((next, &z), &output) in out.iter_mut().zip(latent).zip(model_output) {
                    let clean = (clean_z * z + clean_output * output).clamp(-range, range);
                    *next = of_clean * clean + (rest_z * z + rest_output * output);
                }
            }
        }
        assert!(earlier.len() >= self.earlier_outputs(), "a latent brings the history that its next step goes by");
        for (earlier, factor) in earlier.iter().zip(of_earlier).take(self.earlier_outputs()) {
            assert!(earlier.len() == out.len(), "a history is as long as its latent");
            let factor = factor as f32;
            for (next, &output) in out.iter_mut().zip(earlier.iter()) {
                *next += factor * output;
            }
        }
        if self.is_stochastic() {
            let noise = noise.expect("the caller draws noise for every stochastic step");
            assert!(noise.len() == out.len(), "the noise of a denoising step is as long as its latent");
            let scale = self.noise_scale as f32;
            for (next, &n) in out.iter_mut().zip(noise) {
                *next += scale * n;
            }
        }
    }

    /// The latent on which the [second evaluation](Self::second_evaluation) is made; of other steps the next one by DDIM.
    pub fn predict(&self, latent: &[f32], model_output: &[f32]) -> Vec<f32> {
        let to = self.second_evaluation().map_or(self.alpha_bar_to, |second| second.alpha_bar_predicted);
        let (of_clean, rest) = self.along_the_noise(self.alpha_bar_from, to, 0.0);
        let clean = self.estimated_clean_latent(self.alpha_bar_from);
        let of_latent = (of_clean * clean.of_latent + rest.of_latent) as f32;
        let of_output = (of_clean * clean.of_output + rest.of_output) as f32;
        latent.iter().zip(model_output).map(|(z, output)| of_latent * z + of_output * output).collect()
    }

    /// The history of the next latent, newest first: what of this step later ones go by, and before it what they still need
    /// of `earlier`. Empty for methods of one step.
    ///
    /// PLMS remembers the model's outputs as they are, DPM-Solver++ the clean latents that they stand for.
    pub fn remember(&self, latent: &[f32], model_output: &[f32], earlier: &[Arc<[f32]>]) -> Vec<Arc<[f32]>> {
        match self.rule {
            StepRule::Ddim | StepRule::Posterior | StepRule::Consistency { .. } => Vec::new(),
            StepRule::PlmsStart(_) => vec![model_output.into()],
            StepRule::Plms { earlier: used } => {
                let kept = (used as usize).min(PLMS_HISTORY as usize - 1);
                std::iter::once(model_output.into()).chain(earlier[..kept].iter().cloned()).collect()
            }
            StepRule::DpmSolver { .. } => {
                let clean = self.estimated_clean_latent(self.alpha_bar_from);
                let (of_latent, of_output) = (clean.of_latent as f32, clean.of_output as f32);
                vec![latent.iter().zip(model_output).map(|(z, output)| of_latent * z + of_output * output).collect()]
            }
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
            (of_clean, clean) = (0.0, Combination { of_latent: 0.0, of_output: 0.0 });
        }
        Mean { of_clean, clean, rest, of_earlier }
    }
}
