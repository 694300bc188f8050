//! What breaks, when it strikes, what it costs, and what becomes of the requests.

use latentlink::network::{LedgerPayer, SimulatedRun, UnservedEnd};

use crate::network_runs::{
    FREE_RADIO, Network, SLOW_RADIO, Trace, assert_all_near, assert_near, assert_unserved, device_keys, devices, served,
};

fn run(rows: &[(f64, &str)], radio: &str, rest: &str) -> SimulatedRun {
    let trace = Trace::of(rows);
    let devices = devices(&["a", "b", "c"], "");
    Network { demand: &trace.demand(""), radio, devices: &devices, rest, ..Network::default() }.run()
}

#[test]
fn a_server_that_goes_down_begins_its_job_again_and_the_lost_part_is_paid_for() {
    let rest = "[[fault]]\nkind = \"server-outage\"\nat_s = [0.5]\nduration_s = 2";
    let run = run(&[(0.0, "a"), (0.1, "b")], FREE_RADIO, rest);
    let record = served(&run, 0);
    // Half of 2.5 J was for nothing.
    assert_near(record.shared_compute_j, 3.75);
    assert_eq!(record.journey.restarts, 1);
    assert_near(record.journey.service_start_s.expect("it was served"), 2.5);
    assert_near(record.finished_s, 4.1);
    // Who waited keeps waiting behind it.
    assert_near(served(&run, 1).journey.service_start_s.expect("it was served"), 3.5);
    assert_eq!(served(&run, 1).journey.restarts, 0);
    let jobs: Vec<_> = run.books.jobs.iter().map(|job| (job.end_s, job.is_complete)).collect();
    assert_eq!(jobs.iter().map(|(_, is_complete)| *is_complete).collect::<Vec<_>>(), [false, true, true]);
    assert_all_near(&jobs.iter().map(|(end_s, _)| *end_s).collect::<Vec<_>>(), &[0.5, 3.5, 4.5]);
    assert_near(run.ledger.paid_by_j(LedgerPayer::Server), 6.25);
}

#[test]
fn outages_that_overlap_end_with_the_last() {
    let outage = |at_s: f64, duration_s: f64| {
        format!("[[fault]]\nkind = \"server-outage\"\nat_s = [{at_s}]\nduration_s = {duration_s}\n")
    };
    let run = run(&[(0.0, "a")], FREE_RADIO, &(outage(0.5, 3.0) + &outage(1.0, 1.0)));
    assert_near(served(&run, 0).journey.service_start_s.expect("it was served"), 3.5);
    assert_eq!(served(&run, 0).journey.restarts, 1);
}

#[test]
fn a_device_that_goes_away_loses_what_it_was_working_on() {
    let rest = "[[fault]]\nkind = \"device-away\"\ndevice = \"a\"\nat_s = [1.3]\nduration_s = 1";
    let run = run(&[(0.0, "a"), (1.4, "a"), (1.5, "b"), (2.5, "a")], FREE_RADIO, rest);
    // Half of its 6 J are spent.
    assert_unserved(&run, 0, UnservedEnd::FailedDeviceAway, 1.3, 2.5 + 3.0);
    // What it would have asked for at 1.4 is asked by nobody: the next request is that of b.
    assert_eq!(run.books.arrivals, 3);
    assert_eq!((served(&run, 1).journey.device, served(&run, 2).journey.device), (1, 0));
}

#[test]
fn what_arrives_at_a_device_that_is_away_is_lost() {
    // Its latent is on the air from 1.0 to 1.5.
    let away =
        |at_s: f64| format!("[[fault]]\nkind = \"device-away\"\ndevice = \"a\"\nat_s = [{at_s}]\nduration_s = 1");
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, &away(1.2));
    assert_unserved(&run, 0, UnservedEnd::FailedDeviceAway, 1.5, 2.5 + 0.1);
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, &away(0.5));
    assert_unserved(&run, 0, UnservedEnd::FailedDeviceAway, 1.0, 2.5);
    // Back in time, it has missed nothing.
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, &away(0.2).replace("duration_s = 1", "duration_s = 0.5"));
    assert_near(served(&run, 0).finished_s, 2.1);
}

#[test]
fn a_device_that_is_away_does_not_work_alone_either() {
    let trace = Trace::of(&[(0.0, "a")]);
    let rest = "[grouping]\nwindow_s = 1\n[[fault]]\nkind = \"device-away\"\nat_s = [0.5]\nduration_s = 1";
    let devices = devices(&["a"], "");
    let policy = "t0 = 0\ntk = 6";
    let run = Network { demand: &trace.demand(""), devices: &devices, policy, rest, ..Network::default() }.run();
    assert_unserved(&run, 0, UnservedEnd::FailedDeviceAway, 1.0, 0.0);
}

const CLUSTER: &str = "[grouping]\nwindow_s = 0.5\nsimilarity_threshold = -1\n[architecture]\nkind = \"cluster\"\n";

#[test]
fn a_group_that_loses_its_leader_begins_again_under_another() {
    let fault = "[[fault]]\nkind = \"leader-loss\"\ndevice = \"a\"\nat_s = [0.7]";
    let run = run(&[(0.0, "a"), (0.0, "b"), (0.0, "c")], FREE_RADIO, &format!("{CLUSTER}{fault}"));
    // 0.2 s of 5 steps at 1 J were for nothing, a third of it for each; then a leads itself, and b the others, from 0.7 to 1.2.
    let records: Vec<_> = (0..3).map(|request| served(&run, request)).collect();
    assert_eq!(records.iter().map(|record| record.journey.leader).collect::<Vec<_>>(), [0, 1, 1].map(Some));
    assert!(records.iter().all(|record| record.journey.restarts == 1));
    let shared: Vec<f64> = records.iter().map(|record| record.shared_compute_j).collect();
    assert_all_near(&shared, &[2.0 / 3.0 + 5.0, 2.0 / 3.0 + 2.5, 2.0 / 3.0 + 2.5]);
    let finished: Vec<f64> = records.iter().map(|record| record.finished_s).collect();
    assert_all_near(&finished, &[1.8, 1.8, 1.8]);
    assert_near(run.ledger.total_j(), 2.0 + 10.0 + 18.0);
}

#[test]
fn a_leader_that_goes_away_fails_and_the_others_begin_again() {
    let fault = "[[fault]]\nkind = \"device-away\"\ndevice = \"a\"\nat_s = [0.7]\nduration_s = 9";
    let run = run(&[(0.0, "a"), (0.0, "b"), (0.0, "c")], FREE_RADIO, &format!("{CLUSTER}{fault}"));
    assert_unserved(&run, 0, UnservedEnd::FailedDeviceAway, 0.7, 2.0 / 3.0);
    assert_near(served(&run, 1).finished_s, 1.8);
    assert_eq!(served(&run, 2).journey.leader, Some(1));
}

#[test]
fn a_relay_that_goes_away_leaves_those_behind_it_to_themselves() {
    // b relays from 1.5 to 1.7.
    let fault = "[[fault]]\nkind = \"device-away\"\ndevice = \"b\"\nat_s = [1.6]\nduration_s = 9";
    let rest = format!("{CLUSTER}topology = \"chain\"\nrelay_steps = 2\n{fault}");
    let run = run(&[(0.0, "a"), (0.0, "b"), (0.0, "c")], SLOW_RADIO, &rest);
    // 1 of its own 6 J has not begun: its own steps come after the relay's.
    assert_unserved(&run, 1, UnservedEnd::FailedDeviceAway, 1.6, 5.0 / 3.0 + 0.1);
    let c = served(&run, 2);
    assert_eq!((c.journey.restarts, c.journey.leader, c.t0), (1, Some(2), 5));
    // Its part of a's steps, one step of b's that was lost, and its own.
    assert_near(c.shared_compute_j, 5.0 / 3.0 + 1.0 + 5.0);
    assert_near(c.finished_s, 1.6 + 1.1);
}

#[test]
fn a_latent_that_an_outage_takes_off_the_air_is_sent_again() {
    let rest = "[[fault]]\nkind = \"link-outage\"\nat_s = [1.2]\nduration_s = 1";
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, rest);
    let link = served(&run, 0).link.clone().expect("a link");
    assert_near(link.transmit_start_s, 2.2);
    assert_near(link.received_s, 2.7);
    // Two fifths of 0.1 J for nothing.
    assert_near(link.transmit_energy_j, 0.14);
    // Shorter than the timeout: the sender waits for that.
    let rest = "[[fault]]\nkind = \"link-outage\"\nat_s = [1.2]\nduration_s = 0.1\n[recovery]\ntimeout_s = 0.4";
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, rest);
    assert_near(served(&run, 0).link.as_ref().expect("a link").transmit_start_s, 1.6);
}

#[test]
fn a_latent_that_is_lost_too_often_fails() {
    let outages =
        "[[fault]]\nkind = \"link-outage\"\nat_s = [1.2, 1.6, 2.0]\nduration_s = 0.05\n[recovery]\ntimeout_s = 0.1\n";
    // On the air from 1.0 to 1.2, from 1.3 to 1.6 and from 1.7 to 2.0.
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, &format!("{outages}retransmissions = 2"));
    assert_unserved(&run, 0, UnservedEnd::FailedLink, 2.0, 2.5 + 0.1 * (0.4 + 0.6 + 0.6));
    let run = self::run(&[(0.0, "a")], SLOW_RADIO, &format!("{outages}retransmissions = 3"));
    assert_near(served(&run, 0).link.as_ref().expect("a link").received_s, 2.6);
}

#[test]
fn the_battery_ends_requests_and_recharging_lets_them_in_again() {
    let run = |keys: &str| {
        let trace = Trace::of(&[(0.0, "a"), (10.0, "a"), (20.0, "a")]);
        let devices = format!("[[device]]\nname = \"a\"\n{}\n", device_keys(keys));
        Network { demand: &trace.demand(""), devices: &devices, ..Network::default() }.run()
    };
    let spent = run("battery_j = 13");
    assert_near(served(&spent, 1).finished_s, 11.6);
    // 1 J is left of 13: less than 6.
    assert_unserved(&spent, 2, UnservedEnd::FailedBattery, 21.0, 2.5);
    // 7 J at 1 s, 12 at 11 s, 6 of them left, 11 at 21 s.
    let recharged = run("battery_j = 13\nrecharge_w = 0.5");
    assert_near(served(&recharged, 2).finished_s, 21.6);
    // 7 J at 1 s, 7.4 at 11 s, 1.8 at 21 s.
    let slowly = run("battery_j = 13\nrecharge_w = 0.04");
    assert_unserved(&slowly, 2, UnservedEnd::FailedBattery, 21.0, 2.5);
}

#[test]
fn drawn_outages_leave_the_availability_of_theory() {
    // Poisson arrivals see time averages: with nowhere to wait, the part that is dropped is the part of the time that is down.
    let demand = "arrivals = { kind = \"poisson\", rate_hz = 5 }\nrequests = 200000";
    let server = "step_time_s = 1e-9\nqueue_capacity = 0";
    let rest = "[[fault]]\nkind = \"server-outage\"\nrate_hz = 0.5\nduration_s = 1";
    let devices = devices(&["a"], "step_time_s = 0");
    let run = Network { demand, server, devices: &devices, rest, ..Network::default() }.run();
    let dropped = run.books.unserved.len() as f64 / run.books.arrivals as f64;
    // 13,000 cycles of 3 s: a standard error of 0.3 %.
    assert!((dropped - 1.0 / 3.0).abs() < 0.01, "{dropped}");
}
