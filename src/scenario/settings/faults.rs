//! `[[fault]]`, `[recovery]`: what breaks, and what is done about it.

/// `[[fault]]`
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSettings {
    pub kind: FaultKind,
    pub times: FaultTimes,
    /// How long it lasts [s]; of drawn faults the mean of an exponential. Not of `leader-loss`.
    pub duration_s: f64,
    /// Index of the one device or cell that it strikes; `None`: each of them, apart from the others.
    pub target: Option<u32>,
}

/// `fault.kind`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// A server stops: jobs in service are lost and begin again, the queue waits.
    ServerOutage,
    /// A cell's radio is silent: transmissions in the air are lost.
    LinkOutage,
    /// A device is away: it asks for nothing, and what it is working on is lost.
    DeviceAway,
    /// A leader leaves its group before the hand-over. Its device is back at once.
    LeaderLoss,
}

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultTimes {
    /// `fault.at_s`: at these times, in order.
    At(Vec<f64>),
    /// `fault.rate_hz`: exponential times between the end of one and the next, per device or cell.
    Rate { rate_hz: f64 },
}

/// `[recovery]`
#[derive(Debug, Clone, PartialEq)]
pub struct RecoverySettings {
    /// How often a transmission that was lost is sent again. Default 3.
    pub retransmissions: u32,
    /// How long the sender waits before it knows that a transmission was lost [s]. Default 0.1.
    pub timeout_s: f64,
}

impl Default for RecoverySettings {
    fn default() -> Self {
        Self { retransmissions: 3, timeout_s: 0.1 }
    }
}
