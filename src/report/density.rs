//! How observations spread: a kernel density where they are many different numbers, else a histogram.

use std::f64::consts::PI;

/// A Gaussian kernel density with the bandwidth of Scott's rule, s · n^(−1/5) (Scott 1992; SciPy's `gaussian_kde`).
#[derive(Debug, Clone, PartialEq)]
pub struct KernelDensity {
    observations: Vec<f64>,
    bandwidth: f64,
}

impl KernelDensity {
    /// `None` for fewer than two observations, for equal ones, and where one is not finite: these have no spread.
    pub fn of(observations: &[f64]) -> Option<Self> {
        let n = observations.len() as f64;
        let mean = observations.iter().sum::<f64>() / n;
        let squares: f64 = observations.iter().map(|value| (value - mean).powi(2)).sum();
        let bandwidth = (squares / (n - 1.0)).sqrt() * n.powf(-0.2);
        // Also false for NaN, which no or one observation leads to.
        (bandwidth > 0.0 && bandwidth.is_finite()).then(|| Self { observations: observations.to_vec(), bandwidth })
    }

    /// Standard deviation of each kernel, in the unit of the observations.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// The density at `value`, in one over the unit of the observations.
    pub fn at(&self, value: f64) -> f64 {
        let kernel = |observation: &f64| (-0.5 * ((value - observation) / self.bandwidth).powi(2)).exp();
        let sum: f64 = self.observations.iter().map(kernel).sum();
        sum / (self.observations.len() as f64 * self.bandwidth * (2.0 * PI).sqrt())
    }
}

/// Densities over `bins` equally wide bins from `from` to `to`: parts of all observations over the width of a bin. What
/// lies outside counts among all, but in no bin; the last bin holds `to`.
pub fn histogram(observations: &[f64], (from, to): (f64, f64), bins: usize) -> Vec<f64> {
    let width = (to - from) / bins as f64;
    let mut densities = vec![0.0; bins];
    for &value in observations.iter().filter(|value| (from..=to).contains(*value)) {
        // A value on a border, as far as rounding lets us tell, belongs to the bin above it.
        let bin = ((value - from) / width + 1e-9).floor() as usize;
        densities[bin.min(bins - 1)] += 1.0 / (observations.len() as f64 * width);
    }
    densities
}

/// How many different numbers there are.
pub fn distinct(observations: &[f64]) -> usize {
    let mut sorted = observations.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}
