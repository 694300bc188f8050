//! Latents on the air, in time.

use latentlink::network::{LedgerCause, LedgerPayer, LinkRecord, SimulatedRun};

use crate::network_runs::{FREE_RADIO, Network, SLOW_RADIO, Trace, assert_all_near, assert_near, devices, served};

const GROUP: &str = "[grouping]\nwindow_s = 0.5\nsimilarity_threshold = -1\n";

fn link(run: &SimulatedRun, request: u64) -> &LinkRecord {
    served(run, request).link.as_ref().expect("something was sent")
}

/// When the latents of a group of three, whose shared steps end at 1.5, begin and end.
fn on_air(access: &str) -> (Vec<f64>, Vec<f64>) {
    let names = ["a", "b", "c"];
    let trace = Trace::of(&names.map(|name| (0.0, name)));
    let radio = format!("{SLOW_RADIO}\n{access}");
    let devices = devices(&names, "");
    let run =
        Network { demand: &trace.demand(""), radio: &radio, devices: &devices, rest: GROUP, ..Network::default() };
    let run = run.run();
    let links: Vec<_> = (0..3).map(|request| link(&run, request).clone()).collect();
    (links.iter().map(|link| link.transmit_start_s).collect(), links.iter().map(|link| link.received_s).collect())
}

#[test]
fn tdma_sends_one_after_the_other_and_ofdma_side_by_side() {
    let (starts, ends) = on_air("multiple_access = \"tdma\"");
    assert_all_near(&starts, &[1.5, 2.0, 2.5]);
    assert_all_near(&ends, &[2.0, 2.5, 3.0]);
    // A third of the bandwidth takes three times as long.
    let (starts, ends) = on_air("multiple_access = \"ofdma\"\nchannels = 3");
    assert_all_near(&starts, &[1.5, 1.5, 1.5]);
    assert_all_near(&ends, &[3.0, 3.0, 3.0]);
    // Half of it: two at once, the third when a channel is free.
    let (starts, ends) = on_air("multiple_access = \"ofdma\"\nchannels = 2");
    assert_all_near(&starts, &[1.5, 1.5, 2.5]);
    assert_all_near(&ends, &[2.5, 2.5, 3.5]);
}

/// A link of −100 dB without fading of 5 MHz, and further keys.
fn drawn(keys: &str, rest: &str, rows: &[(f64, &str)], devices: &str) -> SimulatedRun {
    let trace = Trace::of(rows);
    let radio = format!(
        "bandwidth_hz = 5e6\nnoise_figure_db = 7\npath_loss = {{ kind = \"fixed-gain\", gain_db = -100 }}\n{keys}"
    );
    Network { demand: &trace.demand(""), radio: &radio, devices, rest, ..Network::default() }.run()
}

/// P·G / N with N = −204 + 10 log₁₀ B + NF of the link above at 10 W [dB].
fn mean_snr_db() -> f64 {
    10.0 - 100.0 + 204.0 - 10.0 * 5e6_f64.log10() - 7.0
}

#[test]
fn the_gain_stays_the_same_within_a_coherence_block_and_no_longer() {
    let keys = "fading = \"rayleigh\"\nfading_process = \"block\"\ncoherence_time_s = 10";
    // Sent a second later each.
    let rows = [(0.0, "a"), (0.5, "b"), (4.0, "a"), (12.0, "a"), (17.0, "a")];
    let run = drawn(keys, "", &rows, &devices(&["a", "b"], ""));
    let gains: Vec<f64> = (0..5).map(|request| link(&run, request).fading_gain.expect("it is drawn")).collect();
    assert_eq!(gains[0], gains[2]);
    assert_eq!(gains[3], gains[4]);
    assert!(gains[0] != gains[3] && gains[0] != gains[1], "{gains:?}");
    for request in 0..5 {
        let snr_db = mean_snr_db() + 10.0 * gains[request as usize].log10();
        assert_near(link(&run, request).snr_db.expect("it is drawn"), snr_db);
    }
}

#[test]
fn a_noise_rise_takes_its_decibels_from_the_signal_to_noise_ratio() {
    let run = drawn("fading = \"none\"\nnoise_rise_db = 3", "", &[(0.0, "a")], &devices(&["a"], ""));
    assert_near(link(&run, 0).snr_db.expect("it is drawn"), mean_snr_db() - 3.0);
}

#[test]
fn a_noise_rise_that_follows_the_load_is_there_while_the_other_cell_is_on_the_air() {
    let device =
        |name: &str, x_m: f64| format!("[[device]]\nname = \"{name}\"\nprompt = \"a dog\"\nx_m = {x_m}\ny_m = 0\n");
    let devices = device("west", -400.0) + &device("east", 400.0);
    let rest = "[[cell]]\nx_m = -500\ny_m = 0\n[[cell]]\nx_m = 500\ny_m = 0";
    // On the air for 8704 / (5 MHz · 0.75) = 2.32 ms: the second while the first is, the third alone.
    let keys = "fading = \"none\"\nnoise_rise_db = 3\nnoise_rise_follows_load = true";
    let run = drawn(keys, rest, &[(0.0, "west"), (0.001, "east"), (1.0, "west")], &devices);
    let snr_db = |request| link(&run, request).snr_db.expect("it is drawn");
    assert_near(snr_db(0), mean_snr_db());
    assert_near(snr_db(1), mean_snr_db() - 3.0);
    assert_near(snr_db(2), mean_snr_db());
}

#[test]
fn a_device_on_the_move_is_served_by_the_nearest_cell_at_each_request() {
    let track = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(track.path(), "device,time_s,x_m,y_m\na,0,0,0\na,10,1000,0\n").expect("it can be written");
    let rest = format!(
        "[[cell]]\nx_m = 0\ny_m = 0\n[[cell]]\nx_m = 1000\ny_m = 0\n[mobility]\nkind = \"trace\"\nfile = {:?}",
        track.path()
    );
    let trace = Trace::of(&[(1.0, "a"), (4.0, "a"), (9.0, "a")]);
    let run =
        Network { demand: &trace.demand(""), devices: &devices(&["a"], ""), rest: &rest, ..Network::default() }.run();
    let journeys: Vec<_> = (0..3).map(|request| served(&run, request).journey.clone()).collect();
    assert_eq!(journeys.iter().map(|journey| journey.cell).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(journeys.iter().map(|journey| journey.is_handover).collect::<Vec<_>>(), [false, false, true]);
    let distances: Vec<f64> = journeys.iter().map(|journey| journey.distance_m).collect();
    assert_all_near(&distances, &[100.0, 400.0, 100.0]);
    // A server for each cell: nobody waits.
    assert_near(served(&run, 2).finished_s, 10.6);
}

#[test]
fn repetition_takes_its_rounds_and_its_round_trips_and_leaves_what_it_cannot_mend() {
    let hopeless = SLOW_RADIO.replace("bit_error_probability = 0", "bit_error_probability = 0.5");
    let radio = format!(
        "{hopeless}\nprotection = {{ kind = \"arq\", block_bits = 1024, maximum_attempts = 3, round_trip_s = 0.25 }}"
    );
    let trace = Trace::of(&[(0.0, "a")]);
    let run = Network { demand: &trace.demand(""), radio: &radio, devices: &devices(&["a"], ""), ..Network::default() };
    let run = run.run();
    let link = link(&run, 0);
    assert_eq!((link.residual_blocks, link.attempts), (8, 3.0));
    // 8 blocks of 1024 bits with 24 of the check, three times; 8192 bits take 0.5 s and 0.1 J.
    let on_air_s = 0.5 * 3.0 * 1048.0 / 1024.0;
    assert_near(link.airtime_s, on_air_s + 2.0 * 0.25);
    assert_near(link.received_s, 1.0 + on_air_s + 0.5);
    assert_near(run.ledger.energy_j(LedgerPayer::Server, LedgerCause::Radio), 0.1 * on_air_s / 0.5);
    assert_eq!(link.transmitted_bits, 3 * 8 * 1048);
}

#[test]
fn the_receiver_pays_while_it_listens() {
    let trace = Trace::of(&[(0.0, "a")]);
    let devices = devices(&["a"], "receive_power_w = 2");
    let run = Network { demand: &trace.demand(""), radio: SLOW_RADIO, devices: &devices, ..Network::default() }.run();
    assert_near(run.ledger.energy_j(LedgerPayer::Device(0), LedgerCause::Radio), 1.0);
    assert_near(link(&run, 0).receive_energy_j, 1.0);
}

#[test]
fn a_free_radio_takes_no_time() {
    let trace = Trace::of(&[(0.0, "a")]);
    let devices = devices(&["a"], "");
    let run = Network { demand: &trace.demand(""), radio: FREE_RADIO, devices: &devices, ..Network::default() }.run();
    assert_near(link(&run, 0).received_s, 1.0);
}
