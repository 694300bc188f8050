//! What the trainings say together: interquartile means over seeds with stratified-bootstrap intervals, and who is likely to be
//! better than whom.
//!
//! Scores are (Q − random)/(optimum − random) of the mean ΣQ on frozen replications: 0 is the random policy, 1 the exhaustive
//! optimum. Where no formula judges there is no optimum to be found, and the score is Q itself. A training that failed has no score,
//! and is counted.

use std::fmt::Write;
use std::path::Path;

use super::baselines::{BEST_CONSTANT, EXHAUSTIVE, GREEDY, RANDOM};
use super::evaluation::Evaluation;
use super::training_results::Scores;
use super::training_study::TrainedPoint;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::statistics::{
    RunScores, StratifiedBootstrap, interquartile_mean, optimality_gap, probability_of_improvement,
};
use crate::experiment::tables::point_cells;
use crate::random::StreamKey;
use crate::report::{Cell, Column, Table};

/// Streams of the intervals.
fn bootstrap(seed: u64) -> StratifiedBootstrap {
    StratifiedBootstrap::new(StreamKey::new(seed, 0, "bootstrap", "trainings"))
}

/// `summary.csv`
///
/// # Errors
/// [`Error::Report`].
pub fn table(plan: &StudyPlan, points: &[TrainedPoint], scores: &Scores) -> Result<Table, Error> {
    let mut columns = plan.point_columns();
    columns.extend(
        [
            ("policy", "who decided: a learned policy, or one without learning"),
            ("trainings", "trainings behind the row; blank of policies without learning"),
            ("failed", "trainings that gave no actor"),
            ("below_random", "trainings whose actor is worse than the random policy"),
            ("sum_qoe", "mean sum of quality of experience on the frozen replications, over all trainings"),
            ("of_optimum", "the same over that of the exhaustive optimum"),
            ("score", "interquartile mean over the trainings of (Q - random)/(optimum - random); where no formula judges there is no optimum, and it is that of Q itself"),
            ("low_95", "lower end of its 95 % stratified-bootstrap interval; blank for fewer than 2 trainings"),
            ("high_95", "upper end of it"),
            ("optimality_gap", "mean over the trainings of max(0, 1 - score); blank without an optimum"),
            ("lowest_score", "of the worst training"),
            ("highest_score", "of the best one"),
            ("outage_rate", "part of the users below the threshold Q_th (23)"),
            ("violation_rate", "part of the decisions that meant to break a budget, before powers were scaled to (24)"),
            ("parameters", "weights of the actor"),
            ("multiply_adds", "multiplications of one action"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    let mut table = Table::new(columns)?;
    let bootstrap = bootstrap(plan.scenario().study.seed);
    for (point, of_point) in points.iter().zip(scores) {
        let of_optimum = |sum_qoe: f64| point.optimum().map(|optimum| sum_qoe / optimum);
        for baseline in point.baselines.iter() {
            let evaluation = &baseline.evaluation;
            let sum_qoe = evaluation.mean_sum_qoe();
            let mut cells: Vec<Cell> = point_cells(&point.point).collect();
            cells.extend([baseline.name.as_str().into(), Cell::Blank, Cell::Blank, Cell::Blank]);
            cells.extend([sum_qoe.into(), of_optimum(sum_qoe).into(), point.score(sum_qoe).into()]);
            let gap = point.optimum().map(|_| (1.0 - point.score(sum_qoe)).max(0.0));
            cells.extend([Cell::Blank, Cell::Blank, gap.into()]);
            cells.extend([Cell::Blank, Cell::Blank]);
            cells.extend([
                evaluation.outage_rate().into(),
                evaluation.violation_rate().into(),
                Cell::Blank,
                Cell::Blank,
            ]);
            table.push(cells)?;
        }
        for (policy, (name, of_policy)) in point.learned_policies().iter().zip(of_point).enumerate() {
            let there: Vec<f64> = of_policy.iter().copied().flatten().collect();
            let evaluations: Vec<&Evaluation> =
                point.finished().filter_map(|(_, training)| training.evaluations.get(policy)).collect();
            let mean = |select: fn(&Evaluation) -> f64| {
                (!evaluations.is_empty()).then(|| {
                    evaluations.iter().map(|evaluation| select(evaluation)).sum::<f64>() / evaluations.len() as f64
                })
            };
            let runs = RunScores::of_one_task(there.clone()).ok();
            let estimate = runs.as_ref().map(|runs| bootstrap.of_one(runs, interquartile_mean));
            let sum_qoe = mean(Evaluation::mean_sum_qoe);
            let any = point.finished().next().map(|(_, training)| training);
            let mut cells: Vec<Cell> = point_cells(&point.point).collect();
            cells.extend([
                name.as_str().into(),
                of_policy.len().into(),
                (of_policy.len() - there.len()).into(),
                there.iter().filter(|score| **score < point.score(point.random())).count().into(),
                sum_qoe.into(),
                sum_qoe.and_then(of_optimum).into(),
                estimate.map(|estimate| estimate.value).into(),
                estimate.and_then(|estimate| estimate.low_95).into(),
                estimate.and_then(|estimate| estimate.high_95).into(),
                runs.as_ref().filter(|_| point.optimum().is_some()).map(optimality_gap).into(),
                there.iter().copied().reduce(f64::min).into(),
                there.iter().copied().reduce(f64::max).into(),
                mean(Evaluation::outage_rate).into(),
                mean(Evaluation::violation_rate).into(),
                any.map(|training| training.parameters).into(),
                any.map(|training| training.multiply_adds).into(),
            ]);
            table.push(cells)?;
        }
    }
    Ok(table)
}

/// `comparisons.csv`
///
/// # Errors
/// [`Error::Report`].
pub fn comparisons(plan: &StudyPlan, points: &[TrainedPoint], scores: &Scores) -> Result<Table, Error> {
    let mut columns = plan.point_columns();
    columns.extend(
        [
            ("policy", "the learned policy of this point"),
            ("against", "index of a point with the same environment"),
            ("against_policy", "the learned policy of that point"),
            ("difference", "mean score minus that of the other"),
            (
                "probability_of_improvement",
                "probability that a training of this policy scores higher than one of the other; ties count half",
            ),
            ("low_95", "lower end of its 95 % bootstrap interval"),
            ("high_95", "upper end of it"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    let mut table = Table::new(columns)?;
    let bootstrap = bootstrap(plan.scenario().study.seed);
    for (index, point) in points.iter().enumerate() {
        for (other_index, other) in points.iter().enumerate() {
            if index == other_index || !point.has_environment_of(other) {
                continue;
            }
            for (policy, of_policy) in point.learned_policies().iter().zip(&scores[index]) {
                for (against, of_other) in other.learned_policies().iter().zip(&scores[other_index]) {
                    let runs =
                        |scores: &[Option<f64>]| RunScores::of_one_task(scores.iter().copied().flatten().collect());
                    let (Ok(own), Ok(theirs)) = (runs(of_policy), runs(of_other)) else { continue };
                    let Ok(probability) = probability_of_improvement(&own, &theirs, &bootstrap) else { continue };
                    let mean = |scores: &RunScores| scores.all().sum::<f64>() / scores.count() as f64;
                    let mut cells: Vec<Cell> = point_cells(&point.point).collect();
                    cells.extend([
                        policy.as_str().into(),
                        other.point.index.into(),
                        against.as_str().into(),
                        (mean(&own) - mean(&theirs)).into(),
                        probability.value.into(),
                        probability.low_95.into(),
                        probability.high_95.into(),
                    ]);
                    table.push(cells)?;
                }
            }
        }
    }
    Ok(table)
}

/// What the command line prints.
pub fn text(folder: &Path, points: &[TrainedPoint]) -> String {
    let mut text = String::new();
    let write = "writing into a string never fails";
    for point in points {
        let coordinates: Vec<String> =
            point.point.coordinates.iter().map(|at| format!("{} = {}", at.path, at.value)).collect();
        writeln!(text, "{}", if coordinates.is_empty() { "all trainings".into() } else { coordinates.join(", ") })
            .expect(write);
        for name in [EXHAUSTIVE, GREEDY, BEST_CONSTANT, RANDOM] {
            let Some(sum_qoe) = point.baseline(name).map(Evaluation::mean_sum_qoe) else { continue };
            writeln!(text, "  {name:<22} ΣQ {sum_qoe:.3}   score {:.3}", point.score(sum_qoe)).expect(write);
        }
        for (policy, name) in point.learned_policies().iter().enumerate() {
            let of_seeds: Vec<f64> = point
                .finished()
                .filter_map(|(_, training)| Some(training.evaluations.get(policy)?.mean_sum_qoe()))
                .collect();
            let Ok(scores) = RunScores::of_one_task(of_seeds.iter().map(|sum_qoe| point.score(*sum_qoe)).collect())
            else {
                writeln!(text, "  {name:<22} failed").expect(write);
                continue;
            };
            let sum_qoe = of_seeds.iter().sum::<f64>() / of_seeds.len() as f64;
            let (low, high) =
                (scores.all().fold(f64::INFINITY, f64::min), scores.all().fold(f64::NEG_INFINITY, f64::max));
            writeln!(
                text,
                "  {name:<22} ΣQ {sum_qoe:.3}   score {:.3} (interquartile mean of {} trainings, {low:.3} to {high:.3})",
                interquartile_mean(&scores),
                scores.count()
            )
            .expect(write);
        }
    }
    writeln!(text, "results in {}", folder.display()).expect(write);
    text
}
