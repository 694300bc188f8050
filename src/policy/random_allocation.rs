//! The action of a learned policy that has learned nothing: uniform in [−1, 1], then projected (`spec` 4.1).
//!
//! The zero of every normalised score.

use rand::RngExt;

use super::{ActionSpace, Allocation, AllocationRequest, Policy, PolicyError, no_budget};
use crate::scenario::StepLimits;

/// `policy.kind = "random"`.
pub struct RandomAllocation {
    limits: StepLimits,
}

impl RandomAllocation {
    pub fn new(limits: StepLimits) -> Self {
        Self { limits }
    }
}

impl Policy for RandomAllocation {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        let problem = (request.problem)();
        let maximum_power_w = problem.power_budget_w(0).ok_or_else(no_budget)?;
        let space = ActionSpace {
            users: problem.users.len(),
            shared_steps: self.limits.maximum_shared_steps as usize,
            own_steps: self.limits.maximum_own_steps as usize,
        };
        let mut rng = request.draws.rng();
        let action: Vec<f32> = (0..space.len()).map(|_| rng.random_range(-1.0..=1.0)).collect();
        Ok(space.decode(&action, &problem, maximum_power_w).projected(&problem))
    }
}
