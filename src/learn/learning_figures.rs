//! The figures of a training study, one set for each environment of its sweep, and the curves for TensorBoard.
//!
//! | file | shows |
//! |---|---|
//! | `learning_<n>` | score against updates: points of the same environment are its curves |
//! | `wall_time_<n>` | the same against the time that a training has taken on one thread |
//! | `scores_<n>` | the last scores: interquartile mean, interval, every seed |
//! | `profiles_<n>` | which part of the trainings reaches a score |

use std::path::Path;

use super::baselines::{BEST_CONSTANT, EXHAUSTIVE, GREEDY};
use super::figures::{
    AlgorithmScores, FigureFrame, LearningCurve, SeedScore, TrainingFigureError, comparison, learning_curves,
    performance_profiles,
};
use super::tensorboard::EventWriter;
use super::training_curve::TrainingRow;
use super::training_results::{Scores, training_name};
use super::training_study::TrainedPoint;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::random::StreamKey;
use crate::report::axis_label::NumberStyle;
use crate::report::{NumberAxis, PageFormat, ReferenceLine};

/// Scores at which a profile is drawn.
const PROFILE_STEPS: u32 = 60;

/// Draws everything below `draft/figures`, and writes `draft/tensorboard`.
///
/// # Errors
/// [`Error::Report`], [`Error::TrainingFigure`].
pub fn write(draft: &Path, plan: &StudyPlan, points: &[TrainedPoint], scores: &Scores) -> Result<(), Error> {
    for (number, members) in environments(points).into_iter().enumerate() {
        let trained: Vec<usize> =
            members.into_iter().filter(|&index| points[index].finished().next().is_some()).collect();
        if trained.is_empty() {
            continue;
        }
        let path = |name: &str| draft.join("figures").join(format!("{name}_{number}"));
        let frame = frame(plan, points, &trained);
        let names = names(points, &trained);
        let references = reference_lines(&points[trained[0]]);
        let score = || match points[trained[0]].optimum() {
            Some(_) => axis("score", "score: 0 random, 1 optimum"),
            None => axis("sum_qoe", "ΣQ"),
        };
        type Select = fn(&TrainingRow) -> f64;
        let axes: [(&str, &str, &str, Select); 2] = [
            ("learning", "updates", "updates", |row| row.updates as f64),
            ("wall_time", "wall_time_s", "time of the training on one thread [s]", |row| row.wall_time_s),
        ];
        for (file, column, title, select) in axes {
            let curves: Vec<LearningCurve> =
                trained.iter().zip(&names).map(|(&index, name)| curve(&points[index], name, select)).collect();
            learning_curves(&path(file), &frame, (axis(column, title), score()), &curves, &references)?;
        }
        let last: Vec<AlgorithmScores> = trained
            .iter()
            .zip(&names)
            .flat_map(|(&index, name)| last_scores(&points[index], name, &scores[index]))
            .collect();
        comparison(&path("scores"), &frame, score(), &last, &references)?;
        if last.iter().any(|algorithm| algorithm.tasks[0].len() > 1) {
            let of_seeds = || last.iter().flat_map(|algorithm| &algorithm.tasks[0]).map(|seed| seed.score);
            let lowest = (of_seeds().fold(0.9, f64::min) - 0.02).max(-0.5);
            let highest = of_seeds().fold(1.0, f64::max);
            let taus = (0..=PROFILE_STEPS)
                .map(|step| lowest + (highest - lowest) * f64::from(step) / f64::from(PROFILE_STEPS));
            let axes = (axis("score", "score that is reached"), axis("part_of_trainings", "part of the trainings"));
            performance_profiles(&path("profiles"), &frame, axes, &last, &taus.collect::<Vec<_>>())?;
        }
    }
    for point in points {
        for (seed, training) in point.finished() {
            write_events(&draft.join("tensorboard").join(training_name(point, seed)), &training.rows)?;
        }
    }
    Ok(())
}

fn axis(column: &str, title: &str) -> NumberAxis {
    NumberAxis { name: column.to_owned(), title: title.to_owned(), style: NumberStyle::Plain, log: false }
}

/// Points by environment, each in the order of the sweep.
fn environments(points: &[TrainedPoint]) -> Vec<Vec<usize>> {
    let mut environments: Vec<Vec<usize>> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let known = environments.iter_mut().find(|members| points[members[0]].has_environment_of(point));
        match known {
            Some(members) => members.push(index),
            None => environments.push(vec![index]),
        }
    }
    environments
}

/// What tells the points of one environment apart.
fn names(points: &[TrainedPoint], members: &[usize]) -> Vec<String> {
    let first = &points[members[0]].point.coordinates;
    let varies: Vec<bool> = (0..first.len())
        .map(|at| members.iter().any(|&index| points[index].point.coordinates[at].value != first[at].value))
        .collect();
    let name = |&index: &usize| {
        let point = &points[index];
        let mut words = vec![point.settings.algorithm.name().to_owned()];
        for (at, coordinate) in point.point.coordinates.iter().enumerate() {
            if varies[at] && coordinate.path != "train.algorithm" {
                let key = coordinate.path.trim_start_matches("train.").replace('_', " ");
                words.push(format!("{key} {}", coordinate.value));
            }
        }
        words.join(", ")
    };
    members.iter().map(name).collect()
}

fn frame(plan: &StudyPlan, points: &[TrainedPoint], members: &[usize]) -> FigureFrame {
    let study = &plan.scenario().study;
    let point = &points[members[0]];
    let of_environment = point.point.coordinates.iter().filter(|at| {
        let same = |other: &TrainedPoint| {
            other.point.coordinates.iter().any(|there| there.path == at.path && there.value == at.value)
        };
        !at.path.starts_with("train.") && points.iter().any(|other| !same(other))
    });
    let where_: Vec<String> = of_environment.map(|at| format!("{} = {}", at.path, at.value)).collect();
    let title = if where_.is_empty() { study.name.clone() } else { format!("{}: {}", study.name, where_.join(", ")) };
    FigureFrame {
        title,
        footer: format!(
            "latentlink {} · {} · seed {} · {} trainings a curve · {} frozen replications",
            env!("CARGO_PKG_VERSION"),
            study.name,
            study.seed,
            point.settings.seeds,
            point.settings.evaluation_replications
        ),
        format: PageFormat::default(),
        stream: StreamKey::new(study.seed, 0, "bootstrap", "figures"),
    }
}

fn reference_lines(point: &TrainedPoint) -> Vec<ReferenceLine> {
    let named = [(EXHAUSTIVE, "optimum"), (GREEDY, "greedy"), (BEST_CONSTANT, "best constant")];
    let line = |(policy, name): (&str, &str)| {
        let value = point.score(point.baseline(policy)?.mean_sum_qoe());
        Some(ReferenceLine { label: name.to_owned(), value })
    };
    named.into_iter().filter_map(line).collect()
}

fn curve(point: &TrainedPoint, name: &str, x: fn(&TrainingRow) -> f64) -> LearningCurve {
    let of_training = |rows: &[TrainingRow]| {
        rows.iter().filter_map(|row| Some((x(row), point.score(row.evaluation_sum_qoe?)))).collect()
    };
    LearningCurve {
        name: name.to_owned(),
        seeds: point.finished().map(|(_, training)| of_training(&training.rows)).collect(),
    }
}

/// One row for each learned policy. A training that failed has no score to show: the summary counts it.
fn last_scores(point: &TrainedPoint, name: &str, scores: &[Vec<Option<f64>>]) -> Vec<AlgorithmScores> {
    scores
        .iter()
        .enumerate()
        .map(|(policy, of_seeds)| {
            let name =
                if policy == 0 { name.to_owned() } else { format!("{name}, best of {}", point.settings.best_of) };
            let seeds = of_seeds
                .iter()
                .flatten()
                .map(|score| SeedScore { score: *score, failed: *score < point.score(point.random()) });
            AlgorithmScores::of_one_task(name, seeds.collect())
        })
        .collect()
}

/// The curve of one training for TensorBoard, whose clock begins with the training.
fn write_events(folder: &Path, rows: &[TrainingRow]) -> Result<(), Error> {
    let mut writer = EventWriter::create(folder, 0.0)?;
    for row in rows {
        let scalars = [
            ("environment/reward", row.reward),
            ("environment/sum_qoe", row.sum_qoe),
            ("environment/server_violation_rate", row.server_violation_rate),
            ("environment/outage_rate", row.outage_rate),
            ("losses/critic", row.critic_loss),
            ("losses/actor", row.actor_loss),
            ("losses/mean_q", row.mean_q),
            ("evaluation/sum_qoe", row.evaluation_sum_qoe),
        ];
        for (tag, value) in scalars {
            if let Some(value) = value {
                writer.scalar(row.wall_time_s, row.updates as i64, tag, value)?;
            }
        }
    }
    Ok(writer.flush()?)
}

impl From<TrainingFigureError> for Error {
    fn from(error: TrainingFigureError) -> Self {
        match error {
            TrainingFigureError::Report(error) => Self::Report(error),
            error => Self::TrainingFigure(error),
        }
    }
}
