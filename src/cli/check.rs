//! `latentlink check`: validate a scenario and say what a run would take.

use clap::Args;

use super::progress::Progress;
use super::run::{self, counted};
use super::standard_output;
use crate::error::Error;
use crate::experiment::StudyPlan;

/// Validate a scenario, print it with every default filled in, and count the work a run would take.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink check scenarios/quickstart.toml
  latentlink check my.toml --set policy.t0=6")]
pub struct CheckArgs {
    /// Scenario file.
    #[arg(value_name = "FILE")]
    pub file: std::path::PathBuf,
    /// Override a field of the scenario by its path; may be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Seed of all random streams; overrides study.seed.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Checks the scenario, its model pack and its chains; makes no picture and writes nothing.
///
/// # Errors
/// What a run would end with before its first picture.
pub fn check(args: &CheckArgs) -> Result<(), Error> {
    let scenario = run::load(&args.file, &args.set, args.seed)?;
    let progress = Progress::new();
    let toml = scenario.resolved_toml().map_err(Box::new)?;
    // One worker is enough where no picture is made.
    let plan = StudyPlan::prepare(&scenario, Some(1), None, &progress);
    progress.finish();
    let plan = plan?;
    // What follows the scenario are comments of it: all of the output is a scenario again.
    let cost = plan.cost;
    let counts = [
        format!("{}, {}", counted(cost.points as u64, "point"), counted(cost.runs as u64, "run")),
        format!(
            "{} ({} UNet evaluations), reference pictures included",
            counted(cost.denoising_steps, "denoising step"),
            cost.unet_evaluations
        ),
        format!("{}, reference pictures included", counted(cost.picture_decodes, "picture decode")),
        format!("{} by judges that are shown pictures", counted(cost.scores, "score")),
        run::unet_work(&cost),
    ];
    let comments: String =
        counts.into_iter().chain(run::over_budget(&plan.violations())).map(|line| format!("# {line}\n")).collect();
    standard_output::print(&format!("{toml}\n{comments}"))
}
