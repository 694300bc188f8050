//! Budgets (22), (24) and what sharing saved, from the ledger of one run.

use serde::{Deserialize, Serialize};

use crate::network::{EnergyLedger, LedgerCause, LedgerPayer, UserRecord};
use crate::scenario::Scenario;

/// Energy of one run by payer and cause [J].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnergyTotals {
    pub server_compute_j: f64,
    pub server_radio_j: f64,
    pub device_compute_j: f64,
    pub device_radio_j: f64,
}

impl EnergyTotals {
    /// Sums of the ledger.
    pub fn of(ledger: &EnergyLedger) -> Self {
        Self {
            server_compute_j: ledger.energy_j(LedgerPayer::Server, LedgerCause::Compute),
            server_radio_j: ledger.energy_j(LedgerPayer::Server, LedgerCause::Radio),
            device_compute_j: ledger.devices_j(LedgerCause::Compute),
            device_radio_j: ledger.devices_j(LedgerCause::Radio),
        }
    }

    /// Everything [J].
    pub fn total_j(&self) -> f64 {
        self.server_compute_j + self.server_radio_j + self.device_compute_j + self.device_radio_j
    }
}

/// Energy saved against independent generation, in which each device runs t0 + t_k steps itself and decodes [J].
/// Negative where sharing costs more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Savings {
    /// What the devices save.
    pub device_side_j: f64,
    /// What the server saves: minus what it spends, since it would do nothing.
    pub server_side_j: f64,
    /// Both together.
    pub network_wide_j: f64,
}

impl Savings {
    /// Of a run with these users and totals.
    pub fn of(scenario: &Scenario, users: &[&UserRecord], totals: &EnergyTotals) -> Self {
        let independent_j: f64 = users
            .iter()
            .map(|user| {
                let device = &scenario.devices[user.journey.device];
                f64::from(user.t0 + user.tk) * device.step_energy_j + device.decode_energy_j
            })
            .sum();
        let device_side_j = independent_j - totals.device_compute_j - totals.device_radio_j;
        let server_side_j = -(totals.server_compute_j + totals.server_radio_j);
        Self { device_side_j, server_side_j, network_wide_j: device_side_j + server_side_j }
    }
}

/// A constraint that a run broke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetViolation {
    /// `"server"` or the device's name.
    pub payer: String,
    /// `"(22)"` for a device, `"(24)"` for the server.
    pub constraint: String,
    pub spent_j: f64,
    pub budget_j: f64,
}

impl BudgetViolation {
    /// By how much [J].
    pub fn excess_j(&self) -> f64 {
        self.spent_j - self.budget_j
    }
}

/// Energy above a budget [J], 0 where it is kept. Sums of the ledger carry rounding: a budget that is met exactly is met.
pub fn over_budget_j(spent_j: f64, budget_j: f64) -> f64 {
    if spent_j > budget_j * (1.0 + 1e-9) { spent_j - budget_j } else { 0.0 }
}

/// What each device paid [J], in the order of the scenario. O(devices + bookings).
pub fn paid_by_devices_j(scenario: &Scenario, ledger: &EnergyLedger) -> Vec<f64> {
    let mut paid_j = vec![0.0; scenario.devices.len()];
    for (payer, _, energy_j) in ledger.totals() {
        if let LedgerPayer::Device(index) = payer {
            paid_j[index] += energy_j;
        }
    }
    paid_j
}

/// Whether anybody has a budget that could be broken.
pub fn has_any(scenario: &Scenario) -> bool {
    scenario.server.energy_budget_j.is_some() || scenario.devices.iter().any(|device| device.energy_budget_j.is_some())
}

/// The payers that spent more than their budgets. Budgets are soft, as the paper's penalties are: the run goes on.
pub fn violations(scenario: &Scenario, ledger: &EnergyLedger) -> Vec<BudgetViolation> {
    let server = scenario.server.energy_budget_j.map(|_| ledger.paid_by_j(LedgerPayer::Server));
    let server = ("server", "(24)", scenario.server.energy_budget_j, server.unwrap_or(0.0));
    let has_budgets = scenario.devices.iter().any(|device| device.energy_budget_j.is_some());
    let paid_j = if has_budgets { paid_by_devices_j(scenario, ledger) } else { Vec::new() };
    let devices = scenario.devices.iter().zip(paid_j);
    let devices = devices.map(|(device, paid_j)| (device.name.as_str(), "(22)", device.energy_budget_j, paid_j));
    std::iter::once(server)
        .chain(devices)
        .filter_map(|(name, constraint, budget_j, spent_j)| {
            let budget_j = budget_j?;
            (over_budget_j(spent_j, budget_j) > 0.0).then(|| BudgetViolation {
                payer: name.to_owned(),
                constraint: constraint.to_owned(),
                spent_j,
                budget_j,
            })
        })
        .collect()
}
