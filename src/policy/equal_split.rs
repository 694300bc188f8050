//! Given steps, and the same power for every user: P_k = (E_T − δ_0·t0)/(β·K).
//!
//! What a server does that is told nothing of its users.

use super::{Allocation, AllocationRequest, Policy, PolicyError, UserAllocation, no_budget};
use crate::scenario::GivenSteps;

/// `policy.kind = "equal"`.
pub struct EqualSplit {
    steps: GivenSteps,
}

impl EqualSplit {
    pub fn new(steps: GivenSteps) -> Self {
        Self { steps }
    }
}

impl Policy for EqualSplit {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        let problem = (request.problem)();
        let budget_w = problem.power_budget_w(self.steps.t0).ok_or_else(no_budget)?;
        let each_w = budget_w / problem.users.len() as f64;
        Ok(with_powers(&self.steps, request.devices, &vec![each_w; problem.users.len()]))
    }
}

/// The steps of a group's devices with these powers [W].
pub(super) fn with_powers(steps: &GivenSteps, devices: &[usize], powers_w: &[f64]) -> Allocation {
    let shares = devices.iter().zip(powers_w);
    let users = shares.map(|(&device, &tx_power_w)| UserAllocation { tk: steps.tk[device], tx_power_w });
    Allocation { t0: steps.t0, users: users.collect() }
}
