//! Policies: who gets how many steps and how much power.
//!
//! ```text
//!  state of a group ──► AllocationProblem ──► Policy ──► Allocation (19), (20)
//!                              │                            │
//!                              └────────► Violations ◄──────┘     budgets (22), (24)
//! ```

pub mod action;
pub mod actor;
pub mod channel_inversion;
pub mod equal_split;
pub mod exhaustive;
pub mod fixed;
pub mod greedy;
pub mod observation;
pub mod problem;
pub mod random_allocation;
pub mod violations;

use std::sync::Arc;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::onnx::PackError;
use crate::random::StreamKey;
use crate::scenario::{PolicySettings, Scenario};

pub use action::{ActionSpace, Decoder, first_largest};
pub use actor::{Actor, ActorCard, TrainingManifest};
pub use channel_inversion::ChannelInversion;
pub use equal_split::EqualSplit;
pub use exhaustive::Exhaustive;
pub use fixed::Fixed;
pub use greedy::Greedy;
pub use observation::{EpisodeKind, Normalisation, ObservationLayout};
pub use problem::{AllocationProblem, LinkModel, UserState};
pub use random_allocation::RandomAllocation;
pub use violations::Violations;

/// What a policy answers: t in (19) and P in (20).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// Shared steps on the server; 0: nothing is shared and nothing sent.
    pub t0: u32,
    /// One entry per user of the problem, in its order.
    pub users: Vec<UserAllocation>,
}

/// One user's share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UserAllocation {
    /// Steps on the device.
    pub tk: u32,
    /// Transmit power towards the device [W].
    pub tx_power_w: f64,
}

/// Why a policy has no answer.
#[derive(Debug, Clone, Error, Diagnostic)]
pub enum PolicyError {
    /// The environment of a training that ends answers no more.
    #[error("the training has ended")]
    Ended,
    /// The actor's file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Model(Arc<PackError>),
    /// The policy cannot answer this problem.
    #[error("the policy cannot divide steps and power: {message}")]
    Unfit {
        message: String,
        #[help]
        help: String,
    },
}

/// What a policy is asked.
pub struct AllocationRequest<'a> {
    /// Indices of the group's devices in the scenario.
    pub devices: &'a [usize],
    /// Works the state of the group out, for policies that look at it.
    pub problem: &'a dyn Fn() -> AllocationProblem,
    /// The stream of this group, for policies that draw.
    pub draws: StreamKey,
}

/// Decides at the server's events.
pub trait Policy: Send + Sync {
    /// Divides steps and power among the users of one group.
    ///
    /// # Errors
    /// [`PolicyError`]; the run stops.
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError>;
}

/// The policy a scenario names. Policies that search do so on the judge's [`QualityModel`](crate::judge::QualityModel).
///
/// # Errors
/// [`PolicyError`] where a file of the policy is unfit.
pub fn from_settings(scenario: &Scenario) -> Result<Arc<dyn Policy>, PolicyError> {
    let quality = || scenario.judge.quality_model();
    Ok(match &scenario.policy {
        PolicySettings::Fixed(fixed) => Arc::new(Fixed::new(fixed.clone())),
        PolicySettings::Equal(given) => Arc::new(EqualSplit::new(given.clone())),
        PolicySettings::ChannelInversion(given) => Arc::new(ChannelInversion::new(given.clone())),
        PolicySettings::Random(limits) => Arc::new(RandomAllocation::new(*limits)),
        PolicySettings::Greedy(search) => Arc::new(Greedy::new(*search, quality())),
        PolicySettings::Exhaustive(search) => Arc::new(Exhaustive::new(*search, quality())),
        PolicySettings::Actor(settings) => {
            let actor = Actor::load(&settings.file)?.with_samples(settings.samples).with_decoder(settings.decoder);
            actor.require_users(scenario.largest_group())?;
            actor.require_steps(settings.limits)?;
            Arc::new(actor)
        }
    })
}

/// No budget to divide, where the policy divides one.
fn no_budget() -> PolicyError {
    PolicyError::Unfit {
        message: "the server's energy has no limit, or power costs none of it".to_owned(),
        help: "give `server.energy_budget_j`, and an `energy_per_watt_j` above 0".to_owned(),
    }
}
