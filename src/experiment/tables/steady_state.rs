//! `steady_state.csv`: what each run in time says of each quantity, with its interval.

use super::{RunData, TableLayout, key_cells, runs};
use crate::report::table::CsvRows;
use crate::report::{Cell, Column};

/// No columns, and so no table, in a study of rounds.
pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    if !layout.is_live {
        return Vec::new();
    }
    let mut columns = layout.key_columns();
    columns.extend(
        [
            ("quantity", "what is estimated: a column of runs.csv, where its meaning is told"),
            ("unit", "its unit; blank for counts, parts and indices"),
            ("mean", "the estimate, over what comes after the warm-up; blank where there is nothing to measure"),
            ("interval_low", "lower end of the 95 % interval (Student's t); blank where one run has none"),
            ("interval_high", "upper end of it"),
            ("n", "batches behind the interval; 0 without one"),
            (
                "method",
                "`batch-means`: over equal batches of requests; `batch-ratios`: the ratio estimator over them; \
                 `sectioning`: their quantiles about that of all; `time-batches`: over equal batches of time; \
                 `jackknife`: without each batch; `whole-run`: a count or sum without an interval",
            ),
            (
                "lag_1_autocorrelation",
                "of the batches' numbers: well above 0, batches are too short and the interval is too narrow; blank \
                 without one",
            ),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    columns
}

/// One row per quantity.
pub(super) fn rows(data: &RunData<'_>, rows: &mut CsvRows) {
    let Some(measures) = &data.measures else { return };
    let mut cells = key_cells(data.run, 8);
    let keys = cells.len();
    for measure in measures.iter() {
        if !runs::quantities(data.layout).any(|quantity| quantity.name == measure.quantity.name) {
            continue;
        }
        let estimate = measure.estimate;
        let half_width = estimate.and_then(|estimate| estimate.half_width_95);
        let end = |sign: f64| estimate.zip(half_width).map(|(estimate, half)| estimate.value + sign * half);
        cells.truncate(keys);
        cells.push(measure.quantity.name.into());
        cells.push(if measure.quantity.unit.is_empty() { Cell::Blank } else { measure.quantity.unit.into() });
        cells.push(estimate.map(|estimate| estimate.value).into());
        cells.extend([end(-1.0), end(1.0)].map(Cell::from));
        cells.push(estimate.map_or(0, |estimate| estimate.batches).into());
        cells.push(measure.method.name().into());
        cells.push(estimate.and_then(|estimate| estimate.lag_1_autocorrelation).into());
        rows.push(&cells);
    }
}
