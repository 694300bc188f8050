//! Chains through a noise schedule, step by step as diffusers takes them.

use super::{Chain, DenoisingStep, KnownOutputs, Sampler, SecondEvaluation, StepRule};
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError, StepStart};

impl NoiseSchedule {
    /// The unsplit chain of `steps` steps, exactly as diffusers takes it.
    ///
    /// A DDIM, DDPM or PNDM step from timestep t goes to `t − T // N`, also where that is not the next timestep of the chain
    /// (N does not divide T and spacing is not `leading`): the error is diffusers' own, and matched. Below 0 DDIM and PNDM go
    /// to 1 or ᾱ_0 (`set_alpha_to_one`), DDPM to 1, where the variance of (7) and so the noise vanishes. The others go from
    /// timestep to timestep and end at 1.
    ///
    /// The first step of PNDM is a pair of evaluations (diffusers counts N + 1 timesteps, the second of them twice), so that
    /// a chain of N steps has N, after each of which it can be split.
    ///
    /// # Errors
    /// No steps, more than the timesteps of training, an offset out of the table, η outside [0, 1], a file that asks for
    /// another variant of the sampler.
    pub fn chain(&self, sampler: Sampler, steps: u32) -> Result<Chain, ScheduleError> {
        let starts = self.starts(sampler, steps)?;
        if !matches!(sampler, Sampler::Ddim { .. } | Sampler::Ddpm | Sampler::Pndm) {
            return self.chain_through(sampler, &starts, KnownOutputs::default());
        }
        self.check_sampler(sampler)?;
        let stride = f64::from(self.train_timesteps() / steps);
        let level_at = |timestep: f64| {
            if timestep < 0.0 { self.final_level(sampler) } else { self.level(sampler, timestep) }
        };
        let targets = starts.iter().map(|start| level_at(start.timestep - stride));
        let mut steps = self.steps_to(sampler, &starts, targets, KnownOutputs::default());
        if let (Sampler::Pndm, Some(&StepStart { timestep: second, .. })) = (sampler, starts.get(1)) {
            let first = &mut steps[0];
            first.rule = StepRule::PlmsStart(SecondEvaluation {
                timestep: second,
                alpha_bar_predicted: first.alpha_bar_to,
                alpha_bar_from: level_at(second + stride),
            });
            first.alpha_bar_to = level_at(second);
        }
        Ok(Chain { start_scale: 1.0, steps })
    }

    /// The chain of steps that begin there, noisiest first: each goes to where the next begins, the last to the final
    /// level. `known` is what is known of steps before the first.
    pub(in crate::diffusion) fn chain_through(
        &self,
        sampler: Sampler,
        starts: &[StepStart],
        known: KnownOutputs,
    ) -> Result<Chain, ScheduleError> {
        self.check_sampler(sampler)?;
        let Some(first) = starts.first() else {
            return Err(ScheduleError::NoSteps);
        };
        let targets = starts[1..].iter().map(|next| next.alpha_bar).chain([self.final_level(sampler)]);
        let steps = self.steps_to(sampler, starts, targets, known);
        Ok(Chain { start_scale: self.start_scale(sampler, first.alpha_bar), steps })
    }

    /// A step from each start to its target level.
    fn steps_to(
        &self,
        sampler: Sampler,
        starts: &[StepStart],
        targets: impl Iterator<Item = f64>,
        mut known: KnownOutputs,
    ) -> Vec<DenoisingStep> {
        let step = |(&start, to): (&StepStart, f64)| {
            let step = self.step(sampler, start, to, known);
            known = known.and(&step);
            step
        };
        starts.iter().zip(targets).map(step).collect()
    }

    fn step(&self, sampler: Sampler, start: StepStart, alpha_bar_to: f64, known: KnownOutputs) -> DenoisingStep {
        let StepStart { timestep, alpha_bar: alpha_bar_from } = start;
        // Standard deviation of (7): σ²_{t|s} σ_s² / σ_t².
        let posterior_deviation =
            ((1.0 - alpha_bar_to) / (1.0 - alpha_bar_from) * (1.0 - alpha_bar_from / alpha_bar_to)).max(0.0).sqrt();
        let (rule, noise_scale, clip_sample) = match sampler {
            Sampler::Ddim { eta } => (StepRule::Ddim, eta * posterior_deviation, self.clip_sample()),
            Sampler::Ddpm => (StepRule::Posterior, posterior_deviation, self.clip_sample()),
            // diffusers' schedulers of these names never clip.
            Sampler::Euler => (StepRule::Ddim, 0.0, None),
            Sampler::EulerAncestral => (StepRule::Ddim, posterior_deviation, None),
            Sampler::Pndm => (known.plms(), 0.0, None),
            Sampler::DpmSolver => (known.dpm_solver(alpha_bar_from, alpha_bar_to), 0.0, None),
            Sampler::Lcm => {
                let skip = self.consistency_skip(timestep);
                (StepRule::Consistency { skip }, (1.0 - alpha_bar_to).sqrt(), self.clip_sample())
            }
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

    fn check_sampler(&self, sampler: Sampler) -> Result<(), ScheduleError> {
        match sampler {
            Sampler::Ddim { eta } if !(0.0..=1.0).contains(&eta) => Err(ScheduleError::Eta { eta }),
            _ => self.misfit(sampler).map_or(Ok(()), Err),
        }
    }
}
