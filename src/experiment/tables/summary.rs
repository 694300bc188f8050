//! `summary.csv`: what the replications of each point say together.
//!
//! Long form: one row per point, device and quantity. Numbers have a mean with Student's t interval and quantiles, for
//! heavy tails; rates have Wilson's interval. Failed pictures have no metrics; `n` says how many observations are behind.

use super::TableLayout;
use super::observations::{Quantity, Values};
use crate::experiment::statistics::{Proportion, Quantiles, Summary};
use crate::report::{Cell, Column};

/// The columns of `summary.csv`.
pub fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.point_columns();
    columns.extend(
        [
            ("device", "name of the device, or `network` for the whole run"),
            (
                "quantity",
                "what the numbers are of; the unit is in the name, see requests.csv and runs.csv. `failed_pictures` and \
                 `qoe_outage` are rates: the part of the replications in which the picture failed, or its user's quality of \
                 experience was below judge.qoe_threshold or missing, constraint (23)",
            ),
            ("n", "replications that gave a value; a failed picture gives none"),
            ("mean", "mean over these, in the quantity's unit; for a rate its estimate"),
            ("standard_deviation", "sample standard deviation, in the same unit; blank for n < 2 and for rates"),
            ("low_95", "lower end of the 95 % interval of the mean: Student's t, for rates Wilson's; blank for n < 2"),
            ("high_95", "upper end of it"),
            ("half_width_95", "half of the Student interval, in the same unit; blank for n < 2 and for rates"),
            ("median", "median, in the same unit; blank for rates"),
            ("quantile_05", "5 % quantile (type 7 of Hyndman and Fan); blank for n < 2 and for rates"),
            ("quantile_25", "25 % quantile"),
            ("quantile_75", "75 % quantile"),
            ("quantile_95", "95 % quantile"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    columns
}

/// The rows of one point, each beginning with `point`, its cells of [`TableLayout::point_columns`].
pub fn rows(point: &[Cell], quantities: &[Quantity]) -> Vec<Vec<Cell>> {
    let row = |quantity: &Quantity| {
        let mut cells = point.to_vec();
        cells.extend([quantity.owner.name().into(), quantity.name.as_str().into()]);
        cells.extend(match &quantity.values {
            Values::Numbers(values) => number_cells(&values.iter().copied().flatten().collect::<Vec<_>>()),
            Values::Events(events) => event_cells(events),
        });
        cells
    };
    quantities.iter().map(row).collect()
}

fn number_cells(values: &[f64]) -> [Cell; 11] {
    // Every value was read as a finite number: only where there is none there is no summary.
    let (Ok(summary), Ok(quantiles)) = (Summary::of(values.iter().copied()), Quantiles::of(values.iter().copied()))
    else {
        let mut blank = [const { Cell::Blank }; 11];
        blank[0] = 0_u64.into();
        return blank;
    };
    let several = |quantile: f64| (summary.n > 1).then_some(quantile);
    [
        summary.n.into(),
        summary.mean.into(),
        summary.standard_deviation.into(),
        summary.half_width_95.map(|half| summary.mean - half).into(),
        summary.half_width_95.map(|half| summary.mean + half).into(),
        summary.half_width_95.into(),
        quantiles.median.into(),
        several(quantiles.q05).into(),
        several(quantiles.q25).into(),
        several(quantiles.q75).into(),
        several(quantiles.q95).into(),
    ]
}

fn event_cells(events: &[bool]) -> [Cell; 11] {
    let mut cells = [const { Cell::Blank }; 11];
    cells[0] = events.len().into();
    let happened = events.iter().filter(|event| **event).count() as u64;
    if let Some(proportion) = Proportion::of(happened, events.len() as u64) {
        cells[1] = proportion.rate.into();
        // One replication says as little of a rate as of a mean.
        if proportion.n > 1 {
            cells[3] = proportion.low_95.into();
            cells[4] = proportion.high_95.into();
        }
    }
    cells
}
