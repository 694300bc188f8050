//! Given steps, and powers that make all users receive the same: P_k ∝ 1/g_k within (24).
//!
//! Fair to the link and blind to the picture: one user in a deep fade takes nearly all of the power.

use super::equal_split::with_powers;
use super::{Allocation, AllocationProblem, AllocationRequest, Policy, PolicyError, no_budget};
use crate::radio::db_to_linear;
use crate::scenario::GivenSteps;

/// A gain below it counts as this [dB]: a user may fade to nothing, whose inverse has no number.
const LEAST_GAIN_DB: f64 = -1000.0;

/// `policy.kind = "channel-inversion"`.
pub struct ChannelInversion {
    steps: GivenSteps,
}

impl ChannelInversion {
    pub fn new(steps: GivenSteps) -> Self {
        Self { steps }
    }
}

impl Policy for ChannelInversion {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        let problem = (request.problem)();
        let budget_w = problem.power_budget_w(self.steps.t0).ok_or_else(no_budget)?;
        let inverses = inverse_gains(&problem);
        let sum: f64 = inverses.iter().sum();
        let powers_w: Vec<f64> = inverses.into_iter().map(|inverse| budget_w * (inverse / sum)).collect();
        Ok(with_powers(&self.steps, request.devices, &powers_w))
    }
}

/// 1/g_k over that of the worst channel; all the same where links are pinned.
fn inverse_gains(problem: &AllocationProblem) -> Vec<f64> {
    let gains_db: Option<Vec<f64>> =
        problem.users.iter().map(|user| user.channel_gain_db.map(|gain_db| gain_db.max(LEAST_GAIN_DB))).collect();
    let Some(gains_db) = gains_db else {
        return vec![1.0; problem.users.len()];
    };
    let least_db = gains_db.iter().copied().fold(f64::INFINITY, f64::min);
    gains_db.into_iter().map(|gain_db| db_to_linear(least_db - gain_db)).collect()
}
