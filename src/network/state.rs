//! The books of a run: what all models write down and look up while it goes on.

use serde::{Deserialize, Serialize};

use super::batteries::Batteries;
use super::ledger::{EnergyLedger, LedgerCause, LedgerEntry, LedgerPayer};
use super::records::{Journey, RunBooks, UnservedEnd, UnservedRecord, UserRecord};
use crate::scenario::Scenario;

/// Everything of a run that is no model's own. It is saved and restored with the models.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunState {
    pub ledger: EnergyLedger,
    pub batteries: Batteries,
    /// Requests that ended with a picture. A million of them are sorted and handed on: they stay where they are.
    pub served: Vec<Box<UserRecord>>,
    pub books: RunBooks,
    /// Latents that were sent, or promised, to each device; each takes its own random streams.
    transmissions: Vec<u64>,
    /// By device, how many faults keep it away right now.
    away: Vec<u32>,
    /// Requests that are somewhere between arrival and end.
    in_network: u64,
    /// When `in_network` changed last [s].
    changed_s: f64,
    /// Whether no further request will arrive.
    is_demand_over: bool,
}

impl RunState {
    pub fn new(scenario: &Scenario) -> Self {
        let is_round = scenario.demand.is_none();
        Self {
            ledger: EnergyLedger::new(scenario.devices.len(), is_round),
            batteries: Batteries::of(scenario),
            transmissions: vec![0; scenario.devices.len()],
            away: vec![0; scenario.devices.len()],
            ..Self::default()
        }
    }

    /// Takes energy out of the payer's battery now, and books it at `booked_s`. Less than nothing gives some back.
    pub fn pay(&mut self, payer: LedgerPayer, cause: LedgerCause, energy_j: f64, now_s: f64, booked_s: f64) {
        if let LedgerPayer::Device(device) = payer {
            self.batteries.draw(device, energy_j, now_s);
        }
        self.ledger.book(LedgerEntry { payer, cause, energy_j, time_s: booked_s });
    }

    /// Number of the device's next transmission, for its random streams.
    pub fn begin_transmission(&mut self, device: usize) -> u64 {
        let number = self.transmissions[device];
        self.transmissions[device] += 1;
        number
    }

    /// A request comes in; returns its number.
    pub fn arrive(&mut self, time_s: f64) -> u64 {
        self.count(time_s);
        self.in_network += 1;
        self.books.arrivals += 1;
        self.books.arrivals - 1
    }

    /// A request ends with a picture.
    pub fn serve(&mut self, record: Box<UserRecord>) {
        self.leave(record.finished_s);
        self.served.push(record);
    }

    /// A request ends without one.
    pub fn lose(&mut self, journey: Journey, end: UnservedEnd, ended_s: f64, energy_j: f64) {
        self.leave(ended_s);
        self.books.unserved.push(UnservedRecord { journey, end, ended_s, energy_j });
    }

    /// No further request will arrive.
    pub fn end_demand(&mut self) {
        self.is_demand_over = true;
    }

    /// Whether everything that will ever happen to requests has happened.
    pub fn is_over(&self) -> bool {
        self.is_demand_over && self.in_network == 0
    }

    /// Whether no request is on its way.
    pub fn is_empty(&self) -> bool {
        self.in_network == 0
    }

    pub fn is_away(&self, device: usize) -> bool {
        self.away[device] > 0
    }

    /// A fault takes a device away, or lets it go; faults may overlap.
    pub fn set_away(&mut self, device: usize, is_away: bool) {
        match is_away {
            true => self.away[device] += 1,
            false => self.away[device] -= 1,
        }
    }

    fn leave(&mut self, time_s: f64) {
        self.count(time_s);
        self.in_network -= 1;
        self.books.end_s = self.books.end_s.max(time_s);
    }

    /// Adds up the time that requests spend in the network.
    fn count(&mut self, time_s: f64) {
        self.books.requests_in_network_s += self.in_network as f64 * (time_s - self.changed_s);
        self.changed_s = time_s;
    }
}
