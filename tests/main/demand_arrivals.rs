//! Arrival processes against their closed forms: rates, gaps, and how bursty counts are.

use latentlink::demand::{ArrivalProcess, mean_rate_hz, think_time_s};
use latentlink::random::StreamKey;
use latentlink::scenario::Arrivals;
use statrs::distribution::{ContinuousCDF, Exp, Gamma};

fn key(replication: u32) -> StreamKey {
    StreamKey::new(41, replication, "arrivals", "population")
}

fn times(arrivals: &Arrivals, replication: u32, count: usize) -> Vec<f64> {
    let mut process = ArrivalProcess::new(arrivals, key(replication));
    (0..count).map(|_| process.next_s(arrivals)).collect()
}

/// Between arrivals; the time to the first one is left out.
fn gaps(times: &[f64]) -> Vec<f64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// Counts of arrivals in windows of this length, one after the other from time 0.
fn counts(arrivals: &Arrivals, window_s: f64, windows: usize, replication: u32) -> Vec<f64> {
    let mut process = ArrivalProcess::new(arrivals, key(replication));
    let mut counts = vec![0.0; windows];
    loop {
        let window = (process.next_s(arrivals) / window_s) as usize;
        match counts.get_mut(window) {
            Some(count) => *count += 1.0,
            None => return counts,
        }
    }
}

/// The distance of Kolmogorov and Smirnov must stay below its 99.9 % quantile, 1.95 / √n.
#[track_caller]
fn assert_distributed(mut values: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let distances = values.iter().enumerate().map(|(rank, value)| {
        let expected = cdf(*value);
        (expected - rank as f64 / count).abs().max(((rank + 1) as f64 / count - expected).abs())
    });
    let distance = distances.fold(0.0, f64::max);
    assert!(distance < 1.95 / count.sqrt(), "distance {distance} of {count} values");
}

const BURSTS: Arrivals = Arrivals::Mmpp { rates_hz: [8.0, 0.5], sojourns_s: [2.0, 6.0] };

#[test]
fn gaps_of_a_poisson_process_are_exponential() {
    let arrivals = Arrivals::Poisson { rate_hz: 4.0 };
    let exponential = Exp::new(4.0).expect("a rate");
    assert_distributed(gaps(&times(&arrivals, 0, 50_000)), |gap| exponential.cdf(gap));
    let firsts = (0..5_000).map(|replication| times(&arrivals, replication, 1)[0]).collect();
    assert_distributed(firsts, |gap| exponential.cdf(gap));
}

#[test]
fn gaps_of_a_gamma_process_have_the_coefficient_of_variation_asked_for() {
    // Above that, gaps below the resolution of the clock would show.
    for coefficient_of_variation in [0.25, 1.0, 1.5] {
        let arrivals = Arrivals::Gamma { rate_hz: 2.0, coefficient_of_variation };
        let shape = 1.0 / (coefficient_of_variation * coefficient_of_variation);
        let gamma = Gamma::new(shape, shape * 2.0).expect("a shape and a rate");
        let gaps = gaps(&times(&arrivals, 0, 50_000));
        let (mean, variance) = mean_and_variance(&gaps);
        assert!((mean / 0.5 - 1.0).abs() < 4.0 * coefficient_of_variation / 50_000f64.sqrt(), "{mean}");
        assert!((variance.sqrt() / mean / coefficient_of_variation - 1.0).abs() < 0.05, "{}", variance.sqrt() / mean);
        assert_distributed(gaps, |gap| gamma.cdf(gap));
    }
}

#[test]
fn a_gamma_process_is_stationary_from_the_start() {
    let arrivals = Arrivals::Gamma { rate_hz: 2.0, coefficient_of_variation: 2.5 };
    // What is left of a gap at a random moment: density (1 − F(x)) · rate, mean (1 + CV²) / (2 rate).
    let firsts: Vec<f64> = (0..40_000).map(|replication| times(&arrivals, replication, 1)[0]).collect();
    let (mean, variance) = mean_and_variance(&firsts);
    let expected = (1.0 + 2.5 * 2.5) / (2.0 * 2.0);
    assert!((mean - expected).abs() < 4.0 * (variance / 40_000.0).sqrt(), "{mean}, expected {expected}");
    let early: Vec<f64> = (0..40_000).map(|replication| counts(&arrivals, 0.1, 1, replication)[0]).collect();
    let (mean, variance) = mean_and_variance(&early);
    assert!(
        (mean - 0.2).abs() < 4.0 * (variance / 40_000.0).sqrt(),
        "{mean} arrivals in the first 0.1 s, expected 0.2"
    );
}

#[test]
fn counts_of_a_gamma_process_are_as_bursty_as_renewal_theory_says() {
    // For long windows the index of dispersion tends to CV².
    let arrivals = Arrivals::Gamma { rate_hz: 20.0, coefficient_of_variation: 2.0 };
    let (mean, variance) = mean_and_variance(&counts(&arrivals, 50.0, 4_000, 0));
    assert!((mean / 1_000.0 - 1.0).abs() < 0.005, "{mean}");
    assert!((variance / mean / 4.0 - 1.0).abs() < 0.1, "{}", variance / mean);
}

/// Index of dispersion for counts of a stationary two-state MMPP over a time t (W. Fischer and K. Meier-Hellstern,
/// "The Markov-modulated Poisson process (MMPP) cookbook", *Performance Evaluation* 18, 1993).
fn mmpp_dispersion(rates_hz: [f64; 2], sojourns_s: [f64; 2], time_s: f64) -> f64 {
    let [a, b] = sojourns_s.map(|sojourn| 1.0 / sojourn);
    let [first, second] = rates_hz;
    let scale = 2.0 * a * b * (first - second).powi(2) / ((a + b).powi(2) * (first * b + second * a));
    1.0 + scale - scale / ((a + b) * time_s) * (1.0 - (-(a + b) * time_s).exp())
}

#[test]
fn counts_of_an_mmpp_have_the_mean_and_dispersion_of_the_closed_form() {
    let Arrivals::Mmpp { rates_hz, sojourns_s } = BURSTS else { unreachable!("it is one") };
    let rate_hz = (8.0 * 2.0 + 0.5 * 6.0) / 8.0;
    assert_eq!(mean_rate_hz(&BURSTS), Some(rate_hz));
    for (window_s, windows) in [(0.5, 400_000), (5.0, 100_000), (60.0, 20_000)] {
        let (mean, variance) = mean_and_variance(&counts(&BURSTS, window_s, windows, 0));
        let expected = mmpp_dispersion(rates_hz, sojourns_s, window_s);
        assert!((mean / (rate_hz * window_s) - 1.0).abs() < 0.02, "{mean} in {window_s} s");
        assert!(
            (variance / mean / expected - 1.0).abs() < 0.05,
            "{} in {window_s} s, expected {expected}",
            variance / mean
        );
    }
}

#[test]
fn an_mmpp_starts_in_its_stationary_state() {
    let first: Vec<f64> = (0..40_000).map(|replication| counts(&BURSTS, 0.5, 1, replication)[0]).collect();
    let (mean, variance) = mean_and_variance(&first);
    // 2.375 Hz over half a second
    assert!((mean - 1.1875).abs() < 4.0 * (variance / 40_000.0).sqrt(), "{mean}");
}

#[test]
fn an_mmpp_of_equal_rates_is_a_poisson_process_however_short_its_visits() {
    for sojourns_s in [[1e-7, 3e-7], [0.1, 0.2], [1e9, 1e9]] {
        let arrivals = Arrivals::Mmpp { rates_hz: [4.0, 4.0], sojourns_s };
        let exponential = Exp::new(4.0).expect("a rate");
        assert_distributed(gaps(&times(&arrivals, 0, 20_000)), |gap| exponential.cdf(gap));
    }
}

#[test]
fn an_mmpp_that_changes_much_faster_than_it_arrives_is_poisson_at_the_mean_rate() {
    let arrivals = Arrivals::Mmpp { rates_hz: [6.0, 0.0], sojourns_s: [1e-6, 2e-6] };
    let exponential = Exp::new(2.0).expect("a rate");
    assert_distributed(gaps(&times(&arrivals, 0, 20_000)), |gap| exponential.cdf(gap));
}

#[test]
fn equal_intervals_do_not_gather_rounding() {
    let arrivals = Arrivals::Deterministic { interval_s: 0.1 };
    let times = times(&arrivals, 0, 1_000_000);
    assert_eq!((times[0], times[999_999]), (0.1, 100_000.0));
    assert_eq!(mean_rate_hz(&arrivals), Some(10.0));
}

#[test]
fn think_times_are_exponential_and_only_closed_loops_have_them() {
    let arrivals = Arrivals::ClosedLoop { think_time_s: 30.0 };
    let mut rng = key(0).compact_rng();
    let exponential = Exp::new(1.0 / 30.0).expect("a rate");
    assert_distributed((0..20_000).map(|_| think_time_s(&arrivals, &mut rng)).collect(), |time| exponential.cdf(time));
    assert_eq!(mean_rate_hz(&arrivals), None);
    assert_eq!(think_time_s(&BURSTS, &mut rng), f64::INFINITY);
    assert_eq!(ArrivalProcess::new(&arrivals, key(0)).next_s(&arrivals), f64::INFINITY);
}

#[test]
fn arrivals_never_stand_still_even_where_gaps_are_below_the_resolution_of_time() {
    for arrivals in [
        Arrivals::Poisson { rate_hz: 1e18 },
        Arrivals::Gamma { rate_hz: 1.0, coefficient_of_variation: 30.0 },
        Arrivals::Mmpp { rates_hz: [1e18, 0.0], sojourns_s: [1.0, 1.0] },
        Arrivals::Deterministic { interval_s: 1e-300 },
    ] {
        let times = times(&arrivals, 0, 10_000);
        assert!(times[0] > 0.0 && times.windows(2).all(|pair| pair[1] > pair[0]), "{arrivals:?}");
    }
}

#[test]
fn a_process_saved_in_mid_stream_goes_on_as_if_nothing_had_happened() {
    for arrivals in [
        Arrivals::Poisson { rate_hz: 3.0 },
        Arrivals::Gamma { rate_hz: 3.0, coefficient_of_variation: 1.5 },
        BURSTS,
        Arrivals::Deterministic { interval_s: 0.3 },
    ] {
        let mut process = ArrivalProcess::new(&arrivals, key(5));
        for _ in 0..777 {
            process.next_s(&arrivals);
        }
        let saved = serde_json::to_string(&process).expect("it can be saved");
        let mut restored: ArrivalProcess = serde_json::from_str(&saved).expect("it can be restored");
        let next = |process: &mut ArrivalProcess| -> Vec<f64> { (0..100).map(|_| process.next_s(&arrivals)).collect() };
        assert_eq!(next(&mut process), next(&mut restored), "{arrivals:?}");
    }
}

#[test]
fn a_process_is_small_enough_for_every_device_to_have_one() {
    assert!(size_of::<ArrivalProcess>() <= 64, "{}", size_of::<ArrivalProcess>());
}
