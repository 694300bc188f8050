//! `latentlink environment`: the simulator as an environment for learners in other languages, over a pipe.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::progress::Progress;
use super::run::{Overrides, load};
use crate::error::Error;
use crate::experiment::{RunOptions, StudyPlan};
use crate::learn::environment_server::{Replications, serve};
use crate::learn::training_study::trained_point;
use crate::score_store;

/// Serve the environment of a scenario's [train] to a learner in another language: JSON lines on standard input and output.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Each line that is written has the states of all environments and the episodes that have ended; each line that is read has an action
for each: {\"actions\": [[…], …]}. docs/learning.md has the protocol, tests/reference/sb3_single_step.py a learner.")]
pub struct EnvironmentArgs {
    /// Scenario file with a table [train].
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Point of the sweep.
    #[arg(long, default_value_t = 0)]
    pub point: u32,
    /// Number of the training whose states are drawn.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..250))]
    pub training: u32,
    /// Replications 0, 1, … in place of a training's: those on which policies are evaluated.
    #[arg(long, conflicts_with = "training")]
    pub evaluation: bool,
    /// The score store, for judges that are shown pictures.
    #[arg(long, value_name = "FILE", default_value = score_store::DEFAULT_PLACE)]
    pub store: PathBuf,
}

/// Serves until the other side closes the pipe.
///
/// # Errors
/// What the scenario, the simulator or the other side gets wrong.
pub fn run(args: &EnvironmentArgs) -> Result<(), Error> {
    let file = load(&args.file, &args.overrides)?;
    let options = RunOptions { store: Some(args.store.clone()), ..RunOptions::default() };
    let plan = Arc::new(StudyPlan::prepare(&file, &options, &Progress::new())?);
    if args.point >= plan.points() {
        return Err(Error::Usage {
            message: format!("there is no point {}: the scenario has {}", args.point, plan.points()),
            help: "points are counted from 0".to_owned(),
        });
    }
    let (point, settings) = trained_point(&plan, args.point, &file)?;
    let replications = match args.evaluation {
        true => Replications::OfEvaluation,
        false => Replications::OfTraining(args.training),
    };
    serve(&plan, &point, &settings, replications, &mut io::stdin().lock(), &mut io::stdout().lock())
}
