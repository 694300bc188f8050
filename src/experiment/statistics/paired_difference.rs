//! The difference of two points of a sweep that see the same random numbers.
//!
//! All points of a sweep share start latents, fading and bit-error thresholds (common random numbers, [`crate::random`]):
//! replication r of one point and replication r of another are a pair. What both owe to the same draw cancels in the
//! difference,
//!
//! ```text
//!   Var(a − b) = Var a + Var b − 2 Cov(a, b)
//! ```
//!
//! so that fewer replications tell two points apart than with independent runs (Law, "Simulation Modeling and Analysis",
//! chapter 11.2). The interval is that of the paired t test.

use super::{Summary, SummaryError};

/// What is known of a − b. Mean, deviation and half width carry the unit of the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// Pairs with both sides, at least 1.
    pub n: u64,
    /// Pairs with a side missing, which say nothing about the difference.
    pub left_out: u64,
    /// Mean of a − b.
    pub mean: f64,
    /// Sample standard deviation of a − b; `None` for one pair.
    pub standard_deviation: Option<f64>,
    /// Half of the two-sided 95 % confidence interval of the mean, after Student; `None` for one pair.
    pub half_width_95: Option<f64>,
    /// Pearson's correlation of the two sides, in [−1, 1]; `None` for one pair, or where a side never varies.
    pub correlation: Option<f64>,
    /// Var(a − b) / (Var a + Var b): the part of the variance of independent runs that pairing leaves. Above 1 where the
    /// sides move against each other; `None` for one pair, or where neither side varies.
    pub variance_ratio: Option<f64>,
}

impl PairedDifference {
    /// From the pairs (a, b) of one replication each; `None` is a side that failed or was not measured.
    ///
    /// # Errors
    /// [`SummaryError::Empty`] where no pair has both sides, [`SummaryError::NotFinite`] with the position of the pair.
    pub fn of(pairs: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Result<Self, SummaryError> {
        let mut left_out = 0;
        let mut complete: Vec<(f64, f64)> = Vec::new();
        for (index, pair) in pairs.enumerate() {
            if let Some(value) = [pair.0, pair.1].into_iter().flatten().find(|value| !value.is_finite()) {
                return Err(SummaryError::NotFinite { index, value });
            }
            match pair {
                (Some(a), Some(b)) => complete.push((a, b)),
                _ => left_out += 1,
            }
        }
        let difference = Summary::of(complete.iter().map(|(a, b)| a - b))?;
        let a = Summary::of(complete.iter().map(|pair| pair.0))?;
        let b = Summary::of(complete.iter().map(|pair| pair.1))?;
        let deviations = a.standard_deviation.zip(b.standard_deviation);
        let variance_ratio = difference.standard_deviation.zip(deviations).and_then(|(of_difference, (of_a, of_b))| {
            let independent = of_a * of_a + of_b * of_b;
            (independent > 0.0).then(|| of_difference * of_difference / independent)
        });
        let correlation = deviations.filter(|(of_a, of_b)| *of_a > 0.0 && *of_b > 0.0).map(|(of_a, of_b)| {
            let products = complete.iter().map(|pair| (pair.0 - a.mean) / of_a * ((pair.1 - b.mean) / of_b));
            (products.sum::<f64>() / (a.n - 1) as f64).clamp(-1.0, 1.0)
        });
        Ok(Self {
            n: difference.n,
            left_out,
            mean: difference.mean,
            standard_deviation: difference.standard_deviation,
            half_width_95: difference.half_width_95,
            correlation,
            variance_ratio,
        })
    }
}
