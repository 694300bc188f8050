//! `latentlink run` and `latentlink sweep`: scenario files to results folders.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::interrupt;
use super::progress::{Progress, say};
use super::run_report::{finished_before, first_failure, report_text};
use super::standard_output;
use crate::diffusion::executor::StopRequest;
use crate::error::Error;
use crate::experiment::results_folder::ResultsFolder;
use crate::experiment::{MemoryLimit, Reuse, RunOptions, Shard, StudyOutcome, StudyPlan};
use crate::scenario::ScenarioFile;
use crate::score_store;

/// Run scenarios: simulate, make the pictures, write tables and figures.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink run scenarios/quickstart.toml
  latentlink run 'scenarios/paper/*.toml' --threads 2
  latentlink run my.toml --set radio.bandwidth_hz=10e6 --set 'device.device-2.prompt=\"a cat on the beach\"'
  latentlink run my.toml --seed 7 --out results/my-seed-7 --force
  latentlink sweep my.toml --set policy.t0=2,3,4 --until 0.02
  latentlink run my.toml --shard 1/2      here, 2/2 elsewhere, then: latentlink merge results/my.shard-*

A run that was stopped, by Ctrl-C, a kill or a full disk, goes on where it stopped when the same command is given again.")]
pub struct RunArgs {
    /// Scenario files; patterns such as 'scenarios/*.toml' are understood.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Results folder [default: results/<study>]; with several files, the folder that holds theirs.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Worker threads [default: one per core]. The results are the same for any number.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Memory that the run may take, models included. Smaller groups of pictures are then computed together.
    #[arg(long, value_name = "SIZE", default_value_t)]
    pub memory: MemoryLimit,
    /// Compute part i of n: `latentlink merge` joins the parts.
    #[arg(long, value_name = "i/n", allow_hyphen_values = true)]
    pub shard: Option<Shard>,
    /// Replace finished results that are there, and give up unfinished runs of another scenario; nothing else is ever
    /// replaced.
    #[arg(long)]
    pub force: bool,
    /// Try runs again that failed.
    #[arg(long, conflicts_with = "force")]
    pub retry_failed: bool,
    /// The score store: pictures and scores of earlier runs, which are not computed again.
    #[arg(long, value_name = "FILE", default_value = score_store::DEFAULT_PLACE)]
    pub store: PathBuf,
    /// Say nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// What replaces values of a scenario file.
#[derive(Debug, Clone, Default, Args)]
pub struct Overrides {
    /// Override a field of the scenario by its path; several values with commas between them are a sweep. May be given
    /// several times.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Seed of all random streams; overrides study.seed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Add replications to each point until the 95 % interval is this part of the mean; overrides
    /// study.until_relative_half_width.
    #[arg(long, value_name = "WIDTH", allow_hyphen_values = true, value_parser = width)]
    pub until: Option<f64>,
    /// Whose interval: a column of runs.csv or requests.csv; overrides study.until_quantity.
    #[arg(long, value_name = "COLUMN", requires = "until")]
    pub until_quantity: Option<String>,
    /// Replications at most; overrides study.maximum_replications.
    #[arg(long, value_name = "N", requires = "until")]
    pub maximum_replications: Option<u32>,
}

/// A part of a mean.
fn width(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(width) if width > 0.0 && f64::is_finite(width) => Ok(width),
        _ => Err("expected a number above 0, say 0.05 for ± 5 % of the mean".to_owned()),
    }
}

/// Runs every file; a file that fails does not keep the others from running.
///
/// # Errors
/// The failure of a single file. Those of several are printed where they happen, and [`Error::SomeFailed`] counts them.
pub fn run(args: &RunArgs) -> Result<(), Error> {
    run_all(args, false)
}

/// As [`run`], for files that sweep something.
///
/// # Errors
/// As [`run`], and [`Error::Usage`] for a scenario without a sweep.
pub fn sweep(args: &RunArgs) -> Result<(), Error> {
    run_all(args, true)
}

fn run_all(args: &RunArgs, must_sweep: bool) -> Result<(), Error> {
    let files = expand(&args.files)?;
    let mut places: Vec<(PathBuf, &PathBuf)> = Vec::new();
    let stop = interrupt::listen();
    if let [file] = &files[..] {
        return run_one(args, file, &stop, (false, must_sweep), &mut places);
    }
    let (mut failed, mut last_code) = (0, 0);
    for file in &files {
        match run_one(args, file, &stop, (true, must_sweep), &mut places) {
            Ok(()) => {}
            // Whoever stops one of many means all of them.
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => {
                (failed, last_code) = (failed + 1, error.exit_code());
                say(&format!("{:?}", miette::Report::new(error)));
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(Error::SomeFailed { failed, files: files.len(), last_code }) }
}

/// `places` are the folders that this command has written to, each with its scenario.
fn run_one<'a>(
    args: &RunArgs,
    file: &'a PathBuf,
    stop: &Arc<StopRequest>,
    (one_of_many, must_sweep): (bool, bool),
    places: &mut Vec<(PathBuf, &'a PathBuf)>,
) -> Result<(), Error> {
    let scenario = load(file, &args.overrides)?;
    let grid = scenario.grid().map_err(Box::new)?;
    if must_sweep && grid.paths().is_empty() {
        return Err(Error::Usage {
            message: format!("{} sweeps nothing", file.display()),
            help: "add a [sweep], or say --set PATH=a,b,c; `latentlink run` runs it as it is".to_owned(),
        });
    }
    let study = &grid.point(0).map_err(Box::new)?.scenario.study.name;
    let out = args.out.as_ref().map(|out| if one_of_many { out.join(study) } else { out.clone() });
    let options = RunOptions {
        out,
        threads: args.threads.map(usize::from),
        store: Some(args.store.clone()),
        memory: args.memory,
        shard: args.shard,
        reuse: Reuse { force: args.force, retry_failed: args.retry_failed },
        stop: Arc::clone(stop),
    };
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
    // A place that takes no results is found out now, not after the pictures.
    drop(ResultsFolder::create(&place, true)?);
    places.push((place, file));
    let progress = if args.quiet { Progress::quiet() } else { Progress::new() };
    let outcome = StudyPlan::prepare(&scenario, &options, &progress).and_then(|plan| plan.run(&progress));
    progress.finish();
    let mut figure_error = None;
    let (text, failed) = match outcome? {
        StudyOutcome::FinishedBefore { folder, manifest } => {
            let failed = manifest.counts.failed_runs;
            (finished_before(&folder, &manifest), (failed > 0).then_some((manifest.counts.runs, failed, folder)))
        }
        StudyOutcome::Done(mut report) => {
            figure_error = report.figure_error.take();
            let failed = report.findings.failed_runs;
            let text = report_text(&report);
            (text, (failed > 0).then_some((report.findings.runs, failed, report.folder)))
        }
    };
    if !args.quiet {
        standard_output::print(&text)?;
    }
    match failed {
        None => figure_error.map_or(Ok(()), Err),
        Some((runs, failed, folder)) => {
            let table = folder.join("failures.csv");
            Err(Error::RunsFailed { study: study.clone(), failed, runs, first: first_failure(&table), table })
        }
    }
}

/// Reads a scenario and applies what the command line overrides.
pub(super) fn load(file: &PathBuf, overrides: &Overrides) -> Result<ScenarioFile, Error> {
    let mut scenario = ScenarioFile::read(file).map_err(Box::new)?;
    let Overrides { set, seed, until, until_quantity, maximum_replications } = overrides;
    let named = [
        seed.map(|seed| format!("study.seed={seed}")),
        until.map(|width| format!("study.until_relative_half_width={width:?}")),
        until_quantity.as_ref().map(|quantity| format!("study.until_quantity={quantity}")),
        maximum_replications.map(|replications| format!("study.maximum_replications={replications}")),
    ];
    for argument in set.iter().cloned().chain(named.into_iter().flatten()) {
        scenario.set(&argument).map_err(Box::new)?;
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
