//! The other commands: `check`, `models`, `doctor`, `bep`, and what they print for machines.

use serde_json::Value;

use crate::program::{Csv, Workplace, shipped_pack};

fn scenario() -> String {
    format!(
        "[models]\ndiffusion = '{}'\n[diffusion]\nsteps = 3\nmetrics_against = [\"error-free\", \"unshared\"]\n\
         [server]\nenergy_budget_j = 1.0\n[radio]\nbit_error_probability = 0.1\n\
         [[device]]\nprompt = \"a dog\"\n[[device]]\nprompt = \"a cat\"\n[policy]\nt0 = 1\ntk = [1, 2]\n\
         [judge]\nkind = \"none\"\n[sweep]\n\"policy.t0\" = [1, 2]\n",
        shipped_pack().display()
    )
}

#[test]
fn what_check_prints_is_a_scenario_that_check_accepts_and_prints_again() {
    let workplace = Workplace::with("first.toml", &scenario());
    let first = workplace.run(&["check", "first.toml", "--set", "diffusion.codec=fp16", "--seed", "9"]).assert_done();
    assert_eq!(workplace.contents(), ["first.toml"], "check writes nothing");
    assert!(first.stdout.contains("codec = \"fp16\"") && first.stdout.contains("seed = 9"), "{}", first.stdout);
    assert!(first.stdout.contains("# over budget: server breaks constraint (24) in 2 runs"), "{}", first.stdout);
    workplace.write("second.toml", &first.stdout);
    let second = workplace.run(&["check", "second.toml"]).assert_done();
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn check_counts_what_a_run_then_takes() {
    let workplace = Workplace::with("s.toml", &scenario());
    let checked = workplace.run(&["check", "s.toml"]).assert_done().stdout;
    let run = workplace.run(&["run", "s.toml", "--threads", "1", "--out", "out"]).assert_done().stdout;
    let counts = &workplace.json("out/manifest.json")["counts"];
    let evaluations = counts["unet_evaluations"].as_u64().expect("a count");
    // Guidance 3: two evaluations a step.
    assert!(
        checked.contains(&format!("# {} denoising steps ({evaluations} UNet evaluations)", evaluations / 2)),
        "{checked}"
    );
    assert!(checked.contains("# 2 points, 2 runs\n"), "{checked}");
    let sentence = format!(
        "{} UNet evaluations for the users' pictures ({} if each were made on its own), {} more for reference pictures",
        evaluations - counts["unet_evaluations_of_references"].as_u64().expect("a count"),
        // (1 + 1) + (1 + 2) and (2 + 1) + (2 + 2) steps
        2 * (5 + 7),
        counts["unet_evaluations_of_references"],
    );
    assert!(checked.contains(&format!("# {sentence}\n")), "{checked}");
    assert!(run.starts_with("2 runs of 2 points in ") && run.contains(&sentence), "{run}");
    // One decode may be two pictures: device-1's chain of 2 + 1 steps without errors is the one it runs alone.
    let mut pictures: Vec<_> = std::fs::read_dir(workplace.path("out/images"))
        .expect("a folder")
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a picture"))
        .collect();
    assert!(run.contains(&format!("({} pictures)", pictures.len())), "{run}");
    pictures.sort_unstable();
    pictures.dedup();
    assert!(checked.contains(&format!("# {} picture decodes", pictures.len())), "{}: {checked}", pictures.len());
}

#[test]
fn models_lists_the_packs_of_a_folder_for_people_and_for_machines() {
    let workplace = Workplace::new();
    let folder = shipped_pack().parent().expect("models/").to_str().expect("a plain path").to_owned();
    let text = workplace.run(&["models", "--folder", &folder]).assert_done().stdout;
    assert!(text.starts_with("emoji-ldm  (") && text.contains("64 × 64 pixels"), "{text}");
    let json = workplace.run(&["models", "--folder", &folder, "--json"]).assert_done().stdout;
    let packs: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let pack = packs.iter().find(|pack| pack["name"] == "emoji-ldm").expect("the shipped pack");
    assert_eq!((&pack["kind"], &pack["problem"]), (&"diffusion".into(), &Value::Null));
    assert_eq!(pack["latent_shape"], serde_json::json!([4, 16, 16]));
    assert_eq!(pack["picture_size_px"], serde_json::json!([64, 64]));
    let words: Vec<_> = pack["known_words"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    assert!(["dog", "cat", "tree", "tiger", "bush"].iter().all(|word| words.contains(word)), "{words:?}");
    for key in ["path", "size_mb", "prompt_tokens", "tokens_known", "digests", "card"] {
        assert!(pack.get(key).is_some(), "{key}: {pack}");
    }
    let judge = packs.iter().find(|pack| pack["name"] == "emoji-llava").expect("the shipped judge");
    assert_eq!((&judge["kind"], &judge["problem"]), (&"judge".into(), &Value::Null));
    assert_eq!(judge["picture_size_px"], serde_json::json!([64, 64]));
    assert_eq!(judge["score_scale"], serde_json::json!({ "lowest": 0, "highest": 100 }));
    assert_eq!((&judge["tokens_per_picture"], &judge["context_tokens"]), (&5.into(), &256.into()));
    for part in ["emoji-llava  (", "judge, ", "becomes 5 tokens", "0 to 100 (judge_template.toml)"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    for arguments in [&["models"][..], &["models", "--json"]] {
        let outcome = workplace
            .run(arguments)
            .assert_fails(3, &["no model pack in models", "model_index.json", "judge pack", "--folder"]);
        assert_eq!(outcome.stdout, if arguments.contains(&"--json") { "[]\n" } else { "" });
    }
}

#[test]
fn doctor_tells_machines_what_it_tells_people_and_ends_with_3_without_the_default_packs() {
    let workplace = Workplace::new();
    let outcome = workplace.run(&["doctor", "--json"]);
    assert_eq!(outcome.code, 3, "{outcome:#?}");
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(report["default_can_run"], false);
    let problems = report["problems"].as_array().expect("a list");
    assert!(problems.iter().any(|problem| problem["blocks_the_default"] == true && problem["mend"].is_string()));
    for pack in ["the default diffusion pack `models/emoji-ldm`", "the default judge pack `models/emoji-llava`"] {
        assert!(
            problems.iter().any(|problem| problem["what"].as_str().is_some_and(|what| what.contains(pack))),
            "{pack}"
        );
    }
    for key in ["latentlink_version", "machine", "onnx_runtime", "execution_providers", "packs", "results", "cache"] {
        assert!(report.get(key).is_some(), "{key}: {report}");
    }
    assert_eq!(report["execution_providers"][0]["name"], "cpu");
    let text = workplace.run(&["doctor"]).stdout;
    for problem in problems {
        let what = problem["what"].as_str().expect("text");
        assert!(text.contains(what.lines().next().unwrap_or(what)), "{what} is not in\n{text}");
    }
    assert_eq!(workplace.contents(), [""; 0], "doctor leaves nothing behind");
}

#[test]
fn bep_prints_the_reference_table_with_ten_digits() {
    let reference = std::fs::read_to_string("tests/vectors/bep_reference.csv").expect("the vectors");
    let reference = Csv::read(&reference);
    let workplace = Workplace::new();
    let line = "bep --fading fisher-snedecor --m 2 --ms 1.5 --mean-snr-db 0,5,10,15,20,25,30 \
                --modulation bpsk,qpsk,qam16,qam64";
    let text = workplace.run(&line.split_whitespace().collect::<Vec<_>>()).assert_done().stdout;
    let mut checked = 0;
    for line in text.lines().skip(1) {
        let cells: Vec<_> = line.split_whitespace().collect();
        let (modulation, snr_db, found) = (cells[0], cells[1], cells[2]);
        let row = (0..reference.rows.len())
            .find(|&row| {
                reference.cell(row, "modulation") == modulation
                    && reference.cell(row, "mean_es_n0_db") == snr_db
                    && reference.number(row, "m") == 2.0
                    && reference.number(row, "ms") == 1.5
            })
            .unwrap_or_else(|| panic!("no reference for {line}"));
        let (digits, _) = found.split_once('e').expect("an exponent");
        assert_eq!(digits.len(), "1.234567890".len(), "{line}");
        let (found, expected) = (found.parse::<f64>().expect("a number"), reference.number(row, "avg_bep"));
        // Half a unit of the tenth digit, and of the thirteenth in the table.
        assert!((found - expected).abs() <= 5.1e-10 * expected, "{line}: {expected}");
        checked += 1;
    }
    assert_eq!(checked, 28);
    let example = "bep --fading fisher-snedecor --m 2 --ms 1.5 --mean-snr-db 10 --modulation qam16";
    let example = workplace.run(&example.split_whitespace().collect::<Vec<_>>()).assert_done().stdout;
    assert!(example.ends_with("1.615300327e-1\n"), "{example}");
}

#[test]
fn every_command_has_help_with_examples() {
    let workplace = Workplace::new();
    for command in ["run", "check", "models", "doctor", "bep"] {
        let help = workplace.run(&[command, "--help"]).assert_done().stdout;
        assert!(help.contains("Examples:\n") && help.contains(&format!("latentlink {command}")), "{help}");
    }
}

/// `latentlink models | head -1`, with a reader that reads nothing.
#[test]
#[cfg(unix)]
fn a_pipe_that_is_closed_early_is_no_failure() {
    use std::process::{Command, Stdio};

    let mut child = Command::new(env!("CARGO_BIN_EXE_latentlink"))
        .args(["bep", "--snr-db", "3", "--modulation", "bpsk"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
