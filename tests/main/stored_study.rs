//! Studies with a score store: what was computed once is not computed again, and what comes from it is the same.

use std::path::Path;
use std::sync::Arc;

use latentlink::judge::{Persona, PromptTemplate, Question, Readout, VlmJudge, VlmOptions};
use latentlink::onnx::{JudgePack, ResolvedProvider};
use latentlink::picture::Picture;

use crate::program::{Workplace, contents_of};
use crate::small_study::small;
use crate::tiny_pack::TinyPack;

fn tiny_judge() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tiny_llava/pack")
}

/// Pictures of 4 × 4 pixels by a model of a few kilobytes, rated by another.
fn scenario(pack: &TinyPack, replications: u32) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n\
         [study]\nname = \"s\"\nreplications = {replications}\n[diffusion]\nsteps = 3\nmetrics_against = []\n\
         [judge]\npack = '{}'\npanel = [\"GA1\"]\n[server]\nprompt = \"a b\"\n\
         [[device]]\nname = \"one\"\nprompt = \"a b\"\npersona = \"GA2\"\n[[device]]\nname = \"two\"\nprompt = \"a c\"\n\
         [policy]\nt0 = 1\ntk = [1, 2]\n[radio]\nbit_error_probability = 0.05\n",
        pack.root().display(),
        tiny_judge().display()
    )
}

/// All files of a results folder, but of the manifest what says when, where and how.
fn results(workplace: &Workplace, folder: &str) -> Vec<(String, Vec<u8>)> {
    contents_of(&workplace.path(folder))
        .into_iter()
        .filter(|name| !name.ends_with('/'))
        .map(|name| {
            let path = format!("{folder}/{name}");
            if name == "manifest.json" {
                let mut manifest = workplace.json(&path);
                manifest["run"] = serde_json::Value::Null;
                return (name, manifest.to_string().into_bytes());
            }
            let bytes = workplace.read(&path);
            (name, bytes)
        })
        .collect()
}

#[test]
fn scores_are_what_the_judge_says_of_the_pictures_in_the_results() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 2));
    let said = workplace.run(&["run", "s.toml", "--out", "out", "--threads", "2"]).assert_done();
    assert!(said.stdout.contains("8 scores by pack: 8 answers computed, 0 from the score store"), "{}", said.stdout);
    let requests = workplace.csv("out/requests.csv");
    let options = VlmOptions { readout: Readout::Expectation, temperature: 1.0, max_new_tokens: 16, retries: 0 };
    let judge = Arc::new(JudgePack::open(&tiny_judge()).expect("the tiny judge"));
    let template = PromptTemplate::read(&judge.template_file().expect("its own")).expect("a template");
    let judge = VlmJudge::new(judge, template, options).expect("score tokens");
    let mut worker = judge.load_worker(ResolvedProvider::Cpu, 1).expect("sessions");
    assert_eq!(requests.rows.len(), 4);
    for row in 0..4 {
        let file = format!("out/{}", requests.cell(row, "picture"));
        let picture = Picture::from_png_bytes(&workplace.read(&file)).expect("a picture");
        let own = Persona::named(requests.cell(row, "persona")).expect("GA2, or neutral");
        for (column, persona) in [("qoe", own), ("qoe_GA1", Persona::GA1)] {
            let request = requests.cell(row, "prompt");
            let question = Question { persona, picture: &picture, request, seed: None };
            let answer = judge.ask(&mut worker, &[question]).expect("an answer").remove(0);
            let (found, expected) = (requests.number(row, column), answer.score.expect("an expectation"));
            // Alone and in a batch agree within the arithmetic of 32 bits.
            assert!((found - expected).abs() < 1e-4, "row {row}, {column}: {found}, alone {expected}");
        }
    }
    let manifest = workplace.json("out/manifest.json");
    assert_eq!((&manifest["models"][1]["role"], &manifest["models"][1]["name"]), (&"judge".into(), &"pack".into()));
    assert_eq!(manifest["run"]["scores_computed"], 8);
}

#[test]
fn a_second_run_opens_no_session_says_so_and_leaves_the_same_files() {
    let pack = TinyPack::new();
    // Without a server prompt the text encoder finds the medoid: once.
    let text = scenario(&pack, 2).replace("[server]\nprompt = \"a b\"\n", "");
    let workplace = Workplace::with("s.toml", &text);
    workplace.run(&["run", "s.toml", "--out", "first", "--threads", "1"]).assert_done();
    for (folder, execution) in [("second", "deferred"), ("eager", "eager")] {
        let set = format!("diffusion.execution={execution}");
        let again = workplace.run(&["run", "s.toml", "--out", folder, "--threads", "1", "--set", &set]).assert_done();
        let said = again.stdout;
        assert!(said.contains(": everything was in results/score-store.redb, no session was opened"), "{said}");
        assert!(said.contains("8 scores by pack: 0 answers computed, 8 from the score store"), "{said}");
        let run = &workplace.json(&format!("{folder}/manifest.json"))["run"];
        assert_eq!((&run["scores_computed"], &run["values_computed"]), (&0.into(), &0.into()));
    }
    assert!(results(&workplace, "first") == results(&workplace, "second"), "the files are the same");
    // Comparisons of pictures as well, which need larger ones.
    workplace.write("small.toml", &small());
    workplace.run(&["run", "small.toml", "--out", "small", "--threads", "2"]).assert_done();
    let said = workplace.run(&["run", "small.toml", "--out", "again", "--threads", "1"]).assert_done().stdout;
    assert!(said.contains("no session was opened"), "{said}");
    assert!(results(&workplace, "small") == results(&workplace, "again"), "the files are the same");
    // Another place, another store.
    let elsewhere = ["run", "s.toml", "--out", "third", "--threads", "1", "--store", "elsewhere/my.redb"];
    let said = workplace.run(&elsewhere).assert_done().stdout;
    assert!(said.contains("8 answers computed, 0 from the score store"), "{said}");
    assert!(results(&workplace, "first") == results(&workplace, "third"), "the files are the same");
}

#[test]
fn another_point_or_persona_takes_only_what_is_new() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 1));
    let run = |out: &str, set: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        let arguments = [&["run", "s.toml", "--out", out, "--threads", "1"], &set[..]].concat();
        let said = workplace.run(&arguments).assert_done().stdout;
        let run = workplace.json(&format!("{out}/manifest.json"))["run"].clone();
        let number = |key: &str| run[key].as_u64().unwrap_or_else(|| panic!("{key} is a number"));
        (said, number("scores_computed"), number("scores_from_store"))
    };
    // two users, each rated by itself and GA1
    let (_, computed, stored) = run("first", &[]);
    assert_eq!((computed, stored), (4, 0));
    let (said, computed, stored) = run("more-people", &["judge.panel=[\"GA1\", \"neutral\"]"]);
    // device two is neutral itself
    assert_eq!((computed, stored), (1, 4));
    assert!(said.contains("the rest took 0 UNet evaluations"), "the pictures were there: {said}");
    let (said, computed, stored) = run("more-points", &["sweep.radio.bit_error_probability=[0.05, 0.3]"]);
    assert_eq!((computed, stored), (4, 4));
    assert!(said.contains("results were in results/score-store.redb"), "{said}");
    let (small, large) = (workplace.csv("first/requests.csv"), workplace.csv("more-points/requests.csv"));
    for column in ["qoe", "qoe_GA1", "flipped_bits"] {
        assert_eq!(small.column(column), large.column(column)[..2], "{column}");
    }
    // The judge is part of the question: another readout is asked anew, of the pictures that are there.
    let (said, computed, stored) = run("greedy", &["judge.readout=greedy"]);
    assert_eq!((computed, stored), (4, 0));
    assert!(said.contains("the rest took 0 UNet evaluations"), "{said}");
}

#[test]
fn a_picture_that_failed_is_a_failed_score_that_is_counted() {
    let judge = format!("pack = '{}'\npanel = [\"GA1\"]\n", tiny_judge().display());
    let text = small().replace("kind = \"none\"\n", &judge);
    let workplace = Workplace::with("small.toml", &text);
    let set = ["diffusion.codec=fp32", "diffusion.sanitize=none", "radio.bit_error_probability=0.05"];
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    for out in ["computed", "stored"] {
        let arguments = [&["run", "small.toml", "--out", out, "--threads", "1"], &set[..]].concat();
        let said = workplace.run(&arguments).assert_done().stdout;
        assert!(said.contains("4 pictures failed:") && said.contains("8 scores failed"), "{said}");
        let (requests, runs) =
            (workplace.csv(&format!("{out}/requests.csv")), workplace.csv(&format!("{out}/runs.csv")));
        assert_eq!(requests.column("qoe"), [""; 4], "never a silent zero");
        assert_eq!(requests.column("qoe_status"), ["non-finite-latent"; 4]);
        assert_eq!((runs.column("sum_qoe"), runs.column("qoe_outages")), (vec!["", ""], vec!["2", "2"]));
        assert_eq!(runs.column("failed_scores"), ["4", "4"]);
        assert_eq!(workplace.csv(&format!("{out}/scores.csv")).column("status"), ["non-finite-latent"; 8]);
        assert_eq!(workplace.json(&format!("{out}/manifest.json"))["counts"]["failed_scores"], 8);
    }
}

#[test]
fn eager_and_deferred_execution_give_the_same_scores() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 2));
    for execution in ["deferred", "eager"] {
        let set = format!("diffusion.execution={execution}");
        let store = format!("{execution}.redb");
        let arguments = ["run", "s.toml", "--out", execution, "--threads", "1", "--set", &set, "--store", &store];
        workplace.run(&arguments).assert_done();
    }
    let (deferred, eager) = (workplace.csv("deferred/scores.csv"), workplace.csv("eager/scores.csv"));
    assert_eq!(deferred.column("persona"), eager.column("persona"));
    for (one, other) in deferred.numbers("score").into_iter().zip(eager.numbers("score")) {
        assert!((one - other).abs() < 1e-4, "{one} deferred, {other} eager");
    }
}

#[test]
fn what_a_killed_run_had_found_is_there_for_another_results_folder() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 4000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_latentlink"))
        .args(["run", "s.toml", "--out", "out", "--threads", "1"])
        .current_dir(workplace.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begin = Instant::now();
    let pictures = || workplace.contents().iter().filter(|name| name.ends_with(".png")).count();
    while pictures() < 200 {
        assert!(begin.elapsed() < Duration::from_secs(120), "the run writes pictures");
        std::thread::sleep(Duration::from_millis(2));
    }
    // More than the second that may be lost.
    std::thread::sleep(Duration::from_millis(1100));
    assert!(child.try_wait().expect("a child").is_none(), "the run is long enough to be killed");
    child.kill().expect("a child");
    child.wait().expect("it ends");
    let said = workplace.run(&["run", "s.toml", "--out", "again", "--threads", "1"]).assert_done();
    assert!(!said.stderr.contains("damaged"), "{}", said.stderr);
    let run = &workplace.json("again/manifest.json")["run"];
    assert!(run["values_from_store"].as_u64().expect("a count") > 0, "{run}");
    workplace.run(&["run", "s.toml", "--out", "whole", "--threads", "1", "--store", "other.redb"]).assert_done();
    let (resumed, whole) = (workplace.csv("again/scores.csv"), workplace.csv("whole/scores.csv"));
    assert_eq!(resumed.column("persona"), whole.column("persona"));
    for (one, other) in resumed.numbers("score").into_iter().zip(whole.numbers("score")) {
        assert!((one - other).abs() < 1e-4, "{one} in two runs, {other} in one");
    }
}

#[test]
fn two_runs_at_once_share_a_store_and_both_finish() {
    use std::process::{Command, Stdio};

    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 60));
    let children = ["1", "2", "3"].map(|seed| {
        Command::new(env!("CARGO_BIN_EXE_latentlink"))
            .args(["run", "s.toml", "--out", seed, "--seed", seed, "--threads", "1"])
            .current_dir(workplace.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    });
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("damaged"), "{said}");
    }
    for seed in ["1", "2", "3"] {
        let again = ["run", "s.toml", "--out", seed, "--seed", seed, "--threads", "1", "--force"];
        let said = workplace.run(&again).assert_done().stdout;
        assert!(said.contains("no session was opened"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_with_1_and_says_what_is_saved_and_how_to_go_on() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 4000));
    // No file may grow beyond 2 MiB, as on a full disk; pictures and tables are smaller.
    let program = env!("CARGO_BIN_EXE_latentlink");
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f 4096; exec '{program}' run s.toml --out out --threads 1")])
        .current_dir(workplace.path("."))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for text in
        ["the disk is full", "results/score-store.redb", "results of this run are saved", "same command", "--store"]
    {
        assert!(said.contains(text), "`{text}` is not said:\n{said}");
    }
    assert!(!workplace.path("out").exists(), "no half-written result stays");
    let store = latentlink::score_store::ScoreStore::open(&workplace.path("results/score-store.redb"));
    assert!(store.expect("a whole store").take_warnings().is_empty());
}

#[test]
fn a_damaged_store_is_kept_and_the_run_goes_on_with_a_new_one() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack, 1));
    workplace.write("results/score-store.redb", "not a store at all");
    let outcome = workplace.run(&["run", "s.toml", "--out", "out", "--threads", "1"]).assert_done();
    let warning = outcome.stderr.lines().find(|line| line.starts_with("warning: the score store")).expect("a warning");
    assert!(warning.contains("score-store.redb.corrupt-1"), "{warning}");
    assert_eq!(workplace.text("results/score-store.redb.corrupt-1"), "not a store at all");
    let said = workplace.run(&["run", "s.toml", "--out", "again", "--threads", "1"]).assert_done().stdout;
    assert!(said.contains("no session was opened"), "{said}");
}

#[test]
fn a_prompt_too_long_for_the_judge_is_found_before_any_picture_is_made() {
    let pack = TinyPack::new();
    let template = std::fs::read_to_string(tiny_judge().join("judge_template.toml")).expect("its template");
    let long = template.replacen("general = \"", &format!("general = \"{}", "a ".repeat(3000)), 1);
    assert_ne!(long, template);
    let text = scenario(&pack, 1).replacen("[judge]\n", "[judge]\ntemplate = \"long.toml\"\n", 1);
    let workplace = Workplace::with("s.toml", &text);
    workplace.write("long.toml", &long);
    workplace.run(&["run", "s.toml", "--out", "out"]).assert_fails(2, &["tokens"]);
    assert!(!workplace.path("out").exists() && !workplace.path("results/score-store.redb").exists());
}
