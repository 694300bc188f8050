//! The energy ledger: who paid how much for what. Every total is a sum of its bookings.

use serde::{Deserialize, Serialize};

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LedgerPayer {
    /// The edge servers, all together.
    Server,
    /// The device with this index in the scenario.
    Device(usize),
}

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LedgerCause {
    /// Denoising steps and decoding.
    Compute,
    /// Sending or receiving a latent.
    Radio,
}

impl LedgerCause {
    /// All, in the order of tables.
    pub const ALL: [LedgerCause; 2] = [LedgerCause::Compute, LedgerCause::Radio];
}

/// One booking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub payer: LedgerPayer,
    pub cause: LedgerCause,
    /// Energy [J].
    pub energy_j: f64,
    /// When it was booked [s].
    pub time_s: f64,
}

/// All bookings of one run, added up as they come in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyLedger {
    /// Single bookings, where they are kept: those of a round.
    entries: Option<Vec<LedgerEntry>>,
    /// Totals by cause [J].
    server_j: [f64; 2],
    /// Totals by device and cause [J].
    by_device_j: Vec<[f64; 2]>,
    /// Totals of all devices by cause [J].
    devices_j: [f64; 2],
}

impl EnergyLedger {
    /// An empty ledger for so many devices.
    pub fn new(devices: usize, keeps_entries: bool) -> Self {
        Self { entries: keeps_entries.then(Vec::new), by_device_j: vec![[0.0; 2]; devices], ..Self::default() }
    }

    /// Books an entry.
    pub fn book(&mut self, entry: LedgerEntry) {
        let cause = entry.cause as usize;
        match entry.payer {
            LedgerPayer::Server => self.server_j[cause] += entry.energy_j,
            LedgerPayer::Device(device) => {
                if self.by_device_j.len() <= device {
                    self.by_device_j.resize(device + 1, [0.0; 2]);
                }
                self.by_device_j[device][cause] += entry.energy_j;
                self.devices_j[cause] += entry.energy_j;
            }
        }
        if let Some(entries) = &mut self.entries {
            entries.push(entry);
        }
    }

    /// All entries in the order of booking; `None` where single bookings are not kept.
    pub fn entries(&self) -> Option<&[LedgerEntry]> {
        self.entries.as_deref()
    }

    /// What was paid, by payer and cause [J]; only who paid anything.
    pub fn totals(&self) -> impl Iterator<Item = (LedgerPayer, LedgerCause, f64)> + '_ {
        let devices = self.by_device_j.iter().enumerate().map(|(index, totals)| (LedgerPayer::Device(index), totals));
        std::iter::once((LedgerPayer::Server, &self.server_j))
            .chain(devices)
            .flat_map(|(payer, totals)| LedgerCause::ALL.map(|cause| (payer, cause, totals[cause as usize])))
            .filter(|(_, _, energy_j)| *energy_j != 0.0)
    }

    /// Energy of one payer for one cause [J].
    pub fn energy_j(&self, payer: LedgerPayer, cause: LedgerCause) -> f64 {
        match payer {
            LedgerPayer::Server => self.server_j[cause as usize],
            LedgerPayer::Device(device) => self.by_device_j.get(device).map_or(0.0, |totals| totals[cause as usize]),
        }
    }

    /// Energy of one payer [J].
    pub fn paid_by_j(&self, payer: LedgerPayer) -> f64 {
        LedgerCause::ALL.map(|cause| self.energy_j(payer, cause)).iter().sum()
    }

    /// Energy of all devices for one cause [J].
    pub fn devices_j(&self, cause: LedgerCause) -> f64 {
        self.devices_j[cause as usize]
    }

    /// Energy of everyone for everything [J].
    pub fn total_j(&self) -> f64 {
        self.server_j.iter().chain(&self.devices_j).sum()
    }
}
