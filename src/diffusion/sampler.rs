//! The solvers of the reverse chain, as numbers.
//!
//! A chain is a list of [`DenoisingStep`]s, each of which holds everything that decides its outcome but the latent,
//! the prompt and the noise. Two steps with the same numbers do the same work, whoever takes them: that is what makes
//! a split chain equal an unsplit one bit for bit, and what the denoising graph shares.
//!
//! ```text
//!   model output ──► ẑ_0 (9), clipped if asked ──► DDIM:      z_s = α_s ẑ_0 + √(σ_s² − n²) ε_θ + n·noise
//!                                                  posterior: z_s = (8) of ẑ_0 and z_t          + n·noise
//! ```
//!
//! All latents are variance preserving, Euler's too: where diffusers' Euler scheduler keeps `x = z·√(1 + σ²)`, we keep z,
//! whose variance is about 1, so that it can be quantised and sent like any other. In these coordinates Euler's step
//! `x' = x + (x − x̂_0)(σ' − σ)/σ = x̂_0 + σ' ε` is DDIM's with η = 0, and the model is fed z in either.

use serde::{Deserialize, Serialize};

use super::noise_schedule::{NoiseSchedule, PredictionType, ScheduleError};

/// How one denoising step is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampler {
    /// DDIM; `eta` = 0 is deterministic, 1 is as noisy as ancestral sampling.
    Ddim { eta: f64 },
    /// Ancestral sampling after (7)–(9).
    Ddpm,
    /// Euler's method on the probability-flow equation.
    Euler,
}

/// How the next latent is made from the estimated clean one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepRule {
    /// Along the predicted noise: DDIM (arXiv 2010.02502, equation 12), and Euler in variance-preserving coordinates.
    Ddim,
    /// The mean (8) of the posterior (7), of the estimated clean latent and the current one.
    Posterior,
}

/// One denoising step as numbers only: everything that a node's key needs besides its parents.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DenoisingStep {
    /// What the denoiser is told; whole but for Euler with `linspace` spacing.
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

/// A whole chain from noise to a clean latent.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Factor on the standard normal start latent. 1 for DDIM and DDPM. For Euler diffusers scales x by
    /// `init_noise_sigma`: √(σ² + 1) with leading spacing, which is 1 here; σ with trailing and linspace, which is
    /// σ/√(1 + σ²) = √(1 − ᾱ) here.
    pub start_scale: f64,
    /// Noisiest first.
    pub steps: Vec<DenoisingStep>,
}

/// A linear combination of a latent and a model output, by its two factors.
#[derive(Clone, Copy)]
struct Combination {
    of_latent: f64,
    of_output: f64,
}

impl DenoisingStep {
    /// Whether [`apply`](Self::apply) needs noise.
    pub fn is_stochastic(&self) -> bool {
        self.noise_scale > 0.0
    }

    /// Takes the step for one latent: `out` becomes z_s.
    ///
    /// All slices have the latent's length; `noise` is standard normal and is needed where the step
    /// [is stochastic](Self::is_stochastic), otherwise ignored. Coefficients come from double precision, the latents are
    /// single. NaN goes through.
    ///
    /// # Panics
    /// If lengths differ or a stochastic step gets no noise: both are errors of the caller.
    pub fn apply(&self, latent: &[f32], model_output: &[f32], noise: Option<&[f32]>, out: &mut [f32]) {
        assert!(
            latent.len() == out.len() && model_output.len() == out.len(),
            "latent, model output and result of a denoising step have one length"
        );
        let clean = self.estimated_clean_latent();
        let (of_clean, rest) = self.next_latent();
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
        if self.is_stochastic() {
            let noise = noise.expect("the caller draws noise for every stochastic step");
            assert!(noise.len() == out.len(), "the noise of a denoising step is as long as its latent");
            let scale = self.noise_scale as f32;
            for (next, &n) in out.iter_mut().zip(noise) {
                *next += scale * n;
            }
        }
    }

    /// Feeds the step to a hash: the same bytes exactly where the same numbers, on every machine.
    pub fn write_key(&self, hasher: &mut impl FnMut(&[u8])) {
        hasher(b"denoising step 1");
        hasher(&[
            match self.prediction {
                PredictionType::Epsilon => 0,
                PredictionType::VPrediction => 1,
                PredictionType::Sample => 2,
            },
            match self.rule {
                StepRule::Ddim => 0,
                StepRule::Posterior => 1,
            },
            u8::from(self.clip_sample.is_some()),
        ]);
        for number in
            [self.timestep, self.alpha_bar_from, self.alpha_bar_to, self.noise_scale, self.clip_sample.unwrap_or(0.0)]
        {
            hasher(&number.to_bits().to_le_bytes());
        }
    }

    /// z_θ of (9): the clean latent that the model output stands for.
    fn estimated_clean_latent(&self) -> Combination {
        let alpha = self.alpha_bar_from.sqrt();
        let sigma = (1.0 - self.alpha_bar_from).sqrt();
        match self.prediction {
            PredictionType::Epsilon => Combination { of_latent: 1.0 / alpha, of_output: -sigma / alpha },
            PredictionType::VPrediction => Combination { of_latent: alpha, of_output: -sigma },
            PredictionType::Sample => Combination { of_latent: 0.0, of_output: 1.0 },
        }
    }

    /// ε_θ: the noise that the model output stands for.
    fn estimated_noise(&self) -> Combination {
        let alpha = self.alpha_bar_from.sqrt();
        let sigma = (1.0 - self.alpha_bar_from).sqrt();
        match self.prediction {
            PredictionType::Epsilon => Combination { of_latent: 0.0, of_output: 1.0 },
            PredictionType::VPrediction => Combination { of_latent: sigma, of_output: alpha },
            PredictionType::Sample => Combination { of_latent: 1.0 / sigma, of_output: -alpha / sigma },
        }
    }

    /// The mean of z_s: a factor on the estimated clean latent, and the rest.
    fn next_latent(&self) -> (f64, Combination) {
        let (from, to) = (self.alpha_bar_from, self.alpha_bar_to);
        match self.rule {
            StepRule::Ddim => {
                // max: for η = 1 rounding may leave the least bit below 0.
                let direction = (1.0 - to - self.noise_scale * self.noise_scale).max(0.0).sqrt();
                let noise = self.estimated_noise();
                let rest =
                    Combination { of_latent: direction * noise.of_latent, of_output: direction * noise.of_output };
                (to.sqrt(), rest)
            }
            StepRule::Posterior => {
                let ratio = from / to; // α²_{t|s}
                let of_clean = to.sqrt() * (1.0 - ratio) / (1.0 - from);
                let of_latent = ratio.sqrt() * (1.0 - to) / (1.0 - from);
                (of_clean, Combination { of_latent, of_output: 0.0 })
            }
        }
    }
}

impl NoiseSchedule {
    /// The unsplit chain of `steps` steps, exactly as diffusers takes it.
    ///
    /// A DDIM or DDPM step from timestep t goes to `t − T // N`, also where that is not the next timestep of the chain
    /// (N does not divide T and spacing is not `leading`): the error is diffusers' own, and matched. Below 0 DDIM goes
    /// to 1 or ᾱ_0 (`set_alpha_to_one`), DDPM to 1, where the variance of (7) and so the noise vanishes. Euler goes
    /// from timestep to timestep and ends at 1.
    ///
    /// # Errors
    /// No steps, more than the timesteps of training, an offset out of the table, η outside [0, 1].
    pub fn chain(&self, sampler: Sampler, steps: u32) -> Result<Chain, ScheduleError> {
        let timesteps = self.timesteps(sampler, steps)?;
        if sampler == Sampler::Euler {
            return self.chain_through(sampler, &timesteps);
        }
        check_eta(sampler)?;
        let stride = f64::from(self.train_timesteps() / steps);
        let steps = timesteps
            .iter()
            .map(|&timestep| {
                let previous = timestep - stride;
                let to = if previous < 0.0 { self.final_level(sampler) } else { self.level(sampler, previous) };
                self.step(sampler, timestep, to)
            })
            .collect();
        Ok(Chain { start_scale: 1.0, steps })
    }

    /// The chain through the given timesteps, noisiest first: each step goes to the next timestep, the last to the
    /// final level.
    pub(super) fn chain_through(&self, sampler: Sampler, timesteps: &[f64]) -> Result<Chain, ScheduleError> {
        check_eta(sampler)?;
        let Some(&first) = timesteps.first() else {
            return Err(ScheduleError::NoSteps);
        };
        let targets = timesteps[1..].iter().map(|&next| self.level(sampler, next)).chain([self.final_level(sampler)]);
        let steps = timesteps.iter().zip(targets).map(|(&timestep, to)| self.step(sampler, timestep, to)).collect();
        Ok(Chain { start_scale: self.start_scale(sampler, self.level(sampler, first)), steps })
    }

    fn step(&self, sampler: Sampler, timestep: f64, alpha_bar_to: f64) -> DenoisingStep {
        let alpha_bar_from = self.level(sampler, timestep);
        // Standard deviation of (7): σ²_{t|s} σ_s² / σ_t².
        let posterior_deviation =
            ((1.0 - alpha_bar_to) / (1.0 - alpha_bar_from) * (1.0 - alpha_bar_from / alpha_bar_to)).max(0.0).sqrt();
        let (rule, noise_scale, clip_sample) = match sampler {
            Sampler::Ddim { eta } => (StepRule::Ddim, eta * posterior_deviation, self.clip_sample()),
            Sampler::Ddpm => (StepRule::Posterior, posterior_deviation, self.clip_sample()),
            // diffusers' Euler scheduler never clips.
            Sampler::Euler => (StepRule::Ddim, 0.0, None),
        };
        DenoisingStep {
            timestep,
            alpha_bar_from,
            alpha_bar_to,
            prediction: self.prediction(),
            rule,
            noise_scale,
            clip_sample,
        }
    }
}

fn check_eta(sampler: Sampler) -> Result<(), ScheduleError> {
    match sampler {
        Sampler::Ddim { eta } if !(0.0..=1.0).contains(&eta) => Err(ScheduleError::Eta { eta }),
        _ => Ok(()),
    }
}

/// Classifier-free guidance, the conditional step of (13): `unconditional` becomes ε_∅ + w (ε_c − ε_∅).
///
/// `scale` is w; 1 leaves the conditional output, up to rounding (an executor then skips the unconditional call). Holds
/// for v- and z_0-prediction alike, as they are affine in ε.
///
/// # Panics
/// If lengths differ.
pub fn guide(unconditional: &mut [f32], conditional: &[f32], scale: f32) {
    assert!(unconditional.len() == conditional.len(), "both model outputs have one length");
    for (without, &with) in unconditional.iter_mut().zip(conditional) {
        *without += scale * (with - *without);
    }
}
