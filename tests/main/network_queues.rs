//! Who is served first, by how many workers, in which batches.

use std::io::Write;

use latentlink::network::{LedgerPayer, SimulatedRun};
use tempfile::NamedTempFile;

use crate::network_runs::{Network, Trace, assert_all_near, assert_near, device_keys, served, starts};

/// Devices a to e with these priorities.
fn ranked(priorities: &[i32]) -> String {
    let table = |(name, priority): (char, &i32)| {
        format!("[[device]]\nname = \"{name}\"\npriority = {priority}\n{}\n", device_keys(""))
    };
    ('a'..).zip(priorities).map(table).collect()
}

fn run(server: &str, demand: &str) -> SimulatedRun {
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.2, "c"), (0.3, "d"), (0.4, "e")]);
    let server = format!("step_time_s = 0.2\nstep_energy_j = 0.5\n{server}");
    let devices = ranked(&[0, 1, 5, 1, -3]);
    Network { demand: &trace.demand(demand), server: &server, devices: &devices, ..Network::default() }.run()
}

#[test]
fn first_in_is_first_out() {
    assert_all_near(&starts(&run("", "")), &[0.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn the_highest_priority_is_served_first_and_equal_ones_by_arrival() {
    assert_all_near(&starts(&run("queue = \"priority\"", "")), &[0.0, 2.0, 1.0, 3.0, 4.0]);
}

#[test]
fn with_the_same_patience_for_all_the_earliest_deadline_is_the_earliest_arrival() {
    assert_all_near(&starts(&run("queue = \"earliest-deadline\"", "deadline_s = 9")), &[0.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn two_workers_serve_two_at_once() {
    let run = run("workers = 2", "");
    assert_all_near(&starts(&run), &[0.0, 0.1, 1.0, 1.1, 2.0]);
    let workers: Vec<_> = run.books.jobs.iter().map(|job| job.worker.expect("the server runs it")).collect();
    assert_eq!(workers, [0, 1, 0, 1, 0]);
    assert_near(served(&run, 4).finished_s, 3.6);
}

#[test]
fn a_batch_takes_the_time_and_energy_that_the_profile_says_for_its_size() {
    let mut profile = NamedTempFile::with_suffix(".toml").expect("a temporary file");
    profile
        .write_all(
            b"name = \"by hand\"\nprovenance = \"assumed\"\nsource = \"this test\"\n\
              decode_time_s = 0\ndecode_energy_j = 0\n\
              [[batch]]\nsize = 1\nstep_time_s = 0.2\nstep_energy_j = 1\n\
              [[batch]]\nsize = 2\nstep_time_s = 0.3\nstep_energy_j = 1.2\n",
        )
        .expect("a temporary file can be written");
    let trace = Trace::of(&[(0.0, "a"), (0.1, "b"), (0.2, "c"), (0.3, "d")]);
    let server = format!("profile = {:?}\nmaximum_batch = 2", profile.path());
    let devices = ranked(&[0, 0, 0, 0]);
    let run = Network { demand: &trace.demand(""), server: &server, devices: &devices, ..Network::default() }.run();
    // 5 steps of one: 1 s and 5 J. 5 steps of two: 1.5 s and 6 J, half of it for each.
    assert_all_near(&starts(&run), &[0.0, 1.0, 1.0, 2.5]);
    let finished: Vec<f64> = run.users.iter().map(|user| user.record.finished_s).collect();
    assert_all_near(&finished, &[1.6, 3.1, 3.1, 4.1]);
    let shared: Vec<f64> = run.users.iter().map(|user| user.record.shared_compute_j).collect();
    assert_all_near(&shared, &[5.0, 3.0, 3.0, 5.0]);
    assert_near(run.ledger.paid_by_j(LedgerPayer::Server), 16.0);
}

#[test]
fn a_device_works_on_one_picture_at_a_time() {
    // Two workers hand over at 1.0 and 1.1; 0.6 s for each picture.
    let trace = Trace::of(&[(0.0, "a"), (0.1, "a")]);
    let server = "step_time_s = 0.2\nworkers = 2";
    let run = Network { demand: &trace.demand(""), server, devices: &ranked(&[0]), ..Network::default() }.run();
    assert_near(served(&run, 0).finished_s, 1.6);
    assert_near(served(&run, 1).device_start_s, 1.6);
    assert_near(served(&run, 1).finished_s, 2.2);
}
