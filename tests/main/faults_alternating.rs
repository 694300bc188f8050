//! When faults strike: availability of drawn ones, and what a script says.

use latentlink::faults::AlternatingProcess;
use latentlink::random::StreamKey;
use latentlink::scenario::{FaultKind, FaultSettings, FaultTimes};

fn faults(times: FaultTimes, duration_s: f64) -> FaultSettings {
    FaultSettings { kind: FaultKind::ServerOutage, times, duration_s, target: None }
}

fn process() -> AlternatingProcess {
    AlternatingProcess::new(StreamKey::new(41, 0, "fault-1", "cell-1"))
}

fn all(faults: &FaultSettings) -> Vec<(f64, f64)> {
    let mut process = process();
    std::iter::from_fn(|| process.next(faults)).take(100).collect()
}

#[test]
fn the_share_of_time_that_is_up_is_the_mean_up_time_over_the_mean_cycle() {
    let faults = faults(FaultTimes::Rate { rate_hz: 0.02 }, 8.0);
    let mut process = process();
    let (mut up_s, mut up_squared, mut down_s, mut before_s, cycles) = (0.0, 0.0, 0.0, 0.0, 100_000);
    for _ in 0..cycles {
        let (start_s, end_s) = process.next(&faults).expect("they go on for ever");
        assert!(start_s > before_s && end_s >= start_s);
        up_s += start_s - before_s;
        up_squared += (start_s - before_s).powi(2);
        down_s += end_s - start_s;
        before_s = end_s;
    }
    let cycles = f64::from(cycles);
    assert!((up_s / cycles / 50.0 - 1.0).abs() < 0.015, "mean time between faults {}", up_s / cycles);
    assert!((down_s / cycles / 8.0 - 1.0).abs() < 0.015, "mean duration {}", down_s / cycles);
    // An exponential has a second moment of twice the squared mean.
    assert!((up_squared / cycles / 5_000.0 - 1.0).abs() < 0.03, "{}", up_squared / cycles);
    // 50 / (50 + 8); the relative error of a share of p is about (1 − p) √(2 / cycles).
    let availability = up_s / (up_s + down_s);
    assert!((availability / (50.0 / 58.0) - 1.0).abs() < 4.0 * (8.0 / 58.0) * (2.0 / cycles).sqrt(), "{availability}");
}

#[test]
fn a_script_is_followed_and_faults_that_meet_are_one() {
    let script = |times: &[f64], duration_s: f64| all(&faults(FaultTimes::At(times.to_vec()), duration_s));
    assert_eq!(script(&[10.0, 100.0], 5.0), [(10.0, 15.0), (100.0, 105.0)]);
    assert_eq!(script(&[10.0, 12.0, 17.0, 30.0], 5.0), [(10.0, 22.0), (30.0, 35.0)]);
    assert_eq!(script(&[1.0, 2.0, 2.0], 0.0), [(1.0, 1.0), (2.0, 2.0)]);
    assert_eq!(script(&[], 5.0), []);
}

#[test]
fn faults_that_never_strike_never_come_and_one_without_an_end_is_the_last() {
    assert_eq!(all(&faults(FaultTimes::Rate { rate_hz: 0.0 }, 5.0)), []);
    let endless = all(&faults(FaultTimes::Rate { rate_hz: 1.0 }, f64::INFINITY));
    assert!(endless.len() == 1 && endless[0].0.is_finite() && endless[0].1 == f64::INFINITY, "{endless:?}");
}

#[test]
fn a_process_saved_between_faults_goes_on_as_if_nothing_had_happened() {
    for faults in [
        faults(FaultTimes::Rate { rate_hz: 0.1 }, 3.0),
        faults(FaultTimes::At((0..50).map(|index| f64::from(index) * 7.0).collect()), 3.0),
    ] {
        let mut process = process();
        for _ in 0..20 {
            process.next(&faults);
        }
        let saved = serde_json::to_string(&process).expect("it can be saved");
        let mut restored: AlternatingProcess = serde_json::from_str(&saved).expect("it can be restored");
        for _ in 0..40 {
            assert_eq!(process.next(&faults), restored.next(&faults));
        }
    }
}
