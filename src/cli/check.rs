//! `latentlink check`: validate a scenario and say what a run would take.

use clap::Args;

use super::progress::{Progress, say};
use super::run::{self, Overrides};
use super::run_report::{counted, over_budget, unet_work};
use super::standard_output;
use crate::error::Error;
use crate::experiment::{RunOptions, StudyPlan};
use crate::score_store;

/// Validate a scenario, print it with every default filled in, and count the work a run would take.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink check scenarios/quickstart.toml
  latentlink check my.toml --set policy.t0=6
  latentlink check my.toml --set policy.t0=2,3,4 --set study.replications=20")]
pub struct CheckArgs {
    /// Scenario file.
    #[arg(value_name = "FILE")]
    pub file: std::path::PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Count only, without the estimate of the time, for which a few pictures are made.
    #[arg(long)]
    pub no_estimate: bool,
}

/// Checks the scenario, its model pack and its chains, and counts; writes nothing. The estimate of the time, which differs
/// from call to call, goes to stderr.
///
/// # Errors
/// What a run would end with before its first picture.
pub fn check(args: &CheckArgs) -> Result<(), Error> {
    let scenario = run::load(&args.file, &args.overrides)?;
    let progress = Progress::new();
    let toml = scenario.resolved_toml().map_err(Box::new)?;
    let store = std::path::Path::new(score_store::DEFAULT_PLACE);
    // A store is looked into, never made.
    let options = RunOptions { store: store.is_file().then(|| store.to_owned()), ..RunOptions::default() };
    let plan = StudyPlan::prepare(&scenario, &options, &progress);
    progress.finish();
    let plan = plan?;
    let cost = plan.cost()?;
    // What follows the scenario are comments of it: all of the output is a scenario again.
    let work = cost.work;
    let (points, runs) = (counted(u64::from(plan.points()), "point"), counted(cost.runs, "run"));
    let counts = [
        match &plan.scenario().study.until {
            None => format!("{points}, {runs}"),
            Some(until) => format!(
                "{points}, {runs} at first, up to {} until intervals are narrow; what follows is of the first",
                u64::from(plan.points()) * u64::from(until.maximum_replications)
            ),
        },
        format!(
            "{} before sharing, {} after: equal work is done once",
            counted(cost.nodes_before_sharing, "node"),
            cost.nodes_after_sharing
        ),
        format!(
            "{} ({} UNet evaluations), reference pictures included",
            counted(cost.denoising_steps, "denoising step"),
            work.unet_evaluations
        ),
        format!("{}, reference pictures included", counted(work.decodes, "picture decode")),
        format!("{} by judges that are shown pictures", counted(work.scores, "score")),
        unet_work(&cost),
    ];
    let endpoints = plan.endpoints();
    let asked = endpoints.iter().map(|name| format!("scores that no score store holds are asked of {name}"));
    let broken = over_budget(&plan.broken_budgets()?);
    let comments: String = counts.into_iter().chain(asked).chain(broken).map(|line| format!("# {line}\n")).collect();
    standard_output::print(&format!("{toml}\n{comments}"))?;
    if !args.no_estimate {
        let estimate = plan.estimate()?;
        say(&format!(
            "a run takes about {} with {}{}, after a calibration of {:.1} s; what is in {} is not made again",
            duration(estimate.run_s),
            counted(plan.threads() as u64, "worker"),
            if endpoints.is_empty() { "" } else { ", answers of the endpoint not counted" },
            estimate.calibration_s,
            store.display(),
        ));
    }
    Ok(())
}

/// `12 s`, `3 min`, `1.5 h`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
