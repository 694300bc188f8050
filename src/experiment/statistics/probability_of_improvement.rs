//! How likely a run of one algorithm beats a run of another.

use super::run_scores::{RunScores, RunScoresError};
use super::stratified_bootstrap::{BootstrapEstimate, StratifiedBootstrap};

/// P(X > Y) + ½ P(X = Y) for a run of each algorithm on the same task, averaged over tasks (Agarwal et al., NeurIPS
/// 2021). On a task with n and m runs it is U/(nm) with the statistic U of Mann and Whitney ("On a test of whether one of
/// two random variables is stochastically larger than the other", Ann. Math. Stat. 18(1), 1947). It says how often, not
/// by how much.
///
/// The interval is that of the bootstrap, with both sides resampled. Whole above ½, it says that X is better.
///
/// # Errors
/// [`RunScoresError::DifferentTasks`].
pub fn probability_of_improvement(
    x: &RunScores,
    y: &RunScores,
    bootstrap: &StratifiedBootstrap,
) -> Result<BootstrapEstimate, RunScoresError> {
    let (first, second) = (x.tasks().len(), y.tasks().len());
    if first != second {
        return Err(RunScoresError::DifferentTasks { first, second });
    }
    Ok(bootstrap.of_two((x, y), |x, y| {
        let tasks = x.tasks().iter().zip(y.tasks());
        tasks.map(|(x, y)| part_of_pairs_won(x, y)).sum::<f64>() / first as f64
    }))
}

/// The part of all pairs in which x is greater; ties count half.
fn part_of_pairs_won(x: &[f64], y: &[f64]) -> f64 {
    let mut halves = 0_u64;
    for one in x {
        for other in y {
            halves += u64::from(one >= other) + u64::from(one > other);
        }
    }
    halves as f64 / (2 * x.len() * y.len()) as f64
}
