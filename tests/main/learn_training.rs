//! Trainings from a scenario to actors: the same whatever stops them, and worth in a run what they say they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use latentlink::diffusion::executor::StopRequest;
use latentlink::error::Error;
use latentlink::experiment::{Observer, Reuse, RunOptions, StudyPlan, StudyProgress};
use latentlink::learn::TrainingError;
use latentlink::learn::training_curve::TrainingRow;
use latentlink::learn::training_study::{TrainingObserver, TrainingReport, train};
use latentlink::report::{Cell, Table};
use latentlink::scenario::{ScenarioFile, TrainSettings};

use crate::program::shipped_pack;

/// Stops everything after so many rows.
struct Stopper {
    rows: AtomicU32,
    after: u32,
    stop: Arc<StopRequest>,
}

impl Stopper {
    fn never() -> Self {
        Self { rows: AtomicU32::new(0), after: u32::MAX, stop: Arc::default() }
    }
}

impl Observer for Stopper {
    fn stage(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn progress(&self, _: StudyProgress) {}
}

impl TrainingObserver for Stopper {
    fn row(&self, _: &str, _: &TrainingRow, _: &TrainSettings) {
        if self.rows.fetch_add(1, Ordering::Relaxed) + 1 == self.after {
            self.stop.set();
        }
    }

    fn trained(&self, _: &str, _: usize, _: usize) {}
}

/// Two users on a hard link, a training of a second.
pub fn scenario(train: &str) -> String {
    let devices: String = ["a tiger", "a dog"]
        .iter()
        .map(|prompt| {
            format!(
                "[[device]]\nprompt = \"{prompt}\"\ndistance_m = 800.0\ndistance_max_m = 1300.0\nenergy_budget_j = 8.0\n"
            )
        })
        .collect();
    format!(
        r#"
models = {{ diffusion = '{}', execution_provider = "cpu" }}
study = {{ name = "learning", replications = 6 }}
server = {{ prompt = "a tiger", energy_budget_j = 20.0 }}
radio = {{ energy_per_watt_j = 0.1 }}
population = {{ kind = "uniform" }}
judge = {{ kind = "surface", similarity = [0.6, 1.0] }}
policy = {{ kind = "exhaustive" }}
{devices}
[train]
hidden = 16
batch_size = 16
interactions = 240
warm_up_interactions = 40
updates = 100
environments = 4
evaluations = 2
evaluation_replications = 6
actor_learning_rate = 1e-3
{train}
"#,
        shipped_pack().display()
    )
}

fn options(out: &Path, observer: &Stopper, threads: usize) -> RunOptions {
    RunOptions {
        out: Some(out.to_owned()),
        threads: Some(threads),
        stop: Arc::clone(&observer.stop),
        ..RunOptions::default()
    }
}

fn train_in(text: &str, out: &Path, observer: &Stopper, threads: usize) -> Result<TrainingReport, Error> {
    let file = ScenarioFile::from_str(text, "learning.toml").expect("TOML");
    train(&file, &options(out, observer, threads), observer)
}

fn trained(text: &str, out: &Path) -> TrainingReport {
    train_in(text, out, &Stopper::never(), 2).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
}

/// What two equal trainings share: everything but their times.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        for entry in fs::read_dir(folder.join(&relative)).expect("results") {
            let inner = relative.join(entry.expect("an entry").file_name());
            let path = folder.join(&inner);
            let name = inner.display().to_string();
            if path.is_dir() {
                open.push(inner);
            } else if !["manifest.json", "timing.csv"].contains(&&*name)
                && !name.contains("wall_time")
                && !name.contains("tfevents")
            {
                found.push((name, fs::read(path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

fn assert_same_results(one: &Path, other: &Path) {
    let (one, other) = (files(one), files(other));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for ((name, a), (_, b)) in one.iter().zip(&other) {
        assert!(a == b, "{name} differs");
    }
}

fn cell(row: &[Cell], table: &Table, column: &str) -> Cell {
    row[table.column_index(column).unwrap_or_else(|| panic!("a column {column}"))].clone()
}

#[test]
fn a_training_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().expect("a folder");
    for algorithm in ["ddpg", "g-ddpg", "td3"] {
        let text = scenario(&format!("algorithm = \"{algorithm}\"\nseeds = 2"));
        let (whole, broken) =
            (folder.path().join(format!("{algorithm}-whole")), folder.path().join(format!("{algorithm}-broken")));
        trained(&text, &whole);
        for after in [7, 40] {
            let stopper = Stopper { after, ..Stopper::never() };
            let outcome = train_in(&text, &broken, &stopper, 1);
            assert!(matches!(outcome, Err(Error::TrainingStopped { .. })), "stopped after {after} rows");
            assert!(!broken.exists(), "nothing half is published");
        }
        trained(&text, &broken);
        assert_same_results(&whole, &broken);
    }
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = scenario("seeds = 3");
    let places = [1, 3].map(|threads| {
        let place = folder.path().join(threads.to_string());
        train_in(&text, &place, &Stopper::never(), threads).expect("a training");
        place
    });
    assert_same_results(&places[0], &places[1]);
}

#[test]
fn an_actor_is_worth_in_a_run_what_its_evaluation_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    trained(&scenario("best_of = 1"), &place);
    let evaluation = Table::read_csv(&place.join("evaluation.csv")).expect("a table");
    let of_actor = evaluation.rows().iter().filter(|row| cell(row, &evaluation, "policy") == "g-ddpg".into());
    let expected: Vec<f64> = of_actor.filter_map(|row| cell(row, &evaluation, "sum_qoe").number()).collect();
    assert_eq!(expected.len(), 6);

    let actor = place.join("actors/point-0000_seed-000/actor.onnx");
    let mut file = ScenarioFile::from_str(scenario(""), "run.toml").expect("TOML");
    for argument in ["policy.kind=actor".to_owned(), format!("policy.file='{}'", actor.display())] {
        file.set(&argument).expect("an override");
    }
    let observer = Stopper::never();
    let run = folder.path().join("run");
    let plan = StudyPlan::prepare(&file, &options(&run, &observer, 2), &observer);
    let plan = plan.unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    plan.run(&observer).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    let runs = Table::read_csv(&run.join("runs.csv")).expect("a table");
    let found: Vec<f64> = runs.rows().iter().filter_map(|row| cell(row, &runs, "sum_qoe").number()).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_training_starts_from_the_actor_of_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("first");
    trained(&scenario(""), &first);
    let actor = first.join("actors/point-0000_seed-000/actor.onnx");
    let start = format!("start_from = '{}'\n", actor.display());
    // With hardly an update and hardly a rate it is the same actor, on another link.
    let second = folder.path().join("second");
    let still = scenario(&start)
        .replace("updates = 100", "updates = 1")
        .replace("actor_learning_rate = 1e-3", "actor_learning_rate = 1e-12")
        .replace("distance_m = 800.0", "distance_m = 700.0");
    trained(&still, &second);
    let evaluate = |actor: &Path| {
        let point = scenario("best_of = 1").replace("distance_m = 800.0", "distance_m = 700.0");
        let mut file = ScenarioFile::from_str(point, "run.toml").expect("TOML");
        for argument in ["policy.kind=actor".to_owned(), format!("policy.file='{}'", actor.display())] {
            file.set(&argument).expect("an override");
        }
        let observer = Stopper::never();
        let run = folder.path().join(format!("run-{}", actor.display().to_string().len()));
        StudyPlan::prepare(&file, &options(&run, &observer, 2), &observer)
            .expect("a plan")
            .run(&observer)
            .expect("a run");
        let runs = Table::read_csv(&run.join("runs.csv")).expect("a table");
        runs.rows().iter().filter_map(|row| cell(row, &runs, "sum_qoe").number()).collect::<Vec<f64>>()
    };
    let (before, after) = (evaluate(&actor), evaluate(&second.join("actors/point-0000_seed-000/actor.onnx")));
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() < 1e-4, "{before} before, {after} after");
    }
}

#[test]
fn a_training_cannot_start_from_other_networks_or_from_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("first");
    trained(&scenario(""), &first);
    let actor = first.join("actors/point-0000_seed-000/actor.onnx");
    let start = format!("start_from = '{}'\n", actor.display());
    let place = folder.path().join("second");
    for (text, part) in [
        (scenario(&start).replace("hidden = 16", "hidden = 24"), "hidden = 16"),
        (scenario(&(start.clone() + "maximum_own_steps = 5")), "actions"),
        (scenario(&start).replace("energy_budget_j = 20.0", "energy_budget_j = 21.0"), "200.000 W"),
    ] {
        let outcome = train_in(&text, &place, &Stopper::never(), 1);
        let Err(Error::Training(error @ TrainingError::OtherStart { .. })) = outcome else { panic!("it started") };
        assert!(error.to_string().contains(part) && error.exit_code() == 2, "{error}");
    }
    fs::remove_file(actor.with_file_name("learner.checkpoint")).expect("a file");
    let outcome = train_in(&scenario(&start), &place, &Stopper::never(), 1);
    let Err(Error::Training(TrainingError::NoStart { file, .. })) = outcome else { panic!("it started") };
    assert_eq!(file, actor.with_file_name("learner.checkpoint"));
}

#[test]
fn the_optimum_is_never_below_another_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    let report = trained(&scenario("").replace("evaluation_replications = 6", "evaluation_replications = 40"), &place);
    let point = &report.points[0];
    let evaluation = |name: &str| point.baseline(name).expect("a formula judges");
    let optimum = &evaluation("exhaustive").runs;
    for baseline in point.baselines.iter() {
        for (run, best) in baseline.evaluation.runs.iter().zip(optimum) {
            // The powers of the optimum are whole watts.
            assert!(run.sum_qoe <= best.sum_qoe + 0.02, "{} in replication {}", baseline.name, run.replication);
        }
    }
    assert!(evaluation("greedy").mean_sum_qoe() > evaluation("random").mean_sum_qoe());
}

#[test]
fn batteries_run_down_within_a_sequential_episode() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    let text = scenario("discount = 0.9")
        .replace("energy_budget_j = 8.0\n", "energy_budget_j = 8.0\nbattery_j = 40.0\n")
        + "[demand]\nrequests = 30\narrivals = { kind = \"poisson\", rate_hz = 0.2 }\n[grouping]\nwindow_s = 4.0\nmaximum_size = 2\nsimilarity_threshold = 0.6\n";
    let report = trained(&text, &place);
    let training = report.points[0].finished().next().expect("it did not fail").1;
    let evaluation = &training.evaluations[0];
    assert!(evaluation.runs.iter().all(|run| run.decisions > 5), "an episode has many decisions");
    // 2 × 40 J do not last for 30 pictures of up to 8 J: some requests end without one, and count 0.
    assert!(evaluation.outage_rate() > 0.0);
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    let stopper = Stopper { after: 30, ..Stopper::never() };
    assert!(train_in(&scenario(""), &place, &stopper, 1).is_err());
    let outcome = train_in(&scenario("exploration_noise = 0.3"), &place, &Stopper::never(), 1);
    assert!(matches!(outcome, Err(Error::Training(TrainingError::OtherConfiguration { .. }))));
}

#[test]
fn an_unreadable_checkpoint_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    let stopper = Stopper { after: 30, ..Stopper::never() };
    assert!(train_in(&scenario(""), &place, &stopper, 1).is_err());
    let checkpoint = folder.path().join(".training.trainings/point-0000_seed-000/training.checkpoint");
    let mut bytes = fs::read(&checkpoint).expect("a checkpoint");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&checkpoint, bytes).expect("it can be written");
    let outcome = train_in(&scenario(""), &place, &Stopper::never(), 1);
    let Err(Error::Training(TrainingError::Unreadable { file, .. })) = outcome else { panic!("it was read") };
    assert_eq!(file, checkpoint);
    let options =
        RunOptions { reuse: Reuse { force: true, retry_failed: false }, ..options(&place, &Stopper::never(), 1) };
    let file = ScenarioFile::from_str(scenario(""), "learning.toml").expect("TOML");
    train(&file, &options, &Stopper::never()).expect("--force begins anew");
}

#[test]
fn a_reward_that_is_no_number_stops_its_training_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    let text = scenario("") + "[sweep]\n\"train.server_penalty\" = [0.2, 1.7976931348623157e308]\n";
    let report = trained(&text, &place);
    assert_eq!(report.failed, 1);
    let failures = fs::read_to_string(place.join("failures.csv")).expect("a table");
    assert!(failures.contains("the reward after"), "{failures}");
    assert!(place.join("actors/point-0000_seed-000/actor.onnx").exists());
    assert!(!place.join("actors/point-0001_seed-000").exists());
}

#[test]
fn an_actor_for_two_users_does_not_decide_for_three() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("training");
    trained(&scenario(""), &place);
    let actor = place.join("actors/point-0000_seed-000/actor.onnx");
    let refused = |text: &str| {
        let observer = Stopper::never();
        let mut file = ScenarioFile::from_str(text, "run.toml").expect("TOML");
        for argument in ["policy.kind=actor".to_owned(), format!("policy.file='{}'", actor.display())] {
            file.set(&argument).expect("an override");
        }
        let plan = StudyPlan::prepare(&file, &options(&folder.path().join("run"), &observer, 1), &observer);
        match plan.and_then(|plan| plan.run(&observer).map(drop)) {
            Ok(()) => panic!("it ran"),
            Err(error) => format!("{:?}", miette::Report::new(error)),
        }
    };
    let three = scenario("") + "[[device]]\nprompt = \"a cat\"\nenergy_budget_j = 8.0\n";
    assert!(refused(&three).contains("trained for groups of 2 users, not of 3"));
}
