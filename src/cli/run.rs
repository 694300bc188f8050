//! `latentlink run`: scenario files to results folders.

use std::path::PathBuf;

use clap::Args;

use super::progress::{Progress, say};
use super::standard_output;
use crate::error::Error;
use crate::experiment::budget::BudgetViolation;
use crate::experiment::results_folder::ResultsFolder;
use crate::experiment::{RunOptions, StudyCost, StudyPlan, StudyReport};
use crate::scenario::ScenarioFile;
use crate::score_store;

/// Run scenarios: simulate, make the pictures, write tables and figures.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink run scenarios/quickstart.toml
  latentlink run 'scenarios/paper/*.toml' --threads 2
  latentlink run my.toml --set radio.bandwidth_hz=10e6 --set 'device.device-2.prompt=\"a cat on the beach\"'
  latentlink run my.toml --seed 7 --out results/my-seed-7 --force")]
pub struct RunArgs {
    /// Scenario files; patterns such as 'scenarios/*.toml' are understood.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Override a field of the scenario by its path; may be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Results folder [default: results/<study>]; with several files, the folder that holds theirs.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Seed of all random streams; overrides study.seed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Worker threads [default: one per core]. The results are the same for any number.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Replace earlier results that are there; nothing else is ever replaced.
    #[arg(long)]
    pub force: bool,
    /// The score store: pictures and scores of earlier runs, which are not computed again.
    #[arg(long, value_name = "FILE", default_value = score_store::DEFAULT_PLACE)]
    pub store: PathBuf,
}

/// Runs every file; a file that fails does not keep the others from running.
///
/// # Errors
/// The failure of a single file. Those of several are printed where they happen, and [`Error::SomeFailed`] counts them.
pub fn run(args: &RunArgs) -> Result<(), Error> {
    let files = expand(&args.files)?;
    let mut places: Vec<(PathBuf, &PathBuf)> = Vec::new();
    if let [file] = &files[..] {
        return run_one(args, file, false, &mut places);
    }
    let (mut failed, mut last_code) = (0, 0);
    for file in &files {
        if let Err(error) = run_one(args, file, true, &mut places) {
            (failed, last_code) = (failed + 1, error.exit_code());
            say(&format!("{:?}", miette::Report::new(error)));
        }
    }
    if failed == 0 { Ok(()) } else { Err(Error::SomeFailed { failed, files: files.len(), last_code }) }
}

/// `places` are the folders that this command has written to, each with its scenario.
fn run_one<'a>(
    args: &RunArgs,
    file: &'a PathBuf,
    one_of_many: bool,
    places: &mut Vec<(PathBuf, &'a PathBuf)>,
) -> Result<(), Error> {
    let scenario = load(file, &args.set, args.seed)?;
    let points = scenario.points().map_err(Box::new)?;
    let study = &points[0].scenario.study.name;
    let out = args.out.as_ref().map(|out| if one_of_many { out.join(study) } else { out.clone() });
    let options = RunOptions { out, threads: args.threads.map(usize::from), force: args.force };
    let place = options.place(study);
    if let Some((_, other)) = places.iter().find(|(taken, _)| *taken == place) {
        return Err(Error::Usage {
            message: format!(
                "{} is called \"{study}\" as {} is: both go to {}",
                file.display(),
                other.display(),
                place.display()
            ),
            help: format!(
                "give one of them another study.name, or run it on its own: latentlink run {}",
                file.display()
            ),
        });
    }
    // A folder that cannot be written is found out now, not after the pictures.
    drop(ResultsFolder::create(&place, options.force)?);
    places.push((place, file));
    let progress = Progress::new();
    let report = StudyPlan::prepare(&scenario, options.threads, Some(&args.store), &progress)
        .and_then(|plan| plan.run(&options, &progress));
    progress.finish();
    standard_output::print(&report_text(&report?))
}

/// Reads a scenario and applies `--set` and `--seed`.
pub(super) fn load(file: &PathBuf, set: &[String], seed: Option<u64>) -> Result<ScenarioFile, Error> {
    let mut scenario = ScenarioFile::read(file).map_err(Box::new)?;
    let seed = seed.map(|seed| format!("study.seed={seed}"));
    for argument in set.iter().chain(&seed) {
        scenario.set(argument).map_err(Box::new)?;
    }
    Ok(scenario)
}

/// The files that the arguments name. A pattern that matches nothing is an error.
pub(super) fn expand(arguments: &[String]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for argument in arguments {
        let literal = PathBuf::from(argument);
        if literal.exists() || !argument.contains(['*', '?', '[']) {
            files.push(literal);
            continue;
        }
        let paths = glob::glob(argument).map_err(|error| Error::Usage {
            message: format!("`{argument}` is no file and no pattern: {error}"),
            help: "patterns know `*`, `?`, `**` and `[a-z]`".to_owned(),
        })?;
        let before = files.len();
        files.extend(paths.filter_map(Result::ok));
        if files.len() == before {
            return Err(Error::Usage {
                message: format!("no file matches `{argument}`"),
                help: "quote the pattern and give it from the working directory, as 'scenarios/*.toml'".to_owned(),
            });
        }
    }
    Ok(files)
}

/// What a run says at its end.
fn report_text(report: &StudyReport) -> String {
    let cost = &report.cost;
    let runs = counted(cost.runs as u64, "run");
    let points = counted(cost.points as u64, "point");
    let mut lines = vec![format!("{runs} of {points} in {:.1} s{}", report.wall_time_s, work_text(report))];
    lines.extend(score_lines(report));
    lines.extend(over_budget(&report.violations));
    if !report.failures.is_empty() {
        lines.push(format!("{} failed:", counted(report.failures.len() as u64, "picture")));
        lines.extend(report.failures.iter().take(5).map(|failure| format!("  {failure}")));
        if report.failures.len() > 5 {
            lines.push("  … all in requests.csv, column picture_status".to_owned());
        }
    }
    lines.push("look at".to_owned());
    let place = |file: &str| report.folder.join(file).display().to_string();
    lines.extend(report.figures.iter().map(|figure| format!("  {}", place(figure))));
    for (file, meaning) in [
        ("requests.csv", "one row per user"),
        ("scores.csv", "one row per answer"),
        ("runs.csv", "energy and savings of each run"),
        ("summary.csv", "means and intervals"),
        ("columns.md", "what the columns mean"),
    ] {
        if file != "scores.csv" || !report.judges.is_empty() {
            lines.push(format!("  {}  ({meaning})", place(file)));
        }
    }
    if report.pictures > 0 {
        lines.push(format!("  {}  ({})", place("images"), counted(report.pictures as u64, "picture")));
    }
    lines.join("\n") + "\n"
}

/// What was computed, on what, and what was not.
fn work_text(report: &StudyReport) -> String {
    let origins = &report.origins;
    let wanted = origins.values_computed + origins.values_from_store;
    let store = report.store.as_ref().map_or_else(String::new, |store| store.display().to_string());
    let on = format!(" on the {} with {}", report.execution_provider, counted(report.threads as u64, "worker"));
    match (wanted, origins.values_computed, origins.values_from_store) {
        (0, ..) if report.opened_sessions => ": no picture was made, only prompts were encoded".to_owned(),
        (0, ..) => ": no picture was made and no session opened".to_owned(),
        (_, 0, _) if !report.opened_sessions => format!(": everything was in {store}, no session was opened"),
        (_, _, 0) => format!("{on}: {}", unet_work(&report.cost)),
        (_, _, there) => format!(
            "{on}: {there} of {wanted} results were in {store}, the rest took {}",
            counted(origins.unet_evaluations_made, "UNet evaluation")
        ),
    }
}

/// Who gave how many scores, and how many of them failed.
fn score_lines(report: &StudyReport) -> Vec<String> {
    if report.judges.is_empty() {
        return Vec::new();
    }
    let origins = &report.origins;
    let mut line = format!("{} by {}", counted(report.scores, "score"), report.judges.join(", "));
    if origins.scores_computed + origins.scores_from_store > 0 {
        line.push_str(&format!(
            ": {} computed, {} from the score store",
            counted(origins.scores_computed, "answer"),
            origins.scores_from_store
        ));
    }
    let failed = (report.failed_scores > 0).then(|| {
        format!(
            "{} failed: columns qoe_status of requests.csv and status of scores.csv",
            counted(report.failed_scores, "score")
        )
    });
    std::iter::once(line).chain(failed).collect()
}

/// UNet evaluations: for the users' pictures, against making each on its own, and for reference pictures.
pub(super) fn unet_work(cost: &StudyCost) -> String {
    let references = cost.unet_evaluations_of_references;
    let users = format!(
        "{} UNet evaluations for the users' pictures ({} if each were made on its own)",
        cost.unet_evaluations - references,
        cost.unet_evaluations_unshared
    );
    if references == 0 { users } else { format!("{users}, {references} more for reference pictures") }
}

/// Broken budgets in words, each payer's worst.
pub(super) fn over_budget(violations: &[(u32, u32, BudgetViolation)]) -> Vec<String> {
    let mut payers: Vec<&str> = violations.iter().map(|(_, _, violation)| violation.payer.as_str()).collect();
    payers.sort_unstable();
    payers.dedup();
    let worst = |payer: &str| {
        let broken = violations.iter().filter(|(_, _, violation)| violation.payer == payer);
        let count = broken.clone().count() as u64;
        let (point, replication, violation) = broken.max_by(|a, b| a.2.excess_j().total_cmp(&b.2.excess_j()))?;
        Some(format!(
            "over budget: {payer} breaks constraint {} in {}, worst in point {point}, replication {replication}: \
             {:.3} J of {:.3} J, {:.3} J too much",
            violation.constraint,
            counted(count, "run"),
            violation.spent_j,
            violation.budget_j,
            violation.excess_j()
        ))
    };
    payers.into_iter().filter_map(worst).collect()
}

/// `1 run`, `2 runs`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
