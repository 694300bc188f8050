//! The action vector of a learned policy, and how it becomes an allocation (`spec` 4.1).
//!
//! ```text
//!  [−1, 1]^(K + T_s + K·T_e)
//!
//!   a_1 … a_K │ T_s scores │ T_e scores │ … │ T_e scores
//!   P_k = P_max·(a_k + 1)/2   t0 = 1 + argmax    t_1 = 1 + argmax … t_K = 1 + argmax       ties: the lowest
//! ```

use serde::{Deserialize, Serialize};

use super::{Allocation, AllocationProblem, UserAllocation};

/// Sizes of the action vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionSpace {
    /// K, users of a group at most.
    pub users: usize,
    /// T_s, shared steps at most.
    pub shared_steps: usize,
    /// T_e, steps on a device at most.
    pub own_steps: usize,
}

/// What is done with an allocation that breaks the server's budget (24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decoder {
    /// It stays as it is; the reward pays for it (the paper).
    Soft,
    /// Powers are scaled by min(1, (E_T − δ_0·t0)/(β·ΣP)).
    Projected,
}

impl ActionSpace {
    /// K + T_s + K·T_e.
    pub fn len(&self) -> usize {
        self.users + self.shared_steps + self.users * self.own_steps
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The allocation that an action of [`ActionSpace::len`] numbers means, whatever it costs, for a group of at most K users. Further entries say nothing.
    ///
    /// `maximum_power_w` is P_max; `E_T/β` where the server has a budget.
    pub fn decode(&self, action: &[f32], problem: &AllocationProblem, maximum_power_w: f64) -> Allocation {
        assert_eq!(action.len(), self.len(), "an action has as many numbers as its space");
        assert!(problem.users.len() <= self.users, "an action is for at most {} users", self.users);
        let (powers, steps) = action.split_at(self.users);
        let (shared, own) = steps.split_at(self.shared_steps);
        let users = (0..problem.users.len()).map(|user| UserAllocation {
            tk: 1 + first_largest(&own[user * self.own_steps..][..self.own_steps]),
            tx_power_w: maximum_power_w * (f64::from(powers[user].clamp(-1.0, 1.0)) + 1.0) / 2.0,
        });
        Allocation { t0: 1 + first_largest(shared), users: users.collect() }
    }

    /// Lengths of the groups of scores that follow the powers: of t0, and of each t_k.
    pub fn choices(&self) -> Vec<usize> {
        std::iter::once(self.shared_steps).chain(std::iter::repeat_n(self.own_steps, self.users)).collect()
    }
}

impl Decoder {
    /// What is carried out of an allocation that is meant.
    pub fn carry_out(self, meant: Allocation, problem: &AllocationProblem) -> Allocation {
        match self {
            Self::Soft => meant,
            Self::Projected => meant.projected(problem),
        }
    }
}

impl Allocation {
    /// Within the server's budget (24): powers are scaled down where they cost too much.
    pub fn projected(mut self, problem: &AllocationProblem) -> Self {
        let power_w: f64 = self.users.iter().map(|user| user.tx_power_w).sum();
        let radio_j = problem.link.energy_per_watt_after_j(self.t0) * power_w;
        let budget_j = problem.radio_budget_j(self.t0).max(0.0);
        if radio_j > budget_j {
            self.users.iter_mut().for_each(|user| user.tx_power_w *= budget_j / radio_j);
        }
        self
    }
}

/// Index of the largest score, the first of equals.
pub fn first_largest(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    best as u32
}
