//! The history of multistep samplers through whole rounds, with real denoising.

use crate::program::{Csv, Workplace};
use crate::small_study::models;

/// A round in which nothing happens to what is sent. The first device wants what the server draws: where the history is
/// sent, its picture is the one that it would have made alone.
fn round(sampler: &str, rest: &str) -> String {
    models()
        + &format!(
            r#"
[study]
name = "round"
[diffusion]
sampler = "{sampler}"
split = "joint"
guidance = 2.0
codec = "fp32"
latent_range = 1e6
sanitize = "none"
metrics_against = ["unshared"]
{rest}
[server]
prompt = "a cat on a table"
[radio]
bit_error_probability = 0
[[device]]
name = "same"
prompt = "a cat on a table"
[[device]]
name = "other"
prompt = "an apple on a table"
[policy]
t0 = 1
tk = 3
[sweep]
policy.t0 = [1, 2, 3, 4]
"#
        )
}

fn requests(sampler: &str, rest: &str) -> Csv {
    let workplace = Workplace::with("round.toml", &round(sampler, rest));
    workplace.run(&["run", "round.toml", "--out", "out"]).assert_done();
    let mut requests = workplace.csv("out/requests.csv");
    for row in &mut requests.rows {
        let bytes = workplace.read(&format!("out/{}", row["picture"]));
        row.insert("bytes".to_owned(), format!("{bytes:?}"));
    }
    requests
}

fn mse(requests: &Csv, device: &str) -> Vec<f64> {
    let rows = (0..requests.rows.len()).filter(|&row| requests.cell(row, "device") == device);
    rows.map(|row| requests.number(row, "mse_unshared")).collect()
}

#[test]
fn with_its_history_sent_a_split_chain_makes_the_picture_of_the_unsplit_one_and_begun_anew_another() {
    for (sampler, rest) in
        [("euler-ancestral", ""), ("lcm", ""), ("pndm", "history = \"send\""), ("dpm-solver++", "history = \"send\"")]
    {
        // Neighbours in a batch may change the last digit.
        let of_same = mse(&requests(sampler, rest), "same");
        assert!(of_same.len() == 4 && of_same.iter().all(|mse| *mse < 1e-10), "{sampler}: {of_same:?}");
    }
    for sampler in ["pndm", "dpm-solver++"] {
        let of_same = mse(&requests(sampler, ""), "same");
        assert!(of_same.iter().all(|mse| *mse > 1e-6), "{sampler}: {of_same:?}");
    }
}

#[test]
fn eager_and_deferred_rounds_agree_where_history_is_sent_over_a_link_with_errors() {
    for sampler in ["pndm", "dpm-solver++"] {
        let run = |execution: &str| {
            let text = round(sampler, &format!("history = \"send\"\nexecution = \"{execution}\""))
                .replace("bit_error_probability = 0", "bit_error_probability = 0.02")
                .replace("codec = \"fp32\"", "codec = \"int8\"")
                .replace("latent_range = 1e6", "latent_range = 5.0");
            let workplace = Workplace::with("round.toml", &text);
            workplace.run(&["run", "round.toml", "--out", "out"]).assert_done();
            workplace.csv("out/requests.csv")
        };
        let (deferred, eager) = (run("deferred"), run("eager"));
        for column in ["latent_bits", "flipped_bits", "airtime_s", "transmit_energy_j"] {
            assert_eq!(deferred.column(column), eager.column(column), "{column}");
        }
        for (one, other) in deferred.numbers("mse_unshared").into_iter().zip(eager.numbers("mse_unshared")) {
            assert!((one - other).abs() < 1e-6, "{sampler}: {one} and {other}");
        }
        // int8: eight bits for each of 1024 values, of the latent and of what goes along.
        let tensors = |t0: u32| if sampler == "pndm" { 1 + t0.min(3) } else { 2 };
        for row in 0..deferred.rows.len() {
            let t0 = deferred.number(row, "policy.t0") as u32;
            assert_eq!(deferred.number(row, "latent_bits"), f64::from(8192 * tensors(t0)));
        }
    }
}

/// Two requests for the same picture; the second finds the latent after two of four steps.
fn cached(rest: &str) -> [String; 2] {
    let workplace = Workplace::with("dogs.toml", "");
    workplace.write("trace.csv", "arrival_s,device\n0,phone\n30,phone\n");
    let scenario = models()
        + &format!(
            r#"
[study]
name = "dogs"
[diffusion]
sampler = "dpm-solver++"
steps = 6
codec = "fp32"
latent_range = 1e6
sanitize = "none"
{rest}
[demand]
arrivals = {{ kind = "trace", file = "trace.csv" }}
start_latent = "shared"
[cache]
sharing = "own"
steps = [2]
[radio]
bit_error_probability = 0
[[device]]
name = "phone"
prompt = "a dog sits in front of a bush"
[policy]
t0 = 4
tk = 2
"#
        );
    workplace.write("dogs.toml", &scenario);
    workplace.run(&["run", "dogs.toml", "--out", "out"]).assert_done();
    let requests = workplace.csv("out/requests.csv");
    [0, 1].map(|row| format!("{:?}", workplace.read(&format!("out/{}", requests.cell(row, "picture")))))
}

#[test]
fn whoever_goes_on_from_a_cached_latent_has_its_history_where_that_is_sent_and_begins_anew_otherwise() {
    let [first, second] = cached("history = \"send\"");
    assert_eq!(first, second);
    let [first, second] = cached("history = \"restart\"");
    assert_ne!(first, second);
}
