//! Every request ends once, and where it should.

use latentlink::network::{SimulatedRun, UnservedEnd};

use crate::network_runs::{Network, Trace, assert_near, assert_unserved, devices, served, starts};

const THREE: [&str; 3] = ["a", "b", "c"];

fn run(trace: &Trace, demand: &str, server: &str, rest: &str) -> SimulatedRun {
    let server = format!("step_time_s = 0.2\nstep_energy_j = 0.5\n{server}");
    let devices = devices(&THREE, "");
    Network { demand: &trace.demand(demand), server: &server, devices: &devices, rest, ..Network::default() }.run()
}

#[test]
fn who_finds_the_queue_full_is_dropped_at_once() {
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.2, "c")]);
    let run = run(&trace, "", "queue_capacity = 1", "");
    assert_near(served(&run, 1).finished_s, 2.6);
    assert_unserved(&run, 2, UnservedEnd::DroppedQueueFull, 0.2, 0.0);
    assert_eq!(run.books.arrivals, 3);
}

#[test]
fn who_was_dropped_comes_again_after_the_delay() {
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.2, "c")]);
    // At 0.7 the queue is full still; at 1.2 the second request is being served.
    let run = run(&trace, "retries = 2\nretry_delay_s = 0.5", "queue_capacity = 1", "");
    let record = served(&run, 2);
    assert_eq!(record.journey.attempts, 3);
    assert_near(record.journey.queued_s.expect("it was queued"), 1.2);
    assert_near(record.finished_s, 3.6);
    assert_near(record.journey.arrival_s, 0.2);
}

#[test]
fn who_waits_for_the_next_attempt_runs_out_of_patience_in_time() {
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.2, "c")]);
    let run = run(&trace, "retries = 5\nretry_delay_s = 2\npatience = 1.5", "queue_capacity = 1", "");
    assert_unserved(&run, 2, UnservedEnd::Abandoned, 1.7, 0.0);
}

#[test]
fn only_deadlines_that_can_be_kept_are_admitted() {
    // 1 s on the server and 0.6 s on the device: the second would be done 2.5 s after it came, the third 1.8 s.
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.8, "c")]);
    let run = run(&trace, "deadline_s = 2", "admission = \"deadline\"", "");
    assert_unserved(&run, 1, UnservedEnd::DroppedDeadline, 0.1, 0.0);
    assert_near(served(&run, 2).finished_s, 2.6);
}

#[test]
fn admission_looks_at_the_worker_that_is_free_first() {
    let trace = Trace::of(&[(0.0, "a"), (0.9, "b"), (0.95, "c")]);
    let run = run(&trace, "deadline_s = 1.7", "admission = \"deadline\"\nworkers = 2", "");
    assert_near(served(&run, 2).finished_s, 2.6);
}

#[test]
fn fixed_patience_ends_in_the_queue_but_not_in_service() {
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.7, "c")]);
    let run = run(&trace, "patience = 0.5", "", "");
    assert_unserved(&run, 1, UnservedEnd::Abandoned, 0.6, 0.0);
    assert_near(served(&run, 2).journey.service_start_s.expect("it was served"), 1.0);
    assert_near(served(&run, 0).finished_s, 1.6);
}

#[test]
fn a_window_that_everybody_left_does_not_end_the_next_one() {
    // The first leaves at 0.6; the window of the second would be open until 1.7, but its patience ends at 1.3.
    let trace = Trace::of(&[(0.0, "a"), (0.7, "b")]);
    let run = run(&trace, "patience = 0.6", "", "[grouping]\nwindow_s = 1");
    assert_unserved(&run, 0, UnservedEnd::Abandoned, 0.6, 0.0);
    assert_unserved(&run, 1, UnservedEnd::Abandoned, 1.3, 0.0);
}

#[test]
fn who_leaves_a_group_leaves_the_others_to_share_the_energy() {
    let trace = Trace::of(&[(0.0, "a"), (0.4, "b"), (0.5, "c")]);
    // The group of the last two waits for the first to be done with, from 0.6 to 1.1; the user of b has no more patience at 1.0.
    let run = run(&trace, "patience = 0.6", "", "[grouping]\nwindow_s = 0.1");
    assert_unserved(&run, 1, UnservedEnd::Abandoned, 1.0, 0.0);
    // c, from 0.5 to 1.1 at most, just so is not served either.
    assert_eq!(run.books.arrivals, 3);
    let trace = Trace::of(&[(0.0, "a"), (0.4, "b"), (0.5, "c")]);
    let run = self::run(&trace, "patience = 0.65", "", "[grouping]\nwindow_s = 0.1");
    assert_unserved(&run, 1, UnservedEnd::Abandoned, 1.05, 0.0);
    let record = served(&run, 2);
    assert_eq!(record.journey.group_size, 1);
    assert_near(record.shared_compute_j, 2.5);
    assert_near(record.journey.service_start_s.expect("it was served"), 1.1);
}

/// A queue M/M/1 with impatient users: 0.1 s on average, the rest of the way takes no time.
fn impatient(patience: &str, rate_hz: f64) -> SimulatedRun {
    let demand =
        format!("arrivals = {{ kind = \"poisson\", rate_hz = {rate_hz} }}\nrequests = 100000\npatience = {patience}");
    let server = "step_time_s = 0.02\nstep_time_cv = 1";
    let devices = devices(&["a"], "step_time_s = 0\ncount = 10");
    Network { demand: &demand, server, devices: &devices, ..Network::default() }.run()
}

fn abandoned_part(run: &SimulatedRun) -> f64 {
    let abandoned = run.books.unserved.iter().filter(|record| record.end == UnservedEnd::Abandoned).count();
    abandoned as f64 / run.books.arrivals as f64
}

#[test]
fn fixed_patience_loses_what_the_virtual_wait_of_an_m_m_1_queue_says() {
    let (rate, service_rate, patience) = (12.0_f64, 10.0, 0.3);
    // Density of the virtual wait: λπ₀e^((λ−μ)x) up to the patience, λπ₀e^(λτ−μx) beyond it.
    let at_patience = ((rate - service_rate) * patience).exp();
    let load = rate / service_rate;
    let idle = 1.0 / (1.0 + rate * (at_patience - 1.0) / (rate - service_rate) + load * at_patience);
    let expected = idle * load * at_patience;
    let part = abandoned_part(&impatient("0.3", rate));
    assert!((part - expected).abs() < 0.02 * expected, "{part}, not {expected}");
}

#[test]
fn exponential_patience_loses_what_a_birth_death_chain_says() {
    let (rate, service_rate, leaving_rate) = (12.0, 10.0, 2.0);
    // π_n ∝ Π λ/(μ + (i − 1)θ); those who leave per time: Σ (n − 1)θπ_n.
    let (mut weight, mut total, mut leaving) = (1.0, 1.0, 0.0);
    for n in 1..1000 {
        weight *= rate / (service_rate + f64::from(n - 1) * leaving_rate);
        total += weight;
        leaving += weight * f64::from(n - 1) * leaving_rate;
    }
    let expected = leaving / total / rate;
    let part = abandoned_part(&impatient("{ kind = \"exponential\", mean_s = 0.5 }", rate));
    assert!((part - expected).abs() < 0.02 * expected, "{part}, not {expected}");
}

#[test]
fn nobody_is_lost_where_nobody_can_be() {
    let trace = Trace::of(&[(0.0, "a"), (0.0, "b"), (0.0, "c")]);
    let run = run(&trace, "", "", "");
    assert!(run.books.unserved.is_empty());
    let starts = starts(&run);
    assert_near(starts[2], 2.0);
}
