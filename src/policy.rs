//! Policies: who gets how many steps and how much power.

pub mod fixed;

use crate::scenario::{PolicySettings, Scenario};

pub use fixed::Fixed;

/// What a policy is asked.
pub struct AllocationRequest<'a> {
    pub scenario: &'a Scenario,
    /// Indices of the group's devices.
    pub devices: &'a [usize],
}

/// What a policy answers: t in (19) and P in (20).
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// Shared steps on the server; 0: nothing is shared and nothing sent.
    pub t0: u32,
    /// One entry per device of the request, in its order.
    pub users: Vec<UserAllocation>,
}

/// One user's share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserAllocation {
    /// Steps on the device.
    pub tk: u32,
    /// Transmit power towards the device [W].
    pub tx_power_w: f64,
}

/// Decides at the server's events.
pub trait Policy: Send + Sync {
    /// Divides steps and power among the devices of one group.
    fn allocate(&self, request: &AllocationRequest<'_>) -> Allocation;
}

/// The policy a scenario names.
pub fn from_settings(settings: &PolicySettings) -> Box<dyn Policy> {
    match settings {
        PolicySettings::Fixed(fixed) => Box::new(Fixed::new(fixed.clone())),
    }
}
