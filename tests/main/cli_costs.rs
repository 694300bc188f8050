//! Energy and time of a run against numbers worked out by hand.

use crate::program::{Csv, Workplace, assert_close};
use crate::small_study::{models, small};

/// The paper's Fig. 12: E_T = 20, β = 0.1, δ_0 = 0.5, δ_k = 1, E_k = 8, t0 = 3, tk = (5, 7), P = (18, 21) dBW.
fn fig12() -> String {
    models()
        + r#"
[study]
name = "fig12"
[diffusion]
guidance = 1.0
[server]
prompt = "a tiger sits in front of a bush"
step_energy_j = 0.5
step_time_s = 0.05
energy_budget_j = 20.0
[radio]
energy_per_watt_j = 0.1
bit_error_probability = 0.05
[[device]]
prompt = "a tiger sits in front of a bush"
step_energy_j = 1.0
step_time_s = 0.4
energy_budget_j = 8.0
[[device]]
prompt = "a dog sits in front of a bush"
step_energy_j = 1.0
step_time_s = 0.4
energy_budget_j = 6.5
[policy]
t0 = 3
tk = [5, 7]
tx_power_dbw = [18.0, 21.0]
"#
}

/// Sum of the ledger's rows that `select` takes.
fn booked(ledger: &Csv, select: impl Fn(&str, &str) -> bool) -> f64 {
    (0..ledger.rows.len())
        .filter(|&row| select(ledger.cell(row, "payer"), ledger.cell(row, "cause")))
        .map(|row| ledger.number(row, "energy_j"))
        .sum()
}

#[test]
fn the_papers_fig_12_costs_what_its_equations_say() {
    let workplace = Workplace::with("fig12.toml", &fig12());
    let outcome = workplace.run(&["run", "fig12.toml", "--threads", "1"]).assert_done();
    let (requests, runs, ledger) = (
        workplace.csv("results/fig12/requests.csv"),
        workplace.csv("results/fig12/runs.csv"),
        workplace.csv("results/fig12/ledger.csv"),
    );
    // (24): δ_0 t0 + β ΣP = 1.5 + 0.1 (10^1.8 + 10^2.1) = 20.399, 0.399 over E_T.
    let radio = 0.1 * (10_f64.powf(1.8) + 10_f64.powf(2.1));
    assert!((1.5 + radio - 20.399).abs() < 5e-4);
    for (column, expected) in [
        ("server_compute_j", 0.5 * 3.0),
        ("server_radio_j", radio),
        ("device_compute_j", 5.0 + 7.0),
        ("device_radio_j", 0.0),
        ("total_j", 1.5 + radio + 12.0),
        // 6 fewer steps on the devices, everything of the server on top: −14.4 in all (`spec` 1.2).
        ("device_side_saving_j", 6.0),
        ("server_side_saving_j", -1.5 - radio),
        ("network_wide_saving_j", 6.0 - 1.5 - radio),
        ("server_over_budget_j", 1.5 + radio - 20.0),
    ] {
        assert_close(runs.number(0, column), expected);
    }
    assert!((runs.number(0, "network_wide_saving_j") + 14.4).abs() < 2e-3);
    // (22): 5 of 8 is within the budget, 7 of 6.5 is not.
    assert_eq!(requests.numbers("device_over_budget_j"), [0.0, 0.5]);
    let broken = runs.cell(0, "broken_constraints");
    assert_eq!(broken, "server (24) by 0.398828 J; device-2 (22) by 0.500000 J");
    for line in ["over budget: server breaks constraint (24)", "0.399 J too much", "over budget: device-2", "0.500 J"] {
        assert!(outcome.stdout.contains(line), "{}", outcome.stdout);
    }
    for (column, expected) in [
        ("tx_power_w", [10_f64.powf(1.8), 10_f64.powf(2.1)]),
        ("transmit_energy_j", [0.1 * 10_f64.powf(1.8), 0.1 * 10_f64.powf(2.1)]),
        ("compute_energy_j", [5.0, 7.0]),
    ] {
        for (row, expected) in expected.into_iter().enumerate() {
            assert_close(requests.number(row, column), expected);
        }
    }
    assert_close(booked(&ledger, |_, _| true), runs.number(0, "total_j"));
    assert_close(booked(&ledger, |payer, cause| (payer, cause) == ("device-2", "compute")), 7.0);

    // TDMA: the second latent waits for the airtime of the first, (8 · 1024 + 512) bits over 5 MHz · 0.75.
    let air = (8.0 * 1024.0 + 512.0) / (5e6 * 0.75);
    for (column, expected) in [
        ("airtime_s", [air, air]),
        ("server_finished_s", [0.15, 0.15]),
        ("transmit_start_s", [0.15, 0.15 + air]),
        ("received_s", [0.15 + air, 0.15 + 2.0 * air]),
        ("latency_s", [0.15 + air + 5.0 * 0.4, 0.15 + 2.0 * air + 7.0 * 0.4]),
    ] {
        for (row, expected) in expected.into_iter().enumerate() {
            assert_close(requests.number(row, column), expected);
        }
    }
    let times = ledger.numbers("time_s");
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_device_that_only_decodes_and_both_ways_of_multiple_access_take_the_time_and_energy_worked_out_by_hand() {
    let workplace = Workplace::with("small.toml", &small());
    workplace.run(&["run", "small.toml", "--threads", "1"]).assert_done();
    let (requests, runs, ledger) = (
        workplace.csv("results/small/requests.csv"),
        workplace.csv("results/small/runs.csv"),
        workplace.csv("results/small/ledger.csv"),
    );
    let access = requests.column("radio.multiple_access");
    assert_eq!(access, ["tdma", "tdma", "ofdma", "ofdma"]);
    assert_eq!(requests.column("device"), ["phone", "tablet", "phone", "tablet"]);
    let tdma = (8.0 * 1024.0 + 512.0) / (1e6 * 2.0 * 0.75);
    // Half the band for each of the two: twice the time.
    let ofdma = 2.0 * tdma;
    for (column, expected) in [
        ("airtime_s", [tdma, tdma, ofdma, ofdma]),
        ("transmit_start_s", [1.0, 1.0 + tdma, 1.0, 1.0]),
        // t0 · 0.5 s, waiting, airtime, tk · step time, decoding
        ("latency_s", [1.0 + tdma + 0.03, 1.0 + 2.0 * tdma + 0.5, 1.0 + ofdma + 0.03, 1.0 + ofdma + 0.5]),
        ("receive_energy_j", [1.5 * tdma, 0.0, 1.5 * ofdma, 0.0]),
        ("compute_energy_j", [0.125, 6.0, 0.125, 6.0]),
        ("transmit_energy_j", [0.04, 0.08, 0.04, 0.08]),
        ("tk", [0.0, 2.0, 0.0, 2.0]),
        ("latent_bits", [8192.0; 4]),
        ("transmitted_bits", [8704.0; 4]),
    ] {
        for (row, expected) in expected.into_iter().enumerate() {
            assert_close(requests.number(row, column), expected);
        }
    }
    assert!(requests.column("picture_status").iter().all(|status| *status == "ok"));
    for (row, air) in [tdma, ofdma].into_iter().enumerate() {
        for (column, expected) in [
            ("server_compute_j", 2.0 * 0.25),
            ("server_radio_j", 0.01 * (4.0 + 8.0)),
            ("device_compute_j", 6.125),
            ("device_radio_j", 1.5 * air),
            ("total_j", 0.5 + 0.12 + 6.125 + 1.5 * air),
            // Alone: 2 steps of 2 J and decoding, 4 steps of 3 J.
            ("device_side_saving_j", 4.125 + 12.0 - 6.125 - 1.5 * air),
        ] {
            assert_close(runs.number(row, column), expected);
        }
        assert_eq!(runs.cell(row, "server_over_budget_j"), "", "there is no budget to keep");
        assert_eq!(runs.cell(row, "broken_constraints"), "");
        let of_run = Csv {
            columns: ledger.columns.clone(),
            rows: ledger.rows.iter().filter(|cells| cells["point"] == row.to_string()).cloned().collect(),
        };
        assert_close(booked(&of_run, |_, _| true), runs.number(row, "total_j"));
        for (column, payer, cause) in [
            ("server_compute_j", "server", "compute"),
            ("server_radio_j", "server", "radio"),
            ("device_compute_j", "", "compute"),
            ("device_radio_j", "", "radio"),
        ] {
            let found = booked(&of_run, |p, c| c == cause && (p == "server") == (payer == "server"));
            assert_close(runs.number(row, column), found);
        }
    }
}

#[test]
fn without_shared_steps_nothing_is_sent_and_the_devices_pay_for_everything() {
    let text = small()
        .replace("t0 = 2\ntk = [0, 2]", "t0 = 0\ntk = [2, 1]")
        .replace("[sweep]\nradio.multiple_access = [\"tdma\", \"ofdma\"]", "");
    let workplace = Workplace::with("alone.toml", &text);
    workplace.run(&["run", "alone.toml", "--threads", "1", "--out", "out"]).assert_done();
    let (requests, runs) = (workplace.csv("out/requests.csv"), workplace.csv("out/runs.csv"));
    for column in [
        "server_prompt",
        "tx_power_w",
        "path_loss_db",
        "fading_gain",
        "snr_db",
        "bit_error_probability",
        "transmitted_bits",
        "latent_bits",
        "flipped_bits",
        "non_finite_values",
        "out_of_range_values",
        "airtime_s",
        "server_finished_s",
        "transmit_start_s",
        "received_s",
        "transmit_energy_j",
        "receive_energy_j",
    ] {
        assert_eq!(requests.column(column), ["", ""], "{column}");
    }
    for (row, (latency, energy)) in [(2.0 * 0.75 + 0.03, 2.0 * 2.0 + 0.125), (0.25, 3.0)].into_iter().enumerate() {
        assert_close(requests.number(row, "latency_s"), latency);
        assert_close(requests.number(row, "compute_energy_j"), energy);
        assert_eq!(requests.cell(row, "ssim_error_free"), "1.0", "its own error-free picture");
        assert_eq!(requests.cell(row, "psnr_error_free_db"), "inf");
    }
    for column in
        ["server_compute_j", "server_radio_j", "device_radio_j", "device_side_saving_j", "network_wide_saving_j"]
    {
        assert_eq!(runs.cell(0, column), "0.0", "{column}");
    }
    let ledger = workplace.csv("out/ledger.csv");
    assert_eq!(ledger.column("payer"), ["tablet", "phone"]);
}
