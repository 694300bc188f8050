//! What a run in time is summed up to: an M/D/1 queue, whose numbers are known.

use latentlink::experiment::computation::ComputedValues;
use latentlink::experiment::scores::{PersonaScores, RunScores};
use latentlink::experiment::simulation::Run;
use latentlink::experiment::statistics::Estimate;
use latentlink::experiment::steady_state::{Measures, QUANTITIES, Stages, Window};
use latentlink::network::{CacheOutcome, UnservedEnd};
use latentlink::scenario::{CacheSettings, LIVE_RUN_NUMBERS, Scenario, WarmUp};

use crate::live_tables_queue::{AIRTIME_S, DECODE_S, DEVICE_S, DEVICES, Queue, SERVICE_S, scenario};

fn measured(run: &Run) -> Measures {
    Measures::of(run, &RunScores::of(run, &ComputedValues::default()))
}

#[track_caller]
fn assert_covers(measures: &Measures, quantity: &str, expected: f64, tolerance: f64) {
    let Estimate { value, half_width_95, batches, .. } = measures.estimate(quantity).expect("it is measured");
    let half_width = half_width_95.expect("it has an interval");
    assert_eq!(batches, 20);
    // Twenty intervals of 95 % are looked at: one in a thousand is wider by three quarters.
    assert!((value - expected).abs() <= 1.75 * half_width, "{quantity}: {value} ± {half_width}, not {expected}");
    assert!((value / expected - 1.0).abs() <= tolerance, "{quantity}: {value} is {expected} within {tolerance}");
}

#[test]
fn a_queue_with_constant_service_agrees_with_pollaczek_and_khinchine_and_with_little() {
    let load = 0.7;
    let run = Queue { requests: 200_000, load, seed: 3 }.run(scenario(200_000, load / 0.9, ""), 0);
    let measures = measured(&run);
    // M/D/1: W_q = ρS / (2 (1 − ρ)) = 1.1667 s.
    let wait_s = load * SERVICE_S / (2.0 * (1.0 - load));
    assert_covers(&measures, "queue_wait_s", wait_s, 0.03);
    assert_covers(&measures, "latency_s", wait_s + SERVICE_S + AIRTIME_S + DEVICE_S + DECODE_S, 0.01);
    // Little: L = λW.
    assert_covers(&measures, "queue_length", load * wait_s, 0.03);
    assert_covers(&measures, "server_utilisation", load, 0.01);
    assert_covers(&measures, "radio_utilisation", load * AIRTIME_S, 0.01);
    assert_covers(&measures, "throughput_hz", load / SERVICE_S, 0.01);
    assert_covers(&measures, "drop_rate", 0.1, 0.03);
    let exactly = [
        ("shared_compute_s", SERVICE_S),
        ("air_s", AIRTIME_S),
        ("device_compute_s", DEVICE_S),
        ("decode_s", DECODE_S),
        ("grouping_wait_s", 0.0),
        ("air_wait_s", 0.0),
        ("device_wait_s", 0.0),
        ("group_size", 1.0),
        ("energy_per_picture_server_j", 5.0),
        ("energy_per_picture_device_j", 6.5),
        ("energy_per_picture_j", 11.5),
        ("goodput_bps", 3960.0),
        ("transmission_attempts", 1.0),
        ("residual_bit_error_probability", 0.01),
        ("restarts", 0.0),
        ("failure_rate", 0.0),
        ("abandonment_rate", 0.0),
    ];
    for (quantity, expected) in exactly {
        let value = measures.value(quantity).expect(quantity);
        assert!((value - expected).abs() < 1e-6 * expected.abs().max(1e-3), "{quantity}: {value}");
    }
    for quantity in ["hit_rate", "full_hit_rate", "steps_avoided", "cache_bytes", "evictions"] {
        assert_eq!(measures.value(quantity), None, "{quantity}: there is no cache");
    }
    // The deadline of 6 s leaves 2.15 s to wait.
    let kept = within(load, 6.0 - SERVICE_S - AIRTIME_S - DEVICE_S - DECODE_S);
    assert_covers(&measures, "deadline_miss_rate", 0.1 + 0.9 * (1.0 - kept), 0.03);
    let median_s = measures.value("latency_p50_s").unwrap() - SERVICE_S - AIRTIME_S - DEVICE_S - DECODE_S;
    assert!((within(load, median_s) - 0.5).abs() < 0.01, "{median_s}");
    let high_s = measures.value("latency_p99_s").unwrap() - SERVICE_S - AIRTIME_S - DEVICE_S - DECODE_S;
    assert!((within(load, high_s) - 0.99).abs() < 0.002, "{high_s}");
}

/// P(wait ≤ t) of M/D/1 with S = 1 (Erlang 1909; Tijms, "A First Course in Stochastic Models", equation 9.6.12):
/// (1 − ρ) Σ_{k ≤ t} (ρ (k − t))^k / k! · e^{−ρ (k − t)}.
fn within(load: f64, t: f64) -> f64 {
    let mut sum = 0.0;
    let mut factorial = 1.0;
    for k in 0..=t.floor() as i32 {
        factorial *= f64::from(k.max(1));
        let x = load * (f64::from(k) - t);
        sum += x.powi(k) / factorial * (-x).exp();
    }
    (1.0 - load) * sum
}

#[test]
fn counts_add_up_and_quality_is_that_of_the_scores() {
    let run = Queue { requests: 5000, load: 0.5, seed: 5 }.run(scenario(5000, 0.5 / 0.9, ""), 0);
    let scores = RunScores::of(&run, &ComputedValues::default());
    let measures = Measures::of(&run, &scores);
    let value = |quantity: &str| measures.value(quantity).expect("it is measured");
    assert_eq!(value("requests"), 5000.0);
    assert_eq!(value("served") + value("dropped") + value("abandoned") + value("failed"), 5000.0);
    assert_eq!(value("served"), run.users.len() as f64);
    let window = Window::of(&run);
    assert_eq!(value("warm_up_requests"), window.warm_up_requests as f64);
    // The same numbers from the records alone.
    let qoe: Vec<f64> = scores.by_user().iter().filter_map(|personas| personas[0].quality_of_experience()).collect();
    let kept: Vec<(usize, f64)> = run
        .users
        .iter()
        .zip(&qoe)
        .filter(|(user, _)| user.record.journey.request >= window.warm_up_requests as u64)
        .map(|(user, qoe)| (user.record.journey.device, *qoe))
        .collect();
    // The first few of them are in no batch.
    let in_batches = &kept[kept.len() % 20..];
    let mean = in_batches.iter().map(|(_, qoe)| qoe).sum::<f64>() / in_batches.len() as f64;
    assert!((value("mean_qoe") - mean).abs() < 1e-12, "{} {mean}", value("mean_qoe"));
    let below = in_batches.iter().filter(|(_, qoe)| *qoe < run.point.scenario.judge.qoe_threshold).count();
    assert!((value("qoe_below_threshold") - below as f64 / in_batches.len() as f64).abs() < 1e-12);
    assert!((value("qoe_per_joule") * 11.5 / mean - 1.0).abs() < 1e-2, "every picture takes 11.5 J");
    let of_device = |device: usize| {
        let own: Vec<f64> = kept.iter().filter(|(owner, _)| *owner == device).map(|(_, qoe)| *qoe).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    let means: Vec<f64> = (0..DEVICES).map(of_device).collect();
    let index = means.iter().sum::<f64>().powi(2) / (8.0 * means.iter().map(|mean| mean * mean).sum::<f64>());
    assert!((value("jain_index") - index).abs() < 1e-12);
    let requests_of =
        |device: usize| run.users.iter().filter(|user| user.record.journey.device == device).count() as f64;
    let energies: Vec<f64> = (0..DEVICES).map(|device| 6.5 * requests_of(device)).collect();
    let index =
        energies.iter().sum::<f64>().powi(2) / (8.0 * energies.iter().map(|energy| energy * energy).sum::<f64>());
    assert!((value("device_energy_jain_index") - index).abs() < 1e-12);
}

#[test]
fn answers_about_two_pictures_of_one_device_differ_and_are_the_same_each_time() {
    let run = Queue { requests: 300, load: 0.5, seed: 6 }.run(scenario(300, 0.5, ""), 0);
    let scores = || RunScores::of(&run, &ComputedValues::default());
    assert_eq!(scores(), scores());
    let scores = scores();
    // All pictures are equal: only the noise differs.
    let mut qoe: Vec<f64> =
        scores.by_user().iter().filter_map(|own: &Vec<PersonaScores>| own[0].quality_of_experience()).collect();
    qoe.retain(|qoe| *qoe < 1.0);
    let all = qoe.len();
    qoe.sort_by(f64::total_cmp);
    qoe.dedup();
    assert_eq!(qoe.len(), all);
    assert!(all > 200, "{all}");
}

#[test]
fn a_given_warm_up_leaves_out_the_requests_before_it() {
    let mut queue_scenario: Scenario = scenario(2000, 0.5 / 0.9, "");
    queue_scenario.analysis.warm_up = WarmUp::Time { time_s: 600.0 };
    let run = Queue { requests: 2000, load: 0.5, seed: 8 }.run(queue_scenario, 0);
    let window = Window::of(&run);
    let before = window.all().iter().filter(|ended| ended.journey().arrival_s < 600.0).count();
    assert!(before > 200);
    assert_eq!((window.warm_up_requests, window.from_s), (before, 600.0));
    assert!(window.kept().iter().all(|ended| ended.journey().arrival_s >= 600.0));
    assert_eq!(measured(&run).value("warm_up_s"), Some(600.0));
}

#[test]
fn cache_hits_are_counted_among_those_that_asked() {
    let mut run = Queue { requests: 400, load: 0.5, seed: 9 }.run(scenario(400, 0.5, ""), 0);
    // Of four that asked one has all four steps, one has two of them, two have none; every fifth does not ask.
    for (index, user) in run.users.iter_mut().enumerate() {
        let hit = |steps_avoided| CacheOutcome::Hit { steps_avoided, similarity: 1.0, age_s: 3.0 };
        user.record.journey.cache =
            [hit(4), CacheOutcome::Miss, hit(2), CacheOutcome::Miss, CacheOutcome::NotAsked][index % 5];
    }
    let point = std::sync::Arc::get_mut(&mut run.point).expect("nobody else has it");
    let with_cache = std::sync::Arc::get_mut(&mut point.scenario).expect("nobody else has it");
    with_cache.analysis.batches = 2;
    with_cache.analysis.warm_up = WarmUp::Time { time_s: 0.0 };
    with_cache.cache = Some(CacheSettings {
        eviction: latentlink::scenario::Eviction::Lru,
        capacity_bytes: None,
        capacity_entries: Some(3),
        time_to_live: None,
        steps: None,
        thresholds: None,
        divergence: 0.1,
        codec: latentlink::diffusion::LatentCodec::Fp32,
        sharing: latentlink::scenario::CacheSharing::Everyone,
    });
    run.books.cache_evictions = 17;
    let measures = measured(&run);
    let near = |quantity: &str, expected: f64| {
        let value = measures.value(quantity).expect("it is measured");
        assert!((value - expected).abs() < 0.006, "{quantity}: {value}");
    };
    near("hit_rate", 0.5);
    near("full_hit_rate", 0.25);
    near("steps_avoided", 1.5);
    assert_eq!(measures.value("evictions"), Some(17.0));
}

#[test]
fn the_stages_of_every_request_add_up_to_its_latency() {
    let mut run = Queue { requests: 50, load: 0.9, seed: 10 }.run(scenario(50, 0.9, ""), 0);
    // Alone, of a group that shares nothing, led by its own device, and with all steps from the cache.
    let change = |run: &mut Run, at: usize, change: &dyn Fn(&mut latentlink::network::UserRecord)| {
        change(&mut run.users[at].record)
    };
    change(&mut run, 0, &|record| {
        (record.journey.group, record.journey.queued_s, record.journey.service_start_s) = (None, None, None);
        (record.server_finished_s, record.link) = (None, None);
    });
    change(&mut run, 1, &|record| {
        record.journey.queued_s = Some(record.journey.arrival_s + 0.5);
        (record.journey.service_start_s, record.server_finished_s, record.link) = (None, None, None);
    });
    change(&mut run, 2, &|record| record.link = None);
    change(&mut run, 3, &|record| (record.journey.queued_s, record.journey.service_start_s) = (None, None));
    for (at, user) in run.users.iter().enumerate() {
        let stages = Stages::of(&user.record, DECODE_S);
        let latency_s = user.record.finished_s - user.record.journey.arrival_s;
        let times_s = stages.times_s();
        assert!((times_s.iter().sum::<f64>() - latency_s).abs() < 1e-9, "{at}: {stages:?}");
        assert!(times_s.iter().all(|time_s| *time_s >= -1e-12), "{at}: {stages:?}");
        assert!((stages.decode_s - DECODE_S).abs() < 1e-12);
    }
    let of = |at: usize| Stages::of(&run.users[at].record, DECODE_S);
    assert_eq!((of(0).grouping_wait_s, of(0).queue_wait_s, of(0).shared_compute_s), (0.0, 0.0, 0.0));
    // What a device makes its user wait is no wait in a queue.
    let from_arrival_s = run.users[1].record.device_start_s - run.users[1].record.journey.arrival_s;
    assert!(of(0).device_wait_s > 0.0 && from_arrival_s >= SERVICE_S + AIRTIME_S);
    assert!((of(1).device_wait_s - (from_arrival_s - 0.5)).abs() < 1e-9 && (of(1).grouping_wait_s - 0.5).abs() < 1e-9);
    assert_eq!((of(1).queue_wait_s, of(1).shared_compute_s), (0.0, 0.0));
    assert_eq!((of(2).air_s, of(3).shared_compute_s), (0.0, 0.0));
}

#[test]
fn a_run_without_pictures_has_counts_and_blanks() {
    let mut run = Queue { requests: 30, load: 0.5, seed: 11 }.run(scenario(30, 0.5, ""), 0);
    let users = std::mem::take(&mut run.users);
    run.books.unserved.extend(users.into_iter().map(|user| latentlink::network::UnservedRecord {
        journey: user.record.journey,
        end: UnservedEnd::FailedLink,
        ended_s: user.record.finished_s,
        energy_j: 5.0,
    }));
    let measures = measured(&run);
    assert_eq!(measures.value("served"), Some(0.0));
    assert_eq!(measures.value("failed").zip(measures.value("dropped")).map(|(a, b)| a + b), Some(30.0));
    for quantity in ["latency_s", "latency_p99_s", "mean_qoe", "jain_index", "energy_per_picture_j", "goodput_bps"] {
        assert_eq!(measures.value(quantity), None, "{quantity}");
    }
    assert_eq!(measures.value("throughput_hz"), Some(0.0));
}

#[test]
fn figures_know_the_quantities_by_their_names() {
    let names: Vec<&str> = QUANTITIES.iter().map(|quantity| quantity.name).collect();
    assert_eq!(names, LIVE_RUN_NUMBERS);
}
