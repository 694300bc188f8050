//! The reward (27): what the users' scores and the broken budgets of one decision come to.
//!
//! ```text
//!  r = ΣQ_k − λ1·Σ max(0, δ_k·t_k − E_k) − λ2·Σ max(0, Q_th − Q_k) − λ3·max(0, δ_0·t0 + β·ΣP_k − E_T)
//!                                              └ as printed: max(0, Q_k − Q_th) ┘
//! ```
//!
//! The printed λ2 term punishes whoever satisfies (23). With λ2 = 1 it turns ΣQ into Σ min(Q, Q_th), which is flat above the
//! threshold; it is there for the ablation.

use serde::{Deserialize, Serialize};

use crate::policy::{Allocation, AllocationProblem, Decoder, Violations};
use crate::scenario::{QoeTerm, RewardSettings};

/// A decision whose scores are not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    qoe_threshold: f64,
    violations: Violations,
    paid: Violations,
}

impl Decided {
    /// What is carried out of an allocation that is meant, and what its outcome will be held against.
    pub fn of(problem: &AllocationProblem, meant: Allocation, decoder: Decoder) -> (Allocation, Self) {
        let violations = Violations::of(problem, &meant);
        let allocation = decoder.carry_out(meant, problem);
        let paid = Violations::of(problem, &allocation);
        (allocation, Self { qoe_threshold: problem.qoe_threshold, violations, paid })
    }

    /// With the scores of its users.
    pub fn outcome(self, qualities: Vec<f64>) -> Outcome {
        let Self { qoe_threshold, violations, paid } = self;
        Outcome { qualities, qoe_threshold, violations, paid }
    }
}

/// What came of one decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// By user of the group; 0 of a request that ended without a picture.
    pub qualities: Vec<f64>,
    /// Q_th.
    pub qoe_threshold: f64,
    /// Of the action as it was meant, before anything was scaled.
    pub violations: Violations,
    /// Of the allocation as it was carried out, which is what the reward pays for.
    pub paid: Violations,
}

impl Outcome {
    /// ΣQ_k.
    pub fn sum_qoe(&self) -> f64 {
        self.qualities.iter().sum()
    }

    /// Users below the threshold (23).
    pub fn outages(&self) -> usize {
        self.qualities.iter().filter(|quality| **quality < self.qoe_threshold).count()
    }

    /// Reward (27).
    pub fn reward(&self, settings: &RewardSettings) -> f64 {
        let term = |quality: &f64| match settings.qoe_term {
            QoeTerm::Corrected => (self.qoe_threshold - quality).max(0.0),
            QoeTerm::AsPrinted => (quality - self.qoe_threshold).max(0.0),
        };
        self.sum_qoe()
            - settings.device_penalty * self.paid.device_excess_j
            - settings.qoe_penalty * self.qualities.iter().map(term).sum::<f64>()
            - settings.server_penalty * self.paid.server_excess_j
    }
}
