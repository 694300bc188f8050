//! The best allocation there is: max Σ Q_k of (21) under (22) and (24), by trying everything.
//!
//! ```text
//!  BEP of each user at each power of the grid                                          once
//!   └─ for each t0 in 1 … T_s:
//!        Q_k(P) = max over t_k of Q(t0, t_k, BEP_k(P))      for each user and power     K · N · T_e
//!        max Σ Q_k(P_k),  Σ P_k ≤ (E_T − δ_0·t0)/β          dynamic programme, exact    (K − 2) · N²/2 + 2·N
//! ```
//!
//! N is the number of powers, E_T/β over `power_step_w`. The result is exact on that grid; equally good allocations go by the
//! lowest t0, then the lowest powers, the first user's first, then the lowest t_k. What the grid leaves of the budget is given
//! out in proportion to the powers, where that makes Σ Q_k larger.
//!
//! A user whose energy does not pay for one step has t_k = 0. Where E_T does not pay for one shared step nothing is shared: t0 = 0.

mod power_division;

use super::{Allocation, AllocationProblem, AllocationRequest, Policy, PolicyError, UserAllocation, no_budget};
use crate::judge::QualityModel;
use crate::judge::surface::SurfaceInputs;
use crate::scenario::SearchPolicy;

use power_division::best_division;

/// Most powers of a grid: the programme's time grows with their square.
const MAXIMUM_POWERS: f64 = 10_000.0;

/// `policy.kind = "exhaustive"`.
pub struct Exhaustive {
    settings: SearchPolicy,
    quality: QualityModel,
}

impl Exhaustive {
    pub fn new(settings: SearchPolicy, quality: QualityModel) -> Self {
        Self { settings, quality }
    }

    /// The best allocation.
    ///
    /// # Errors
    /// A server without a budget, and a grid of too many powers.
    pub fn best(&self, problem: &AllocationProblem) -> Result<Allocation, PolicyError> {
        let most_shared = problem.most_shared_steps(self.settings.limits.maximum_shared_steps);
        if most_shared == 0 {
            return Ok(nothing_shared(problem, self.settings.limits.maximum_own_steps));
        }
        let powers = self.powers_within(problem.power_budget_w(1).ok_or_else(no_budget)?)?;
        let errors = self.bit_error_probabilities(problem, powers);
        let mut best: Option<(f64, Allocation)> = None;
        for t0 in 1..=most_shared {
            let choices: Vec<UserChoices> =
                (0..problem.users.len()).map(|user| self.choices(problem, user, t0, &errors[user])).collect();
            let qualities: Vec<&[f64]> = choices.iter().map(|choices| choices.quality.as_slice()).collect();
            let powers = self.powers_within(problem.power_budget_w(t0).ok_or_else(no_budget)?)?;
            let division = best_division(&qualities, powers);
            if best.as_ref().is_none_or(|(quality, _)| division.quality > *quality) {
                let users = division.steps.iter().zip(&choices).map(|(&power, choices)| UserAllocation {
                    tk: choices.tk[power],
                    tx_power_w: power as f64 * self.settings.power_step_w,
                });
                best = Some((division.quality, Allocation { t0, users: users.collect() }));
            }
        }
        let (_, best) = best.expect("at least one shared step was tried");
        Ok(with_the_rest(best, problem, &self.quality))
    }

    /// Steps of power that fit into a budget.
    fn powers_within(&self, budget_w: f64) -> Result<usize, PolicyError> {
        let step_w = self.settings.power_step_w;
        // 185 W hold 185 steps of 1 W, whatever the rounding.
        let steps = (budget_w / step_w * (1.0 + 1e-12)).floor();
        if steps > MAXIMUM_POWERS {
            return Err(PolicyError::Unfit {
                message: format!("{budget_w:.1} W in steps of {step_w} W are {steps:.0} powers to try"),
                help: format!("raise `power_step_w` under [policy] to {:.3} or more", budget_w / MAXIMUM_POWERS),
            });
        }
        Ok(steps as usize)
    }

    /// Of each user, at 0 to so many steps of power.
    fn bit_error_probabilities(&self, problem: &AllocationProblem, powers: usize) -> Vec<Vec<f64>> {
        let of_user = |user: &super::UserState| {
            let at = |step: usize| {
                problem.link.bit_error_probability(user.channel_gain_db, step as f64 * self.settings.power_step_w)
            };
            match (user.channel_gain_db, problem.link.pinned_bit_error_probability) {
                (Some(_), None) => (0..=powers).map(at).collect(),
                _ => vec![at(0); powers + 1],
            }
        };
        problem.users.iter().map(of_user).collect()
    }

    /// The best t_k of a user at each power.
    fn choices(&self, problem: &AllocationProblem, user: usize, t0: u32, errors: &[f64]) -> UserChoices {
        let state = &problem.users[user];
        let most = problem.most_own_steps(user, self.settings.limits.maximum_own_steps);
        let mut choices =
            UserChoices { quality: Vec::with_capacity(errors.len()), tk: Vec::with_capacity(errors.len()) };
        for &bit_error_probability in errors {
            let (mut quality, mut best_tk) = (f64::NEG_INFINITY, 0);
            for tk in most.min(1)..=most {
                let inputs = SurfaceInputs {
                    t0,
                    tk,
                    bit_error_probability,
                    similarity: state.similarity,
                    persona: state.persona,
                };
                let of_tk = self.quality.quality_of_experience(&inputs);
                if of_tk > quality {
                    (quality, best_tk) = (of_tk, tk);
                }
            }
            choices.quality.push(quality);
            choices.tk.push(best_tk);
        }
        choices
    }
}

impl Policy for Exhaustive {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        self.best(&(request.problem)())
    }
}

/// What one user makes of each power: its best quality and the t_k of it.
struct UserChoices {
    quality: Vec<f64>,
    tk: Vec<u32>,
}

/// Everyone alone, with all the steps there are; at least one, for somebody has to denoise.
pub(super) fn nothing_shared(problem: &AllocationProblem, maximum_own_steps: u32) -> Allocation {
    let alone = |user| UserAllocation { tk: problem.most_own_steps(user, maximum_own_steps).max(1), tx_power_w: 0.0 };
    Allocation { t0: 0, users: (0..problem.users.len()).map(alone).collect() }
}

/// The same with all of the budget, where that is better.
fn with_the_rest(allocation: Allocation, problem: &AllocationProblem, model: &QualityModel) -> Allocation {
    let Some(budget_w) = problem.power_budget_w(allocation.t0) else {
        return allocation;
    };
    let given_w: f64 = allocation.users.iter().map(|user| user.tx_power_w).sum();
    let mut full = allocation.clone();
    for user in &mut full.users {
        user.tx_power_w = match given_w > 0.0 {
            true => user.tx_power_w * (budget_w / given_w),
            false => budget_w / allocation.users.len() as f64,
        };
    }
    let quality = |allocation: &Allocation| problem.qualities(allocation, model).iter().sum::<f64>();
    if given_w < budget_w && quality(&full) > quality(&allocation) { full } else { allocation }
}
