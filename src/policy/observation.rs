//! The state (26) as the vector that a learned policy sees (`spec` 4.1).
//!
//! ```text
//!  u (5K) │ similarity (K) │ δ_0 │ δ (K) │ gain (K) │ Q_th │ mask (K)          single-step
//!                                         … │ battery level (K) │ queue        sequential
//! ```
//!
//! Gains are in dB and standardised: linear gains have a heavy tail. Places of users that a group does not have are 0.

use serde::{Deserialize, Serialize};

use super::AllocationProblem;

/// Whether what is decided now matters for later decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpisodeKind {
    /// Each decision is an episode: one synchronous round (the paper's effective problem).
    SingleStep,
    /// A run in time: batteries, queue and cache persist from one decision to the next.
    Sequential,
}

/// What the gains are standardised with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    pub gain_mean_db: f64,
    pub gain_deviation_db: f64,
}

impl Normalisation {
    /// Mean and standard deviation of the gains that these states have; (0, 1) of none.
    pub fn of<'a>(problems: impl IntoIterator<Item = &'a AllocationProblem>) -> Self {
        let gains = problems.into_iter().flat_map(|problem| &problem.users).filter_map(|user| user.channel_gain_db);
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for gain_db in gains {
            // Welford's update.
            count += 1.0;
            let difference = gain_db - mean;
            mean += difference / count;
            squares += difference * (gain_db - mean);
        }
        let deviation = if count > 1.0 { f64::sqrt(squares / (count - 1.0)) } else { 0.0 };
        Self { gain_mean_db: mean, gain_deviation_db: if deviation > 0.0 { deviation } else { 1.0 } }
    }
}

/// Which number stands where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ObservationLayout {
    /// K, users of a group at most.
    pub users: usize,
    pub episode: EpisodeKind,
    pub normalisation: Normalisation,
}

/// Groups in the queue at which their number is half of its range.
const USUAL_QUEUE: f64 = 4.0;

impl ObservationLayout {
    /// Numbers of a state.
    pub fn len(&self) -> usize {
        let sequential = match self.episode {
            EpisodeKind::SingleStep => 0,
            EpisodeKind::Sequential => self.users + 1,
        };
        9 * self.users + 2 + sequential
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state of a problem of at most K users.
    pub fn observe(&self, problem: &AllocationProblem) -> Vec<f32> {
        assert!(problem.users.len() <= self.users, "a state is of at most {} users", self.users);
        let mut state = Vec::with_capacity(self.len());
        let Normalisation { gain_mean_db, gain_deviation_db } = self.normalisation;
        let push_users = |state: &mut Vec<f32>, number: &dyn Fn(&super::UserState) -> f64| {
            let numbers = problem.users.iter().map(|user| number(user) as f32);
            state.extend(numbers.chain(std::iter::repeat(0.0)).take(self.users));
        };
        for index in 0..5 {
            push_users(&mut state, &|user| user.persona.traits()[index]);
        }
        push_users(&mut state, &|user| user.similarity);
        state.push(problem.server_step_energy_j as f32);
        push_users(&mut state, &|user| user.step_energy_j);
        push_users(&mut state, &|user| {
            user.channel_gain_db.map_or(0.0, |gain_db| (gain_db - gain_mean_db) / gain_deviation_db)
        });
        state.push(problem.qoe_threshold as f32);
        push_users(&mut state, &|_| 1.0);
        if self.episode == EpisodeKind::Sequential {
            push_users(&mut state, &|user| user.battery_level);
            let queue = f64::from(problem.queue_length);
            state.push((queue / (queue + USUAL_QUEUE)) as f32);
        }
        state
    }
}
