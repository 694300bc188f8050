//! Means, quantiles, proportions and paired differences against SciPy and NumPy, on observations from the formulas of
//! `tests/reference/statistics_scipy.py`.

use std::path::Path;

use latentlink::experiment::statistics::{
    PairedDifference, Proportion, Quantiles, Summary, SummaryError, relative_half_width,
};
use serde::de::DeserializeOwned;

/// Largest relative difference to SciPy's numbers.
const TOLERANCE: f64 = 1e-10;

fn rows<Row: DeserializeOwned>(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    csv::Reader::from_path(path).unwrap().deserialize().collect::<Result<_, _>>().unwrap()
}

/// The formula's number before base and scale: a whole number below 1000.
fn raw(index: u64) -> f64 {
    ((7919 * index * index + 104_729 * index) % 1000) as f64
}

#[track_caller]
fn assert_near(ours: f64, theirs: f64, of: &dyn std::fmt::Debug) {
    assert!((ours - theirs).abs() <= TOLERANCE * theirs.abs(), "{ours} should be {theirs}: {of:?}");
}

#[test]
fn mean_deviation_and_interval_agree_with_scipy() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        n: u64,
        base: f64,
        scale: f64,
        mean: f64,
        standard_deviation: f64,
        half_width_95: f64,
        relative_half_width: f64,
    }
    let rows: Vec<Row> = rows("statistics_reference.csv");
    assert_eq!(rows.len(), 30);
    for row in rows {
        let summary = Summary::of((0..row.n).map(|index| row.base + row.scale * (raw(index) / 1000.0))).unwrap();
        assert_eq!(summary.n, row.n);
        assert_near(summary.mean, row.mean, &row);
        assert_near(summary.standard_deviation.unwrap(), row.standard_deviation, &row);
        assert_near(summary.half_width_95.unwrap(), row.half_width_95, &row);
        assert_near(relative_half_width(&summary).unwrap(), row.relative_half_width, &row);
    }
}

#[test]
fn quantiles_agree_with_numpy() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        n: u64,
        base: f64,
        scale: f64,
        q05: f64,
        q25: f64,
        median: f64,
        q75: f64,
        q95: f64,
    }
    let rows: Vec<Row> = rows("statistics_quantiles_reference.csv");
    assert_eq!(rows.len(), 39);
    for row in rows {
        let quantiles = Quantiles::of((0..row.n).map(|index| row.base + row.scale * (raw(index) / 1000.0))).unwrap();
        assert_eq!(quantiles.n, row.n);
        assert_near(quantiles.q05, row.q05, &row);
        assert_near(quantiles.q25, row.q25, &row);
        assert_near(quantiles.median, row.median, &row);
        assert_near(quantiles.q75, row.q75, &row);
        assert_near(quantiles.q95, row.q95, &row);
    }
}

#[test]
fn wilson_intervals_agree_with_scipy_and_stay_inside_zero_and_one() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        successes: u64,
        n: u64,
        rate: f64,
        low_95: f64,
        high_95: f64,
    }
    let rows: Vec<Row> = rows("statistics_proportions_reference.csv");
    assert_eq!(rows.len(), 38);
    for row in rows {
        let proportion = Proportion::of(row.successes, row.n).unwrap();
        assert_eq!((proportion.successes, proportion.n), (row.successes, row.n));
        assert_near(proportion.rate, row.rate, &row);
        assert_near(proportion.low_95, row.low_95, &row);
        assert_near(proportion.high_95, row.high_95, &row);
        assert!(0.0 <= proportion.low_95 && proportion.low_95 < proportion.high_95 && proportion.high_95 <= 1.0);
    }
}

#[test]
fn there_is_no_proportion_of_nothing_nor_of_more_than_all() {
    assert_eq!(Proportion::of(0, 0), None);
    assert_eq!(Proportion::of(4, 3), None);
}

#[test]
fn paired_differences_agree_with_scipy_and_leave_incomplete_pairs_out() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        pairs: u64,
        base: f64,
        scale: f64,
        shift: f64,
        mix: f64,
        a_missing: u64,
        b_missing: u64,
        n: u64,
        left_out: u64,
        mean: f64,
        standard_deviation: f64,
        half_width_95: f64,
        correlation: f64,
        variance_ratio: f64,
    }
    let rows: Vec<Row> = rows("statistics_pairs_reference.csv");
    assert_eq!(rows.len(), 78);
    for row in rows {
        let is_there = |index: u64, missing: u64| missing == 0 || index % missing != missing - 1;
        let pairs = (0..row.pairs).map(|index| {
            let other = ((7907 * index * index + 104_723 * index + 13) % 1000) as f64;
            let a = row.base + row.scale * (raw(index) / 1000.0);
            let mixed = (row.mix * raw(index) + (1.0 - row.mix) * other) / 1000.0;
            let b = row.base + row.shift + row.scale * mixed;
            (is_there(index, row.a_missing).then_some(a), is_there(index, row.b_missing).then_some(b))
        });
        let difference = PairedDifference::of(pairs).unwrap();
        assert_eq!((difference.n, difference.left_out), (row.n, row.left_out), "{row:?}");
        assert_near(difference.mean, row.mean, &row);
        assert_near(difference.standard_deviation.unwrap(), row.standard_deviation, &row);
        assert_near(difference.half_width_95.unwrap(), row.half_width_95, &row);
        // Correlations near 0 are differences of large sums: held absolutely.
        assert!((difference.correlation.unwrap() - row.correlation).abs() < TOLERANCE, "{row:?}: {difference:?}");
        assert_near(difference.variance_ratio.unwrap(), row.variance_ratio, &row);
    }
}

#[test]
fn a_difference_that_is_the_same_in_every_pair_has_no_spread_left() {
    let pairs = [1.0, 4.0, 2.5].map(|a| (Some(a), Some(a - 0.5)));
    let difference = PairedDifference::of(pairs.into_iter()).unwrap();
    assert_eq!((difference.n, difference.left_out, difference.mean), (3, 0, 0.5));
    assert_eq!((difference.standard_deviation, difference.half_width_95), (Some(0.0), Some(0.0)));
    assert_eq!(difference.variance_ratio, Some(0.0));
    assert!((difference.correlation.unwrap() - 1.0).abs() < 1e-15);
}

#[test]
fn sides_that_never_vary_have_no_correlation() {
    let one_constant = PairedDifference::of([(Some(1.0), Some(5.0)), (Some(3.0), Some(5.0))].into_iter()).unwrap();
    assert_eq!((one_constant.mean, one_constant.correlation), (-3.0, None));
    assert!((one_constant.variance_ratio.unwrap() - 1.0).abs() < 1e-15);
    let both_constant = PairedDifference::of([(Some(1.0), Some(5.0)); 4].into_iter()).unwrap();
    assert_eq!((both_constant.mean, both_constant.half_width_95), (-4.0, Some(0.0)));
    assert_eq!((both_constant.correlation, both_constant.variance_ratio), (None, None));
}

#[test]
fn one_pair_has_a_difference_and_no_interval() {
    let pairs = [(Some(2.0), Some(0.5)), (None, Some(1.0)), (Some(1.0), None), (None, None)];
    let difference = PairedDifference::of(pairs.into_iter()).unwrap();
    assert_eq!((difference.n, difference.left_out, difference.mean), (1, 3, 1.5));
    assert_eq!((difference.standard_deviation, difference.half_width_95), (None, None));
    assert_eq!((difference.correlation, difference.variance_ratio), (None, None));
}

#[test]
fn pairs_that_are_never_complete_or_not_finite_are_refused() {
    assert_eq!(PairedDifference::of(std::iter::empty()), Err(SummaryError::Empty));
    assert_eq!(PairedDifference::of([(Some(1.0), None), (None, Some(1.0))].into_iter()), Err(SummaryError::Empty));
    let infinite = PairedDifference::of([(Some(1.0), Some(1.0)), (None, Some(f64::INFINITY))].into_iter());
    assert!(matches!(infinite, Err(SummaryError::NotFinite { index: 1, .. })));
}

#[test]
fn a_relative_half_width_needs_two_observations_and_is_infinite_around_zero() {
    let relative = |observations: &[f64]| relative_half_width(&Summary::of(observations.iter().copied()).unwrap());
    assert_eq!(relative(&[4.5]), None);
    assert_eq!(relative(&[-1.0, 1.0]), Some(f64::INFINITY));
    assert_eq!(relative(&[0.0, 0.0]), Some(f64::INFINITY));
    assert_eq!(relative(&[-3.0, -3.0]), Some(0.0));
    assert_eq!(relative(&[-3.0, -1.0]), relative(&[1.0, 3.0]), "it is a size, whatever the sign of the mean");
}

#[test]
fn the_interval_of_two_observations_is_the_closed_form_of_the_cauchy_quantile() {
    let summary = Summary::of([1.0, 3.0]).unwrap();
    // s = √2, t with one degree of freedom is Cauchy: t₀.₉₇₅ = tan(0.475 π).
    let expected = (0.475 * std::f64::consts::PI).tan();
    assert_eq!(summary.mean, 2.0);
    assert!((summary.half_width_95.unwrap() / expected - 1.0).abs() < 1e-12);
}

#[test]
fn one_observation_has_a_mean_and_no_interval() {
    let summary = Summary::of([4.5]).unwrap();
    assert_eq!((summary.n, summary.mean), (1, 4.5));
    assert_eq!((summary.standard_deviation, summary.half_width_95), (None, None));
}

#[test]
fn a_small_spread_on_a_large_mean_keeps_its_digits() {
    // Sum of squares minus square of sums would lose every digit here.
    let summary = Summary::of([1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]).unwrap();
    assert!((summary.standard_deviation.unwrap() - 30f64.sqrt()).abs() < 1e-9);
}

#[test]
fn numbers_that_are_not_finite_and_empty_samples_are_refused() {
    assert_eq!(Summary::of([]), Err(SummaryError::Empty));
    assert!(matches!(Summary::of([1.0, f64::NAN]), Err(SummaryError::NotFinite { index: 1, .. })));
    assert!(matches!(Summary::of([f64::INFINITY]), Err(SummaryError::NotFinite { index: 0, .. })));
    assert_eq!(Quantiles::of([]), Err(SummaryError::Empty));
    assert!(matches!(Quantiles::of([2.0, 1.0, f64::NAN]), Err(SummaryError::NotFinite { index: 2, .. })));
}
