//! The same numbers for every request, as the scenario gives them.

use super::{Allocation, AllocationRequest, Policy, PolicyError, UserAllocation};
use crate::scenario::FixedPolicy;

/// `policy.kind = "fixed"`.
pub struct Fixed {
    settings: FixedPolicy,
}

impl Fixed {
    pub fn new(settings: FixedPolicy) -> Self {
        Self { settings }
    }
}

impl Policy for Fixed {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        let users = request
            .devices
            .iter()
            .map(|&device| UserAllocation {
                tk: self.settings.tk[device],
                tx_power_w: self.settings.tx_power_w[device],
            })
            .collect();
        Ok(Allocation { t0: self.settings.t0, users })
    }
}
