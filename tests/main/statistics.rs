//! Means and their intervals against SciPy, on observations from the formula of `tests/reference/statistics.py`.

use latentlink::experiment::statistics::{Summary, SummaryError};

#[test]
fn mean_deviation_and_interval_agree_with_scipy() {
    #[derive(serde::Deserialize)]
    struct Row {
        n: u64,
        base: f64,
        scale: f64,
        mean: f64,
        standard_deviation: f64,
        half_width_95: f64,
    }
    let mut rows = csv::Reader::from_path("tests/vectors/statistics_reference.csv").unwrap();
    let mut count = 0;
    for row in rows.deserialize() {
        let row: Row = row.unwrap();
        let observation = |index: u64| {
            let raw = (7919 * index * index + 104_729 * index) % 1000;
            row.base + row.scale * (raw as f64 / 1000.0)
        };
        let summary = Summary::of((0..row.n).map(observation)).unwrap();
        let close = |ours: f64, theirs: f64| (ours / theirs - 1.0).abs() < 1e-9;
        assert_eq!(summary.n, row.n);
        assert!(close(summary.mean, row.mean), "n = {}: {summary:?}", row.n);
        assert!(close(summary.standard_deviation.unwrap(), row.standard_deviation), "n = {}: {summary:?}", row.n);
        assert!(close(summary.half_width_95.unwrap(), row.half_width_95), "n = {}: {summary:?}", row.n);
        count += 1;
    }
    assert_eq!(count, 8);
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
}
