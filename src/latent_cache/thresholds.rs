//! From which similarity on a latent may be reused: the more of the chain it has behind it, the closer the prompts must be.
//!
//! Two prompts of cosine similarity s have clean latents about d apart, `d² = 2 D² (1 − s)`. After j steps the latents
//! they lead to differ by the divergence (15), `γ(t_j) d² / 2`. Allowing κ of it gives `θ_j = 1 − κ' / γ(t_j)` with
//! `κ' = κ / D²`: noisy latents (small γ) go with almost any prompt, clean ones with their own only.

use serde::{Deserialize, Serialize};

use crate::diffusion::noise_schedule::ScheduleError;
use crate::diffusion::{NoiseSchedule, Sampler};
use crate::scenario::CacheSettings;

/// κ' at which θ_3 = 0.8 in a chain of 11 steps of Stable Diffusion: (1 − 0.8) γ(631). Fig. 9 of the paper still finds
/// pictures good that share three steps with a prompt of that similarity.
pub const USUAL_DIVERGENCE: f64 = 0.2 * 0.152_866_798;

/// θ_j for every step of the shared part, and the steps after which latents are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReuseThresholds {
    /// θ_1, θ_2, …
    least_similarity: Vec<f64>,
    /// Ascending.
    kept_steps: Vec<u32>,
}

impl ReuseThresholds {
    /// The thresholds of `[cache]` for the first `t0` steps of a chain of `steps`. Kept steps beyond `t0` are left out: no
    /// shared latent gets there.
    ///
    /// # Errors
    /// The chain does not exist; see [`NoiseSchedule::chain`].
    pub fn new(
        settings: &CacheSettings,
        schedule: &NoiseSchedule,
        sampler: Sampler,
        steps: u32,
        t0: u32,
    ) -> Result<Self, ScheduleError> {
        let mut thresholds = Self::from_divergence(settings.divergence, schedule, sampler, steps, t0)?;
        if let Some(kept) = &settings.steps {
            thresholds.kept_steps = kept.iter().copied().filter(|step| (1..=t0).contains(step)).collect();
            thresholds.kept_steps.sort_unstable();
            thresholds.kept_steps.dedup();
        }
        if let Some(given) = &settings.thresholds {
            let of_steps: Vec<u32> = settings.steps.clone().unwrap_or_else(|| (1..=t0).collect());
            for (step, &similarity) in of_steps.into_iter().zip(given) {
                if let Some(place) = step.checked_sub(1).and_then(|i| thresholds.least_similarity.get_mut(i as usize)) {
                    *place = similarity;
                }
            }
        }
        Ok(thresholds)
    }

    /// `θ_j = 1 − κ'/γ(t_j)` for j = 1 … t0, all of them kept. `t_j` is where the chain stands after j steps; after the
    /// last γ is infinite, and θ 1.
    ///
    /// # Errors
    /// As [`ReuseThresholds::new`].
    pub fn from_divergence(
        divergence: f64,
        schedule: &NoiseSchedule,
        sampler: Sampler,
        steps: u32,
        t0: u32,
    ) -> Result<Self, ScheduleError> {
        let chain = schedule.chain(sampler, steps)?;
        let threshold = |step: u32| {
            let reached = chain.steps.get(step as usize).map(|next| next.alpha_bar_from);
            let alpha_bar = reached.unwrap_or_else(|| chain.steps[chain.steps.len() - 1].alpha_bar_to);
            1.0 - divergence * (1.0 - alpha_bar) / alpha_bar
        };
        Ok(Self { least_similarity: (1..=t0).map(threshold).collect(), kept_steps: (1..=t0).collect() })
    }

    /// θ_j: the least similarity at which the latent after `step` steps may be reused. The start latent may always be,
    /// a latent beyond the shared steps never.
    pub fn at(&self, step: u32) -> f64 {
        match step.checked_sub(1) {
            None => f64::NEG_INFINITY,
            Some(index) => self.least_similarity.get(index as usize).copied().unwrap_or(f64::INFINITY),
        }
    }

    /// `j*(s) = max{j : s ≥ θ_j}` among the steps that are kept, up to `at_most`; `None`: no kept latent may be reused.
    pub fn reusable_step(&self, similarity: f64, at_most: u32) -> Option<u32> {
        self.kept_steps.iter().rev().copied().find(|&step| step <= at_most && similarity >= self.at(step))
    }

    /// The steps after which latents are kept, ascending.
    pub fn kept_steps(&self) -> &[u32] {
        &self.kept_steps
    }

    /// The similarity below which nothing that is kept can be reused; infinite where nothing is kept.
    pub fn least(&self) -> f64 {
        self.kept_steps.iter().map(|&step| self.at(step)).fold(f64::INFINITY, f64::min)
    }
}
