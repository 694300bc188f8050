//! The tables of a study: `requests.csv`, `runs.csv`, `ledger.csv`, and where somebody judges `scores.csv` and on request
//! `answers.csv`.

mod ledger;
mod requests;
mod runs;
mod scores;

use super::computation::ComputedValues;
use super::scores::StudyScores;
use super::study::{Run, SimulatedStudy, StudyPoint};
use super::summary::summary;
use crate::report::{Cell, Column, ReportError, Table};
use crate::scenario::{Coordinate, CoordinateValue, JudgeKind};

/// Everything the tables are made of.
pub struct StudyData<'a> {
    pub points: &'a [StudyPoint],
    /// Coordinates of each point, in the order of `points`; the same paths everywhere.
    pub coordinates: &'a [Vec<Coordinate>],
    pub study: &'a SimulatedStudy,
    pub values: &'a ComputedValues,
    pub scores: &'a StudyScores,
}

/// The tables of a study's results folder.
pub struct StudyTables {
    pub requests: Table,
    pub runs: Table,
    pub summary: Table,
    pub ledger: Table,
    /// `None` where nobody judges.
    pub scores: Option<Table>,
    /// `None` where nobody asks for them.
    pub answers: Option<Table>,
}

impl StudyTables {
    /// # Errors
    /// [`ReportError`] where two columns would have one name: a persona called `status`, say.
    pub fn of(data: &StudyData<'_>) -> Result<Self, ReportError> {
        Ok(Self {
            requests: requests::requests(data)?,
            runs: runs::runs(data)?,
            summary: summary(data)?,
            ledger: ledger::ledger(data)?,
            scores: scores::scores(data)?,
            answers: scores::answers(data)?,
        })
    }

    /// Each with its file name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Table)> {
        let always = [
            ("requests.csv", &self.requests),
            ("runs.csv", &self.runs),
            ("summary.csv", &self.summary),
            ("ledger.csv", &self.ledger),
        ];
        let judged = [("scores.csv", &self.scores), ("answers.csv", &self.answers)];
        always.into_iter().chain(judged.into_iter().filter_map(|(name, table)| Some((name, table.as_ref()?))))
    }
}

impl StudyData<'_> {
    /// Whether any point has a judge.
    pub fn is_judged(&self) -> bool {
        self.points.iter().any(|point| point.scenario.judge.kind != JudgeKind::None)
    }

    /// Names of the panels' personas, each once, in the order of the points.
    pub fn panel(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for persona in self.points.iter().flat_map(|point| &point.scenario.judge.panel) {
            if !names.contains(&persona.name.as_str()) {
                names.push(&persona.name);
            }
        }
        names
    }
}

/// The point and its swept fields.
pub fn coordinate_columns(data: &StudyData<'_>) -> Vec<Column> {
    let mut columns = vec![Column::new("point", "index of the point in the sweep's grid")];
    columns.extend(
        data.coordinates
            .first()
            .into_iter()
            .flatten()
            .map(|coordinate| Column::new(&coordinate.path, "swept field of the scenario, in the scenario's unit")),
    );
    columns
}

/// The cells of [`coordinate_columns`] for the point at this position.
pub fn coordinate_cells(data: &StudyData<'_>, point: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::from(data.points[point].index)];
    cells.extend(data.coordinates[point].iter().map(|coordinate| match &coordinate.value {
        CoordinateValue::Integer(value) => Cell::from(*value),
        CoordinateValue::Float(value) => Cell::from(*value),
        CoordinateValue::Text(value) => Cell::from(value.as_str()),
    }));
    cells
}

/// Columns that every table with one row per run or user begins with.
fn key_columns(data: &StudyData<'_>) -> Vec<Column> {
    let mut columns = coordinate_columns(data);
    columns.push(Column::new("replication", "repetition of the point, with random streams of its own"));
    columns
}

fn key_cells(data: &StudyData<'_>, run: &Run) -> Vec<Cell> {
    let mut cells = coordinate_cells(data, run.point);
    cells.push(Cell::from(run.replication));
    cells
}
