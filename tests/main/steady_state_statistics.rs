//! Warm-up, batch means, ratios, quantiles, Jain's index and averages over time: against NumPy and SciPy on
//! observations from the formulas of `tests/reference/steady_state.py`, against an example by hand, and on series whose
//! mean is known.

use std::path::Path;

use latentlink::experiment::statistics::batch_means::{jain_index, jain_index_of_means, mean, quantiles, ratio};
use latentlink::experiment::statistics::warm_up::mser_5;
use latentlink::experiment::statistics::{Estimate, TimeBatches};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use serde::de::DeserializeOwned;

fn rows<Row: DeserializeOwned>(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    csv::Reader::from_path(path).unwrap().deserialize().collect::<Result<_, _>>().unwrap()
}

fn raw(index: u64) -> f64 {
    ((7919 * index * index + 104_729 * index) % 1000) as f64
}

fn other(index: u64) -> f64 {
    ((7907 * index * index + 104_723 * index + 13) % 1000) as f64
}

fn series(n: u64, base: f64, scale: f64, start: f64, decay: f64) -> Vec<f64> {
    (0..n).map(|index| base + scale * (raw(index) / 1000.0) + start * (-(index as f64) / decay).exp()).collect()
}

#[track_caller]
fn assert_near(ours: f64, theirs: f64, of: &dyn std::fmt::Debug) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{ours} should be {theirs}: {of:?}");
}

#[test]
fn mser_5_leaves_out_as_much_as_numpy_does() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        n: u64,
        base: f64,
        scale: f64,
        start: f64,
        decay: f64,
        truncated: usize,
    }
    let rows: Vec<Row> = rows("steady_state_warm_up_reference.csv");
    assert_eq!(rows.len(), 8);
    for row in rows {
        let found = mser_5(&series(row.n, row.base, row.scale, row.start, row.decay));
        assert_eq!(found.observations, row.truncated, "{row:?}");
    }
}

#[test]
fn mser_5_agrees_with_an_example_by_hand() {
    // Means of five: 10, 2, 1, 2, 1, 2, 1, 2. Σ(Y − Ȳ)²/(m − d)²: d = 0: 63.875/64 = 0.998; d = 1: (12/7)/49 = 0.0350;
    // d = 2: 1.5/36 = 0.0417; d = 3: 1.2/25 = 0.048; d = 4: 1/16 = 0.0625.
    let means = [10.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0];
    let observations =
        |means: &[f64]| means.iter().flat_map(|mean| [-1.0, 0.5, 0.0, -0.5, 1.0].map(|d| mean + d)).collect();
    let series: Vec<f64> = observations(&means);
    let found = mser_5(&series);
    assert_eq!((found.observations, found.is_at_limit), (5, false));
    // A series that never ends to fall is cut in the middle, and says so.
    let falling: Vec<f64> = (0..100).map(|index| f64::from(100 - index)).collect();
    let found = mser_5(&falling);
    assert_eq!((found.observations, found.is_at_limit), (50, true));
    assert_eq!(mser_5(&[]).observations, 0);
    assert_eq!(mser_5(&[7.0; 100]).observations, 0, "nothing varies, nothing is left out");
}

#[test]
fn means_ratios_quantiles_and_jains_index_agree_with_numpy_and_scipy() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        n: u64,
        batches: u32,
        base: f64,
        scale: f64,
        start: f64,
        decay: f64,
        mean: f64,
        mean_half_width: f64,
        lag_1: f64,
        ratio: f64,
        ratio_half_width: f64,
        quantile_90: f64,
        quantile_90_half_width: Option<f64>,
        jain: f64,
        jain_half_width: f64,
    }
    let rows: Vec<Row> = rows("steady_state_batches_reference.csv");
    assert_eq!(rows.len(), 5);
    for row in rows {
        let x = series(row.n, row.base, row.scale, row.start, row.decay);
        let y: Vec<f64> = (0..row.n).map(|index| 1.0 + other(index) / 1000.0).collect();
        let check = |estimate: Option<Estimate>, value: f64, half_width: Option<f64>| {
            let estimate = estimate.unwrap();
            assert_near(estimate.value, value, &row);
            assert_eq!(estimate.half_width_95.is_some(), half_width.is_some(), "{row:?}");
            assert_eq!(estimate.batches, half_width.map_or(0, |_| u64::from(row.batches)));
            if let (Some(ours), Some(theirs)) = (estimate.half_width_95, half_width) {
                assert_near(ours, theirs, &row);
            }
        };
        let of_x = mean(&x, row.batches);
        check(of_x, row.mean, Some(row.mean_half_width));
        assert!((of_x.unwrap().lag_1_autocorrelation.unwrap() - row.lag_1).abs() < 1e-6, "{row:?}");
        let pairs: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
        check(ratio(&pairs, row.batches), row.ratio, Some(row.ratio_half_width));
        let [quantile] = quantiles(&x, [0.9], row.batches);
        check(quantile, row.quantile_90, row.quantile_90_half_width);
        let owned: Vec<(usize, f64)> = y.iter().enumerate().map(|(index, value)| (index % 7, *value)).collect();
        let index = jain_index_of_means(&owned, row.batches);
        assert_near(index.unwrap().value, row.jain, &row);
        // Differences of indices near 1 lose digits.
        let half_width = index.unwrap().half_width_95.unwrap();
        assert!((half_width / row.jain_half_width - 1.0).abs() < 1e-6, "{half_width}: {row:?}");
    }
}

#[test]
fn too_few_observations_have_an_estimate_without_an_interval_and_none_have_none() {
    assert_eq!(mean(&[1.0, 2.0, 6.0], 20), Some(Estimate::exact(3.0)));
    assert_eq!(ratio(&[(1.0, 2.0), (2.0, 4.0)], 20), Some(Estimate::exact(0.5)));
    assert_eq!(quantiles(&[3.0, 1.0, 2.0], [0.5], 20), [Some(Estimate::exact(2.0))]);
    assert_eq!(jain_index_of_means(&[(4, 2.0), (9, 2.0)], 20), Some(Estimate::exact(1.0)));
    assert_eq!((mean(&[], 20), ratio(&[], 20), jain_index_of_means(&[], 20)), (None, None, None));
    assert_eq!(ratio(&[(1.0, 0.0)], 1), None, "nothing to divide by");
    assert_eq!(quantiles(&[], [0.5], 20), [None]);
    // All the energy on one of four devices, and the same on each.
    assert_eq!((jain_index([8.0, 0.0, 0.0, 0.0]), jain_index([2.0; 4])), (Some(0.25), Some(1.0)));
    assert_eq!((jain_index([0.0; 4]), jain_index([])), (None, None));
}

#[test]
fn averages_over_time_agree_with_integrals_on_a_grid() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        n: u64,
        start: f64,
        end: f64,
        batches: u32,
        average: f64,
        half_width: f64,
    }
    let rows: Vec<Row> = rows("steady_state_time_reference.csv");
    assert_eq!(rows.len(), 4);
    for row in rows {
        let mut batches = TimeBatches::new(row.start, row.end, row.batches).unwrap();
        for index in 0..row.n {
            let start = 0.37 * index as f64;
            batches.add_interval(start, start + 3.0 * raw(index) / 1000.0);
        }
        let estimate = batches.average(1.0).unwrap();
        assert_near(estimate.value, row.average, &row);
        assert_near(estimate.half_width_95.unwrap(), row.half_width, &row);
        assert_near(batches.average(4.0).unwrap().value, row.average / 4.0, &row);
    }
    assert_eq!(TimeBatches::new(3.0, 3.0, 4), None, "no time");
    let mut events = TimeBatches::new(1.0, 3.0, 2).unwrap();
    [0.5, 1.0, 2.5, 2.9, 3.0].into_iter().for_each(|time_s| events.add_event(time_s));
    assert_eq!(events.average(1.0).unwrap().value, 1.5, "three events in two seconds");
}

#[test]
fn the_interval_of_an_autoregressive_series_covers_its_mean_as_often_as_it_says() {
    // x' = 5 + 0.8 (x − 5) + N(0, 1): mean 5; one observation in a batch of 200 says little of the next batch.
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let repetitions = 2000;
    let mut covered = 0;
    for _ in 0..repetitions {
        let mut deviation = 0.0;
        let series: Vec<f64> = (0..4000)
            .map(|_| {
                let noise: f64 = StandardNormal.sample(&mut rng);
                deviation = 0.8 * deviation + noise;
                5.0 + deviation
            })
            .collect();
        let estimate = mean(&series, 20).unwrap();
        covered += u32::from((estimate.value - 5.0).abs() <= estimate.half_width_95.unwrap());
    }
    let coverage = f64::from(covered) / f64::from(repetitions);
    // Four standard errors of a share of 95 % in 2000 are 0.0195; batches of 200 that depend a little cost less than
    // half a percent.
    assert!((0.93..=0.965).contains(&coverage), "{coverage}");
}

#[test]
fn a_queue_that_begins_full_loses_its_transient() {
    // M/M/1 with ρ = 1/2: the mean wait is ρ/(μ − λ) = 1. It begins with 100 s of work, which are gone after about 100
    // arrivals.
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut wait = 100.0_f64;
    let waits: Vec<f64> = (0..50_000)
        .map(|_| {
            let [service, gap]: [f64; 2] = std::array::from_fn(|_| Exp1.sample(&mut rng));
            let this = wait;
            wait = (wait + service - 2.0 * gap).max(0.0);
            this
        })
        .collect();
    let found = mser_5(&waits);
    assert!((60..400).contains(&found.observations), "{found:?}");
    assert!(!found.is_at_limit);
    let all = waits.iter().sum::<f64>() / waits.len() as f64;
    let rest = mean(&waits[found.observations..], 20).unwrap();
    assert!((rest.value - 1.0).abs() < 0.05, "{rest:?}");
    assert!((rest.value - 1.0).abs() < rest.half_width_95.unwrap(), "{rest:?}");
    assert!(all > 1.08, "the transient is seen in the mean of all: {all}");
}
