//! Intervals that one run in time has of its own, from `steady_state.csv`.

use std::collections::HashMap;

use super::FigureSource;
use super::columns::{Columns, Wanted};
use super::rows::Rows;
use crate::report::ReportError;
use crate::scenario::Scenario;

/// The intervals of one quantity, by the point of the run.
pub(super) struct RunIntervals(HashMap<String, (f64, f64)>);

impl RunIntervals {
    /// None where there are several replications, whose means say more, or where the rows are not those of runs in
    /// time.
    ///
    /// # Errors
    /// Those of [`Columns::read`].
    pub fn read(source: &FigureSource, scenario: &Scenario, rows: &Rows, quantity: &str) -> Result<Self, ReportError> {
        if scenario.demand.is_none() || !rows.are_of_runs() || rows.replications() > 1 {
            return Ok(Self(HashMap::new()));
        }
        let ends = ["interval_low", "interval_high"];
        let wanted = Wanted { words: &["point"], numbers: &ends, only: &[("quantity", quantity)] };
        let table = Columns::read(&source.folder.join("steady_state.csv"), &wanted)?;
        let [low, high] = ends.map(|end| table.numbers(end));
        let interval = |row: usize| (table.words("point").word(row).to_owned(), (low[row], high[row]));
        // A quantity of the whole run has none.
        let is_there = |row: &usize| low[*row].is_finite() && high[*row].is_finite();
        Ok(Self((0..table.rows()).filter(is_there).map(interval).collect()))
    }

    pub fn are_there(&self) -> bool {
        !self.0.is_empty()
    }

    /// Of the run in this row.
    pub fn of(&self, rows: &Rows, row: usize) -> Option<(f64, f64)> {
        self.0.get(rows.words("point").word(row)).copied()
    }
}
