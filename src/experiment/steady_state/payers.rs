//! Who pays for a picture: servers or devices.
//!
//! ```text
//!                        shared steps   steps of a chain   sending               receiving   own steps
//!  edge server           server         –                  server                device      device
//!  leader under one      server         device             server to leaders,    device      device
//!                                                          devices to others
//!  leader alone          device         device             device                device      device
//! ```

use crate::network::UserRecord;
use crate::scenario::Scenario;

/// Who pays for a picture in one scenario.
#[derive(Clone, Copy)]
pub(super) struct Payers {
    server_runs_shared_steps: bool,
}

impl Payers {
    pub(super) fn of(scenario: &Scenario) -> Self {
        Self { server_runs_shared_steps: scenario.architecture.has_server() }
    }

    /// Whether a server sent the latent: to everybody, or to those who lead.
    pub(super) fn server_sends(self, record: &UserRecord) -> bool {
        let leads = |leader: u32| leader as usize == record.journey.device;
        record.journey.leader.is_none_or(|leader| self.server_runs_shared_steps && leads(leader))
    }

    /// What servers paid for a picture [J].
    pub(super) fn server_j(self, record: &UserRecord) -> f64 {
        let sent_j =
            record.link.as_ref().filter(|_| self.server_sends(record)).map_or(0.0, |link| link.transmit_energy_j);
        record.shared_compute_j - self.shared_by_devices_j(record) + sent_j
    }

    /// What devices paid for a picture, whosever they are [J].
    pub(super) fn device_j(self, record: &UserRecord) -> f64 {
        let radio_j = record.link.as_ref().map_or(0.0, |link| {
            link.receive_energy_j + if self.server_sends(record) { 0.0 } else { link.transmit_energy_j }
        });
        self.shared_by_devices_j(record) + radio_j + record.device_compute_j
    }

    /// Of the energy of steps before its own, the part that devices paid [J].
    fn shared_by_devices_j(self, record: &UserRecord) -> f64 {
        if self.server_runs_shared_steps { record.relayed_compute_j } else { record.shared_compute_j }
    }
}
