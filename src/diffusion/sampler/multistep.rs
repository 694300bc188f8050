//! Steps that go by earlier model outputs, and what becomes of them where these are not known.
//!
//! ```text
//!  PLMS             ε = e_0                                            DPM-Solver++ 2M    ẑ = m_0
//!                   ε = (3 e_0 − e_1)/2                                                   ẑ = m_0 + (m_0 − m_1)/(2 r)
//!                   ε = (23 e_0 − 16 e_1 + 5 e_2)/12                                      r = (λ_0 − λ_1)/(λ − λ_0)
//!                   ε = (55 e_0 − 59 e_1 + 37 e_2 − 9 e_3)/24
//! ```
//!
//! e_0 and m_0 are of this step, e_1 and m_1 of the one before; λ = ln(α/σ). PLMS is the Adams–Bashforth method: its weights
//! hold where all steps are as long as this one, and are taken whatever they are, as diffusers does. DPM-Solver++ looks at
//! the levels.

use super::{DenoisingStep, StepRule};

/// Earlier outputs that a PLMS step goes by at most.
pub(super) const PLMS_HISTORY: u32 = 3;

/// The weights of this output and the earlier ones, newest first (arXiv 2202.09778, equation 12; the shorter ones are those
/// of Adams–Bashforth of lower order).
pub(super) fn plms_weights(earlier: u32) -> [f64; 1 + PLMS_HISTORY as usize] {
    let (weights, all): ([i32; 4], i32) = match earlier {
        0 => ([1, 0, 0, 0], 1),
        1 => ([3, -1, 0, 0], 2),
        2 => ([23, -16, 5, 0], 12),
        _ => ([55, -59, 37, -9], 24),
    };
    weights.map(|weight| f64::from(weight) / f64::from(all))
}

/// What a step knows of those before it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::diffusion) struct KnownOutputs {
    /// Steps whose outputs are known, however many of them are of use.
    steps: u32,
    /// ᾱ of the latent that went into the newest of them.
    alpha_bar: f64,
}

impl KnownOutputs {
    /// After these steps, of which the first knew nothing.
    pub fn after(steps: &[DenoisingStep]) -> Self {
        let alpha_bar = steps.last().map_or(0.0, |step| step.alpha_bar_from);
        Self { steps: steps.len() as u32, alpha_bar }
    }

    pub(super) fn and(self, step: &DenoisingStep) -> Self {
        Self { steps: self.steps + 1, alpha_bar: step.alpha_bar_from }
    }

    pub(super) fn plms(self) -> StepRule {
        StepRule::Plms { earlier: self.steps.min(PLMS_HISTORY) }
    }

    /// DPM-Solver++ from one level to another. The step to the clean end is of first order: λ is infinite there.
    pub(super) fn dpm_solver(self, from: f64, to: f64) -> StepRule {
        if self.steps == 0 || to >= 1.0 {
            return StepRule::DpmSolver { difference: 0.0 };
        }
        let lambda = |alpha_bar: f64| 0.5 * (alpha_bar / (1.0 - alpha_bar)).ln();
        let (step, before) = (lambda(to) - lambda(from), lambda(from) - lambda(self.alpha_bar));
        StepRule::DpmSolver { difference: 0.5 * step / before }
    }
}

/// The same steps, taken by somebody who knows no earlier outputs: the first is of first order, the next one goes by that
/// one, and so on.
pub(in crate::diffusion) fn restarted(steps: &[DenoisingStep]) -> Vec<DenoisingStep> {
    let mut known = KnownOutputs::default();
    steps
        .iter()
        .map(|step| {
            let rule = match step.rule {
                StepRule::Plms { .. } => known.plms(),
                StepRule::DpmSolver { .. } => known.dpm_solver(step.alpha_bar_from, step.alpha_bar_to),
                rule => rule,
            };
            known = known.and(step);
            DenoisingStep { rule, ..*step }
        })
        .collect()
}
