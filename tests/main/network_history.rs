//! What a multistep sampler's history costs where it crosses links and lies in caches.

use latentlink::diffusion::graph::Operation;
use latentlink::network::{LedgerCause, LedgerPayer, SimulatedRun, simulate};

use crate::network_runs::{Network, SLOW_RADIO, Trace, assert_near, context, devices, served};

const SEND_PNDM: &str = "[diffusion]\nsampler = \"pndm\"\nhistory = \"send\"\n";
const SEND_DPM_SOLVER: &str = "[diffusion]\nsampler = \"dpm-solver++\"\nhistory = \"send\"\n";
const RESTART: &str = "[diffusion]\nsampler = \"pndm\"\nhistory = \"restart\"\n";

/// One request over a radio on which a latent of 8192 bits takes 0.5 s and 0.1 J.
fn one(t0: u32, radio: &str, rest: &str) -> SimulatedRun {
    let trace = Trace::of(&[(0.0, "a")]);
    let policy = format!("t0 = {t0}\ntk = 6\ntx_power_w = 10");
    let devices = devices(&["a"], "receive_power_w = 2");
    Network { demand: &trace.demand(""), radio, policy: &policy, devices: &devices, rest, ..Network::default() }.run()
}

#[test]
fn each_earlier_output_that_is_sent_costs_the_bits_airtime_and_energy_of_a_latent() {
    for (rest, t0, tensors) in [
        (SEND_PNDM, 1, 2.0),
        (SEND_PNDM, 2, 3.0),
        (SEND_PNDM, 3, 4.0),
        (SEND_PNDM, 5, 4.0),
        (SEND_DPM_SOLVER, 1, 2.0),
        (SEND_DPM_SOLVER, 5, 2.0),
        (RESTART, 5, 1.0),
        ("", 5, 1.0),
    ] {
        // β given, and β from airtime and an amplifier of 50 %: 0.5 s / 0.5 · 10 W.
        let derived = SLOW_RADIO.replace("energy_per_watt_j = 0.01", "amplifier_efficiency = 0.5");
        for (radio, energy_j) in [(SLOW_RADIO, 0.1), (derived.as_str(), 10.0)] {
            let run = one(t0, radio, rest);
            let link = served(&run, 0).link.clone().expect("a link");
            assert_eq!((link.payload_bits, link.transmitted_bits), (8192 * tensors as u64, 8192 * tensors as u64));
            assert_near(link.airtime_s, 0.5 * tensors);
            assert_near(link.transmit_energy_j, energy_j * tensors);
            assert_near(link.receive_energy_j, 2.0 * 0.5 * tensors);
            assert_near(run.ledger.energy_j(LedgerPayer::Server, LedgerCause::Radio), energy_j * tensors);
        }
    }
}

#[test]
fn a_header_is_sent_once_whatever_goes_along() {
    let run = one(5, &SLOW_RADIO.replace("header_bits = 0", "header_bits = 1000"), SEND_PNDM);
    assert_eq!(served(&run, 0).link.as_ref().expect("a link").payload_bits, 4 * 8192 + 1000);
}

#[test]
fn devices_hand_the_history_on_as_it_is_after_the_steps_that_they_relay() {
    let trace = Trace::of(&[(0.0, "a"), (0.0, "b"), (0.0, "c")]);
    let rest = format!(
        "{SEND_PNDM}[grouping]\nwindow_s = 0.5\nsimilarity_threshold = -1\n[architecture]\ndevice_distance_m = 10\n\
         kind = \"cluster\"\ntopology = \"chain\"\nrelay_steps = 1\n"
    );
    let devices = devices(&["a", "b", "c"], "");
    let policy = "t0 = 2\ntk = 6\ntx_power_w = 10";
    let network = Network {
        demand: &trace.demand(""),
        radio: SLOW_RADIO,
        policy,
        devices: &devices,
        rest: &rest,
        ..Network::default()
    };
    let run = network.run();
    // After two steps two outputs go along, after the relayed third one three.
    let bits = |request| served(&run, request).link.as_ref().expect("a link").payload_bits;
    assert_eq!((bits(1), bits(2)), (3 * 8192, 4 * 8192));
    // The steps of the relay go by what was received, and so do those behind it.
    let context = context(&network.toml(), |book| book, true);
    let run = simulate(context).expect("a good run");
    let graph = run.recorder.graph();
    let history: Vec<usize> = graph
        .ancestors(&[served(&run, 2).picture])
        .into_iter()
        .filter_map(|id| match graph.operation(id) {
            Operation::Denoise { step, .. } => Some(step.earlier_outputs()),
            Operation::Corrupt { channel, .. } => Some(100 + channel.history as usize),
            _ => None,
        })
        .collect();
    assert_eq!(history, [0, 1, 102, 2, 103, 3, 3, 3, 3, 3, 3]);
}

#[test]
fn a_cache_holds_the_history_of_what_it_keeps_where_that_is_sent() {
    let largest_bytes = |diffusion: &str| {
        let run = one(5, SLOW_RADIO, &format!("{diffusion}[cache]\nsteps = [1, 2, 5]\n"));
        run.books.largest_cache_bytes
    };
    // fp32 latents of 1024 values, after the first, second and fifth step.
    let latent = 4096;
    let without = largest_bytes(RESTART);
    assert_eq!(largest_bytes(SEND_PNDM), without + (1 + 2 + 3) * latent);
    assert_eq!(largest_bytes(SEND_DPM_SOLVER), without + 3 * latent);
}

#[test]
fn policies_divide_what_the_budget_leaves_for_latents_with_their_history() {
    for (diffusion, tensors) in [(RESTART, 1.0), (SEND_DPM_SOLVER, 2.0), (SEND_PNDM, 4.0)] {
        let trace = Trace::of(&[(0.0, "a")]);
        let network = Network {
            demand: &trace.demand(""),
            server: "step_time_s = 0.2\nstep_energy_j = 0.5\nenergy_budget_j = 20",
            radio: SLOW_RADIO,
            policy: "kind = \"equal\"\nt0 = 5\ntk = 6",
            devices: &devices(&["a"], ""),
            rest: diffusion,
        };
        let run = network.run();
        // β ΣP = E_T − δ_0 t0.
        let link = served(&run, 0).link.clone().expect("a link");
        assert_near(link.tx_power_w, 17.5 / (0.01 * tensors));
        assert_near(run.ledger.paid_by_j(LedgerPayer::Server), 20.0);
    }
}
