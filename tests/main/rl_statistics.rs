//! Statistics of trained policies against SciPy, rliable, closed forms, and bootstrap distributions enumerated in full;
//! `tests/reference/rl_statistics.py` made the numbers.

use std::path::Path;

use latentlink::experiment::statistics::{
    BootstrapEstimate, RunScores, RunScoresError, StratifiedBootstrap, interquartile_mean, optimality_gap,
    performance_profile, probability_of_improvement,
};
use latentlink::random::StreamKey;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    taus: Vec<f64>,
    /// Behind each of the sampled intervals.
    resamples: u32,
    aggregates: Vec<Aggregates>,
    exact: Vec<Exact>,
    sampled: Vec<Sampled>,
}

#[derive(Deserialize)]
struct Aggregates {
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    interquartile_mean: f64,
    optimality_gap: f64,
    probability_of_improvement: f64,
    profile: Vec<f64>,
}

#[derive(Deserialize)]
struct Exact {
    aggregate: String,
    scores: Vec<Vec<f64>>,
    /// A value, and how likely a resample has at most that value.
    distribution: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Sampled {
    aggregate: String,
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    low_95: f64,
    high_95: f64,
    /// Of one interval's ends about these.
    deviation: f64,
}

fn reference() -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/rl_statistics_reference.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn scores(tasks: &[Vec<f64>]) -> RunScores {
    RunScores::new(tasks.to_vec()).unwrap()
}

fn one_task(runs: &[f64]) -> RunScores {
    RunScores::of_one_task(runs.to_vec()).unwrap()
}

fn bootstrap(resamples: u32) -> StratifiedBootstrap {
    StratifiedBootstrap { resamples, stream: StreamKey::new(7, 0, "bootstrap", "scores") }
}

fn aggregate(name: &str) -> fn(&RunScores) -> f64 {
    match name {
        "interquartile_mean" => interquartile_mean,
        "optimality_gap" => optimality_gap,
        other => panic!("no aggregate of one algorithm is called {other}"),
    }
}

#[track_caller]
fn assert_near(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-12, "{ours} should be {theirs}");
}

#[test]
fn aggregates_agree_with_scipy_and_rliable() {
    let reference = reference();
    assert_eq!(reference.aggregates.len(), 11);
    for row in &reference.aggregates {
        let (x, y) = (scores(&row.x), scores(&row.y));
        assert_near(interquartile_mean(&x), row.interquartile_mean);
        assert_near(optimality_gap(&x), row.optimality_gap);
        let improvement = probability_of_improvement(&x, &y, &bootstrap(1)).unwrap();
        assert_near(improvement.value, row.probability_of_improvement);
        let profile = performance_profile(&x, &reference.taus, &bootstrap(1));
        assert_eq!(profile.len(), row.profile.len());
        for ((point, tau), part) in profile.iter().zip(&reference.taus).zip(&row.profile) {
            assert_eq!(point.tau, *tau);
            assert_near(point.part.value, *part);
        }
    }
}

#[test]
fn the_interquartile_mean_leaves_whole_runs_out_at_both_ends() {
    // Of an arithmetic series the middle, whatever its length.
    for n in 1..40 {
        let series: Vec<f64> = (0..n).rev().map(f64::from).collect();
        assert_near(interquartile_mean(&one_task(&series)), f64::from(n - 1) / 2.0);
    }
    // Two of eight may be anything; the third is seen: (0 + 3 · 0.8) / 4.
    assert_near(interquartile_mean(&one_task(&[0.8, -9.0, 0.8, 0.8, 0.8, 0.8, -1e9, 0.8])), 0.8);
    assert_near(interquartile_mean(&one_task(&[0.8, -9.0, 0.8, 0.8, 0.8, 0.0, -1e9, 0.8])), 0.6);
}

#[test]
fn ends_of_intervals_are_the_percentiles_of_all_resamples() {
    let resamples = 200_000;
    for case in reference().exact {
        let estimate = bootstrap(resamples).of_one(&scores(&case.scores), aggregate(&case.aggregate));
        // Five standard deviations of a part of so many resamples.
        let tolerance = 5.0 * (0.025 * 0.975 / f64::from(resamples)).sqrt();
        for (end, level) in [(estimate.low_95.unwrap(), 0.025), (estimate.high_95.unwrap(), 0.975)] {
            let at_most = |value: f64| {
                let reached = case.distribution.iter().take_while(|(atom, _)| *atom <= value);
                reached.last().map_or(0.0, |(_, probability)| *probability)
            };
            let (below, up_to) = (at_most(end - 1e-9), at_most(end + 1e-9));
            assert!(below <= level + tolerance && level - tolerance <= up_to, "{end}: {below} to {up_to} of {level}");
        }
    }
}

#[test]
fn intervals_agree_with_rliable_within_their_sampling_error() {
    let reference = reference();
    assert_eq!(reference.sampled.len(), 6);
    for case in &reference.sampled {
        let (x, y, bootstrap) = (scores(&case.x), scores(&case.y), bootstrap(reference.resamples));
        let estimate = match case.aggregate.as_str() {
            "probability_of_improvement" => probability_of_improvement(&x, &y, &bootstrap).unwrap(),
            name => bootstrap.of_one(&x, aggregate(name)),
        };
        for (ours, theirs) in [(estimate.low_95, case.low_95), (estimate.high_95, case.high_95)] {
            let off = (ours.unwrap() - theirs).abs();
            assert!(off <= 5.0 * case.deviation, "{}: {ours:?} against {theirs}", case.aggregate);
        }
    }
}

#[test]
fn the_interval_of_a_part_of_runs_is_that_of_a_binomial_count() {
    // Ten runs, six of which reach τ: a resample's count is binomial with n = 10 and p = 0.6, whose 2.5 % and 97.5 %
    // quantiles are 3 and 9 (P(≤ 2) = 0.0123, P(≤ 3) = 0.0548, P(≤ 8) = 0.9536, P(≤ 9) = 0.9940).
    let runs = one_task(&[0.9, 0.9, 0.95, 0.99, 0.9, 1.0, 0.1, 0.2, 0.3, 0.899]);
    let profile = performance_profile(&runs, &[0.9, 2.0], &bootstrap(20_000));
    assert_eq!(profile[0].part, BootstrapEstimate { value: 0.6, low_95: Some(0.3), high_95: Some(0.9) });
    assert_eq!(profile[1].part, BootstrapEstimate { value: 0.0, low_95: Some(0.0), high_95: Some(0.0) });
}

#[test]
fn runs_are_drawn_within_their_task() {
    // Equal runs within each task: a resample that mixed tasks would move the mean.
    let apart = scores(&[vec![0.0; 5], vec![1.0; 5]]);
    let mean = |scores: &RunScores| scores.all().sum::<f64>() / scores.count() as f64;
    let estimate = bootstrap(500).of_one(&apart, mean);
    assert_eq!(estimate, BootstrapEstimate { value: 0.5, low_95: Some(0.5), high_95: Some(0.5) });
}

#[test]
fn ties_count_half_and_certain_improvement_is_one() {
    let improvement =
        |x: &[f64], y: &[f64]| probability_of_improvement(&one_task(x), &one_task(y), &bootstrap(100)).unwrap();
    let certain = BootstrapEstimate { value: 1.0, low_95: Some(1.0), high_95: Some(1.0) };
    assert_eq!(improvement(&[0.8, 0.9], &[0.1, 0.7, 0.2]), certain);
    assert_eq!(improvement(&[0.5, 0.5], &[0.5, 0.5]).value, 0.5);
    // Won 2 of 4, tied 1: 2.5 / 4.
    assert_eq!(improvement(&[0.5, 0.9], &[0.5, 0.7]).value, 0.625);
}

#[test]
fn equal_keys_give_equal_intervals_and_others_do_not() {
    // Sums of these are all different, so that other draws are seen.
    let runs = one_task(&[2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0].map(f64::sqrt));
    let of = |seed: u64| {
        let stream = StreamKey::new(seed, 0, "bootstrap", "");
        StratifiedBootstrap { resamples: 400, stream }.of_one(&runs, |scores| scores.all().sum())
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn one_run_has_no_interval() {
    let estimate = bootstrap(100).of_one(&scores(&[vec![0.5], vec![0.7, 0.8]]), interquartile_mean);
    assert_eq!((estimate.low_95, estimate.high_95), (None, None));
    assert_near(estimate.value, 2.0 / 3.0);
}

#[test]
fn scores_that_cannot_be_summarised_are_refused() {
    assert_eq!(RunScores::new(vec![]), Err(RunScoresError::NoTasks));
    assert_eq!(RunScores::new(vec![vec![1.0], vec![]]), Err(RunScoresError::NoRuns { task: 1 }));
    let refused = RunScores::new(vec![vec![1.0], vec![0.5, f64::NAN]]);
    assert!(matches!(refused, Err(RunScoresError::NotFinite { task: 1, run: 1, value }) if value.is_nan()));
    let different = probability_of_improvement(&scores(&[vec![1.0]]), &scores(&[vec![1.0], vec![1.0]]), &bootstrap(1));
    assert_eq!(different, Err(RunScoresError::DifferentTasks { first: 1, second: 2 }));
}
