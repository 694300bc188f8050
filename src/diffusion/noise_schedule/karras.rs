//! Noise levels after Karras et al. (arXiv 2206.00364, equation 5), where `use_karras_sigmas` asks for them:
//!
//! ```text
//!  σ_i = (σ_max^{1/ρ} + i/(N − 1) · (σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ,  i = 0 … N − 1,  ρ = 7,      σ = √((1 − ᾱ)/ᾱ)
//! ```
//!
//! As in diffusers, Euler takes σ_max and σ_min of the chain that it would go without, DPM-Solver++ those of the whole table;
//! other samplers do not know them. The denoiser is told the timestep at which ln σ has that value between two of the table.
//! DPM-Solver++ rounds it; the level stays what it is.
//!
//! σ^{1/ρ} falls evenly, so a device that goes on from σ_{t0} to the same σ_min with the steps that are left takes those of
//! the unsplit chain.

use super::{NoiseSchedule, StepStart};
use crate::diffusion::sampler::Sampler;

const RHO: f64 = 7.0;

impl NoiseSchedule {
    fn has_karras_levels(&self, sampler: Sampler) -> bool {
        self.use_karras_sigmas && matches!(sampler, Sampler::Euler | Sampler::DpmSolver)
    }

    /// Where the steps of a chain begin which without these levels would go through `timesteps`; `None` where it does, for
    /// this sampler or by this file.
    pub(super) fn karras_starts(&self, sampler: Sampler, timesteps: &[f64]) -> Option<Vec<StepStart>> {
        let last = f64::from(self.train_timesteps() - 1);
        let ends = match sampler {
            Sampler::DpmSolver => [last, 0.0],
            _ => [*timesteps.first()?, *timesteps.last()?],
        };
        let [highest, lowest] = ends.map(|timestep| self.level(sampler, timestep));
        let first = StepStart { timestep: ends[0], alpha_bar: highest };
        self.karras_starts_between(sampler, first, lowest, timesteps.len() as u32)
    }

    /// `steps` of them, from `first` to the level `lowest` at which the last step begins (if there are two); `None` for samplers
    /// and files without.
    pub(in crate::diffusion) fn karras_starts_between(
        &self,
        sampler: Sampler,
        first: StepStart,
        lowest: f64,
        steps: u32,
    ) -> Option<Vec<StepStart>> {
        if !self.has_karras_levels(sampler) {
            return None;
        }
        let root = |alpha_bar: f64| ((1.0 - alpha_bar) / alpha_bar).sqrt().powf(1.0 / RHO);
        let (from, to) = (root(first.alpha_bar), root(lowest));
        let later = (1..steps).map(|i| {
            let sigma = (from + f64::from(i) / f64::from(steps - 1) * (to - from)).powf(RHO);
            let timestep = self.timestep_of(sampler, sigma);
            let timestep = match sampler {
                Sampler::DpmSolver => timestep.round_ties_even(),
                _ => f64::from(timestep as f32),
            };
            StepStart { timestep, alpha_bar: 1.0 / (1.0 + sigma * sigma) }
        });
        Some(std::iter::once(first).chain(later).collect())
    }

    /// The timestep of a σ, by ln σ between two of the table.
    fn timestep_of(&self, sampler: Sampler, sigma: f64) -> f64 {
        let log_sigma_at = |index: usize| {
            let alpha_bar = self.level(sampler, index as f64);
            0.5 * ((1.0 - alpha_bar) / alpha_bar).ln()
        };
        let last = self.alpha_bar.len() - 1;
        let wanted = sigma.ln();
        // σ rises with the timestep.
        let (mut below, mut above) = (0, last);
        while above - below > 1 {
            let middle = (below + above) / 2;
            if log_sigma_at(middle) <= wanted { below = middle } else { above = middle }
        }
        if below == above {
            return 0.0;
        }
        let (low, high) = (log_sigma_at(below), log_sigma_at(above));
        below as f64 + ((wanted - low) / (high - low)).clamp(0.0, 1.0)
    }
}
