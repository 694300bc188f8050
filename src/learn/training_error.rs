//! What stops a training.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::replay::EmptyReplay;

/// Why a training stopped, or did not begin.
#[derive(Debug, Error, Diagnostic)]
pub enum TrainingError {
    /// A loss or a weight is no number any more.
    #[error("the training diverged at update {updates}: a loss is not a number")]
    #[diagnostic(help(
        "the last good checkpoint is kept; lower `actor_learning_rate` and `critic_learning_rate` under [train] and begin anew"
    ))]
    Diverged { updates: u64 },
    /// The environment gave no number.
    #[error("the reward after {interactions} interactions is not a number")]
    #[diagnostic(help("check the numbers under [train], [server] and [radio] for infinities; the judge gave a score"))]
    RewardNotANumber { interactions: u64 },
    /// There is nothing to draw a batch from.
    #[error(transparent)]
    #[diagnostic(transparent)]
    EmptyReplay(#[from] EmptyReplay),
    /// Powers cannot be scaled without a budget.
    #[error("a policy cannot be trained without a budget of the server")]
    #[diagnostic(help("the largest power is E_T/β: set `energy_budget_j` under [server]"))]
    NoBudget,
    /// The scenario says nothing of a training.
    #[error("{scenario} has no table [train]")]
    #[diagnostic(help(
        "add one, say\n  [train]\n  algorithm = \"g-ddpg\"\nevery key has a default: see docs/scenario.md"
    ))]
    NoTable { scenario: String },
    /// The checkpoint is no checkpoint.
    #[error("the checkpoint {} cannot be read: {message}", file.display())]
    #[diagnostic(help("remove it, or give --force, and the training begins anew"))]
    Unreadable { file: PathBuf, message: String },
    /// The checkpoint is of something else.
    #[error("the checkpoint {} is of another configuration", file.display())]
    #[diagnostic(help(
        "its training can only go on with the [train] table, scenario and version that it was begun with; \
         give --force to begin anew, or another study.name"
    ))]
    OtherConfiguration { file: PathBuf },
    /// The networks that a training is to start from cannot be had.
    #[error("{} cannot be read: {message}", file.display())]
    #[diagnostic(help(
        "`start_from` under [train] names an actor.onnx that `latentlink train` wrote, with learner.checkpoint beside it"
    ))]
    NoStart { file: PathBuf, message: String },
    /// They are of another kind than those that are to be trained.
    #[error("a training cannot start from {}: {message}", file.display())]
    #[diagnostic(help(
        "give the [train] table the algorithm, `hidden`, `denoising_steps`, `head` and limits of steps, and the scenario the users          and the budget, that it was trained with, or leave `start_from` out"
    ))]
    OtherStart { file: PathBuf, message: String },
    /// What came through the pipe is no answer.
    #[error("answer {line} is not understood: {message}")]
    #[diagnostic(help(
        "expected one line of JSON, {{\"actions\": [[...], ...]}}, with an action for each environment"
    ))]
    Protocol { line: u64, message: String },
    /// Some trainings failed; the others are in the results.
    #[error("{failed} of {trainings} trainings failed")]
    #[diagnostic(help("the others are in the results, and {} says why these are not", table.display()))]
    SomeFailed { failed: usize, trainings: usize, table: PathBuf },
}

impl TrainingError {
    /// 2 where the scenario or the command is to be changed, 1 where the training failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoBudget
            | Self::NoTable { .. }
            | Self::OtherConfiguration { .. }
            | Self::NoStart { .. }
            | Self::OtherStart { .. } => 2,
            Self::Diverged { .. }
            | Self::RewardNotANumber { .. }
            | Self::EmptyReplay(_)
            | Self::Unreadable { .. }
            | Self::Protocol { .. }
            | Self::SomeFailed { .. } => 1,
        }
    }
}
