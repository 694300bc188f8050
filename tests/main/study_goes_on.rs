//! A study that was stopped goes on where it stopped, whatever stopped it, and ends as one that never stopped.
//!
//! Unix only: processes are killed and told to stop by signals.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Workplace, contents_of};
use crate::tiny_pack::TinyPack;

/// 1,200 runs of two users, each with a picture: a second or two.
fn long(pack: &TinyPack) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"long\"\nreplications = 600\n\
         [diffusion]\nsteps = 3\nmetrics_against = []\n[judge]\nkind = \"none\"\n[server]\nprompt = \"a b\"\n\
         [[device]]\nname = \"one\"\nprompt = \"a b\"\n[[device]]\nname = \"two\"\nprompt = \"a c\"\n\
         [policy]\nt0 = 1\ntk = 2\n[sweep]\n\"radio.bit_error_probability\" = [0.01, 0.1]\n",
        pack.root().display()
    )
}

fn spawn(workplace: &Workplace, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_latentlink"))
        .args(arguments)
        .current_dir(workplace.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn journal_bytes(workplace: &Workplace) -> u64 {
    workplace.path("results/long.unfinished/journal").metadata().map_or(0, |data| data.len())
}

/// Waits until the journal has grown by some runs, or the process has ended.
fn wait_for_growth(workplace: &Workplace, child: &mut Child, from: u64) {
    let started = Instant::now();
    while journal_bytes(workplace) <= from + 2000 {
        assert!(started.elapsed() < Duration::from_secs(120), "the journal grows");
        if child.try_wait().expect("a child").is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Every file of a results folder but what says when and how it was made.
fn results(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = contents_of(folder).into_iter().filter(|name| !name.ends_with('/') && name != "manifest.json");
    names.map(|name| (name.clone(), std::fs::read(folder.join(name)).expect("a file"))).collect()
}

#[test]
fn a_study_that_was_killed_again_and_again_ends_as_one_that_was_not() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    workplace.run(&["run", "long.toml", "--out", "whole", "--store", "whole.redb"]).assert_done();
    // Without a store that remembers: what is there after a kill is in the journal.
    let command = |store: &'static str| ["run", "long.toml", "--quiet", "--store", store];
    let mut kills = 0;
    for store in ["1.redb", "2.redb", "3.redb", "4.redb", "5.redb"] {
        let mut child = spawn(&workplace, &command(store));
        let before = journal_bytes(&workplace);
        wait_for_growth(&workplace, &mut child, before);
        kills += u32::from(child.try_wait().expect("a child").is_none());
        child.kill().expect("a child");
        child.wait().expect("it ends");
        if workplace.path("results/long").exists() {
            break;
        }
    }
    assert!(kills >= 2, "the study is long enough to be killed twice");
    let said = workplace.run(&["run", "long.toml", "--store", "6.redb"]).assert_done();
    assert!(said.stderr.contains(" of 1200 runs were finished before"), "{said:#?}");
    assert!(said.stdout.contains("runs had been finished before"), "{said:#?}");
    let found = workplace.json("results/long/manifest.json")["run"]["runs_found"].as_u64().expect("a number");
    assert!((1..1200).contains(&found), "{found}");
    let (whole, resumed) = (results(&workplace.path("whole")), results(&workplace.path("results/long")));
    assert_eq!(whole.len(), resumed.len());
    for ((name, whole), (other, resumed)) in whole.iter().zip(&resumed) {
        assert_eq!(name, other);
        assert!(whole == resumed, "{name} differs");
    }
    assert!(!workplace.path("results/long.unfinished").exists());
    assert!(!workplace.path("results/long/journal").exists(), "a complete study needs no journal");
}

#[test]
fn half_a_frame_at_the_end_of_a_journal_is_cut_off_and_the_rest_is_used() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    let mut child = spawn(&workplace, &["run", "long.toml", "--quiet"]);
    wait_for_growth(&workplace, &mut child, 0);
    child.kill().expect("a child");
    child.wait().expect("it ends");
    let journal = workplace.path("results/long.unfinished/journal");
    let mut bytes = std::fs::read(&journal).expect("a journal");
    let whole = bytes.len();
    // A length of 64 bytes, a checksum, and nothing more; then a whole frame with a wrong checksum.
    bytes.extend([64, 0, 0, 0, 1, 2, 3, 4]);
    std::fs::write(&journal, &bytes).expect("a file");
    let mut child = spawn(&workplace, &["run", "long.toml", "--quiet"]);
    wait_for_growth(&workplace, &mut child, whole as u64);
    child.kill().expect("a child");
    child.wait().expect("it ends");
    let mut bytes = std::fs::read(&journal).expect("a journal");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&journal, &bytes).expect("a file");
    workplace.run(&["run", "long.toml"]).assert_done();
    let requests = workplace.csv("results/long/requests.csv");
    assert_eq!(requests.rows.len(), 2 * 2 * 600);
    std::fs::create_dir(workplace.path("results/other.unfinished")).expect("a folder");
    workplace.write("results/other.unfinished/journal", "my diary, which is longer than the first line of a journal");
    let other = ["run", "long.toml", "--set", "study.name=other"];
    workplace.run(&other).assert_fails(1, &["is no journal of a study", "--force"]);
}

#[test]
fn ctrl_c_saves_says_how_to_go_on_and_ends_with_130() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    let mut child = spawn(&workplace, &["run", "long.toml"]);
    wait_for_growth(&workplace, &mut child, 0);
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(told.success());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("stopping after the batch in flight"), "{said}");
    assert!(said.contains("of 1200 runs of long are finished and saved in"), "{said}");
    assert!(said.contains("give the same command once more"), "{said}");
    workplace.run(&["run", "long.toml"]).assert_done();
}

#[test]
fn a_finished_study_is_left_as_it_is_and_another_one_does_not_take_its_place() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    let few = ["run", "long.toml", "--set", "study.replications=2"];
    workplace.run(&few).assert_done();
    let before = results(&workplace.path("results/long"));
    let manifest = workplace.read("results/long/manifest.json");
    let said = workplace.run(&few).assert_done().stdout;
    assert!(said.contains("all 4 runs of 2 points were finished before"), "{said}");
    assert!(
        before == results(&workplace.path("results/long")) && manifest == workplace.read("results/long/manifest.json")
    );
    for other in ["study.replications=3", "policy.tk=1", "study.seed=4"] {
        let arguments = ["run", "long.toml", "--set", "study.replications=2", "--set", other];
        workplace.run(&arguments).assert_fails(2, &["results are there already: ", "--force"]);
    }
    workplace.run(&["run", "long.toml", "--set", "study.replications=3", "--force"]).assert_done();
    assert_eq!(workplace.csv("results/long/requests.csv").rows.len(), 2 * 2 * 3);
}

/// Runs the long study until some of it is in the journal, and kills it.
fn killed(workplace: &Workplace, more: &[&str]) {
    let mut child = spawn(workplace, &[&["run", "long.toml", "--quiet"], more].concat());
    wait_for_growth(workplace, &mut child, journal_bytes(workplace));
    assert!(child.try_wait().expect("a child").is_none(), "the study is long enough to be killed");
    child.kill().expect("a child");
    child.wait().expect("it ends");
}

#[test]
fn an_unfinished_study_is_given_up_for_another_one_with_force_only() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    let mut child = spawn(&workplace, &["run", "long.toml"]);
    wait_for_growth(&workplace, &mut child, 0);
    let second = workplace.run(&["run", "long.toml"]);
    if child.try_wait().expect("a child").is_none() {
        second.assert_fails(1, &["another process is working on results/long.unfinished", "--shard"]);
    }
    child.kill().expect("a child");
    child.wait().expect("it ends");
    let journal = workplace.read("results/long.unfinished/journal");
    for other in [&["--seed", "5"][..], &["--set", "policy.tk=1"], &["--shard", "1/2", "--out", "results/long"]] {
        let arguments = [&["run", "long.toml"], other].concat();
        let texts = ["results/long.unfinished holds finished runs of another scenario", "--force"];
        workplace.run(&arguments).assert_fails(2, &texts);
    }
    assert!(journal == workplace.read("results/long.unfinished/journal"));
    // Nobody knows any more whose runs these are.
    let study = workplace.read("results/long.unfinished/study.json");
    workplace.write("results/long.unfinished/study.json", "");
    workplace.run(&["run", "long.toml"]).assert_fails(2, &["holds finished runs of another scenario"]);
    workplace.write("results/long.unfinished/study.json", &String::from_utf8(study).expect("JSON"));

    let few = ["run", "long.toml", "--force", "--set", "study.replications=2", "--set", "policy.tk=1"];
    workplace.run(&few).assert_done();
    assert_eq!(workplace.csv("results/long/requests.csv").column("tk"), ["1"; 8]);
}

#[test]
fn a_run_with_force_that_was_killed_goes_on_when_its_command_is_given_again() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    workplace.run(&["run", "long.toml", "--set", "study.replications=2"]).assert_done();
    killed(&workplace, &["--force"]);
    assert!(workplace.path("results/long/manifest.json").is_file(), "the earlier results are there until new ones are");
    let said = workplace.run(&["run", "long.toml", "--force"]).assert_done();
    assert!(said.stderr.contains(" of 1200 runs were finished before"), "{said:#?}");
    assert_eq!(workplace.csv("results/long/requests.csv").rows.len(), 2 * 2 * 600);
}

#[test]
fn an_unfinished_study_goes_on_with_more_replications_or_fewer() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    killed(&workplace, &[]);
    let more = ["run", "long.toml", "--set", "study.replications=601"];
    let said = workplace.run(&more).assert_done();
    assert!(said.stderr.contains(" of 1202 runs were finished before"), "{said:#?}");
    assert_eq!(workplace.csv("results/long/requests.csv").rows.len(), 2 * 2 * 601);

    killed(&workplace, &["--force"]);
    workplace.run(&["run", "long.toml", "--force", "--set", "study.replications=2"]).assert_done();
    let requests = workplace.csv("results/long/requests.csv");
    assert_eq!(requests.column("replication"), ["0", "0", "1", "1", "0", "0", "1", "1"]);
    assert_eq!(workplace.json("results/long/manifest.json")["counts"]["runs"], 4);
}

#[test]
fn results_that_are_moved_away_under_a_running_study_are_missed() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("long.toml", &long(&pack));
    let mut child = spawn(&workplace, &["run", "long.toml"]);
    wait_for_growth(&workplace, &mut child, 0);
    let there = workplace.path("results/long.unfinished");
    std::fs::rename(&there, workplace.path("elsewhere")).expect("the study is at work");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is gone: it was moved or removed while the study ran"), "{said}");
    assert!(said.contains("move it back and give the same command once more"), "{said}");
    std::fs::rename(workplace.path("elsewhere"), &there).expect("back");
    let said = workplace.run(&["run", "long.toml"]).assert_done();
    assert!(said.stderr.contains("runs were finished before"), "{said:#?}");
}
