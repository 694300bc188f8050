//! Users who ask again when they have their picture: laws of closed networks.

use latentlink::network::SimulatedRun;

use crate::network_runs::{Network, devices, run};

fn loop_of(users: u32, think_time_s: f64, server: &str, end: &str) -> SimulatedRun {
    let demand = format!("arrivals = {{ kind = \"closed-loop\", think_time_s = {think_time_s} }}\n{end}");
    let devices = devices(&["a"], &format!("step_time_s = 0\ncount = {users}"));
    Network { demand: &demand, server, devices: &devices, ..Network::default() }.run()
}

/// Throughput [1/s] and mean response time [s].
fn measured(run: &SimulatedRun) -> (f64, f64) {
    let count = run.users.len() as f64;
    let responses = run.users.iter().map(|user| user.record.finished_s - user.record.journey.arrival_s);
    (count / run.books.end_s, responses.sum::<f64>() / count)
}

#[test]
fn exponential_service_gives_the_throughput_of_the_machine_repairman() {
    let (users, think_s, service_s) = (10_u32, 5.0, 1.0);
    // π_n ∝ N!/(N − n)! (S/Z)^n.
    let (mut weight, mut total) = (1.0, 1.0);
    for n in 0..users {
        weight *= f64::from(users - n) * service_s / think_s;
        total += weight;
    }
    let throughput = (1.0 - 1.0 / total) / service_s;
    let response = f64::from(users) / throughput - think_s;
    let run = loop_of(users, think_s, "step_time_s = 0.2\nstep_time_cv = 1", "requests = 200000");
    let (x, r) = measured(&run);
    assert!((x - throughput).abs() < 0.01 * throughput, "{x}, not {throughput}");
    assert!((r - response).abs() < 0.02 * response, "{r}, not {response}");
}

#[test]
fn the_interactive_response_time_law_holds() {
    for workers in [1, 3] {
        let server = format!("step_time_s = 0.2\nworkers = {workers}");
        let run = loop_of(12, 3.0, &server, "requests = 100000");
        let (x, r) = measured(&run);
        // N = X(R + Z).
        assert!((x * (r + 3.0) - 12.0).abs() < 0.1, "{}", x * (r + 3.0));
    }
}

#[test]
fn a_user_who_thinks_beyond_the_end_does_not_end_the_demand_of_the_others() {
    // Nothing takes time: two users ask as two Poisson processes, 2 · 100 s / 100 s requests on average in each run.
    let demand = "arrivals = { kind = \"closed-loop\", think_time_s = 100 }\nduration_s = 100";
    let devices = devices(&["a", "b"], "step_time_s = 0");
    let server = "step_time_s = 0";
    let toml = Network { demand, server, devices: &devices, ..Network::default() }.toml();
    let count = |seed: u64| run(&format!("[study]\nseed = {seed}\n{toml}"), |book| book).books.arrivals;
    let runs = 600;
    let total: u64 = (0..runs).map(count).sum();
    let mean = total as f64 / runs as f64;
    // A standard error of 0.06.
    assert!((mean - 2.0).abs() < 0.2, "{mean}");
}

#[test]
fn closed_loops_go_on_whatever_becomes_of_requests() {
    // Some find the queue full, some lose patience, some are away, some run dry: all come again until the end.
    let demand =
        "arrivals = { kind = \"closed-loop\", think_time_s = 1 }\nrequests = 5000\npatience = 1.5\nretries = 1";
    let server = "step_time_s = 0.1\nqueue_capacity = 3";
    let devices = devices(&["a", "b"], "count = 10\nbattery_j = 40\nrecharge_w = 0.3");
    let rest = "[[fault]]\nkind = \"device-away\"\nrate_hz = 0.05\nduration_s = 3\n\
                [[fault]]\nkind = \"link-outage\"\nrate_hz = 0.02\nduration_s = 1";
    let run = Network { demand, server, devices: &devices, rest, ..Network::default() }.run();
    assert_eq!(run.users.len() + run.books.unserved.len(), 5000);
    let reasons: std::collections::BTreeSet<&str> =
        run.books.unserved.iter().map(|record| record.end.reason()).collect();
    for reason in ["queue-full", "patience", "device-away", "battery"] {
        assert!(reasons.contains(reason), "nothing ended for {reason}: {reasons:?}");
    }
}
