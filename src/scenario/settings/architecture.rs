//! `[architecture]`: who runs the shared steps.

use crate::radio::PathLoss;

/// `[architecture]`
#[derive(Debug, Clone, PartialEq)]
pub struct ArchitectureSettings {
    /// Default `edge`.
    pub kind: ArchitectureKind,
    /// Who leads a cluster. Default `least-energy`.
    pub election: Election,
    /// How a cluster's latent reaches its members. Default `star`.
    pub topology: Topology,
    /// Whether the edge server runs a cluster's shared steps and sends them to the leader only. Default false.
    pub with_server: bool,
    /// Steps that each device of a chain runs with its own prompt before it hands over. Default 0.
    pub relay_steps: u32,
    /// Between devices. Default log-distance with exponent 3 and 43.3 dB at 1 m.
    pub path_loss: PathLoss,
    /// Distance between any two devices [m]; `None`: from their places.
    pub device_distance_m: Option<f64>,
}

/// `architecture.kind`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArchitectureKind {
    /// The edge server runs the shared steps and sends to every device.
    Edge,
    /// Groups of two: one device runs the shared steps and sends to its peer.
    DeviceToDevice,
    /// A device elected by its group runs the shared steps and sends to the others.
    Cluster,
}

/// `architecture.election`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Election {
    /// Whose leadership costs the least energy in all, among those whose battery can pay for it.
    LeastEnergy,
    /// Whose prompt is the semantic medoid.
    Medoid,
    /// Who has the most energy left: the lead rotates.
    ResidualEnergy,
}

/// `architecture.topology`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topology {
    /// The leader sends to each member.
    Star,
    /// Each member hands over to the next (Fig. 2 A).
    Chain,
}

impl ArchitectureSettings {
    /// Whether edge servers run the shared steps; else devices do.
    pub fn has_server(&self) -> bool {
        match self.kind {
            ArchitectureKind::Edge => true,
            ArchitectureKind::DeviceToDevice => false,
            ArchitectureKind::Cluster => self.with_server,
        }
    }
}

impl Default for ArchitectureSettings {
    fn default() -> Self {
        Self {
            kind: ArchitectureKind::Edge,
            election: Election::LeastEnergy,
            topology: Topology::Star,
            with_server: false,
            relay_steps: 0,
            path_loss: PathLoss::LogDistance { exponent: 3.0, reference_distance_m: 1.0, reference_loss_db: 43.3 },
            device_distance_m: None,
        }
    }
}
