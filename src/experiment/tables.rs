//! The tables of a study: `requests.csv`, `runs.csv`, `ledger.csv`, and where somebody judges `scores.csv` and on request
//! `answers.csv`. Rows are made run by run, as runs finish; all runs of a study have the same columns. From these rows come
//! the tables that say something of several runs: `summary.csv`, `differences.csv`.
//!
//! ```text
//!  run ─► requests, runs, ledger, scores ─► journal ─► assembly ─┬─► the same tables, in order
//!                                                                └─► observations ─► summary, differences
//! ```

pub mod assembly;
pub mod differences;
mod ledger;
pub mod observations;
mod requests;
mod runs;
mod scores;
pub mod summary;

use super::budget;
use super::computation::ComputedValues;
use super::journal::{RunFacts, RunRows, TABLES};
use super::points::StudyPoint;
use super::scores::RunScores;
use super::simulation::Run;
use crate::report::table::csv_rows;
use crate::report::{Cell, Column};
use crate::scenario::{Coordinate, CoordinateValue, JudgeKind, PictureReference};

/// What decides which columns the tables of a study have: nothing of it differs between points.
#[derive(Debug, Clone)]
pub struct TableLayout {
    /// Paths of the swept fields.
    pub swept: Vec<String>,
    /// Which reference pictures each picture is measured against.
    pub references: Vec<PictureReference>,
    /// Names of the panel's personas.
    pub panel: Vec<String>,
    pub is_judged: bool,
    /// Whether nobody sees a picture.
    pub is_without_pictures: bool,
    /// Whether what the agents said is kept word for word.
    pub keeps_answers: bool,
}

/// Everything the rows of one run are made of.
struct RunData<'a> {
    layout: &'a TableLayout,
    run: &'a Run,
    values: &'a ComputedValues,
    scores: &'a RunScores,
}

impl TableLayout {
    /// That of the study to which this point belongs.
    pub fn of(point: &StudyPoint) -> Self {
        let scenario = &point.scenario;
        let is_judged = scenario.judge.kind != JudgeKind::None;
        Self {
            swept: point.coordinates.iter().map(|coordinate| coordinate.path.clone()).collect(),
            references: if scenario.makes_pictures() { scenario.diffusion.metrics_against.clone() } else { Vec::new() },
            panel: scenario.judge.panel.iter().map(|persona| persona.name.clone()).collect(),
            is_judged,
            is_without_pictures: !scenario.makes_pictures(),
            keeps_answers: is_judged && scenario.judge.write_answers,
        }
    }

    /// The columns of each of [`TABLES`]; none where the study has no such table.
    pub fn columns(&self) -> [Vec<Column>; TABLES.len()] {
        let judged = |columns: Vec<Column>, is_there: bool| if is_there { columns } else { Vec::new() };
        [
            requests::columns(self),
            runs::columns(self),
            ledger::columns(self),
            judged(scores::score_columns(self), self.is_judged),
            judged(scores::answer_columns(self), self.keeps_answers),
        ]
    }

    /// The rows of a finished run, and what of it the report counts.
    pub fn rows(&self, run: &Run, values: &ComputedValues) -> RunRows {
        let scores = RunScores::of(run, values);
        let data = RunData { layout: self, run, values, scores: &scores };
        let nothing = Vec::new;
        let rows = [
            requests::rows(&data),
            runs::rows(&data),
            ledger::rows(&data),
            if self.is_judged { scores::score_rows(&data) } else { nothing() },
            if self.keeps_answers { scores::answer_rows(&data) } else { nothing() },
        ];
        let failed_pictures = run.users.iter().filter_map(|user| {
            let failure = values.failure_of(&user.record)?;
            Some((run.point.scenario.devices[user.record.device].name.clone(), failure.name().to_owned()))
        });
        let facts = RunFacts {
            violations: budget::violations(&run.point.scenario, &run.ledger),
            failed_pictures: failed_pictures.collect(),
            scores: scores.answers(),
            failed_scores: scores.failed(),
        };
        RunRows { facts, rows: rows.map(|rows| csv_rows(&rows)) }
    }

    /// The point and its swept fields.
    pub fn point_columns(&self) -> Vec<Column> {
        let mut columns = vec![Column::new("point", "index of the point in the sweep's grid")];
        let swept = self.swept.iter();
        columns.extend(swept.map(|path| Column::new(path, "swept field of the scenario, in the scenario's unit")));
        columns
    }

    /// Columns that every table with one row per run or user begins with.
    fn key_columns(&self) -> Vec<Column> {
        let mut columns = self.point_columns();
        columns.push(Column::new("replication", "repetition of the point, with random streams of its own"));
        columns
    }
}

/// The cells of [`TableLayout::point_columns`].
pub fn point_cells(point: &StudyPoint) -> impl Iterator<Item = Cell> {
    let value = |coordinate: &Coordinate| match &coordinate.value {
        CoordinateValue::Integer(value) => Cell::from(*value),
        CoordinateValue::Float(value) => Cell::from(*value),
        CoordinateValue::Text(value) => Cell::from(value.as_str()),
    };
    std::iter::once(Cell::from(point.index)).chain(point.coordinates.iter().map(value))
}

/// The cells that every row of a run begins with, and room for `more`.
fn key_cells(run: &Run, more: usize) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(2 + run.point.coordinates.len() + more);
    cells.extend(point_cells(&run.point));
    cells.push(Cell::from(run.id.replication));
    cells
}
