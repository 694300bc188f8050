//! How much of a series belongs to the transient at its beginning.
//!
//! A simulation begins empty, so its first observations are not those of the steady state. MSER (K. P. White, "An
//! effective truncation heuristic for bias reduction in simulation output", Simulation 69(6), 1997) leaves out as many
//! as makes the interval of the mean of the rest narrowest: cutting too little leaves biased observations, which
//! scatter about the mean; cutting too much leaves few.
//!
//! ```text
//!   MSER(d) = Σ_{j>d} (Y_j − Ȳ_d)² / (m − d)²        Y_j: means of five observations each, j = 1 … m
//!
//!   MSER │╲                            ╱
//!        │  ╲_                       ╱
//!        │     ╲__________________╱
//!        └────────┴─────────────────────── d ≤ m/2
//!                 d*
//! ```
//!
//! MSER-5 takes means of five (White, Cobb and Spratt, "A comparison of five steady-state truncation heuristics for
//! simulation", WSC 2000), which smooths what one observation alone may do. Beyond the middle too few batches are left
//! for the statistic to be believed, so only the first half is searched.

/// Observations of one batch.
const BATCH: usize = 5;

/// What MSER-5 says of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// First observations to leave out: a multiple of five, at most half of the series.
    pub observations: usize,
    /// Whether the least value stands at the end of what was searched: the series is then too short for its transient.
    pub is_at_limit: bool,
}

/// The truncation point of a series of finite numbers; nothing is left out of fewer than ten. One pass: O(n).
pub fn mser_5(series: &[f64]) -> Truncation {
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let (limit, count) = (batches.len() / 2, batches.len());
    let mut best = (0, f64::INFINITY);
    // From the end on: mean and squared deviations of the last batches, after Welford.
    let (mut mean, mut squares) = (0.0, 0.0);
    for (kept, (d, &value)) in (1_u64..).zip(batches.iter().enumerate().rev()) {
        let from_old_mean = value - mean;
        mean += from_old_mean / kept as f64;
        squares += from_old_mean * (value - mean);
        let statistic = squares / (kept as f64).powi(2);
        // Of equals the shortest truncation.
        if d <= limit && statistic <= best.1 {
            best = (d, statistic);
        }
    }
    Truncation { observations: best.0 * BATCH, is_at_limit: count >= 2 && best.0 == limit }
}
