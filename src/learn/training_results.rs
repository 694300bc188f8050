//! The results of a training study: tables, actors, figures.
//!
//! ```text
//!  training.csv     one row a stretch of a training: what it was paid, its losses, its evaluations
//!  evaluation.csv   one row a policy and replication, learned or not: common random numbers
//!  summary.csv      one row a point and policy: the interquartile mean over seeds and its interval
//!  comparisons.csv  one row a pair of points with the same environment: who is likely to be better
//!  timing.csv       what differs between two equal studies: how long it took
//!  actors/          actor.onnx of each training, and the learner that another training can start from
//!  tensorboard/     the curves once more, for TensorBoard
//! ```

use std::sync::Arc;

use super::baselines::{Baseline, EXHAUSTIVE, RANDOM};
use super::evaluation::Evaluation;
use super::finished_training::{FinishedTraining, LEARNER};
use super::training_study::TrainedPoint;
use super::{learning_figures, summary};
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::results_folder::ResultsFolder;
use crate::experiment::tables::point_cells;
use crate::report::durable_file::write_durably;
use crate::report::{Cell, Column, Table};
use crate::scenario::Scenario;

/// Writes everything but the manifest.
///
/// # Errors
/// [`Error::Report`], [`Error::File`].
pub fn write(folder: &ResultsFolder, plan: &StudyPlan, points: &[TrainedPoint]) -> Result<(), Error> {
    let draft = folder.draft();
    let scores = scores(points);
    let tables = [
        ("training.csv", training_table(plan, points)?),
        ("evaluation.csv", evaluation_table(plan, points)?),
        ("summary.csv", summary::table(plan, points, &scores)?),
        ("comparisons.csv", summary::comparisons(plan, points, &scores)?),
        ("timing.csv", timing_table(plan, points)?),
        ("failures.csv", failures_table(plan, points)?),
    ];
    let mut dictionary = String::from("# Columns\n");
    for (name, table) in &tables {
        if table.rows().is_empty() && *name == "failures.csv" {
            continue;
        }
        table.write_csv(&draft.join(name))?;
        dictionary += &format!("\n## `{name}`\n\n{}", table.describe());
    }
    folder.write("columns.md", dictionary.as_bytes())?;
    folder.write("scenario.toml", plan.scenario_toml().as_bytes())?;
    for point in points {
        for (seed, training) in point.finished() {
            let place = draft.join("actors").join(training_name(point, seed));
            write_durably(&place.join("actor.onnx"), &training.actor)?;
            write_durably(&place.join(LEARNER), &training.learner)?;
        }
    }
    learning_figures::write(draft, plan, points, &scores)
}

/// Name of a training's files.
pub fn training_name(point: &TrainedPoint, seed: u32) -> String {
    format!("point-{:04}_seed-{seed:03}", point.point.index)
}

impl TrainedPoint {
    /// Trainings that did not fail, with their seeds.
    pub fn finished(&self) -> impl Iterator<Item = (u32, &FinishedTraining)> {
        self.trainings.iter().enumerate().filter_map(|(seed, training)| Some((seed as u32, training.as_ref().ok()?)))
    }

    /// What a baseline is worth; `None` where it was not asked: policies that search need a formula to search on.
    pub fn baseline(&self, name: &str) -> Option<&Evaluation> {
        self.baselines.iter().find(|baseline| baseline.name == name).map(|baseline| &baseline.evaluation)
    }

    /// ΣQ of the optimum, where there is one.
    pub fn optimum(&self) -> Option<f64> {
        self.baseline(EXHAUSTIVE).map(Evaluation::mean_sum_qoe)
    }

    /// ΣQ of the random policy.
    pub fn random(&self) -> f64 {
        self.baseline(RANDOM).expect("every point has the random policy").mean_sum_qoe()
    }

    /// (Q − random)/(optimum − random); Q itself where there is no optimum.
    pub fn score(&self, sum_qoe: f64) -> f64 {
        match self.optimum() {
            Some(optimum) => (sum_qoe - self.random()) / (optimum - self.random()),
            None => sum_qoe,
        }
    }

    /// Whether another point differs in how it is trained only.
    pub fn has_environment_of(&self, other: &Self) -> bool {
        let environment = |point: &Self| Scenario { train: None, ..Scenario::clone(&point.point.scenario) };
        Arc::ptr_eq(&self.baselines, &other.baselines) || environment(self) == environment(other)
    }

    /// Its learned policies: the trained actor, and where it draws, the best of several actions.
    pub fn learned_policies(&self) -> Vec<String> {
        let name = self.settings.algorithm.name();
        let mut policies = vec![name.to_owned()];
        if self.finished().any(|(_, training)| training.evaluations.len() > 1) {
            policies.push(format!("{name}, best of {}", self.settings.best_of));
        }
        policies
    }
}

/// Normalised scores of all trainings: [point][policy][seed]; a failed training has none.
pub type Scores = Vec<Vec<Vec<Option<f64>>>>;

fn scores(points: &[TrainedPoint]) -> Scores {
    let of_policy = |point: &TrainedPoint, policy: usize| {
        let score = |training: &Result<FinishedTraining, String>| {
            let evaluation = training.as_ref().ok()?.evaluations.get(policy)?;
            Some(point.score(evaluation.mean_sum_qoe()))
        };
        point.trainings.iter().map(score).collect()
    };
    let of_point =
        |point: &TrainedPoint| (0..point.learned_policies().len()).map(|policy| of_policy(point, policy)).collect();
    points.iter().map(of_point).collect()
}

fn columns(plan: &StudyPlan, others: &[(&str, &str)]) -> Vec<Column> {
    let mut columns = plan.point_columns();
    columns.extend(others.iter().map(|(name, meaning)| Column::new(*name, *meaning)));
    columns
}

fn training_table(plan: &StudyPlan, points: &[TrainedPoint]) -> Result<Table, Error> {
    let mut table = Table::new(columns(
        plan,
        &[
            ("seed", "number of the training among those of its point, from 0"),
            ("interactions", "decisions in the environment so far"),
            ("updates", "updates of the networks so far"),
            ("reward", "mean reward (27) of the decisions since the row before, exploration included"),
            ("train_sum_qoe", "mean sum of the users' quality of experience of these decisions"),
            (
                "server_violation_rate",
                "part of these decisions that meant to break the server's budget (24), before anything was scaled",
            ),
            ("server_excess_j", "mean of what they meant to spend beyond it [J]"),
            ("device_violation_rate", "part of these decisions that broke a device's budget (22)"),
            ("outage_rate", "part of their users below the threshold Q_th (23)"),
            ("critic_loss", "mean of MSE(Q1) + MSE(Q2) of the updates since the row before"),
            ("actor_loss", "mean of -min(Q1, Q2) at the actor's actions; blank where the actor was not updated"),
            ("mean_q", "mean of min(Q1, Q2) at the actions that were taken"),
            (
                "evaluation_sum_qoe",
                "mean sum of quality of experience on the frozen replications, powers scaled to (24), without exploration; blank where nothing was evaluated",
            ),
            (
                "evaluation_score",
                "the same as (Q - random)/(optimum - random); where no formula judges there is no optimum, and it is Q itself",
            ),
        ],
    ))?;
    for point in points {
        for (seed, training) in point.finished() {
            for row in &training.rows {
                let mut cells: Vec<Cell> = point_cells(&point.point).collect();
                cells.extend([
                    seed.into(),
                    row.interactions.into(),
                    row.updates.into(),
                    row.reward.into(),
                    row.sum_qoe.into(),
                    row.server_violation_rate.into(),
                    row.server_excess_j.into(),
                    row.device_violation_rate.into(),
                    row.outage_rate.into(),
                    row.critic_loss.into(),
                    row.actor_loss.into(),
                    row.mean_q.into(),
                    row.evaluation_sum_qoe.into(),
                    row.evaluation_sum_qoe.map(|sum_qoe| point.score(sum_qoe)).into(),
                ]);
                table.push(cells)?;
            }
        }
    }
    Ok(table)
}

fn evaluation_table(plan: &StudyPlan, points: &[TrainedPoint]) -> Result<Table, Error> {
    let mut table = Table::new(columns(
        plan,
        &[
            ("policy", "who decided: a learned policy, or one without learning"),
            ("seed", "number of the training; blank of policies without learning"),
            ("replication", "number of the replication, the same as in `latentlink run`"),
            ("sum_qoe", "sum of the users' quality of experience; of a run in time, its mean per decision"),
            ("users", "requests that were decided about"),
            ("outages", "those of them below the threshold Q_th (23)"),
            ("decisions", "groups that were decided about"),
            ("violations", "decisions that break a budget, (22) or (24), as they were carried out"),
        ],
    ))?;
    let push = |table: &mut Table, point: &TrainedPoint, policy: &str, seed: Option<u32>, evaluation: &Evaluation| {
        for run in &evaluation.runs {
            let mut cells: Vec<Cell> = point_cells(&point.point).collect();
            cells.extend([
                policy.into(),
                seed.into(),
                run.replication.into(),
                run.sum_qoe.into(),
                run.users.into(),
                run.outages.into(),
                run.decisions.into(),
                run.violations.into(),
            ]);
            table.push(cells)?;
        }
        Ok::<(), Error>(())
    };
    for point in points {
        for Baseline { name, evaluation } in point.baselines.iter() {
            push(&mut table, point, name, None, evaluation)?;
        }
        for (seed, training) in point.finished() {
            for (policy, evaluation) in point.learned_policies().iter().zip(&training.evaluations) {
                push(&mut table, point, policy, Some(seed), evaluation)?;
            }
        }
    }
    Ok(table)
}

fn timing_table(plan: &StudyPlan, points: &[TrainedPoint]) -> Result<Table, Error> {
    let mut table = Table::new(columns(
        plan,
        &[
            ("seed", "number of the training"),
            ("interactions", "decisions in the environment so far"),
            ("updates", "updates of the networks so far"),
            ("wall_time_s", "time that the training has taken so far on one thread, evaluations left out [s]"),
            ("evaluation_score", "score of the evaluation there, see training.csv; blank where nothing was evaluated"),
        ],
    ))?;
    for point in points {
        for (seed, training) in point.finished() {
            for row in &training.rows {
                let mut cells: Vec<Cell> = point_cells(&point.point).collect();
                let score = row.evaluation_sum_qoe.map(|sum_qoe| point.score(sum_qoe));
                cells.extend([
                    seed.into(),
                    row.interactions.into(),
                    row.updates.into(),
                    row.wall_time_s.into(),
                    score.into(),
                ]);
                table.push(cells)?;
            }
        }
    }
    Ok(table)
}

fn failures_table(plan: &StudyPlan, points: &[TrainedPoint]) -> Result<Table, Error> {
    let mut table =
        Table::new(columns(plan, &[("seed", "number of the training"), ("reason", "why there is no actor")]))?;
    for point in points {
        for (seed, training) in point.trainings.iter().enumerate() {
            if let Err(reason) = training {
                let mut cells: Vec<Cell> = point_cells(&point.point).collect();
                cells.extend([seed.into(), reason.as_str().into()]);
                table.push(cells)?;
            }
        }
    }
    Ok(table)
}
