//! The mean of the middle half: little moved by one lucky or one failed run, and more certain than the median.
//!
//! ```text
//!   x₀ ≤ x₁ │ x₂ ≤ x₃ ≤ x₄ ≤ x₅ │ x₆ ≤ x₇        n = 8: mean of x₂ … x₅
//!   ⌊n/4⌋ out                     ⌊n/4⌋ out
//! ```
//!
//! Whole observations are left out, ⌊n/4⌋ at each end and none in part. So do SciPy's `trim_mean(x, 0.25)` and rliable,
//! with whose published numbers ours can then be compared. Where n is no multiple of four a little more than half is
//! kept: 6 of 10.

use super::run_scores::RunScores;

/// The interquartile mean of the runs of all tasks together (Agarwal et al., "Deep reinforcement learning at the edge of
/// the statistical precipice", NeurIPS 2021). Of fewer than four runs it is their mean.
///
/// ```
/// use latentlink::experiment::statistics::{RunScores, interquartile_mean};
///
/// let scores = RunScores::of_one_task(vec![0.9, 0.0, 0.7, 0.8])?;
/// assert_eq!(interquartile_mean(&scores), 0.75);
/// # Ok::<(), latentlink::experiment::statistics::RunScoresError>(())
/// ```
pub fn interquartile_mean(scores: &RunScores) -> f64 {
    let mut sorted: Vec<f64> = scores.all().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let left_out = sorted.len() / 4;
    let middle = &sorted[left_out..sorted.len() - left_out];
    middle.iter().sum::<f64>() / middle.len() as f64
}
