//! Means, ratios, quantiles and evenness of one long run, with intervals.
//!
//! Observations of one run depend on each other: a request that waits long is followed by others that do. The means of
//! long batches hardly do, so they are treated as independent observations (Law, "Simulation Modeling and Analysis",
//! chapter 9.5.3):
//!
//! ```text
//!   ·· ·:·.·:··│.·:·.··:·│··.:·.:··│·.·:··.··        n observations in order
//!      Ȳ₁      │    Ȳ₂   │   Ȳ₃    │   Ȳ₄            B batches as long as each other
//!
//!   mean ± t₀.₉₇₅(B − 1) s(Ȳ) / √B
//! ```
//!
//! How much one batch says of the next is measured as well: their lag-1 autocorrelation is near 0 where batches are
//! long enough.

use std::ops::Range;

use super::student_t_quantile_975;

/// A number that one run estimates, in the unit of the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// Half of the two-sided 95 % interval; `None` where there are too few observations for batches.
    pub half_width_95: Option<f64>,
    /// Batches behind the interval; 0 without one.
    pub batches: u64,
    /// Of the batches' numbers, in about [−1, 1]; `None` without an interval, and where they do not vary. Well above 0,
    /// the batches are too short and the interval too narrow.
    pub lag_1_autocorrelation: Option<f64>,
}

impl Estimate {
    /// A number without an interval.
    pub fn exact(value: f64) -> Self {
        Self { value, half_width_95: None, batches: 0, lag_1_autocorrelation: None }
    }

    /// From numbers of equally long batches, which scatter about `value`.
    fn about(value: f64, of_batches: &[f64]) -> Self {
        let count = of_batches.len();
        if count < 2 {
            return Self::exact(value);
        }
        let squares: f64 = of_batches.iter().map(|batch| (batch - value).powi(2)).sum();
        let deviation = (squares / (count - 1) as f64).sqrt();
        let half_width = student_t_quantile_975(count as u64 - 1) * deviation / (count as f64).sqrt();
        let products: f64 = of_batches.windows(2).map(|pair| (pair[0] - value) * (pair[1] - value)).sum();
        Self {
            value,
            half_width_95: Some(half_width),
            batches: count as u64,
            lag_1_autocorrelation: (squares > 0.0).then(|| products / squares),
        }
    }

    /// The mean of equally long batches; `None` without any.
    pub fn of_batches(of_batches: &[f64]) -> Option<Self> {
        let mean = of_batches.iter().sum::<f64>() / of_batches.len() as f64;
        (!of_batches.is_empty()).then(|| Self::about(mean, of_batches))
    }
}

/// Equal batches of `n` observations. The first n mod `batches` are in none: those nearest to the transient.
fn equal_batches(n: usize, batches: u32) -> impl Iterator<Item = Range<usize>> {
    let batches = batches.max(1) as usize;
    let (length, first) = (n / batches, n % batches);
    (0..batches).map(move |batch| first + batch * length..first + (batch + 1) * length)
}

/// The mean of a series by batch means; `None` without an observation, no interval where there are fewer than
/// `batches`.
pub fn mean(series: &[f64], batches: u32) -> Option<Estimate> {
    if series.is_empty() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    if series.len() < batches as usize {
        return Some(Estimate::exact(mean(series)));
    }
    let of_batches: Vec<f64> = equal_batches(series.len(), batches).map(|batch| mean(&series[batch])).collect();
    Estimate::of_batches(&of_batches)
}

/// Σ numerators / Σ denominators of pairs in order, by the ratio estimator (Law, chapter 9.5.3, regenerative method;
/// Cochran, "Sampling Techniques", chapter 6): with batch sums N_b, D_b and R = ΣN / ΣD, what varies is (N_b − R·D_b) /
/// D̄. `None` where the denominators sum to nothing.
pub fn ratio(pairs: &[(f64, f64)], batches: u32) -> Option<Estimate> {
    let sums = |pairs: &[(f64, f64)]| pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if pairs.len() < batches as usize {
        let (numerator, denominator) = sums(pairs);
        return (denominator > 0.0).then(|| Estimate::exact(numerator / denominator));
    }
    ratio_of_batches(&equal_batches(pairs.len(), batches).map(|batch| sums(&pairs[batch])).collect::<Vec<_>>())
}

/// As [`ratio`], of the sums of each batch.
pub fn ratio_of_batches(sums: &[(f64, f64)]) -> Option<Estimate> {
    let (numerator, denominator) = sums.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if denominator <= 0.0 {
        return None;
    }
    let (ratio, mean_denominator) = (numerator / denominator, denominator / sums.len() as f64);
    let residual = |(numerator, denominator): &(f64, f64)| ratio + (numerator - ratio * denominator) / mean_denominator;
    Some(Estimate::about(ratio, &sums.iter().map(residual).collect::<Vec<_>>()))
}

/// Quantiles of a series by sectioning (Nakayama, "Confidence intervals for quantiles using sectioning when applying
/// variance-reduction techniques", ACM TOMACS 24(4), 2014): the sample quantile, type 7, of all observations, and the
/// scatter of the batches' quantiles about it. A batch must reach beyond the quantile: without 2 / min(p, 1 − p)
/// observations in each there is no interval. O(n) for each probability.
pub fn quantiles<const N: usize>(series: &[f64], probabilities: [f64; N], batches: u32) -> [Option<Estimate>; N] {
    let mut sorted = series.to_vec();
    let length = series.len() / batches.max(1) as usize;
    let mut of_batches = vec![Vec::with_capacity(batches as usize); N];
    for batch in equal_batches(series.len(), batches).filter(|batch| !batch.is_empty()) {
        let mut own = series[batch].to_vec();
        for (quantiles, probability) in of_batches.iter_mut().zip(probabilities) {
            quantiles.push(type_7_of_unsorted(&mut own, probability));
        }
    }
    let mut of_batches = of_batches.into_iter();
    probabilities.map(|probability| {
        let of_batches = of_batches.next().unwrap_or_default();
        if sorted.is_empty() {
            return None;
        }
        let value = type_7_of_unsorted(&mut sorted, probability);
        let is_enough = length as f64 * probability.min(1.0 - probability) >= 2.0;
        Some(if is_enough { Estimate::about(value, &of_batches) } else { Estimate::exact(value) })
    })
}

/// The sample quantile of type 7 (see [`super::Quantiles::of`]) of numbers in any order, which changes it.
fn type_7_of_unsorted(values: &mut [f64], probability: f64) -> f64 {
    let place = (values.len() - 1) as f64 * probability;
    let below = place.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    if place > below as f64 && high.is_finite() { low + (place - below as f64) * (high - low) } else { low }
}

/// Jain's index of numbers ≥ 0: (Σx)² / (n Σx²), 1 where all are equal and 1/n where one has everything (Jain, Chiu and
/// Hawe, DEC-TR-301, 1984). `None` without a number, and where all are 0.
pub fn jain_index(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (n, sum, squares) = values
        .into_iter()
        .fold((0.0, 0.0, 0.0), |(n, sum, squares): (f64, f64, f64), x| (n + 1.0, sum + x, squares + x * x));
    (squares > 0.0).then(|| sum * sum / (n * squares))
}

/// Jain's index of the means of several owners, from observations in order: (owner, value). Its interval is that of the
/// jackknife: the index is taken again without each of the batches. O(n + batches · owners).
pub fn jain_index_of_means(observations: &[(usize, f64)], batches: u32) -> Option<Estimate> {
    let owners = observations.iter().map(|(owner, _)| owner + 1).max()?;
    let mut sums = vec![(0.0, 0_u64); owners];
    for &(owner, value) in observations {
        sums[owner].0 += value;
        sums[owner].1 += 1;
    }
    let index = |sums: &[(f64, u64)]| {
        jain_index(sums.iter().filter(|(_, count)| *count > 0).map(|(sum, count)| sum / *count as f64))
    };
    let value = index(&sums)?;
    let count = f64::from(batches);
    if observations.len() < batches as usize || batches < 2 {
        return Some(Estimate::exact(value));
    }
    let without = |batch: Range<usize>| {
        let mut others = sums.clone();
        for &(owner, value) in &observations[batch] {
            others[owner].0 -= value;
            others[owner].1 -= 1;
        }
        index(&others)
    };
    let left_out: Option<Vec<f64>> = equal_batches(observations.len(), batches).map(without).collect();
    let Some(left_out) = left_out else { return Some(Estimate::exact(value)) };
    let mean = left_out.iter().sum::<f64>() / count;
    // Pseudovalues that scatter about the index of all.
    let pseudovalues: Vec<f64> = left_out.iter().map(|index| value + (count - 1.0) * (mean - index)).collect();
    Some(Estimate::about(value, &pseudovalues))
}
