//! Intervals of any aggregate of run scores, without an assumption on how scores spread.
//!
//! ```text
//!  task 0   a b c d ─► draw 4 with replacement ─► b b d a ─┐
//!  task 1   e f g h ─► draw 4 with replacement ─► h e f h ─┴─► aggregate ─┐
//!                                                                         ├─ sorted ─► 2.5 % and 97.5 %
//!                                             … thousands of times …  ────┘
//! ```
//!
//! Runs are drawn within their task (the stratum), so that every resample has the tasks that the experiment has. The
//! ends are percentiles of the resampled aggregates, as in rliable (Agarwal et al., NeurIPS 2021; Efron and Tibshirani,
//! "An introduction to the bootstrap", 1993, chapter 13). With few runs such an interval is a little too narrow.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::quantiles::type_7;
use super::run_scores::RunScores;
use crate::random::StreamKey;

/// How intervals are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StratifiedBootstrap {
    /// Resamples behind each interval, at least 1; see [`StratifiedBootstrap::RESAMPLES`].
    pub resamples: u32,
    /// Every call draws from the start of this stream: equal scores have equal intervals, and aggregates of the same
    /// number of runs see the same resamples.
    pub stream: StreamKey,
}

/// An aggregate with its 95 % interval, in the unit of the scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapEstimate {
    /// Of the scores as they are.
    pub value: f64,
    /// Ends of the interval; `None` where a task has one run only, which says nothing about the spread between runs.
    pub low_95: Option<f64>,
    pub high_95: Option<f64>,
}

impl StratifiedBootstrap {
    /// Enough for ends that hold in their second digit.
    pub const RESAMPLES: u32 = 4000;

    /// Intervals from [`StratifiedBootstrap::RESAMPLES`] resamples.
    pub fn new(stream: StreamKey) -> Self {
        Self { resamples: Self::RESAMPLES, stream }
    }

    /// An aggregate of one algorithm's scores.
    pub fn of_one(&self, scores: &RunScores, aggregate: impl Fn(&RunScores) -> f64) -> BootstrapEstimate {
        let (mut rng, mut drawn) = (self.stream.rng(), scores.clone());
        self.estimate(aggregate(scores), has_spread(scores), || {
            resample(scores, &mut drawn, &mut rng);
            aggregate(&drawn)
        })
    }

    /// An aggregate of the scores of two algorithms, whose runs are drawn independently.
    pub fn of_two(
        &self,
        (first, second): (&RunScores, &RunScores),
        aggregate: impl Fn(&RunScores, &RunScores) -> f64,
    ) -> BootstrapEstimate {
        let (mut rng, mut drawn) = (self.stream.rng(), (first.clone(), second.clone()));
        self.estimate(aggregate(first, second), has_spread(first) && has_spread(second), || {
            resample(first, &mut drawn.0, &mut rng);
            resample(second, &mut drawn.1, &mut rng);
            aggregate(&drawn.0, &drawn.1)
        })
    }

    fn estimate(&self, value: f64, has_spread: bool, mut draw: impl FnMut() -> f64) -> BootstrapEstimate {
        if !has_spread {
            return BootstrapEstimate { value, low_95: None, high_95: None };
        }
        let mut drawn: Vec<f64> = (0..self.resamples.max(1)).map(|_| draw()).collect();
        drawn.sort_unstable_by(f64::total_cmp);
        BootstrapEstimate { value, low_95: Some(type_7(&drawn, 0.025)), high_95: Some(type_7(&drawn, 0.975)) }
    }
}

fn has_spread(scores: &RunScores) -> bool {
    scores.tasks().iter().all(|runs| runs.len() > 1)
}

/// Fills the places of `drawn`, a copy of `scores`, with runs of the same task.
fn resample(scores: &RunScores, drawn: &mut RunScores, rng: &mut ChaCha8Rng) {
    for (runs, places) in scores.tasks().iter().zip(drawn.tasks_mut()) {
        places.fill_with(|| runs[rng.random_range(0..runs.len())]);
    }
}
