//! Median, quartiles, whiskers and outliers of observations.

use crate::report::table::Cell;

/// The numbers behind a box.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxStatistics {
    pub lower_quartile: f64,
    pub median: f64,
    pub upper_quartile: f64,
    /// The last observations within 1.5 interquartile ranges of the box (Tukey 1977), or the ends of the box where that
    /// is farther.
    pub lower_whisker: f64,
    pub upper_whisker: f64,
    /// What lies beyond the whiskers, in increasing order.
    pub outliers: Vec<f64>,
}

impl BoxStatistics {
    /// `None` where there is no observation, or one is not finite.
    pub fn of(observations: &[f64]) -> Option<Self> {
        if observations.is_empty() || !observations.iter().all(|value| value.is_finite()) {
            return None;
        }
        let mut sorted = observations.to_vec();
        sorted.sort_by(f64::total_cmp);
        let [lower_quartile, median, upper_quartile] = [0.25, 0.5, 0.75].map(|part| quantile(&sorted, part));
        let reach = 1.5 * (upper_quartile - lower_quartile);
        let (lowest, highest) = (lower_quartile - reach, upper_quartile + reach);
        let lower_whisker = sorted.iter().copied().find(|value| *value >= lowest).unwrap_or(lower_quartile);
        let upper_whisker = sorted.iter().copied().rfind(|value| *value <= highest).unwrap_or(upper_quartile);
        let (lower_whisker, upper_whisker) = (lower_whisker.min(lower_quartile), upper_whisker.max(upper_quartile));
        sorted.retain(|value| *value < lower_whisker || *value > upper_whisker);
        Some(Self { lower_quartile, median, upper_quartile, lower_whisker, upper_whisker, outliers: sorted })
    }

    /// As they stand in the table behind a figure.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let outliers: Vec<String> = self.outliers.iter().map(|outlier| Cell::Real(*outlier).to_csv_field()).collect();
        let numbers = [self.lower_whisker, self.lower_quartile, self.median, self.upper_quartile, self.upper_whisker]
            .map(Cell::Real);
        [numbers.to_vec(), vec![outliers.join(" ").into()]].concat()
    }
}

/// The quantile of type 7 (Hyndman and Fan 1996): straight lines between the order statistics, which stand at
/// (rank − 1) / (n − 1). This is what numpy and R do unless told otherwise.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * part;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}
