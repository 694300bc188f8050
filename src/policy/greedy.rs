//! Steepest ascent from an equal split: what one would write without dynamic programming.
//!
//! ```text
//!  start     t0 = 1, t_k = the most, P_k equal
//!  moves     t0 ± 1 (powers scaled to the new budget)    t_k ± 1    Δ watts from one user to another
//!  repeat    make the move with the largest gain; where none gains, halve Δ; end at `power_step_w`
//! ```
//!
//! A round tries K² + K + 2 moves, most of which change one or two users, and there is a round for each move made and each
//! halving: O(K²) qualities a round, some tens of rounds. All of the power budget is always given out. It ends on a local
//! optimum, which need not be the best.

use super::exhaustive::nothing_shared;
use super::{Allocation, AllocationProblem, AllocationRequest, Policy, PolicyError, UserAllocation, no_budget};
use crate::judge::QualityModel;
use crate::scenario::SearchPolicy;

/// Gains below it are rounding.
const LEAST_GAIN: f64 = 1e-9;

/// `policy.kind = "greedy"`.
pub struct Greedy {
    settings: SearchPolicy,
    quality: QualityModel,
}

impl Greedy {
    pub fn new(settings: SearchPolicy, quality: QualityModel) -> Self {
        Self { settings, quality }
    }

    /// The allocation on which the ascent ends.
    ///
    /// # Errors
    /// A server without a budget.
    pub fn climb(&self, problem: &AllocationProblem) -> Result<Allocation, PolicyError> {
        let limits = self.settings.limits;
        let most_shared = problem.most_shared_steps(limits.maximum_shared_steps);
        if most_shared == 0 {
            return Ok(nothing_shared(problem, limits.maximum_own_steps));
        }
        let budgets_w: Option<Vec<f64>> = (0..=most_shared).map(|t0| problem.power_budget_w(t0)).collect();
        let slope = Slope {
            problem,
            quality: &self.quality,
            budgets_w: budgets_w.ok_or_else(no_budget)?,
            most_own: (0..problem.users.len())
                .map(|user| problem.most_own_steps(user, limits.maximum_own_steps))
                .collect(),
        };
        let mut place = slope.start();
        let mut move_w = slope.budgets_w[1] / 2.0;
        loop {
            match slope.best_move(&place, move_w) {
                Some(better) => place = better,
                None if move_w < 2.0 * self.settings.power_step_w => return Ok(place.allocation),
                None => move_w /= 2.0,
            }
        }
    }
}

impl Policy for Greedy {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        self.climb(&(request.problem)())
    }
}

/// What is climbed.
struct Slope<'a> {
    problem: &'a AllocationProblem,
    quality: &'a QualityModel,
    /// Σ P_k at each t0 [W], from 0.
    budgets_w: Vec<f64>,
    /// Most t_k of each user.
    most_own: Vec<u32>,
}

/// An allocation with the quality of each user.
#[derive(Clone)]
struct Place {
    allocation: Allocation,
    qualities: Vec<f64>,
}

impl Slope<'_> {
    fn start(&self) -> Place {
        let each_w = self.budgets_w[1] / self.most_own.len() as f64;
        let users = self.most_own.iter().map(|&tk| UserAllocation { tk, tx_power_w: each_w });
        let allocation = Allocation { t0: 1, users: users.collect() };
        Place { qualities: self.problem.qualities(&allocation, self.quality), allocation }
    }

    /// The first of the moves with the largest gain; `None` where no move gains.
    fn best_move(&self, place: &Place, move_w: f64) -> Option<Place> {
        let here: f64 = place.qualities.iter().sum();
        let mut best: Option<(f64, Place)> = None;
        let mut consider = |there: Place| {
            let quality: f64 = there.qualities.iter().sum();
            if quality > best.as_ref().map_or(here + LEAST_GAIN, |(best, _)| *best) {
                best = Some((quality, there));
            }
        };
        let t0 = place.allocation.t0;
        for other in [t0 - 1, t0 + 1] {
            if (1..self.budgets_w.len() as u32).contains(&other) {
                consider(self.with_shared_steps(place, other));
            }
        }
        let users = 0..self.most_own.len();
        for user in users.clone() {
            let UserAllocation { tk, tx_power_w } = place.allocation.users[user];
            let least = self.most_own[user].min(1);
            if tk > least {
                consider(self.with_user(place.clone(), user, UserAllocation { tk: tk - 1, tx_power_w }));
            }
            if tk < self.most_own[user] {
                consider(self.with_user(place.clone(), user, UserAllocation { tk: tk + 1, tx_power_w }));
            }
        }
        for giver in users.clone() {
            for taker in users.clone().filter(|taker| *taker != giver) {
                let (from, to) = (place.allocation.users[giver], place.allocation.users[taker]);
                let moved_w = move_w.min(from.tx_power_w);
                if moved_w > 0.0 {
                    let less = UserAllocation { tx_power_w: from.tx_power_w - moved_w, ..from };
                    let more = UserAllocation { tx_power_w: to.tx_power_w + moved_w, ..to };
                    consider(self.with_user(self.with_user(place.clone(), giver, less), taker, more));
                }
            }
        }
        best.map(|(_, place)| place)
    }

    fn with_shared_steps(&self, place: &Place, t0: u32) -> Place {
        let mut allocation = place.allocation.clone();
        let (before_w, now_w) = (self.budgets_w[allocation.t0 as usize], self.budgets_w[t0 as usize]);
        allocation.t0 = t0;
        for user in &mut allocation.users {
            user.tx_power_w = match before_w > 0.0 {
                true => user.tx_power_w * (now_w / before_w),
                false => now_w / self.most_own.len() as f64,
            };
        }
        Place { qualities: self.problem.qualities(&allocation, self.quality), allocation }
    }

    fn with_user(&self, mut place: Place, user: usize, share: UserAllocation) -> Place {
        let inputs = self.problem.surface_inputs(user, place.allocation.t0, share.tk, share.tx_power_w);
        place.allocation.users[user] = share;
        place.qualities[user] = self.quality.quality_of_experience(&inputs);
        place
    }
}
