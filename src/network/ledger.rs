//! The energy ledger: who paid how much for what. Every total is a sum of its entries.

use serde::{Deserialize, Serialize};

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LedgerPayer {
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

/// All bookings of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyLedger {
    entries: Vec<LedgerEntry>,
}

impl EnergyLedger {
    /// Books an entry.
    pub fn book(&mut self, entry: LedgerEntry) {
        self.entries.push(entry);
    }

    /// All entries in the order of booking.
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// Energy of one payer for one cause [J].
    pub fn energy_j(&self, payer: LedgerPayer, cause: LedgerCause) -> f64 {
        self.sum(|entry| entry.payer == payer && entry.cause == cause)
    }

    /// Energy of one payer [J].
    pub fn paid_by_j(&self, payer: LedgerPayer) -> f64 {
        self.sum(|entry| entry.payer == payer)
    }

    /// Energy of all devices for one cause [J].
    pub fn devices_j(&self, cause: LedgerCause) -> f64 {
        self.sum(|entry| entry.payer != LedgerPayer::Server && entry.cause == cause)
    }

    /// Energy of everyone for everything [J].
    pub fn total_j(&self) -> f64 {
        self.sum(|_| true)
    }

    fn sum(&self, select: impl Fn(&LedgerEntry) -> bool) -> f64 {
        self.entries.iter().filter(|entry| select(entry)).map(|entry| entry.energy_j).sum()
    }
}
