//! Studies whose pictures are judged at an endpoint: the same tables, the same store, whatever happens on the way.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use crate::endpoint_server::{Reply, Request, Server};
use crate::program::{Workplace, contents_of};
use crate::tiny_pack::TinyPack;

/// Pictures of 4 × 4 pixels, rated by two agents.
fn scenario(pack: &TinyPack, base_url: &str, judge: &str) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n\
         [study]\nname = \"s\"\nreplications = 3\n[diffusion]\nsteps = 3\nmetrics_against = []\n\
         [judge]\nkind = \"endpoint\"\nbase_url = \"{base_url}\"\nmodel = \"eyes\"\npanel = [\"GA1\"]\n{judge}\
         [server]\nprompt = \"a b\"\n\
         [[device]]\nname = \"one\"\nprompt = \"a b\"\npersona = \"GA2\"\n[[device]]\nname = \"two\"\nprompt = \"a c\"\n\
         [policy]\nt0 = 1\ntk = [1, 2]\n[sweep]\n\"radio.bit_error_probability\" = [0.01, 0.1]\n",
        pack.root().display()
    )
}

const GREEDY: &str = "readout = \"greedy\"\n";
const SAMPLE: &str = "readout = \"sample\"\nanswers_per_picture = 2\n";

/// A mark that depends on everything that was asked but the picture, whose last bits depend on its neighbours in a batch.
fn mark(request: &Request) -> u32 {
    let asked = request.asked();
    let seed = request.body["seed"].as_i64().map_or_else(String::new, |seed| seed.to_string());
    let bytes = [asked.before.as_bytes(), asked.after.as_bytes(), seed.as_bytes()].concat();
    bytes.iter().fold(7_u32, |sum, byte| (31 * sum + u32::from(*byte)) % 10_007) % 10
}

fn server() -> Server {
    Server::start(|_, request| Reply::says(&mark(request).to_string()))
}

/// All tables of a results folder.
fn tables(workplace: &Workplace, folder: &str) -> Vec<(String, String)> {
    let names = contents_of(&workplace.path(folder)).into_iter().filter(|name| name.ends_with(".csv"));
    names.map(|name| (name.clone(), workplace.text(&format!("{folder}/{name}")))).collect()
}

#[test]
fn every_score_is_what_the_server_said_and_a_second_run_asks_nothing() {
    let (pack, server) = (TinyPack::new(), server());
    let workplace = Workplace::with("s.toml", &scenario(&pack, &server.base_url(), GREEDY));
    let said = workplace.run(&["run", "s.toml", "--out", "out", "--threads", "2"]).assert_done();
    let name = format!("eyes at {}", server.base_url());
    assert!(said.stdout.contains(&format!("24 scores by {name}: ")), "{}", said.stdout);
    let asked = server.questions();
    let requests = workplace.csv("out/requests.csv");
    assert_eq!(requests.rows.len(), 12);
    for row in 0..requests.rows.len() {
        for (column, persona) in [("qoe", requests.cell(row, "persona")), ("qoe_GA1", "GA1")] {
            let openness = match persona {
                "GA1" => "openness 0.10",
                "GA2" => "openness 0.90",
                _ => "openness 0.50",
            };
            let wanted = format!("\"{}\"", requests.cell(row, "prompt"));
            let is_of = |request: &&Request| {
                let asked = request.asked();
                asked.before.contains(openness) && asked.after.contains(&wanted)
            };
            let expected = mark(asked.iter().find(is_of).expect("this agent was asked about it"));
            assert_eq!(requests.number(row, column), f64::from(expected) / 9.0, "{row}, {column}");
        }
    }
    let manifest = workplace.json("out/manifest.json");
    assert_eq!((&manifest["models"][1]["role"], &manifest["models"][1]["name"]), (&json!("judge"), &json!(name)));
    assert_eq!(manifest["run"]["scores_computed"], asked.len());
    // The server may be gone: everything is in the store.
    drop(server);
    let again = workplace.run(&["run", "s.toml", "--out", "again", "--threads", "1"]).assert_done();
    assert!(again.stdout.contains("everything was in results/score-store.redb"), "{}", again.stdout);
    assert!(tables(&workplace, "out") == tables(&workplace, "again"), "the tables are the same");
}

#[test]
fn tables_are_the_same_with_any_threads_and_concurrency_and_in_eager_execution() {
    let pack = TinyPack::new();
    let server = Server::start(|number, request| {
        // Late and early answers in turn.
        let time = Duration::from_millis(if number.is_multiple_of(2) { 15 } else { 0 });
        Reply::After(time, Box::new(Reply::says(&mark(request).to_string())))
    });
    let workplace = Workplace::with("s.toml", &scenario(&pack, &server.base_url(), SAMPLE));
    let mut first: Option<Vec<(String, String)>> = None;
    for (threads, concurrency, execution) in [("1", 1, "deferred"), ("2", 8, "deferred"), ("2", 3, "eager")] {
        let folder = format!("{execution}-{threads}");
        let (concurrency, execution) =
            (format!("judge.concurrency={concurrency}"), format!("diffusion.execution={execution}"));
        let store = format!("{folder}.redb");
        let arguments = ["run", "s.toml", "--out", &folder, "--threads", threads, "--store", &store];
        workplace
            .run(&[&arguments[..], &["--set", concurrency.as_str(), "--set", execution.as_str()]].concat())
            .assert_done();
        let tables: Vec<_> = tables(&workplace, &folder).into_iter().filter(|(name, _)| name == "scores.csv").collect();
        assert_eq!(tables.len(), 1);
        assert!(first.get_or_insert_with(|| tables.clone()) == &tables, "{folder} differs");
    }
    // Two answers each, drawn with the same two seeds for both agents of a picture.
    let scores = workplace.csv("deferred-1/scores.csv");
    assert_eq!(scores.rows.len(), 48);
    let seeds: HashSet<i64> =
        server.questions().iter().map(|question| question.body["seed"].as_i64().expect("a seed")).collect();
    assert_eq!(seeds.len(), 2 * 2 * 3, "by device, replication and answer; not by point, persona or how it is run");
}

#[test]
fn the_key_goes_to_the_server_and_nowhere_else() {
    const KEY: &str = "sk-very-secret-1234567890";
    let pack = TinyPack::new();
    let taken = Server::start(|_, request| {
        assert_eq!(request.headers.get("authorization").map(String::as_str), Some("Bearer sk-very-secret-1234567890"));
        Reply::says("7")
    });
    let echo = Server::start(|_, request| {
        let key = request.headers.get("authorization").cloned().unwrap_or_default();
        Reply::json(401, json!({ "error": { "message": format!("incorrect key provided: {key}") } }))
    });
    let workplace = Workplace::new();
    for (file, server) in [("taken.toml", &taken), ("echo.toml", &echo)] {
        let judge = format!("{GREEDY}api_key_env = \"LATENTLINK_TEST_KEY\"\n");
        workplace.write(file, &scenario(&pack, &server.base_url(), &judge));
    }
    let key = [("LATENTLINK_TEST_KEY", KEY)];
    let done = workplace.run_where(&["run", "taken.toml", "--out", "out"], &key).assert_done();
    let refused = workplace.run_where(&["run", "echo.toml", "--out", "no"], &key);
    let refused =
        refused.assert_fails(1, &["with 401: incorrect key provided: Bearer [the key]", "`judge.api_key_env`"]);
    assert!((1..=8).contains(&echo.questions().len()), "the first refusal ends it");
    for said in [&done.stdout, &done.stderr, &refused.stdout, &refused.stderr] {
        assert!(!said.contains(KEY), "{said}");
    }
    for name in workplace.contents().into_iter().filter(|name| !name.ends_with('/')) {
        let bytes = workplace.read(&name);
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{name} holds the key");
    }
    assert!(workplace.text("out/scenario.toml").contains("api_key_env = \"LATENTLINK_TEST_KEY\""));
    // Without the variable nothing is made, unless everything is there.
    let missing = workplace.run(&["run", "echo.toml", "--out", "no", "--store", "other.redb"]);
    missing.assert_fails(
        2,
        &["the environment variable LATENTLINK_TEST_KEY, which `api_key_env` names, is not set", "export"],
    );
    workplace.run(&["run", "taken.toml", "--out", "again"]).assert_done();
}

#[test]
fn what_was_answered_before_the_server_went_away_is_not_asked_again_nor_is_the_study_another_one_with_more_patience() {
    let pack = TinyPack::new();
    let server = Server::start(|number, request| match number {
        0..=9 => Reply::says(&mark(request).to_string()),
        _ => Reply::json(503, json!({ "error": { "message": "out of memory" } })),
    });
    let patience = format!("{SAMPLE}request_retries = 0\n");
    let workplace = Workplace::with("s.toml", &scenario(&pack, &server.base_url(), &patience));
    let stopped = workplace.run(&["run", "s.toml", "--out", "out", "--threads", "2"]);
    stopped.assert_fails(1, &["answered 503 after 1 attempt: out of memory", "goes on from there"]);
    let port = server.base_url();
    drop(server);
    // The same address again, as a server that was started anew.
    let revived = Server::again_at(&port, |_, request| Reply::says(&mark(request).to_string()));
    let more = ["run", "s.toml", "--out", "out", "--threads", "1"];
    let set = ["--set", "judge.request_retries=5", "--set", "judge.timeout_s=9", "--set", "judge.concurrency=2"];
    workplace.run(&[&more[..], &set].concat()).assert_done();
    let scores = workplace.csv("out/scores.csv");
    assert_eq!(scores.rows.len(), 48);
    let run = &workplace.json("out/manifest.json")["run"];
    let all = run["scores_computed"].as_u64().expect("a number") + run["scores_from_store"].as_u64().expect("a number");
    assert_eq!(revived.questions().len() as u64, all - 10, "ten were answered before");
}

#[test]
fn a_server_that_is_not_there_is_found_out_before_a_picture_is_made() {
    let pack = TinyPack::new();
    let gone = Server::start(|_, _| Reply::Reset).base_url();
    let workplace = Workplace::with("s.toml", &scenario(&pack, &gone, &format!("{GREEDY}request_retries = 0\n")));
    let said = workplace.run(&["run", "s.toml", "--out", "out"]);
    said.assert_fails(1, &[&format!("no answer from {gone}/models in 1 attempt:"), "is the server running"]);
    assert!(!contents_of(&workplace.path(".")).iter().any(|name| name.ends_with(".png")), "no picture");
}

#[test]
fn check_counts_what_would_be_asked_and_asks_nothing() {
    let (pack, server) = (TinyPack::new(), server());
    let judge = format!("{GREEDY}api_key_env = \"LATENTLINK_TEST_MISSING\"\n");
    let workplace = Workplace::with("s.toml", &scenario(&pack, &server.base_url(), &judge));
    let said = workplace.run(&["check", "s.toml"]).assert_done();
    assert!(said.stdout.contains("scores by judges that are shown pictures"), "{}", said.stdout);
    assert!(
        said.stdout.contains("kind = \"endpoint\"") && said.stdout.contains("timeout_s = 120.0"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains(&format!("are asked of eyes at {}", server.base_url())), "{}", said.stdout);
    assert!(
        said.stderr.contains("LATENTLINK_TEST_MISSING, which judge.api_key_env names, is not set"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("answers of the endpoint not counted"), "{}", said.stderr);
    assert!(server.questions().is_empty(), "an estimate asks nobody");
}

#[test]
fn judge_prompt_shows_the_words_that_are_sent_and_a_template_for_another_form_is_warned_of() {
    let (pack, server) = (TinyPack::new(), server());
    let workplace = Workplace::with("s.toml", &scenario(&pack, &server.base_url(), GREEDY));
    let told = workplace.run(&["judge", "prompt", "s.toml"]).assert_done().stdout;
    assert!(told.contains("# the built-in template for chats, marks from 0 to 9"), "{told}");
    workplace.run(&["run", "s.toml", "--out", "out"]).assert_done();
    for question in server.questions() {
        let asked = question.asked();
        assert!(told.contains(&format!("{}<image>{}\n", asked.before, asked.after)), "{}\n{told}", asked.before);
    }
    let template = "scale = { lowest = 0, highest = 9 }\ngeneral = \"g\"\nagent = \"{openness} {conscientiousness} \
                    {extraversion} {agreeableness} {neuroticism}\"\nquestion = \"{request}\"\n\
                    format = \"USER: {general} {agent} {picture} {question} ASSISTANT:\"\n";
    workplace.write("mine.toml", template);
    let set = ["--set", "judge.template='mine.toml'"];
    let said = workplace.run(&[&["run", "s.toml", "--out", "mine"][..], &set].concat()).assert_done();
    assert!(said.stderr.contains("has USER: in its `format`"), "{}", said.stderr);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_promptly_and_the_same_command_asks_only_what_was_not_answered() {
    use std::process::{Command, Stdio};
    use std::time::Instant;

    let pack = TinyPack::new();
    let server = Server::start(|number, request| {
        let answer = Reply::says(&mark(request).to_string());
        // From the twelfth on it takes longer than anybody waits, until the first run is over.
        if (12..16).contains(&number) { Reply::After(Duration::from_secs(30), Box::new(answer)) } else { answer }
    });
    let workplace = Workplace::with("s.toml", &scenario(&pack, &server.base_url(), SAMPLE));
    let arguments = ["run", "s.toml", "--out", "out", "--threads", "2"];
    let child = Command::new(env!("CARGO_BIN_EXE_latentlink"))
        .args(arguments)
        .current_dir(workplace.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let began = Instant::now();
    while server.questions().len() < 16 {
        assert!(began.elapsed() < Duration::from_secs(60), "it asks");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    let stopping = Instant::now();
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stopping.elapsed() < Duration::from_secs(20), "it does not wait for what takes 30 s");
    assert_eq!(server.questions().len(), 16, "nothing new was sent");
    workplace.run(&arguments).assert_done();
    let run = &workplace.json("out/manifest.json")["run"];
    let all = run["scores_computed"].as_u64().expect("a number") + run["scores_from_store"].as_u64().expect("a number");
    assert_eq!(server.questions().len() as u64, 16 + all - 12, "the twelve answers were kept");
}
