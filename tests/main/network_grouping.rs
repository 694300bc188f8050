//! Windows, groups and their prompts.

use latentlink::network::{LedgerPayer, SimulatedRun};

use crate::network_runs::{Network, Trace, assert_all_near, assert_near, devices, run, served, starts};

const PROMPTS: [&str; 3] = ["a dog", "a cat", "a car"];

fn sizes(run: &SimulatedRun) -> Vec<u32> {
    run.users.iter().map(|user| user.record.journey.group_size).collect()
}

#[test]
fn a_window_is_open_from_the_first_request_on() {
    let trace = Trace::of(&[(0.0, "a"), (0.4, "b"), (1.2, "c")]);
    let devices = devices(&["a", "b", "c"], "");
    let rest = "[grouping]\nwindow_s = 1";
    let run = Network { demand: &trace.demand(""), devices: &devices, rest, ..Network::default() }.run();
    assert_eq!(sizes(&run), [2, 2, 1]);
    // The first window ends at 1, its steps at 2; the second one ends at 2.2.
    assert_all_near(&starts(&run), &[1.0, 1.0, 2.2]);
    let shared: Vec<f64> = run.users.iter().map(|user| user.record.shared_compute_j).collect();
    assert_all_near(&shared, &[1.25, 1.25, 2.5]);
    assert_near(run.ledger.paid_by_j(LedgerPayer::Server), 5.0);
}

fn similar(similarity: f64, grouping: &str) -> SimulatedRun {
    let rows: Vec<_> = PROMPTS.iter().map(|prompt| (0.0, "a", *prompt)).chain([(0.1, "a", "a dog")]).collect();
    let trace = Trace::of_prompts(&rows);
    let (devices, rest) = (devices(&["a"], ""), format!("[grouping]\nwindow_s = 1\n{grouping}"));
    Network { demand: &trace.demand(""), devices: &devices, rest: &rest, ..Network::default() }
        .run_with_similarity(similarity)
}

#[test]
fn only_prompts_above_the_threshold_share_steps() {
    assert_eq!(sizes(&similar(0.5, "similarity_threshold = 0.6")), [2, 1, 1, 2]);
    assert_eq!(sizes(&similar(0.5, "similarity_threshold = 0.4")), [4, 4, 4, 4]);
    assert_eq!(sizes(&similar(0.5, "similarity_threshold = 1.5")), [1, 1, 1, 1]);
}

#[test]
fn without_a_threshold_the_divergence_of_the_policys_steps_decides() {
    // θ_5 of the shipped pack's schedule lies between the two.
    assert_eq!(sizes(&similar(0.6, "")), [2, 1, 1, 2]);
    assert_eq!(sizes(&similar(0.999, "")), [4, 4, 4, 4]);
}

#[test]
fn groups_have_no_more_users_than_they_may() {
    assert_eq!(sizes(&similar(0.9, "similarity_threshold = -1\nmaximum_size = 3")).iter().max(), Some(&3));
    assert_eq!(sizes(&similar(0.9, "similarity_threshold = -1\nmaximum_size = 1")), [1, 1, 1, 1]);
}

#[test]
fn the_medoid_is_what_the_shared_steps_draw() {
    let rows: Vec<_> = PROMPTS.iter().map(|prompt| (0.0, "a", *prompt)).collect();
    let trace = Trace::of_prompts(&rows);
    let (devices, rest) = (devices(&["a"], ""), "[grouping]\nwindow_s = 1\nsimilarity_threshold = -1");
    let toml = Network { demand: &trace.demand(""), devices: &devices, rest, ..Network::default() }.toml();
    // At angles of 0°, 60° and 30°: the last lies between the others.
    let directions = |degrees: f64| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
    let run = run(&toml, |book| book.with_directions(vec![directions(0.0), directions(60.0), directions(30.0)]));
    let similarities: Vec<f64> = run.users.iter().map(|user| user.record.similarity).collect();
    assert!(run.users.iter().all(|user| user.record.shared_prompt == Some(2)));
    assert_all_near(&similarities, &[30_f64.to_radians().cos(), 30_f64.to_radians().cos(), 1.0]);
}

#[test]
fn windows_of_a_poisson_stream_have_the_size_and_wait_of_theory() {
    let (rate, window) = (3.0, 2.0);
    let demand = "arrivals = { kind = \"poisson\", rate_hz = 3 }\nrequests = 60000";
    let devices = devices(&["a"], "step_time_s = 0\ncount = 5");
    let server = "step_time_s = 0.0001\nworkers = 100";
    let rest = "[grouping]\nwindow_s = 2\nmaximum_size = 1000";
    let run = Network { demand, server, devices: &devices, rest, ..Network::default() }.run();
    let requests = run.users.len() as f64;
    let groups = run.books.jobs.len() as f64;
    // Whoever opens a window waits for all of it; a Poisson number of others, for half of it on average.
    let size = 1.0 + rate * window;
    let wait = (window + rate * window * window / 2.0) / size;
    let waited: f64 = run
        .users
        .iter()
        .map(|user| user.record.journey.queued_s.expect("it was queued") - user.record.journey.arrival_s)
        .sum();
    assert!((requests / groups - size).abs() < 0.02 * size, "{}", requests / groups);
    assert!((waited / requests - wait).abs() < 0.02 * wait, "{}", waited / requests);
    // Nobody is in two groups.
    assert_near(served(&run, 0).journey.queued_s.expect("it was queued") - served(&run, 0).journey.arrival_s, window);
}
