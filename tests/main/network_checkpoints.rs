//! A run that is stopped and goes on from its last checkpoint is the run that was never stopped.

use std::fs;

use latentlink::network::{Checkpoints, SimulatedRun, UserRecord, simulate, simulate_with_checkpoints};

use crate::network_runs::{Network, context, devices};

/// Everything that is saved has something in it: queues, windows, retries, patience, faults, latents on the air, batteries, caches.
fn busy() -> String {
    let demand = "arrivals = { kind = \"poisson\", rate_hz = 2 }\nrequests = 400\npatience = 4\nretries = 2\n\
                  deadline_s = 9\nprompts = [\"a dog\", \"a cat\", \"a car\"]\nzipf_exponent = 1";
    let server = "step_time_s = 0.1\nstep_time_cv = 0.5\nqueue_capacity = 3\nqueue = \"earliest-deadline\"";
    let radio = "bandwidth_hz = 60000\nfading_process = \"gaussian-copula\"\ncoherence_time_s = 3";
    let devices = devices(&["a", "b"], "count = 4\nbattery_j = 90\nrecharge_w = 2\nshares_latents = true");
    let rest = "[grouping]\nwindow_s = 0.3\n[cache]\ncapacity_entries = 2\n\
                [mobility]\nkind = \"random-waypoint\"\nspeed_min_mps = 1\nspeed_max_mps = 3\n\
                [[fault]]\nkind = \"server-outage\"\nrate_hz = 0.05\nduration_s = 1\n\
                [[fault]]\nkind = \"link-outage\"\nrate_hz = 0.05\nduration_s = 1\n\
                [[fault]]\nkind = \"device-away\"\nrate_hz = 0.02\nduration_s = 2";
    Network { demand, server, radio, devices: &devices, rest, ..Network::default() }.toml()
}

fn records(run: &SimulatedRun) -> Vec<UserRecord> {
    run.users.iter().map(|user| user.record.as_ref().clone()).collect()
}

fn assert_same(one: &SimulatedRun, other: &SimulatedRun) {
    assert_eq!(records(one), records(other));
    assert_eq!(one.books, other.books);
    assert_eq!(one.ledger, other.ledger);
    assert_eq!(one.recorder.graph().len(), other.recorder.graph().len());
}

/// Runs through, then again with checkpoints, then from the last checkpoint of that on.
fn stop_and_go_on(toml: &str, records: bool) {
    let begin = || context(toml, |book| book.with_given_similarity(0.9), records);
    let through = simulate(begin()).expect("it runs through");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for part in [0.05, 0.3, 0.6, 0.95] {
        let file = folder.path().join(format!("run-{part}"));
        // One checkpoint alone: after it the run ends before the next.
        let interval_s = through.books.end_s * part;
        let checkpoints = Checkpoints::in_file(file.clone(), interval_s);
        let watched = simulate_with_checkpoints(begin(), &checkpoints).expect("it runs with checkpoints");
        assert_same(&watched, &through);
        assert!(fs::metadata(&file).expect("a checkpoint is there").len() > 0);
        let gone_on = simulate_with_checkpoints(begin(), &checkpoints).expect("it goes on");
        assert_same(&gone_on, &through);
    }
}

#[test]
fn a_restored_run_goes_on_identically() {
    stop_and_go_on(&busy(), false);
}

#[test]
fn a_restored_run_goes_on_with_the_graph_of_its_pictures() {
    stop_and_go_on(&busy(), true);
}

#[test]
fn a_restored_run_goes_on_with_its_leaders_and_relays() {
    let architecture = "[architecture]\nkind = \"cluster\"\ntopology = \"chain\"\nrelay_steps = 1\ndevice_distance_m = 20\n\
                        [[fault]]\nkind = \"leader-loss\"\nrate_hz = 0.1\n";
    stop_and_go_on(&busy().replace("[grouping]", &format!("{architecture}[grouping]")), true);
}

#[test]
fn a_restored_closed_loop_goes_on_identically() {
    let toml = busy().replace(
        "arrivals = { kind = \"poisson\", rate_hz = 2 }",
        "arrivals = { kind = \"closed-loop\", think_time_s = 2 }",
    );
    stop_and_go_on(&toml, false);
}

#[test]
fn a_damaged_checkpoint_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("run");
    fs::write(&file, b"not a checkpoint").expect("it can be written");
    let checkpoints = Checkpoints::in_file(file.clone(), 10.0);
    let error = simulate_with_checkpoints(context(&busy(), |book| book, false), &checkpoints).err().expect("an error");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another_one() {
    let run = |seed: u64| {
        let toml = format!("[study]\nseed = {seed}\n{}", busy());
        simulate(context(&toml, |book| book.with_given_similarity(0.9), true)).expect("it runs")
    };
    assert_same(&run(7), &run(7));
    assert_ne!(records(&run(7)), records(&run(8)));
}
