//! The environment for learners in other languages.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use latentlink::experiment::{Observer, RunOptions, StudyPlan, StudyProgress};
use latentlink::report::Table;
use latentlink::scenario::ScenarioFile;
use serde_json::{Value, json};

use crate::learn_training::scenario;

struct Quiet;

impl Observer for Quiet {
    fn stage(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn progress(&self, _: StudyProgress) {}
}

struct Pipe {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Pipe {
    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn write(&mut self, answer: &Value) {
        writeln!(self.input, "{answer}").expect("somebody reads");
    }
}

/// Runs the program on a scenario, talks to it, and returns its exit code and what it said on stderr.
fn talk(text: &str, arguments: &[&str], with: impl FnOnce(&mut Pipe)) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("learning.toml");
    std::fs::write(&file, text).expect("a scenario");
    let mut program = Command::new(env!("CARGO_BIN_EXE_latentlink"))
        .arg("environment")
        .arg(&file)
        .args(arguments)
        .args(["--store", "store.redb"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let output = BufReader::new(program.stdout.take().expect("a pipe"));
    let mut pipe = Pipe { input: program.stdin.take().expect("a pipe"), output };
    with(&mut pipe);
    drop(pipe);
    let ended = program.wait_with_output().expect("it ends");
    (ended.status.code().expect("a code"), String::from_utf8_lossy(&ended.stderr).into_owned())
}

/// t0 = t_k = 1 and half of E_T/β for each user: the meaning of an action of zeros.
fn sums_of_a_run(replications: usize) -> Vec<f64> {
    let text = scenario("").replace("replications = 6", &format!("replications = {replications}"));
    let policy = "policy = { kind = \"fixed\", t0 = 1, tk = 1, tx_power_w = 100.0 }";
    let text = text.replace("policy = { kind = \"exhaustive\" }", policy);
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let options = RunOptions { out: Some(out.clone()), ..RunOptions::default() };
    let file = ScenarioFile::from_str(text, "run.toml").expect("TOML");
    StudyPlan::prepare(&file, &options, &Quiet).and_then(|plan| plan.run(&Quiet).map(drop)).expect("a run");
    let runs = Table::read_csv(&out.join("runs.csv")).expect("a table");
    let column = runs.column_index("sum_qoe").expect("a column");
    runs.rows().iter().filter_map(|row| row[column].number()).collect()
}

#[test]
fn an_action_is_worth_over_the_pipe_what_it_is_in_a_run() {
    let expected = sums_of_a_run(12);
    let mut found = Vec::new();
    let (code, _) = talk(&scenario(""), &["--evaluation"], |pipe| {
        let greeting = pipe.read();
        assert_eq!((&greeting["environments"], &greeting["episode"]), (&json!(4), &json!("single-step")));
        let zeros = vec![0.0; greeting["action_len"].as_u64().expect("a length") as usize];
        assert_eq!(pipe.read()["finished"], json!([]));
        for _ in 0..3 {
            pipe.write(&json!({ "actions": vec![zeros.clone(); 4] }));
            let observation = pipe.read();
            assert_eq!(observation["states"].as_array().expect("states").len(), 4);
            for episode in observation["finished"].as_array().expect("episodes") {
                found.push(episode["sum_qoe"][0].as_f64().expect("a number"));
            }
        }
    });
    assert_eq!(code, 0, "closing the pipe is the way to end");
    assert_eq!(found, expected);
}

#[test]
fn an_answer_of_another_shape_is_refused_with_what_was_expected() {
    for (answer, message) in [
        (json!({ "actions": [[0.0]] }), "it has 1 actions for 4 environments"),
        (json!({ "action": 1 }), "unknown field `action`"),
        (json!({ "actions": [[], [], [], []] }), "action 0 has 0 numbers"),
    ] {
        let (code, said) = talk(&scenario(""), &[], |pipe| {
            pipe.read();
            pipe.read();
            pipe.write(&answer);
        });
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(message), "{said}");
    }
}
