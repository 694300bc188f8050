//! Who is busy, who waits for whom, and who pays, by records whose sums are known.

use std::sync::Arc;

use latentlink::experiment::computation::ComputedValues;
use latentlink::experiment::scores::RunScores;
use latentlink::experiment::simulation::Run;
use latentlink::experiment::steady_state::Measures;
use latentlink::network::JobRecord;
use latentlink::scenario::{ArchitectureKind, Scenario, WarmUp};

use crate::live_tables_queue::{AIRTIME_S, Queue, SERVICE_S, scenario};
use crate::network_theory;

/// Half of the time the server is busy; nothing is left out.
fn run(requests: u64, change: impl FnOnce(&mut Scenario)) -> Run {
    let mut of_queue = scenario(requests, 0.5 / 0.9, "");
    of_queue.analysis.warm_up = WarmUp::Time { time_s: 0.0 };
    change(&mut of_queue);
    Queue { requests, load: 0.5, seed: 12 }.run(of_queue, 0)
}

/// When the last request arrived [s]: the end of averages over time.
fn last_arrival_s(run: &Run) -> f64 {
    let served = run.users.iter().map(|user| user.record.journey.arrival_s);
    served.chain(run.books.unserved.iter().map(|record| record.journey.arrival_s)).fold(0.0, f64::max)
}

fn measured(run: &Run) -> Measures {
    Measures::of(run, &RunScores::of(run, &ComputedValues::default()))
}

#[track_caller]
fn assert_near(measures: &Measures, quantity: &str, expected: f64, tolerance: f64) {
    let value = measures.value(quantity).expect("it is measured");
    assert!((value - expected).abs() <= tolerance, "{quantity}: {value}, not {expected}");
}

#[test]
fn a_worker_is_busy_once_however_many_groups_its_batch_has() {
    let mut run = run(400, |scenario| scenario.server.workers = 2);
    let end_s = last_arrival_s(&run);
    // Parts of the time: worker 0 is busy from 0.0 to 0.2 and from 0.5 to 0.7, worker 1 from 0.1 to 0.4.
    let jobs = [(0, 0.5, 0.6), (1, 0.1, 0.4), (0, 0.0, 0.2), (0, 0.5, 0.7), (0, 0.0, 0.1), (0, 0.0, 0.2)];
    run.books.jobs = jobs
        .into_iter()
        .zip(0..)
        .map(|((worker, from, to), group)| JobRecord {
            cell: 0,
            worker: Some(worker),
            device: None,
            group,
            start_s: from * end_s,
            end_s: to * end_s,
            steps: 4,
            is_complete: true,
        })
        .collect();
    assert_near(&measured(&run), "server_utilisation", (0.2 + 0.2 + 0.3) / 2.0, 1e-9);
    // In two cells, workers of the same number are two; devices that lead are none.
    run.books.jobs[2].cell = 1;
    run.books.jobs[3].worker = None;
    // Of cell 0, worker 0 is busy from 0.0 to 0.2 still, and from 0.5 to 0.6.
    assert_near(&measured(&run), "server_utilisation", (0.2 + 0.1 + 0.3 + 0.2) / 2.0, 1e-9);
}

#[test]
fn where_nothing_is_shared_nobody_waits_in_a_queue_but_for_the_device() {
    let mut run = run(2000, |_| {});
    for user in &mut run.users {
        let record = &mut user.record;
        (record.journey.service_start_s, record.server_finished_s, record.link) = (None, None, None);
    }
    let measures = measured(&run);
    assert_near(&measures, "queue_length", 0.0, 0.0);
    assert_near(&measures, "queue_wait_s", 0.0, 0.0);
    // M/D/1: W = ρS / (2 (1 − ρ)) + S, and a latent on the air, all of it before the device begins.
    let wait_s = 0.5 * SERVICE_S / (2.0 * 0.5) + SERVICE_S + AIRTIME_S;
    assert_near(&measures, "device_wait_s", wait_s, 0.1);
}

#[test]
fn under_a_server_leaders_get_its_latents_and_devices_pay_for_what_they_relay() {
    let mut run = run(4001, |scenario| {
        scenario.architecture.kind = ArchitectureKind::Cluster;
        scenario.architecture.with_server = true;
    });
    // Every other one leads; the others have their latent from it, of whose steps it ran some for 0.5 J of the 2 J.
    for (at, user) in run.users.iter_mut().enumerate() {
        let own = user.record.journey.device as u32;
        let leads = at % 2 == 0;
        user.record.journey.leader = Some(if leads { own } else { (own + 1) % 8 });
        user.record.relayed_compute_j = if leads { 0.0 } else { 0.5 };
    }
    let measures = measured(&run);
    let end_s = last_arrival_s(&run);
    let led = run.users.iter().step_by(2).filter_map(|user| user.record.link.as_ref());
    let on_air_s: f64 = led.map(|link| link.received_s.min(end_s) - link.transmit_start_s.min(end_s)).sum();
    assert_near(&measures, "radio_utilisation", on_air_s / end_s, 1e-9);
    // A leader: 2 + 3 J of the server, 0.5 + 6 J of its own. Another: 1.5 J of the server, 0.5 + 3 + 0.5 + 6 J of devices.
    assert_near(&measures, "energy_per_picture_server_j", f64::midpoint(5.0, 1.5), 0.01);
    assert_near(&measures, "energy_per_picture_device_j", f64::midpoint(6.5, 10.0), 0.01);
    assert_near(&measures, "energy_per_picture_j", 11.5, 1e-9);
    // Without a server devices pay for all that is shared, and send everything.
    let point = Arc::get_mut(&mut run.point).expect("nobody else has it");
    Arc::get_mut(&mut point.scenario).expect("nobody else has it").architecture.with_server = false;
    let measures = measured(&run);
    assert_near(&measures, "radio_utilisation", 0.0, 0.0);
    assert_near(&measures, "energy_per_picture_server_j", 0.0, 0.0);
    assert_near(&measures, "energy_per_picture_device_j", 11.5, 1e-9);
}

#[test]
fn a_run_too_short_for_its_transient_says_so() {
    let mut short = run(300, |scenario| scenario.analysis.warm_up = WarmUp::Mser5);
    for (user, passed) in short.users.iter_mut().zip(0..) {
        // Latency falls all the time.
        user.record.finished_s = user.record.journey.arrival_s + 1000.0 - f64::from(passed);
    }
    assert_eq!(measured(&short).value("warm_up_is_at_limit"), Some(1.0));
    let steady = run(3000, |scenario| scenario.analysis.warm_up = WarmUp::Mser5);
    assert_eq!(measured(&steady).value("warm_up_is_at_limit"), Some(0.0));
    assert_eq!(measured(&run(300, |_| {})).value("warm_up_is_at_limit"), None, "the warm-up is given");
}

#[test]
fn links_count_the_bits_that_arrived_right() {
    let rights = |radio: &str| {
        let run = network_theory::run(&format!(
            "[demand]\narrivals = {{ kind = \"poisson\", rate_hz = 1.0 }}\nrequests = 20\n[radio]\n{radio}\n\
             [[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n"
        ));
        let link = |record: &latentlink::network::UserRecord| record.link.clone().expect("a latent was sent");
        let links: Vec<_> = run.users.iter().map(|user| link(&user.record)).collect();
        assert_eq!(links.len(), 20);
        links
    };
    // As they cross the air a part 1 − p of the latent is right, and the header.
    for link in rights("bit_error_probability = 0.02") {
        let expected = 512.0 + 0.98 * (link.payload_bits - 512) as f64;
        assert!((link.right_bits - expected).abs() < 1e-6, "{link:?}");
    }
    // Of blocks that are all wrong only the header is right.
    let arq = "protection = { kind = \"arq\", block_bits = 256, maximum_attempts = 2 }";
    for link in rights(&format!("bit_error_probability = 0.5\n{arq}")) {
        assert!(link.residual_blocks > 0 && link.right_bits == 512.0, "{link:?}");
    }
}
