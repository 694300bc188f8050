//! `[policy]`: who gets how many steps and how much power.

use std::path::PathBuf;

use super::Scenario;
use crate::policy::Decoder;

/// `[policy]`, by its `kind`.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySettings {
    /// The same numbers for every request.
    Fixed(FixedPolicy),
    /// Steps are given; every user of a group gets the same power.
    Equal(GivenSteps),
    /// Steps are given; power is divided so that all users receive the same.
    ChannelInversion(GivenSteps),
    /// Steps and powers are drawn.
    Random(StepLimits),
    /// Steps and powers are improved one after the other, from an equal split.
    Greedy(SearchPolicy),
    /// The best of all steps, and of all powers of a grid.
    Exhaustive(SearchPolicy),
    /// A trained actor decides.
    Actor(ActorPolicy),
}

/// The word under `policy.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    Fixed,
    Equal,
    ChannelInversion,
    Random,
    Greedy,
    Exhaustive,
    Actor,
}

/// `[policy] kind = "fixed"`
#[derive(Debug, Clone, PartialEq)]
pub struct FixedPolicy {
    /// Steps on the server; 0: independent generation, nothing is sent.
    pub t0: u32,
    /// Steps on each device, one per device; 0: the device only decodes. Never 0 where t0 is 0.
    pub tk: Vec<u32>,
    /// Transmit power per device [W], from `tx_power_w` or `tx_power_dbw` (one number for all, or one per device).
    /// Default 63.1 W (18 dBW) each; may be left out where `radio.bit_error_probability` pins the link.
    pub tx_power_w: Vec<f64>,
}

/// `[policy] kind = "equal"` and `"channel-inversion"`: what is left of E_T after the steps is divided as power.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenSteps {
    /// As that of [`FixedPolicy`].
    pub t0: u32,
    /// As those of [`FixedPolicy`].
    pub tk: Vec<u32>,
}

/// Which steps may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLimits {
    /// T_s: 1 ≤ t0 ≤ T_s. Default 10, or what `diffusion.steps` leaves room for.
    pub maximum_shared_steps: u32,
    /// T_e: 1 ≤ t_k ≤ T_e. Default 8, or what `diffusion.steps` leaves room for.
    pub maximum_own_steps: u32,
}

/// `[policy] kind = "greedy"` and `"exhaustive"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchPolicy {
    pub limits: StepLimits,
    /// Exhaustive: distance of the powers that are tried; greedy: the smallest move of power [W]. Default 1; > 0.
    pub power_step_w: f64,
}

/// `[policy] kind = "actor"`
#[derive(Debug, Clone, PartialEq)]
pub struct ActorPolicy {
    /// `actor.onnx`, relative to the working directory.
    pub file: PathBuf,
    /// Actions that are drawn; the critic chooses among them. Default 1.
    pub samples: u32,
    /// Default `projected`.
    pub decoder: Decoder,
    /// The actor must have been trained for them.
    pub limits: StepLimits,
}

impl PolicySettings {
    pub fn kind(&self) -> PolicyKind {
        match self {
            Self::Fixed(_) => PolicyKind::Fixed,
            Self::Equal(_) => PolicyKind::Equal,
            Self::ChannelInversion(_) => PolicyKind::ChannelInversion,
            Self::Random(_) => PolicyKind::Random,
            Self::Greedy(_) => PolicyKind::Greedy,
            Self::Exhaustive(_) => PolicyKind::Exhaustive,
            Self::Actor(_) => PolicyKind::Actor,
        }
    }

    /// Whether decisions depend on the state of the group, its channels included.
    pub fn sees_state(&self) -> bool {
        self.kind() != PolicyKind::Fixed
    }

    /// t0, where every request gets the same.
    pub fn given_shared_steps(&self) -> Option<u32> {
        match self {
            Self::Fixed(fixed) => Some(fixed.t0),
            Self::Equal(given) | Self::ChannelInversion(given) => Some(given.t0),
            Self::Random(_) | Self::Greedy(_) | Self::Exhaustive(_) | Self::Actor(_) => None,
        }
    }

    /// The most shared steps that may be asked for.
    pub fn shared_steps(&self) -> u32 {
        self.limits().map_or_else(|| self.given_shared_steps().unwrap_or(0), |limits| limits.maximum_shared_steps)
    }

    /// The most steps that the device of that index may be asked for.
    pub fn own_steps(&self, device: usize) -> u32 {
        match self {
            Self::Fixed(FixedPolicy { tk, .. }) | Self::Equal(GivenSteps { tk, .. }) => tk[device],
            Self::ChannelInversion(GivenSteps { tk, .. }) => tk[device],
            Self::Random(limits) => limits.maximum_own_steps,
            Self::Greedy(search) | Self::Exhaustive(search) => search.limits.maximum_own_steps,
            Self::Actor(actor) => actor.limits.maximum_own_steps,
        }
    }

    /// Every pair of t0 and t_k that may be asked for, each once.
    pub fn step_pairs(&self) -> Vec<(u32, u32)> {
        let given = |t0: u32, tk: &[u32]| {
            let mut different = tk.to_vec();
            different.sort_unstable();
            different.dedup();
            different.into_iter().map(|tk| (t0, tk)).collect()
        };
        match self {
            Self::Fixed(fixed) => given(fixed.t0, &fixed.tk),
            Self::Equal(steps) | Self::ChannelInversion(steps) => given(steps.t0, &steps.tk),
            Self::Random(limits) => limits.pairs(1),
            // No step at all where there is no energy for one.
            Self::Greedy(search) | Self::Exhaustive(search) => search.limits.pairs(0),
            Self::Actor(actor) => actor.limits.pairs(1),
        }
    }

    fn limits(&self) -> Option<StepLimits> {
        match self {
            Self::Fixed(_) | Self::Equal(_) | Self::ChannelInversion(_) => None,
            Self::Random(limits) => Some(*limits),
            Self::Greedy(search) | Self::Exhaustive(search) => Some(search.limits),
            Self::Actor(actor) => Some(actor.limits),
        }
    }
}

impl Scenario {
    /// Users of a group at most.
    pub fn largest_group(&self) -> usize {
        match (&self.demand, self.grouping.window_s > 0.0) {
            (None, _) => self.devices.len(),
            (Some(_), true) => self.grouping.maximum_size as usize,
            (Some(_), false) => 1,
        }
    }
}

impl StepLimits {
    /// All but (0, 0).
    fn pairs(self, least: u32) -> Vec<(u32, u32)> {
        let own = least..=self.maximum_own_steps;
        let pairs = (least..=self.maximum_shared_steps).flat_map(|t0| own.clone().map(move |tk| (t0, tk)));
        pairs.filter(|pair| *pair != (0, 0)).collect()
    }
}
