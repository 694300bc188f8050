//! A network in time through the program: its tables do not depend on threads, and caches and protection show in the pictures.

use crate::program::{Csv, Workplace};
use crate::small_study::models;

const SURFACE: &str = "[judge]\nkind = \"surface\"\nsimilarity = 0.9\n";

/// Many requests of everything that is drawn.
fn busy() -> String {
    models().replace("[judge]\nkind = \"none\"\n", SURFACE)
        + r#"
[study]
name = "busy"
replications = 3
[demand]
arrivals = { kind = "mmpp", rates_hz = [1, 6], sojourns_s = [5, 5] }
requests = 500
prompts = ["a dog", "a cat", "a car"]
zipf_exponent = 1
patience = { kind = "exponential", mean_s = 3 }
retries = 1
[server]
step_time_cv = 0.5
queue_capacity = 4
[grouping]
window_s = 0.2
[cache]
capacity_entries = 2
sharing = "everyone"
[cells]
count = 2
spacing_m = 400
[mobility]
kind = "random-waypoint"
speed_min_mps = 1
speed_max_mps = 10
[[device]]
name = "phone"
prompt = "a dog"
count = 20
placement = "area"
battery_j = 200
recharge_w = 3
[[fault]]
kind = "server-outage"
rate_hz = 0.05
duration_s = 1
[[fault]]
kind = "device-away"
rate_hz = 0.01
duration_s = 5
[policy]
t0 = 4
tk = 3
[sweep]
"server.workers" = [1, 2]
"#
}

#[test]
fn the_tables_of_a_network_in_time_are_the_same_with_any_number_of_threads() {
    let workplace = Workplace::with("busy.toml", &busy());
    for (out, threads) in [("one", "1"), ("two", "2"), ("again", "2")] {
        workplace.run(&["run", "busy.toml", "--out", out, "--threads", threads]).assert_done();
    }
    for table in ["requests.csv", "runs.csv", "summary.csv"] {
        let one = workplace.read(&format!("one/{table}"));
        assert!(!one.is_empty());
        assert!(one == workplace.read(&format!("two/{table}")), "{table} depends on the threads");
        assert!(one == workplace.read(&format!("again/{table}")), "{table} is another one the second time");
    }
    // 2 points × 3 replications, each request once.
    let requests = workplace.csv("one/requests.csv");
    assert_eq!(requests.rows.len(), 2 * 3 * 500);
}

/// A dog, and half a minute later another one; the link does nothing to the latents.
fn two_dogs(rest: &str) -> Csv {
    let workplace = Workplace::with("dogs.toml", "");
    workplace.write("trace.csv", "arrival_s,device\n0,phone\n30,phone\n");
    let scenario = models()
        + r#"
[study]
name = "dogs"
[diffusion]
steps = 5
codec = "fp32"
sanitize = "none"
[demand]
arrivals = { kind = "trace", file = "trace.csv" }
start_latent = "shared"
[radio]
bit_error_probability = 0
[[device]]
name = "phone"
prompt = "a dog sits in front of a bush"
[policy]
t0 = 3
tk = 2
"# + rest;
    workplace.write("dogs.toml", &scenario);
    workplace.run(&["run", "dogs.toml", "--out", "out"]).assert_done();
    let mut requests = workplace.csv("out/requests.csv");
    // Pictures by what is in them.
    for row in &mut requests.rows {
        let file = row["picture"].clone();
        let bytes = workplace.read(&format!("out/{file}"));
        row.insert("bytes".to_owned(), format!("{bytes:?}"));
    }
    requests
}

#[test]
fn a_full_hit_gives_the_picture_that_would_have_been_made_and_the_codec_shows() {
    let without = two_dogs("");
    let exact = two_dogs("[cache]\nsharing = \"own\"\n");
    let coarse = two_dogs("[cache]\nsharing = \"own\"\ncodec = \"int8\"\n");
    let picture = |requests: &Csv, row: usize| requests.cell(row, "bytes").to_owned();
    assert_eq!(picture(&without, 0), picture(&without, 1));
    assert_eq!(picture(&exact, 0), picture(&without, 0));
    assert_eq!(picture(&exact, 1), picture(&without, 1));
    // What goes into the cache is written as int8; what is sent at once is not.
    assert_eq!(picture(&coarse, 0), picture(&without, 0));
    assert_ne!(picture(&coarse, 1), picture(&without, 1));
}

#[test]
fn protecting_the_significant_bits_makes_better_pictures_than_sending_them_raw() {
    let psnr_db = |protection: &str| {
        let scenario = models()
            + r#"
[study]
name = "protection"
[diffusion]
steps = 5
[demand]
arrivals = { kind = "deterministic", interval_s = 5 }
requests = 12
[[device]]
name = "phone"
prompt = "a dog sits in front of a bush"
[policy]
t0 = 3
tk = 2
tx_power_w = 10
[radio]
path_loss = { kind = "fixed-gain", gain_db = -136 }
fading = "none"
modulation = "qpsk"
protection = "#
            + protection;
        let workplace = Workplace::with("protection.toml", &scenario);
        workplace.run(&["run", "protection.toml", "--out", "out"]).assert_done();
        let requests = workplace.csv("out/requests.csv");
        assert_eq!(requests.rows.len(), 12);
        let numbers = requests.numbers("psnr_error_free_db");
        numbers.iter().sum::<f64>() / numbers.len() as f64
    };
    let raw = psnr_db("\"none\"");
    let unequal = psnr_db("{ kind = \"unequal\", protected_bits = 3, code_rate = 0.3 }");
    // At 4 dB of QPSK 6 % of the raw bits are wrong; three coded bits of eight take the worst errors away.
    assert!(unequal > raw + 2.0, "{unequal} dB with protection, {raw} dB without");
}
