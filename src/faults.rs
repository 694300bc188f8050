//! When faults strike: times that are up and down by turns, drawn or scripted.
//!
//! ```text
//!   up ──────────┐        ┌────────────────┐   ┌─────  exponential with the rate of the faults
//!                │        │                │   │
//!   down         └────────┘                └───┘       exponential with mean duration_s
//!              start_s   end_s
//! ```
//!
//! In the long run a part 1 / (1 + rate · duration) of the time is up.

use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use crate::random::StreamKey;
use crate::scenario::{FaultSettings, FaultTimes};

/// The faults of one device or cell, after those that were given out already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlternatingProcess {
    rng: Xoshiro256PlusPlus,
    /// Of the last fault; 0 before the first [s].
    end_s: f64,
    /// Scripted times used.
    used: usize,
}

impl AlternatingProcess {
    /// At time 0, when all is well.
    pub fn new(stream: StreamKey) -> Self {
        Self { rng: stream.compact_rng(), end_s: 0.0, used: 0 }
    }

    /// Start and end of the next fault [s], which starts strictly after the end of the one before; `None` when no more come.
    ///
    /// Scripted faults last `duration_s` each; those that meet before it is over are one longer fault. Drawn faults last an
    /// exponential time. Faults without a duration (a leader is lost, and its device is back) end when they start.
    pub fn next(&mut self, faults: &FaultSettings) -> Option<(f64, f64)> {
        let (start_s, end_s) = match &faults.times {
            FaultTimes::At(times) => self.scripted(times, faults.duration_s)?,
            FaultTimes::Rate { rate_hz } => self.drawn(*rate_hz, faults.duration_s)?,
        };
        self.end_s = end_s;
        Some((start_s, end_s))
    }

    fn scripted(&mut self, times: &[f64], duration_s: f64) -> Option<(f64, f64)> {
        let start_s = *times.get(self.used)?;
        let mut end_s = start_s + duration_s;
        self.used += 1;
        while let Some(&next_s) = times.get(self.used).filter(|&&next_s| next_s <= end_s) {
            end_s = next_s + duration_s;
            self.used += 1;
        }
        Some((start_s, end_s))
    }

    fn drawn(&mut self, rate_hz: f64, duration_s: f64) -> Option<(f64, f64)> {
        if rate_hz == 0.0 {
            return None;
        }
        let [up, down]: [f64; 2] = std::array::from_fn(|_| Exp1.sample(&mut self.rng));
        let start_s = (self.end_s + up / rate_hz).max(self.end_s.next_up());
        start_s.is_finite().then_some((start_s, start_s + down * duration_s))
    }
}
