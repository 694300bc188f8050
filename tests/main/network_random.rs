//! Random networks: whatever a scenario asks for, the run ends without a panic, and its books agree.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use latentlink::network::{Checkpoints, simulate, simulate_with_checkpoints};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::network_runs::context;

const SCENARIOS: u64 = 500;

fn pick<'a>(rng: &mut ChaCha8Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.random_range(0..choices.len())]
}

/// A line that is there as often as not.
fn perhaps(rng: &mut ChaCha8Rng, text: &mut String, line: impl FnOnce(&mut ChaCha8Rng) -> String) {
    if rng.random() {
        let line = line(rng);
        writeln!(text, "{line}").expect("a string takes all");
    }
}

fn demand(rng: &mut ChaCha8Rng) -> String {
    let mut text = String::from("[demand]\n");
    let rate = rng.random_range(0.2..20.0_f64);
    let arrivals = match rng.random_range(0..5) {
        0 => format!("{{ kind = \"poisson\", rate_hz = {rate} }}"),
        1 => format!("{{ kind = \"gamma\", rate_hz = {rate}, coefficient_of_variation = 2 }}"),
        2 => format!("{{ kind = \"mmpp\", rates_hz = [0, {rate}], sojourns_s = [1, 3] }}"),
        3 => format!("{{ kind = \"deterministic\", interval_s = {} }}", 1.0 / rate),
        _ => format!("{{ kind = \"closed-loop\", think_time_s = {} }}", 5.0 / rate),
    };
    writeln!(text, "arrivals = {arrivals}\nrequests = {}", rng.random_range(1..150)).expect("a string takes all");
    perhaps(rng, &mut text, |rng| format!("duration_s = {}", rng.random_range(0.1..60.0)));
    perhaps(rng, &mut text, |_| {
        "prompts = [\"a dog\", \"a cat\", \"a car\", \"a tree\"]\nzipf_exponent = 0.8".to_owned()
    });
    perhaps(rng, &mut text, |rng| format!("start_latent = \"{}\"", pick(rng, &["shared", "request"])));
    perhaps(rng, &mut text, |rng| {
        format!("patience = {}", pick(rng, &["0.7", "{ kind = \"exponential\", mean_s = 2 }"]))
    });
    perhaps(rng, &mut text, |rng| {
        format!("retries = {}\nretry_delay_s = {}", rng.random_range(0..4), pick(rng, &["0", "0.3", "2"]))
    });
    if !arrivals.contains("closed-loop") {
        perhaps(rng, &mut text, |_| "stream = \"device\"".to_owned());
    }
    text
}

fn server(rng: &mut ChaCha8Rng) -> String {
    let mut text = format!("[server]\nstep_time_s = {}\n", pick(rng, &["0", "0.01", "0.1", "1"]));
    perhaps(rng, &mut text, |rng| format!("workers = {}", rng.random_range(1..4)));
    perhaps(rng, &mut text, |rng| format!("maximum_batch = {}", rng.random_range(1..5)));
    perhaps(rng, &mut text, |rng| format!("queue = \"{}\"", pick(rng, &["fifo", "priority", "earliest-deadline"])));
    perhaps(rng, &mut text, |rng| format!("queue_capacity = {}", rng.random_range(0..5)));
    perhaps(rng, &mut text, |rng| format!("step_time_cv = {}", rng.random_range(0.0..2.0)));
    text
}

fn radio(rng: &mut ChaCha8Rng) -> String {
    let mut text = format!("[radio]\nbandwidth_hz = {}\n", pick(rng, &["5e6", "50000", "1e12"]));
    perhaps(rng, &mut text, |rng| format!("bit_error_probability = {}", pick(rng, &["0", "0.05", "0.5"])));
    perhaps(rng, &mut text, |rng| format!("multiple_access = \"ofdma\"\nchannels = {}", rng.random_range(1..4)));
    perhaps(rng, &mut text, |rng| {
        format!("fading_process = \"{}\"\ncoherence_time_s = 0.7", pick(rng, &["block", "gaussian-copula"]))
    });
    perhaps(rng, &mut text, |rng| {
        let harq = "{ kind = \"harq-chase\", maximum_attempts = 3 }";
        let unequal = "{ kind = \"unequal\", protected_bits = 2 }";
        format!("protection = {}", pick(rng, &["{ kind = \"arq\" }", "{ kind = \"fec\" }", harq, unequal]))
    });
    perhaps(rng, &mut text, |_| "noise_rise_db = 5\nnoise_rise_follows_load = true".to_owned());
    text
}

fn devices(rng: &mut ChaCha8Rng) -> String {
    let mut text = String::new();
    for table in 0..rng.random_range(1..4) {
        writeln!(
            text,
            "[[device]]\nname = \"d{table}\"\nprompt = \"prompt {table}\"\ncount = {}",
            rng.random_range(1..6)
        )
        .expect("a string takes all");
        perhaps(rng, &mut text, |_| "placement = \"area\"".to_owned());
        perhaps(rng, &mut text, |rng| format!("step_time_s = {}", pick(rng, &["0", "0.1", "2"])));
        perhaps(rng, &mut text, |_| "receive_power_w = 0.5\ndecode_time_s = 0.2\ndecode_energy_j = 0.3".to_owned());
        perhaps(rng, &mut text, |rng| format!("priority = {}", rng.random_range(-2..3)));
        perhaps(rng, &mut text, |_| "shares_latents = true".to_owned());
        perhaps(rng, &mut text, |rng| {
            let (battery, recharge) = (rng.random_range(1.0..100.0), rng.random_range(0.0..3.0));
            format!("battery_j = {battery}\nrecharge_w = {recharge}")
        });
    }
    text
}

fn rest(rng: &mut ChaCha8Rng) -> String {
    let mut text = String::new();
    perhaps(rng, &mut text, |rng| {
        let (window, size) = (pick(rng, &["0", "0.2", "1.5"]), rng.random_range(1..6));
        let threshold = pick(rng, &["-1", "0.5", "2"]);
        let saving = pick(rng, &["true", "false"]);
        format!(
            "[grouping]\nwindow_s = {window}\nmaximum_size = {size}\nsimilarity_threshold = {threshold}\nonly_if_saving = {saving}"
        )
    });
    perhaps(rng, &mut text, |rng| {
        let eviction = pick(rng, &["lru", "lfu", "lcbfu", "fifo"]);
        let sharing = pick(rng, &["own", "opt-in", "everyone"]);
        let codec = pick(rng, &["fp32", "int8"]);
        format!(
            "[cache]\neviction = \"{eviction}\"\nsharing = \"{sharing}\"\ncodec = \"{codec}\"\ncapacity_entries = {}",
            rng.random_range(0..5)
        )
    });
    perhaps(rng, &mut text, |rng| {
        let kind = pick(rng, &["edge", "device-to-device", "cluster", "cluster"]);
        let election = pick(rng, &["least-energy", "medoid", "residual-energy"]);
        let (topology, with_server) = (pick(rng, &["star", "chain"]), pick(rng, &["true", "false"]));
        format!(
            "[architecture]\nkind = \"{kind}\"\nelection = \"{election}\"\ntopology = \"{topology}\"\n\
             with_server = {with_server}\nrelay_steps = {}",
            rng.random_range(0..4)
        )
    });
    perhaps(rng, &mut text, |_| "[cells]\ncount = 3\nspacing_m = 300".to_owned());
    perhaps(rng, &mut text, |_| {
        "[mobility]\nkind = \"random-waypoint\"\nspeed_min_mps = 1\nspeed_max_mps = 30".to_owned()
    });
    for kind in ["server-outage", "link-outage", "device-away", "leader-loss"] {
        perhaps(rng, &mut text, |rng| {
            let times = match rng.random() {
                true => format!("rate_hz = {}", rng.random_range(0.01..0.5)),
                false => "at_s = [0, 1, 1.5, 20]".to_owned(),
            };
            let duration = if kind == "leader-loss" { "" } else { pick(rng, &["duration_s = 0.1", "duration_s = 2"]) };
            format!("[[fault]]\nkind = \"{kind}\"\n{times}\n{duration}")
        });
    }
    perhaps(rng, &mut text, |rng| format!("[recovery]\nretransmissions = {}\ntimeout_s = 0.2", rng.random_range(0..3)));
    text
}

fn scenario(seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (split, t0) = (pick(&mut rng, &["joint", "respaced"]), rng.random_range(0..8));
    let policy = format!("[policy]\nt0 = {t0}\ntk = {}\n", rng.random_range(1..5));
    let head = format!(
        "[study]\nseed = {seed}\n[diffusion]\nsplit = \"{split}\"\n[judge]\nkind = \"surface\"\nsimilarity = 1\n"
    );
    let parts = [demand(&mut rng), server(&mut rng), radio(&mut rng), devices(&mut rng), rest(&mut rng)];
    let text = format!("{head}{policy}{}", parts.concat());
    // Nobody relays steps of a joint chain.
    if split == "joint" { text.replace("relay_steps = ", "relay_steps = 0 # ") } else { text }
}

/// What is wrong with a run of a scenario, if anything.
fn fault(seed: u64) -> Option<String> {
    let toml = scenario(seed);
    let begin = |records| context(&toml, |book| book.with_given_similarity(0.6), records);
    let run = || -> Result<(), String> {
        let run = simulate(begin(true)).map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let checkpoints = Checkpoints::in_file(folder.path().join("run"), (run.books.end_s * 0.4).max(1e-3));
        for _ in 0..2 {
            let again = simulate_with_checkpoints(begin(true), &checkpoints).map_err(|error| error.to_string())?;
            if again.books != run.books || again.ledger != run.ledger {
                let (one, other) = (&run.books, &again.books);
                return Err(format!("a run with checkpoints is another one:\n{one:#?}\n{other:#?}"));
            }
        }
        Ok(())
    };
    let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic".to_owned()));
    outcome.err().map(|message| format!("seed {seed}: {message}\n{toml}"))
}

#[test]
fn random_networks_run_to_their_end_and_their_books_agree() {
    let faults: Vec<String> = (0..SCENARIOS).into_par_iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {SCENARIOS}; the first: {}", faults.len(), faults[0]);
}
