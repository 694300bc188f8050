//! Who runs the shared steps: energy identities of `spec` 5.2 and exact times under each word.

use latentlink::network::{LedgerCause, LedgerPayer, SimulatedRun};

use crate::network_runs::{
    FREE_RADIO, Network, SLOW_RADIO, Trace, assert_all_near, assert_near, device_keys, devices, served,
};

const WINDOW: &str = "[grouping]\nwindow_s = 0.5\nsimilarity_threshold = -1\n";

/// Devices that ask at time 0 and are a group at 0.5.
fn group(count: usize, radio: &str, architecture: &str) -> SimulatedRun {
    let names = &["a", "b", "c", "d"][..count];
    let rows: Vec<_> = names.iter().map(|&name| (0.0, name)).collect();
    let trace = Trace::of(&rows);
    let rest = format!("{WINDOW}[architecture]\ndevice_distance_m = 10\n{architecture}");
    let devices = devices(names, "");
    Network { demand: &trace.demand(""), radio, devices: &devices, rest: &rest, ..Network::default() }.run()
}

fn compute_j(run: &SimulatedRun, device: usize) -> f64 {
    run.ledger.energy_j(LedgerPayer::Device(device), LedgerCause::Compute)
}

fn radio_j(run: &SimulatedRun, device: usize) -> f64 {
    run.ledger.energy_j(LedgerPayer::Device(device), LedgerCause::Radio)
}

fn finished(run: &SimulatedRun) -> Vec<f64> {
    run.users.iter().map(|user| user.record.finished_s).collect()
}

#[test]
fn the_same_group_under_all_three_words_costs_what_the_identities_say() {
    let (t0, tk, independent_j) = (5.0, 6.0, 3.0 * 11.0);
    // ΔE = t0(Σδ_k − δ_0) − βΣP, with 3 transmissions of 0.1 J.
    let edge = group(3, SLOW_RADIO, "kind = \"edge\"");
    assert_near(independent_j - edge.ledger.total_j(), t0 * (3.0 - 0.5) - 0.3);
    // ΔE = t0Σ_{k≠ℓ}δ_k − βΣ_{k≠ℓ}P.
    let cluster = group(3, SLOW_RADIO, "kind = \"cluster\"");
    assert_near(independent_j - cluster.ledger.total_j(), t0 * 2.0 - 0.2);
    // A pair and one who is left over.
    let pairs = group(3, SLOW_RADIO, "kind = \"device-to-device\"");
    assert_near(independent_j - pairs.ledger.total_j(), t0 * 1.0 - 0.1);
    assert_near(cluster.ledger.paid_by_j(LedgerPayer::Server), 0.0);
    // E_ℓ = δ_ℓ(t0 + t_ℓ) + βΣP.
    assert_near(cluster.ledger.paid_by_j(LedgerPayer::Device(0)), t0 + tk + 0.2);
}

#[test]
fn with_a_free_radio_a_cluster_saves_exactly_the_shared_steps_of_all_but_one() {
    for count in 1..=4 {
        let run = group(count, FREE_RADIO, "kind = \"cluster\"");
        assert_near(11.0 * count as f64 - run.ledger.total_j(), 5.0 * (count as f64 - 1.0));
    }
}

#[test]
fn a_star_sends_from_the_leader_to_one_after_the_other() {
    let run = group(3, SLOW_RADIO, "kind = \"cluster\"");
    // Its shared steps end at 1.0, its own at 1.6. The others get theirs at 1.5 and 2.0.
    assert_all_near(&finished(&run), &[1.6, 2.1, 2.6]);
    assert!(run.users.iter().all(|user| user.record.journey.leader == Some(0)));
    assert_eq!(served(&run, 0).link, None);
    assert_all_near(&[radio_j(&run, 0), radio_j(&run, 1), radio_j(&run, 2)], &[0.2, 0.0, 0.0]);
    assert_all_near(&[compute_j(&run, 0), compute_j(&run, 1)], &[11.0, 6.0]);
}

#[test]
fn a_chain_composes_the_errors_of_its_hops() {
    let noisy = SLOW_RADIO.replace("bit_error_probability = 0", "bit_error_probability = 0.1");
    let run = group(4, &noisy, "kind = \"cluster\"\ntopology = \"chain\"");
    let links: Vec<_> = (1..4).map(|request| served(&run, request).link.clone().expect("a link")).collect();
    // p_n = (1 − (1 − 2p)^n) / 2.
    let errors: Vec<f64> = links.iter().map(|link| link.bit_error_probability).collect();
    assert_all_near(&errors, &[0.1, 0.18, 0.244]);
    assert_eq!(links.iter().map(|link| link.hops).collect::<Vec<_>>(), [1, 2, 3]);
    let arrived: Vec<f64> = links.iter().map(|link| link.received_s).collect();
    assert_all_near(&arrived, &[1.5, 2.0, 2.5]);
    // Each pays for its own hop.
    assert_all_near(&[0, 1, 2, 3].map(|device| radio_j(&run, device)), &[0.1, 0.1, 0.1, 0.0]);
}

#[test]
fn a_chain_of_two_is_a_star_of_two() {
    let [chain, star] = ["chain", "star"].map(|topology| {
        group(2, SLOW_RADIO, &format!("kind = \"cluster\"\ntopology = \"{topology}\"\nrelay_steps = 2"))
    });
    let records = |run: &SimulatedRun| run.users.iter().map(|user| user.record.clone()).collect::<Vec<_>>();
    assert_eq!(records(&chain), records(&star));
    assert_eq!(chain.ledger, star.ledger);
}

#[test]
fn who_relays_runs_its_steps_before_it_hands_over() {
    let run = group(3, SLOW_RADIO, "kind = \"cluster\"\ntopology = \"chain\"\nrelay_steps = 2");
    // b gets the latent at 1.5, relays 2 steps until 1.7, and is on the air until 2.2 while it works until 2.3.
    let (b, c) = (served(&run, 1), served(&run, 2));
    assert_near(b.finished_s, 2.3);
    assert_eq!((b.t0, c.t0), (5, 7));
    assert_near(c.link.as_ref().expect("a link").received_s, 2.2);
    assert_near(c.finished_s, 2.8);
    // The steps were run for c.
    assert_near(c.shared_compute_j, 5.0 / 3.0 + 2.0);
    assert_all_near(&[compute_j(&run, 0), compute_j(&run, 1), compute_j(&run, 2)], &[11.0, 8.0, 6.0]);
}

#[test]
fn a_long_chain_relays_only_as_many_steps_as_are_left() {
    let run = group(4, SLOW_RADIO, "kind = \"cluster\"\ntopology = \"chain\"\nrelay_steps = 900");
    let (c, d) = (served(&run, 2).t0, served(&run, 3).t0);
    assert!(5 < c && c <= d && d < 11, "{c} and {d} of 11 steps");
}

#[test]
fn a_server_helps_a_cluster_by_sending_to_its_leader_only() {
    let run = group(3, SLOW_RADIO, "kind = \"cluster\"\nwith_server = true");
    // Steps from 0.5 to 1.5, then three times 0.5 s on the air.
    assert_all_near(&finished(&run), &[2.6, 3.1, 3.6]);
    let hops: Vec<u32> = run.users.iter().map(|user| user.record.link.as_ref().expect("a link").hops).collect();
    assert_eq!(hops, [1, 2, 2]);
    assert_near(run.ledger.energy_j(LedgerPayer::Server, LedgerCause::Compute), 2.5);
    assert_near(run.ledger.energy_j(LedgerPayer::Server, LedgerCause::Radio), 0.1);
    assert_near(radio_j(&run, 0), 0.2);
    assert_near(compute_j(&run, 0), 6.0);
}

#[test]
fn a_cluster_of_one_works_alone() {
    let run = group(1, SLOW_RADIO, "kind = \"cluster\"");
    assert_all_near(&finished(&run), &[0.5 + 11.0 * 0.1]);
    assert_eq!(served(&run, 0).link, None);
    assert_near(run.ledger.total_j(), 11.0);
}

#[test]
fn a_group_whose_radio_costs_more_than_it_saves_is_not_made() {
    // Two transmissions of 4.9 or 5.1 J against twice 5 steps.
    let radio = |energy: f64| SLOW_RADIO.replace("0.01", &(energy / 10.0).to_string());
    let saving = group(3, &radio(4.9), "kind = \"cluster\"");
    assert_near(saving.ledger.total_j(), 23.0 + 9.8);
    let losing = group(3, &radio(5.1), "kind = \"cluster\"");
    assert_near(losing.ledger.total_j(), 33.0);
    assert!(losing.users.iter().all(|user| user.record.journey.group_size == 1));
}

#[test]
fn the_lead_goes_to_who_has_the_most_energy_left() {
    let names = ["a", "b"];
    let rows: Vec<_> = [0.0, 10.0, 20.0].into_iter().flat_map(|time_s| names.map(|name| (time_s, name))).collect();
    let trace = Trace::of(&rows);
    let device = |(name, battery_j): (&str, f64)| {
        format!("[[device]]\nname = \"{name}\"\n{}\n", device_keys(&format!("battery_j = {battery_j}")))
    };
    let devices: String = [("a", 100.0), ("b", 103.0)].into_iter().map(device).collect();
    let rest = format!("{WINDOW}[architecture]\nkind = \"cluster\"\nelection = \"residual-energy\"");
    let run = Network { demand: &trace.demand(""), devices: &devices, rest: &rest, ..Network::default() }.run();
    // b has 103 and pays 11, a 100 and pays 6; then 92 and 94; then 86 and 83.
    let leaders: Vec<_> = run.users.iter().map(|user| user.record.journey.leader).collect();
    assert_eq!(leaders, [1, 1, 0, 0, 1, 1].map(Some));
}

#[test]
fn a_leader_that_cannot_pay_is_passed_over_and_where_nobody_can_all_fail() {
    let trace = Trace::of(&[(0.0, "a"), (0.0, "b")]);
    let with = |batteries: [f64; 2]| {
        let device = |(name, battery_j): (&str, f64)| {
            format!("[[device]]\nname = \"{name}\"\n{}\n", device_keys(&format!("battery_j = {battery_j}")))
        };
        let devices: String = ["a", "b"].into_iter().zip(batteries).map(device).collect();
        let rest = format!("{WINDOW}[architecture]\nkind = \"cluster\"");
        Network { demand: &trace.demand(""), devices: &devices, rest: &rest, ..Network::default() }.run()
    };
    let run = with([10.9, 11.1]);
    assert!(run.users.iter().all(|user| user.record.journey.leader == Some(1)));
    let run = with([4.0, 4.0]);
    assert_eq!((run.users.len(), run.books.unserved.len()), (0, 2));
    assert_near(run.ledger.total_j(), 0.0);
}

#[test]
fn whoever_is_left_of_a_servers_cluster_gets_the_latent_from_a_leader_of_their_own() {
    // a keeps the server busy until 1.1; the group of c and b waits from 0.3 on, and c, which leads it, leaves at 1.075.
    let trace = Trace::of(&[(0.0, "a"), (0.2, "c"), (0.25, "b")]);
    let rest =
        "[grouping]\nwindow_s = 0.1\nsimilarity_threshold = -1\n[architecture]\nkind = \"cluster\"\nwith_server = true";
    let devices = devices(&["a", "c", "b"], "");
    let demand = trace.demand("patience = 0.875");
    let run = Network { demand: &demand, devices: &devices, rest, ..Network::default() }.run();
    assert_eq!(run.books.unserved.len(), 1);
    let record = served(&run, 2);
    assert_eq!((record.journey.leader, record.journey.group_size), (Some(2), 1));
}
