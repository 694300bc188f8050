//! By how much an allocation breaks the budgets (22) and (24).

use serde::{Deserialize, Serialize};

use super::{Allocation, AllocationProblem};

/// What an allocation spends beyond the budgets. Nothing is hidden in a reward: it is reported apart from the quality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Violations {
    /// max(0, δ_0·t0 + β·ΣP_k − E_T) of (24) [J].
    pub server_excess_j: f64,
    /// Σ max(0, δ_k·t_k − E_k) of (22) [J].
    pub device_excess_j: f64,
}

/// Sums of energies are held to be equal within this part of the budget.
const ROUNDING: f64 = 1e-9;

impl Violations {
    pub fn of(problem: &AllocationProblem, allocation: &Allocation) -> Self {
        let power_w: f64 = allocation.users.iter().map(|user| user.tx_power_w).sum();
        let radio_j = match allocation.t0 {
            0 => 0.0,
            t0 => problem.link.energy_per_watt_after_j(t0) * power_w,
        };
        let server_j = problem.server_step_energy_j * f64::from(allocation.t0) + radio_j;
        let excess = |spent_j: f64, budget_j: Option<f64>| {
            budget_j.filter(|budget_j| spent_j > budget_j * (1.0 + ROUNDING)).map_or(0.0, |budget_j| spent_j - budget_j)
        };
        let device_excess_j = problem
            .users
            .iter()
            .zip(&allocation.users)
            .map(|(state, user)| excess(state.step_energy_j * f64::from(user.tk), state.energy_budget_j))
            .sum();
        Self { server_excess_j: excess(server_j, problem.server_energy_budget_j), device_excess_j }
    }

    /// Whether a budget is broken.
    pub fn any(&self) -> bool {
        self.server_excess_j > 0.0 || self.device_excess_j > 0.0
    }
}
