//! Scores of trained policies: several runs of one algorithm, which differ in their seed, on one or more tasks.
//!
//! ```text
//!            seed 0  seed 1  seed 2  …
//!  task 0     .91     .94     .12          one stratum a task: runs of one are never mixed with those of another
//!  task 1     .83     .85     .80
//! ```
//!
//! A seed that failed has its score here like any other: that of its last good checkpoint. Leaving it out would say that
//! failures do not happen.

use miette::Diagnostic;
use thiserror::Error;

/// One list of scores a task, one score a run. No list is empty and every score is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct RunScores {
    tasks: Vec<Vec<f64>>,
}

/// Why scores cannot be summarised or compared.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum RunScoresError {
    /// There is nothing to summarise.
    #[error("there are no tasks, so there are no scores")]
    #[diagnostic(help("give the scores of at least one task"))]
    NoTasks,
    /// A task on which nothing ran.
    #[error("task {task} has no run")]
    #[diagnostic(help("run every task with at least one seed, or leave the task out for all algorithms"))]
    NoRuns {
        /// Counted from 0.
        task: usize,
    },
    /// A NaN or an infinity, which no aggregate survives.
    #[error("run {run} of task {task} scored {value}, which is not a number to average")]
    #[diagnostic(help("score a run that diverged with its last good checkpoint, and mark it as failed"))]
    NotFinite {
        /// Counted from 0.
        task: usize,
        run: usize,
        value: f64,
    },
    /// Two algorithms are compared on different tasks.
    #[error("one algorithm has scores of {first} tasks, the other of {second}")]
    #[diagnostic(help("compare algorithms on the same tasks, in the same order"))]
    DifferentTasks { first: usize, second: usize },
}

impl RunScores {
    /// Checks scores: `tasks[i][j]` is that of run j on task i. Tasks may have different numbers of runs.
    ///
    /// # Errors
    /// [`RunScoresError::NoTasks`], [`RunScoresError::NoRuns`], [`RunScoresError::NotFinite`].
    pub fn new(tasks: Vec<Vec<f64>>) -> Result<Self, RunScoresError> {
        if tasks.is_empty() {
            return Err(RunScoresError::NoTasks);
        }
        for (task, runs) in tasks.iter().enumerate() {
            if runs.is_empty() {
                return Err(RunScoresError::NoRuns { task });
            }
            if let Some(run) = runs.iter().position(|score| !score.is_finite()) {
                return Err(RunScoresError::NotFinite { task, run, value: runs[run] });
            }
        }
        Ok(Self { tasks })
    }

    /// The runs of a single task.
    ///
    /// # Errors
    /// [`RunScoresError::NoRuns`], [`RunScoresError::NotFinite`].
    pub fn of_one_task(runs: Vec<f64>) -> Result<Self, RunScoresError> {
        Self::new(vec![runs])
    }

    /// The scores of each task.
    pub fn tasks(&self) -> &[Vec<f64>] {
        &self.tasks
    }

    /// The scores of all runs, task by task.
    pub fn all(&self) -> impl Iterator<Item = f64> {
        self.tasks.iter().flatten().copied()
    }

    /// Runs of all tasks together.
    pub fn count(&self) -> usize {
        self.tasks.iter().map(Vec::len).sum()
    }

    /// For drawing other scores into the same places.
    pub(super) fn tasks_mut(&mut self) -> &mut [Vec<f64>] {
        &mut self.tasks
    }
}

/// How far runs stay behind a score of 1 on average: the mean of max(0, 1 − score). With scores normalised so that 1 is
/// the optimum, what is above it, by noise, makes up for nothing (Agarwal et al., "Deep reinforcement learning at the
/// edge of the statistical precipice", NeurIPS 2021).
pub fn optimality_gap(scores: &RunScores) -> f64 {
    scores.all().map(|score| (1.0 - score).max(0.0)).sum::<f64>() / scores.count() as f64
}
