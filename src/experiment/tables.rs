//! The tables of a study: `requests.csv`, `runs.csv`, `ledger.csv`, and where somebody judges `scores.csv` and on
//! request `answers.csv`. Rows are made run by run, as runs finish; all runs of a study have the same columns. From
//! these rows come the tables that say something of several runs: `summary.csv`, `differences.csv`. A run in time has
//! `steady_state.csv` on top, a row of `requests.csv` for each request, served or not, and only totals in its ledger.
//!
//! ```text
//!  run ─► requests, runs, ledger, scores, steady state ─► journal ─► assembly ─┬─► the same tables, in order
//!                                                                              └─► observations ─► summary, differences
//! ```

pub mod assembly;
pub mod differences;
mod ledger;
mod live_requests;
pub mod observations;
mod requests;
mod runs;
mod scores;
mod steady_state;
pub mod summary;

use super::budget;
use super::computation::ComputedValues;
use super::journal::{RequestEnds, RunFacts, RunRows, TABLES};
use super::points::StudyPoint;
use super::scores::RunScores;
use super::simulation::Run;
use super::steady_state::Measures;
use crate::report::table::CsvRows;
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
    /// Whether its runs are runs in time; else they are rounds.
    pub is_live: bool,
    /// Whether requests, and answers about their pictures, have rows of their own.
    pub writes_requests: bool,
}

/// Everything the rows of one run are made of.
struct RunData<'a> {
    layout: &'a TableLayout,
    run: &'a Run,
    values: &'a ComputedValues,
    scores: &'a RunScores,
    /// What a run in time is summed up to; `None` of a round.
    measures: Option<Measures>,
}

impl RunData<'_> {
    /// The value of a quantity; blank where there is nothing to measure.
    fn measured(&self, quantity: &str) -> Cell {
        self.measures.as_ref().and_then(|measures| measures.value(quantity)).into()
    }
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
            is_live: scenario.demand.is_some(),
            writes_requests: scenario.demand.is_none() || scenario.analysis.write_requests,
        }
    }

    /// The columns of each of [`TABLES`]; none where the study has no such table.
    pub fn columns(&self) -> [Vec<Column>; TABLES.len()] {
        let only_if = |is_there: bool, columns: fn(&Self) -> Vec<Column>| match is_there {
            true => columns(self),
            false => Vec::new(),
        };
        let requests = if self.is_live { live_requests::columns } else { requests::columns };
        [
            only_if(self.writes_requests, requests),
            runs::columns(self),
            ledger::columns(self),
            only_if(self.is_judged && self.writes_requests, scores::score_columns),
            only_if(self.keeps_answers && self.writes_requests, scores::answer_columns),
            steady_state::columns(self),
        ]
    }

    /// The rows of a finished run, and what of it the report counts.
    pub fn rows(&self, run: &Run, values: &ComputedValues) -> RunRows {
        let scores = RunScores::of(run, values);
        let measures = self.is_live.then(|| Measures::of(run, &scores));
        let data = RunData { layout: self, run, values, scores: &scores, measures };
        let only_if = |is_there: bool, write: fn(&RunData<'_>, &mut CsvRows)| {
            let mut rows = CsvRows::default();
            if is_there {
                write(&data, &mut rows);
            }
            rows.into_text()
        };
        let requests = if self.is_live { live_requests::rows } else { requests::rows };
        let rows = [
            only_if(self.writes_requests, requests),
            only_if(true, runs::rows),
            only_if(true, ledger::rows),
            only_if(self.is_judged && self.writes_requests, scores::score_rows),
            only_if(self.keeps_answers && self.writes_requests, scores::answer_rows),
            only_if(self.is_live, steady_state::rows),
        ];
        let failed_pictures = run.users.iter().filter_map(|user| {
            let failure = values.failure_of(&user.record)?;
            Some((run.point.scenario.devices[user.record.journey.device].name.clone(), failure.name().to_owned()))
        });
        let is_live = run.point.scenario.demand.is_some();
        let facts = RunFacts {
            ends: is_live.then(|| Box::new(RequestEnds::of(run.users.len(), &run.books.unserved))),
            violations: budget::violations(&run.point.scenario, &run.ledger),
            failed_pictures: failed_pictures.collect(),
            scores: scores.answers(),
            failed_scores: scores.failed(),
        };
        RunRows { facts, rows }
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
