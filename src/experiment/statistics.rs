//! What can be said from replicated numbers: means, quantiles, proportions and paired differences, each with its 95 %
//! interval where it has one.
//!
//! ```text
//!  one number a replication ──┬─► Summary            mean, standard deviation, Student's t
//!                             └─► Quantiles          the spread between runs, without any assumption
//!  yes or no a replication ─────► Proportion         Wilson's interval, which stays inside [0, 1]
//!  two points, same replications ► PairedDifference  what common random numbers leave of the noise
//!  one score a training run ────► RunScores          interquartile mean, optimality gap, performance profile and
//!                                                    probability of improvement, by the stratified bootstrap
//! ```
//!
//! One replication says nothing about the spread between replications: its interval is `None`, never zero.

pub mod batch_means;
mod interquartile_mean;
mod paired_difference;
mod performance_profile;
mod probability_of_improvement;
mod proportion;
mod quantiles;
mod run_scores;
mod stratified_bootstrap;
mod time_average;
pub mod warm_up;

use miette::Diagnostic;
use statrs::distribution::{ContinuousCDF, StudentsT};
use thiserror::Error;

pub use batch_means::Estimate;
pub use interquartile_mean::interquartile_mean;
pub use paired_difference::PairedDifference;
pub use performance_profile::{ProfilePoint, performance_profile};
pub use probability_of_improvement::probability_of_improvement;
pub use proportion::Proportion;
pub use quantiles::Quantiles;
pub use run_scores::{RunScores, RunScoresError, optimality_gap};
pub use stratified_bootstrap::{BootstrapEstimate, StratifiedBootstrap};
pub use time_average::TimeBatches;

/// What is known of a quantity after `n` independent observations. All but `n` carry the unit of the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Observations, at least 1.
    pub n: u64,
    /// Sample mean.
    pub mean: f64,
    /// Square root of the unbiased sample variance (n − 1 in the denominator); `None` for one observation.
    pub standard_deviation: Option<f64>,
    /// Half of the two-sided 95 % confidence interval of the mean, t₀.₉₇₅(n − 1) · s / √n; `None` for one observation,
    /// which says nothing about its own spread.
    pub half_width_95: Option<f64>,
}

/// Why numbers have no summary.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum SummaryError {
    /// Nothing was observed.
    #[error("there is no observation to summarise")]
    #[diagnostic(help("every run of this point failed or gave no number: leave the summary blank"))]
    Empty,
    /// A NaN or an infinity, which would poison the mean without a trace.
    #[error("observation {index} is {value}, which has no place in a mean")]
    #[diagnostic(help(
        "leave failed runs out and count them apart; average the MSE, not the PSNR, where pictures can be identical"
    ))]
    NotFinite {
        /// Counted from 0.
        index: usize,
        value: f64,
    },
}

impl Summary {
    /// Summarises independent observations in one pass (Welford 1962), which keeps its digits where the spread is small
    /// against the mean.
    ///
    /// # Errors
    /// [`SummaryError::Empty`], [`SummaryError::NotFinite`].
    pub fn of(observations: impl IntoIterator<Item = f64>) -> Result<Self, SummaryError> {
        let (mut n, mut mean, mut squares) = (0_u64, 0.0, 0.0);
        for (index, value) in observations.into_iter().enumerate() {
            if !value.is_finite() {
                return Err(SummaryError::NotFinite { index, value });
            }
            n += 1;
            let from_old_mean = value - mean;
            mean += from_old_mean / n as f64;
            squares += from_old_mean * (value - mean);
        }
        if n == 0 {
            return Err(SummaryError::Empty);
        }
        let standard_deviation = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        let half_width_95 =
            standard_deviation.map(|deviation| student_t_quantile_975(n - 1) * deviation / (n as f64).sqrt());
        Ok(Self { n, mean, standard_deviation, half_width_95 })
    }
}

/// Half of the 95 % interval as a part of the mean's size: the number by which one sees that a study has replications
/// enough. `None` for one observation; infinite where the mean is 0.
pub fn relative_half_width(summary: &Summary) -> Option<f64> {
    let half_width = summary.half_width_95?;
    Some(if summary.mean == 0.0 { f64::INFINITY } else { half_width / summary.mean.abs() })
}

/// t₀.₉₇₅ with `degrees_of_freedom` ≥ 1.
fn student_t_quantile_975(degrees_of_freedom: u64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom as f64)
        .expect("a standard t distribution with at least one degree of freedom exists")
        .inverse_cdf(0.975)
}
