//! Which part of the runs reaches a score, for every score: the whole spread at a glance, failed runs included.
//!
//! ```text
//!  1 ┤▔▔▔▔▔╲_                     an algorithm whose curve lies above another's everywhere is better
//!    │       ▔▔╲                  (stochastically dominates it); the area under it, from 0 on, is the mean of
//!    │          ╲___              non-negative scores; where it crosses ½ stands the median
//!  0 ┼──────────────▔▔── τ
//! ```

use super::run_scores::RunScores;
use super::stratified_bootstrap::{BootstrapEstimate, StratifiedBootstrap};

/// One point of a profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfilePoint {
    /// The score to be reached.
    pub tau: f64,
    /// Part of the runs of all tasks that score at least τ, with the bootstrap interval of this point alone.
    pub part: BootstrapEstimate,
}

/// The profile at each of `taus` (the run-score distribution of Agarwal et al., NeurIPS 2021, which asks for more than τ;
/// here a run that scores just τ has reached it). All points see the same resamples.
pub fn performance_profile(scores: &RunScores, taus: &[f64], bootstrap: &StratifiedBootstrap) -> Vec<ProfilePoint> {
    let part = |tau: f64| bootstrap.of_one(scores, |scores| part_reaching(scores, tau));
    taus.iter().map(|&tau| ProfilePoint { tau, part: part(tau) }).collect()
}

fn part_reaching(scores: &RunScores, tau: f64) -> f64 {
    scores.all().filter(|&score| score >= tau).count() as f64 / scores.count() as f64
}
