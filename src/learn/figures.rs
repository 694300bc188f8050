//! What training leaves as pictures: learning curves, a comparison of final scores, performance profiles.
//!
//! ```text
//!  curves of seeds ──► interquartile mean at each x ─┐
//!  final scores ─────► interquartile mean ───────────┼─► 95 % interval by the stratified bootstrap ─► PNG, SVG, CSV
//!  final scores ─────► part of runs that reach τ ────┘
//! ```
//!
//! Every figure takes plain numbers, so that it can be drawn again from tables.

mod curve_grid;

use std::path::Path;

use miette::Diagnostic;
use thiserror::Error;

use self::curve_grid::CurveGrid;
use crate::experiment::statistics::{
    RunScores, RunScoresError, StratifiedBootstrap, interquartile_mean, performance_profile,
};
use crate::random::StreamKey;
use crate::report::interval_plot::{IntervalRow, Observation};
use crate::report::learning_curves::TrainingCurve;
use crate::report::line_plot::{Intervals, Point, Series};
use crate::report::{IntervalPlot, LearningCurves, LinePlot, NumberAxis, PageFormat, ReferenceLine, ReportError};

/// What stands on a figure beside its numbers, and how its intervals are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureFrame {
    pub title: String,
    /// Small print: scenario, seeds, test set. What the intervals are is added to it.
    pub footer: String,
    pub format: PageFormat,
    /// From which the bootstrap draws.
    pub stream: StreamKey,
}

/// One algorithm in the course of its training.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    pub name: String,
    /// x and y of each evaluation of each seed. Seeds need not share their x. A seed that ended early keeps its last
    /// number from there on, which is what its last checkpoint is worth; it is never left out.
    pub seeds: Vec<Vec<(f64, f64)>>,
}

/// One trained policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeedScore {
    /// Of the last good checkpoint.
    pub score: f64,
    /// Whether its training stopped before its end. The score counts all the same.
    pub failed: bool,
}

/// The seeds of one algorithm.
#[derive(Debug, Clone, PartialEq)]
pub struct AlgorithmScores {
    pub name: String,
    /// One list a task.
    pub tasks: Vec<Vec<SeedScore>>,
}

/// Why a figure of training cannot be drawn.
#[derive(Debug, Error, Diagnostic)]
pub enum TrainingFigureError {
    /// Scores without an aggregate.
    #[error("`{algorithm}` cannot be drawn")]
    Scores {
        algorithm: String,
        #[source]
        #[diagnostic_source]
        source: RunScoresError,
    },
    /// A seed without evaluations, or with one that is no number.
    #[error("seed {seed} of `{algorithm}` has {what}")]
    #[diagnostic(help(
        "evaluate each seed at least once, and end the curve of a seed that diverged at its last number"
    ))]
    Curve {
        algorithm: String,
        /// Counted from 0.
        seed: usize,
        what: &'static str,
    },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] ReportError),
}

impl AlgorithmScores {
    /// Seeds of one task.
    pub fn of_one_task(name: impl Into<String>, seeds: Vec<SeedScore>) -> Self {
        Self { name: name.into(), tasks: vec![seeds] }
    }

    fn scores(&self) -> Result<RunScores, TrainingFigureError> {
        let of_task = |seeds: &Vec<SeedScore>| seeds.iter().map(|seed| seed.score).collect();
        RunScores::new(self.tasks.iter().map(of_task).collect())
            .map_err(|source| TrainingFigureError::Scores { algorithm: self.name.clone(), source })
    }
}

/// Draws the interquartile mean over seeds against `x` (updates, environment steps, wall time), with 95 % bands that
/// hold at each x alone: resamples are of whole seeds. Writes `<path>.png`, `.svg`, `.csv` and `<path>_runs.csv`.
///
/// # Errors
/// [`TrainingFigureError`].
pub fn learning_curves(
    path_without_extension: &Path,
    frame: &FigureFrame,
    (x, y): (NumberAxis, NumberAxis),
    curves: &[LearningCurve],
    references: &[ReferenceLine],
) -> Result<(), TrainingFigureError> {
    let bootstrap = StratifiedBootstrap::new(frame.stream);
    let mut drawn = Vec::new();
    for LearningCurve { name, seeds } in curves {
        let refused = |(seed, what)| TrainingFigureError::Curve { algorithm: name.clone(), seed, what };
        let grid = CurveGrid::of(seeds).map_err(refused)?;
        let mut points = Vec::new();
        for (x, of_seeds) in grid.columns() {
            let scores = RunScores::of_one_task(of_seeds)
                .map_err(|source| TrainingFigureError::Scores { algorithm: name.clone(), source })?;
            let estimate = bootstrap.of_one(&scores, interquartile_mean);
            points.push(Point {
                x,
                y: Some(estimate.value),
                low_95: estimate.low_95,
                high_95: estimate.high_95,
                n: seeds.len() as u64,
            });
        }
        drawn.push(TrainingCurve { aggregate: Series { name: name.clone(), points }, runs: grid.into_seeds() });
    }
    LearningCurves {
        title: frame.title.clone(),
        x,
        y,
        curves: drawn,
        aggregate: "interquartile mean over seeds".to_owned(),
        reference_lines: references.to_vec(),
        footer: footer(frame, "interquartile mean over seeds with", &bootstrap),
    }
    .write(path_without_extension, &frame.format)?;
    Ok(())
}

/// Draws one row per algorithm: the interquartile mean of its seeds with its 95 % interval, and a mark for each seed. Writes
/// `<path>.png`, `.svg` and `.csv`.
///
/// # Errors
/// [`TrainingFigureError`].
pub fn comparison(
    path_without_extension: &Path,
    frame: &FigureFrame,
    score: NumberAxis,
    algorithms: &[AlgorithmScores],
    references: &[ReferenceLine],
) -> Result<(), TrainingFigureError> {
    let bootstrap = StratifiedBootstrap::new(frame.stream);
    let mut rows = Vec::new();
    for algorithm in algorithms {
        let estimate = bootstrap.of_one(&algorithm.scores()?, interquartile_mean);
        let seeds = algorithm.tasks.iter().flatten();
        rows.push(IntervalRow {
            name: algorithm.name.clone(),
            value: estimate.value,
            low_95: estimate.low_95,
            high_95: estimate.high_95,
            observations: seeds.map(|seed| Observation { value: seed.score, failed: seed.failed }).collect(),
        });
    }
    IntervalPlot {
        title: frame.title.clone(),
        x: score,
        rows,
        aggregate: "interquartile mean, 95 % interval".to_owned(),
        observation: "seed".to_owned(),
        reference_lines: references.to_vec(),
        footer: footer(frame, "interquartile mean over seeds with", &bootstrap),
    }
    .write(path_without_extension, &frame.format)?;
    Ok(())
}

/// Draws which part of an algorithm's seeds reaches each of the scores `taus`. Writes `<path>.png`, `.svg` and `.csv`.
///
/// # Errors
/// [`TrainingFigureError`].
pub fn performance_profiles(
    path_without_extension: &Path,
    frame: &FigureFrame,
    (tau, part): (NumberAxis, NumberAxis),
    algorithms: &[AlgorithmScores],
    taus: &[f64],
) -> Result<(), TrainingFigureError> {
    let bootstrap = StratifiedBootstrap::new(frame.stream);
    let mut series = Vec::new();
    for algorithm in algorithms {
        let scores = algorithm.scores()?;
        let count = scores.count();
        let points = performance_profile(&scores, taus, &bootstrap).into_iter().map(|point| Point {
            x: point.tau,
            y: Some(point.part.value),
            low_95: point.part.low_95,
            high_95: point.part.high_95,
            n: count as u64,
        });
        series.push(Series { name: algorithm.name.clone(), points: points.collect() });
    }
    LinePlot {
        title: frame.title.clone(),
        x: tau,
        y: part,
        series,
        intervals: Intervals::Band,
        reference_lines: Vec::new(),
        footer: footer(frame, "part of seeds with", &bootstrap),
    }
    .write(path_without_extension, &frame.format)?;
    Ok(())
}

fn footer(frame: &FigureFrame, what: &str, bootstrap: &StratifiedBootstrap) -> String {
    let note = format!("{what} 95 % interval, stratified bootstrap of {} resamples", bootstrap.resamples);
    if frame.footer.is_empty() { note } else { format!("{} · {note}", frame.footer) }
}
