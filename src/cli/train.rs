//! `latentlink train`: scenario files to trained policies.

mod progress;

use std::path::PathBuf;

use clap::Args;

use self::progress::TrainingProgress;
use super::interrupt;
use super::run::{Overrides, load};
use super::standard_output;
use crate::error::Error;
use crate::experiment::{MemoryLimit, Reuse, RunOptions};
use crate::learn::TrainingError;
use crate::learn::summary;
use crate::learn::training_study::{TrainingReport, train};
use crate::score_store;

/// Train policies on a scenario: G-DDPG, DDPG or TD3 against the optimum and policies without learning.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink train scenarios/learning/train.toml
  latentlink train my.toml --set train.algorithm=ddpg,g-ddpg,td3 --set train.seeds=10
  latentlink run my.toml --set policy.kind=actor \\
    --set policy.file=results/my-training/actors/point-0000_seed-000/actor.onnx

A training that was stopped, by Ctrl-C, a kill or a full disk, goes on from its checkpoint when the same command is given again.")]
pub struct TrainArgs {
    /// Scenario file with a table [train].
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Results folder [default: results/<study>-training].
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Trainings side by side, one thread each [default: one per core]. The results are the same for any number.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Replace finished results that are there, and begin unfinished trainings anew.
    #[arg(long)]
    pub force: bool,
    /// The score store, for judges that are shown pictures.
    #[arg(long, value_name = "FILE", default_value = score_store::DEFAULT_PLACE)]
    pub store: PathBuf,
    /// Say nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Trains everything and prints the summary.
///
/// # Errors
/// What [`train`] says, and [`TrainingError::SomeFailed`].
pub fn run(args: &TrainArgs) -> Result<(), Error> {
    let scenario = load(&args.file, &args.overrides)?;
    let options = RunOptions {
        out: args.out.clone(),
        threads: args.threads.map(usize::from),
        store: Some(args.store.clone()),
        memory: MemoryLimit::default(),
        shard: None,
        reuse: Reuse { force: args.force, retry_failed: false },
        stop: interrupt::listen(),
    };
    let progress = TrainingProgress::new(args.quiet);
    let report = train(&scenario, &options, &progress);
    progress.finish();
    let TrainingReport { folder, points, failed } = report?;
    if !args.quiet {
        standard_output::print(&summary::text(&folder, &points))?;
    }
    match failed {
        0 => Ok(()),
        failed => {
            let trainings = points.iter().map(|point| point.trainings.len()).sum();
            Err(TrainingError::SomeFailed { failed, trainings, table: folder.join("failures.csv") }.into())
        }
    }
}
