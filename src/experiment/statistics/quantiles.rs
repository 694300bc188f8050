//! Quantiles of replicated numbers.

use super::SummaryError;

/// Five quantiles of a sample, in the unit of the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// Observations, at least 1.
    pub n: u64,
    /// 5 % of the observations lie below.
    pub q05: f64,
    /// Lower quartile.
    pub q25: f64,
    pub median: f64,
    /// Upper quartile.
    pub q75: f64,
    /// 95 % of the observations lie below.
    pub q95: f64,
}

impl Quantiles {
    /// Sample quantiles of type 7 (Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician
    /// 50(4), 1996), the default of NumPy and R: with the sorted observations x₀ … xₙ₋₁ and h = (n − 1) p,
    /// `x_⌊h⌋ + (h − ⌊h⌋)(x_⌊h⌋₊₁ − x_⌊h⌋)`.
    ///
    /// # Errors
    /// [`SummaryError::Empty`], [`SummaryError::NotFinite`].
    pub fn of(observations: impl IntoIterator<Item = f64>) -> Result<Self, SummaryError> {
        let mut sorted: Vec<f64> = observations.into_iter().collect();
        if let Some(index) = sorted.iter().position(|value| !value.is_finite()) {
            return Err(SummaryError::NotFinite { index, value: sorted[index] });
        }
        if sorted.is_empty() {
            return Err(SummaryError::Empty);
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let quantile = |probability: f64| type_7(&sorted, probability);
        Ok(Self {
            n: sorted.len() as u64,
            q05: quantile(0.05),
            q25: quantile(0.25),
            median: quantile(0.5),
            q75: quantile(0.75),
            q95: quantile(0.95),
        })
    }
}

/// The quantile of `sorted`, which is not empty, at `probability` below 1.
pub(super) fn type_7(sorted: &[f64], probability: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * probability;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}
