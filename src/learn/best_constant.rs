//! The best allocation that looks at nothing: the same steps and the same division of power, whatever the state.
//!
//! ```text
//!  training states ─► best (t0, t_k) under this division ─► best division under these steps ─┐
//!                          ▲                                                                 │ until nothing changes
//!                          └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Powers are tenths of the radio budget, t_k is the same for all users, and the mean of ΣQ_k is taken over states that no
//! evaluation uses.

use super::evaluation;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::judge::QualityModel;
use crate::policy::{Allocation, AllocationProblem, UserAllocation};
use crate::scenario::{FixedPolicy, GivenSteps, PolicySettings, Scenario, StepLimits};

/// Number of a training that never is: its replications are nobody's.
const NOBODYS_SEED: u32 = 250;
/// States that constants are compared on.
const STATES: usize = 128;
/// Parts of the radio budget.
const PARTS: u32 = 10;
/// Users up to which unequal divisions are tried: their number grows as PARTS^(K − 1).
const MOST_DIVIDED: usize = 4;

/// A constant allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct BestConstant {
    t0: u32,
    tk: u32,
    /// Part of the radio budget, by user; all together 1.
    shares: Vec<f64>,
    /// E_T and β of the states.
    radio_budget_w: f64,
}

/// Searches the best constant of a point.
///
/// # Errors
/// What the simulator says.
pub fn find(plan: &StudyPlan, point: &StudyPoint, limits: StepLimits) -> Result<BestConstant, Error> {
    let mut problems = evaluation::problems(plan, point, NOBODYS_SEED)?;
    problems.truncate(STATES);
    let model = point.scenario.judge.quality_model();
    Ok(best(&problems, &model, limits))
}

/// The best constant for some states, of which there is at least one.
pub fn best(problems: &[AllocationProblem], model: &QualityModel, limits: StepLimits) -> BestConstant {
    let users = problems.iter().map(|problem| problem.users.len()).max().unwrap_or(1);
    let divisions = divisions(users);
    let mut shares = vec![1.0 / users as f64; users];
    let mut steps = (1, 1);
    loop {
        let value = |t0: u32, tk: u32, shares: &[f64]| {
            problems.iter().map(|problem| worth(problem, model, t0, tk, shares)).sum::<f64>()
        };
        let pairs =
            (1..=limits.maximum_shared_steps).flat_map(|t0| (1..=limits.maximum_own_steps).map(move |tk| (t0, tk)));
        let before = (steps, shares.clone());
        steps = largest(pairs.map(|(t0, tk)| ((t0, tk), value(t0, tk, &shares))), steps);
        let divided = divisions.iter().map(|division| (division.clone(), value(steps.0, steps.1, division)));
        shares = largest(divided, shares);
        if before == (steps, shares.clone()) {
            break;
        }
    }
    let radio_budget_w = problems
        .first()
        .map_or(0.0, |problem| problem.radio_budget_j(steps.0) / problem.link.energy_per_watt_after_j(steps.0));
    BestConstant { t0: steps.0, tk: steps.1, shares, radio_budget_w }
}

impl BestConstant {
    /// Its steps, for policies that divide the power themselves.
    pub fn steps(&self, scenario: &Scenario) -> GivenSteps {
        GivenSteps { t0: self.t0, tk: vec![self.tk; scenario.devices.len()] }
    }

    /// As a policy: users of a group are counted in the order of the scenario.
    pub fn into_policy(self, scenario: &Scenario) -> PolicySettings {
        let devices = scenario.devices.len();
        let powers = (0..devices).map(|device| self.shares[device % self.shares.len()] * self.radio_budget_w);
        PolicySettings::Fixed(FixedPolicy { t0: self.t0, tk: vec![self.tk; devices], tx_power_w: powers.collect() })
    }
}

fn worth(problem: &AllocationProblem, model: &QualityModel, t0: u32, tk: u32, shares: &[f64]) -> f64 {
    let budget_w = problem.power_budget_w(t0).unwrap_or(0.0);
    let user = |(user, share): (usize, &f64)| UserAllocation {
        tk: problem.most_own_steps(user, tk),
        tx_power_w: budget_w * share,
    };
    let users = shares.iter().take(problem.users.len()).enumerate().map(user).collect();
    problem.qualities(&Allocation { t0, users }, model).iter().sum()
}

/// All divisions of the budget among so many users in whole parts.
fn divisions(users: usize) -> Vec<Vec<f64>> {
    if users > MOST_DIVIDED {
        return Vec::new();
    }
    let mut divisions: Vec<Vec<u32>> = vec![Vec::new()];
    for user in 0..users {
        let extended = divisions.iter().flat_map(|division| {
            let left = PARTS - division.iter().sum::<u32>();
            let least = if user + 1 == users { left } else { 0 };
            (least..=left).map(move |part| division.iter().copied().chain([part]).collect::<Vec<u32>>())
        });
        divisions = extended.collect();
    }
    let in_shares = |division: Vec<u32>| division.into_iter().map(|part| f64::from(part) / f64::from(PARTS)).collect();
    divisions.into_iter().map(in_shares).collect()
}

/// The first of the largest; `otherwise` of none.
fn largest<T>(candidates: impl Iterator<Item = (T, f64)>, otherwise: T) -> T {
    let better = |best: Option<(T, f64)>, next: (T, f64)| match best {
        Some(best) if best.1 >= next.1 => Some(best),
        _ => Some(next),
    };
    candidates.fold(None, better).map_or(otherwise, |(candidate, _)| candidate)
}
