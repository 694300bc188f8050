//! `ledger.csv`: every booking.

use super::{RunData, TableLayout, key_cells};
use crate::network::{LedgerCause, LedgerPayer};
use crate::report::{Cell, Column};

pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    columns.extend(
        [
            ("time_s", "end of a computation, start of a transmission [s]"),
            ("payer", "`server` or the device's name"),
            ("cause", "`compute` or `radio`"),
            ("energy_j", "energy [J]"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    columns
}

/// One row per booking, in the order of time.
pub(super) fn rows(data: &RunData<'_>) -> Vec<Vec<Cell>> {
    let run = data.run;
    let mut entries: Vec<_> = run.ledger.entries().iter().collect();
    // The engine does not promise an order among simultaneous bookings.
    entries.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then((a.payer, a.cause).cmp(&(b.payer, b.cause))));
    let row = |entry: &crate::network::LedgerEntry| {
        let mut cells = key_cells(run, 4);
        cells.push(entry.time_s.into());
        cells.push(match entry.payer {
            LedgerPayer::Server => "server".into(),
            LedgerPayer::Device(index) => run.point.scenario.devices[index].name.as_str().into(),
        });
        cells.push(match entry.cause {
            LedgerCause::Compute => "compute".into(),
            LedgerCause::Radio => "radio".into(),
        });
        cells.push(entry.energy_j.into());
        cells
    };
    entries.into_iter().map(row).collect()
}
