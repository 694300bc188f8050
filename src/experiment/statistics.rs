//! Mean, spread and 95 % interval of replicated numbers.

use miette::Diagnostic;
use statrs::distribution::{ContinuousCDF, StudentsT};
use thiserror::Error;

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

/// t₀.₉₇₅ with `degrees_of_freedom` ≥ 1.
fn student_t_quantile_975(degrees_of_freedom: u64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom as f64)
        .expect("a standard t distribution with at least one degree of freedom exists")
        .inverse_cdf(0.975)
}
