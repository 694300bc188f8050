//! Links in the results of a run: what is drawn, what follows from it, and what stays the same.

use crate::program::{Csv, Workplace, assert_close};
use crate::tiny_pack::TinyPack;

/// Devices at fixed distances over links that are drawn.
fn drawn(pack: &TinyPack, devices: usize) -> String {
    let mut text = format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n\
         [study]\nname = \"links\"\nreplications = 2\n\
         [diffusion]\nsteps = 2\nguidance = 1.0\nmetrics_against = []\n\
         [server]\nprompt = \"a b\"\n\
         [radio]\ncarrier_hz = 2e9\nnoise_figure_db = 5.0\n\
         [policy]\nt0 = 1\ntk = 0\ntx_power_w = 0.8\n[judge]\nkind = \"none\"\n\
         [sweep]\nradio.bandwidth_hz = [5e6, 20e6]\n",
        pack.root().display()
    );
    for distance_m in [600, 900, 1200].iter().take(devices) {
        text += &format!("[[device]]\nprompt = \"a b\"\ndistance_m = {distance_m}\n");
    }
    text
}

#[test]
fn snr_and_bit_error_probability_follow_from_power_path_loss_and_the_drawn_gain() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("links.toml", &drawn(&pack, 2));
    workplace.run(&["run", "links.toml", "--out", "out"]).assert_done();
    let requests = workplace.csv("out/requests.csv");
    assert_eq!(requests.rows.len(), 2 * 2 * 2);
    for row in 0..requests.rows.len() {
        let number = |column: &str| requests.number(row, column);
        // TR 38.901 Table 7.4.1-1, UMa NLOS, antennas at 25 m and 1.5 m.
        let d_3d = number("distance_m").hypot(25.0 - 1.5);
        let path_loss_db = 13.54 + 39.08 * d_3d.log10() + 20.0 * 2_f64.log10();
        assert!((number("path_loss_db") - path_loss_db).abs() < 1e-9, "{} {path_loss_db}", number("path_loss_db"));
        let noise_dbw = -204.0 + 10.0 * number("radio.bandwidth_hz").log10() + 5.0;
        let snr_db = 10.0 * (number("tx_power_w") * number("fading_gain")).log10() - path_loss_db - noise_dbw;
        assert!((number("snr_db") - snr_db).abs() < 1e-9, "{} {snr_db}", number("snr_db"));
        // BPSK: Q(√(2γ)) = erfc(√γ) / 2.
        let expected = libm::erfc(10_f64.powf(snr_db / 10.0).sqrt()) / 2.0;
        let found = number("bit_error_probability");
        assert!((found - expected).abs() < 1e-9 * expected + 1e-300, "{found} {expected}");
        // The calculator is another way to the same number.
        let snr = format!("{snr_db}");
        let answer = workplace.run(&["bep", "--modulation", "bpsk", "--json", "--snr-db", &snr]).assert_done();
        let answer: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
        let calculated = answer[0]["bit_error_probability"].as_f64().expect("a number");
        assert!((found - calculated).abs() < 1e-9 * calculated + 1e-300, "{found} {calculated}");
        // Five standard deviations of a binomial draw.
        let (bits, flipped) = (number("latent_bits"), number("flipped_bits"));
        assert!(
            (flipped - bits * found).abs() <= 5.0 * (bits * found * (1.0 - found)).sqrt() + 1.0,
            "{flipped} {found}"
        );
    }
}

/// The column, for the rows of these devices.
fn of_devices<'a>(table: &'a Csv, devices: &[&str], column: &str) -> Vec<&'a str> {
    (0..table.rows.len())
        .filter(|&row| devices.contains(&table.cell(row, "device")))
        .map(|row| table.cell(row, column))
        .collect()
}

#[test]
fn draws_stay_the_same_over_a_sweep_and_when_a_device_is_added_and_differ_between_replications() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("two.toml", &drawn(&pack, 2));
    workplace.write("three.toml", &drawn(&pack, 3));
    workplace.run(&["run", "two.toml", "--out", "two"]).assert_done();
    workplace.run(&["run", "three.toml", "--out", "three"]).assert_done();
    let (two, three) = (workplace.csv("two/requests.csv"), workplace.csv("three/requests.csv"));
    let both = ["device-1", "device-2"];
    for column in ["fading_gain", "snr_db", "bit_error_probability", "flipped_bits"] {
        assert_eq!(of_devices(&two, &both, column), of_devices(&three, &both, column), "{column}");
    }
    let gains = two.column("fading_gain");
    let (narrow, wide) = gains.split_at(4);
    assert_eq!(narrow, wide, "points of a sweep see the same channel");
    let mut different = narrow.to_vec();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 4, "each device and replication has its own draw: {narrow:?}");
}

#[test]
fn airtime_is_that_of_the_specification_for_each_codec_and_modulation() {
    // The figures are for 16,384 values over 5 MHz: the tiny pack's 16 take as long over a 1,024th of it.
    let pack = TinyPack::new();
    let text = format!(
        "[models]\ndiffusion = '{}'\n[diffusion]\nsteps = 1\nguidance = 1.0\nmetrics_against = []\n\
         [server]\nprompt = \"a b\"\n[radio]\nbandwidth_hz = 4882.8125\nheader_bits = 0\nbit_error_probability = 0.0\n\
         [judge]\nkind = \"none\"\n[[device]]\nprompt = \"a b\"\n[policy]\nt0 = 1\ntk = 0\n\
         [sweep]\ndiffusion.codec = [\"fp32\", \"fp16\", \"int8\"]\nradio.modulation = [\"bpsk\", \"qpsk\", \"qam16\"]\n",
        pack.root().display()
    );
    let workplace = Workplace::with("air.toml", &text);
    workplace.run(&["run", "air.toml"]).assert_done();
    let requests = workplace.csv("results/air/requests.csv");
    let mut checked = 0;
    for row in 0..requests.rows.len() {
        let (codec, modulation) = (requests.cell(row, "diffusion.codec"), requests.cell(row, "radio.modulation"));
        let bits: f64 = match codec {
            "fp32" => 524_288.0,
            "fp16" => 262_144.0,
            _ => 131_072.0,
        };
        let bits_per_symbol = match modulation {
            "bpsk" => 1.0,
            "qpsk" => 2.0,
            _ => 4.0,
        };
        assert_close(requests.number(row, "airtime_s"), bits / (5e6 * bits_per_symbol * 0.75));
        // β = airtime / η_PA, where the scenario does not give it.
        let beta = requests.number(row, "airtime_s") / 0.35;
        assert_close(requests.number(row, "transmit_energy_j"), beta * requests.number(row, "tx_power_w"));
        let milliseconds = match (codec, modulation) {
            ("fp32", "bpsk") => 139.81,
            ("fp16", "qpsk") => 34.95,
            ("int8", "qpsk") => 17.48,
            ("int8", "qam16") => 8.74,
            _ => continue,
        };
        assert!((1e3 * requests.number(row, "airtime_s") - milliseconds).abs() < 0.005, "{codec} {modulation}");
        checked += 1;
    }
    assert_eq!((checked, requests.rows.len()), (4, 9));
}
