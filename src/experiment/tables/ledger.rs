//! `ledger.csv`: every booking; of a run in time what everybody paid in all.

use super::{RunData, TableLayout, key_cells};
use crate::experiment::simulation::Run;
use crate::network::{LedgerCause, LedgerPayer};
use crate::report::table::CsvRows;
use crate::report::{Cell, Column};

pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    if !layout.is_live {
        columns.push(Column::new("time_s", "end of a computation, start of a transmission [s]"));
    }
    let energy = if layout.is_live { "energy of the whole run [J]" } else { "energy [J]" };
    columns.extend(
        [("payer", "`server` or the device's name"), ("cause", "`compute` or `radio`"), ("energy_j", energy)]
            .map(|(name, meaning)| Column::new(name, meaning)),
    );
    columns
}

/// One row per booking, in the order of time; of a run in time one per payer and cause.
pub(super) fn rows(data: &RunData<'_>, rows: &mut CsvRows) {
    if data.layout.is_live {
        return totals(data, rows);
    }
    let run = data.run;
    let mut entries: Vec<_> = run.ledger.entries().unwrap_or_default().iter().collect();
    // The engine does not promise an order among simultaneous bookings.
    entries.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then((a.payer, a.cause).cmp(&(b.payer, b.cause))));
    for entry in entries {
        let mut cells = key_cells(run, 4);
        cells.push(entry.time_s.into());
        cells.extend(booking_cells(run, entry.payer, entry.cause, entry.energy_j));
        rows.push(&cells);
    }
}

/// Who paid in all, and what for: those that did.
fn totals(data: &RunData<'_>, rows: &mut CsvRows) {
    let mut cells = key_cells(data.run, 3);
    let keys = cells.len();
    for (payer, cause, energy_j) in data.run.ledger.totals().filter(|(.., energy_j)| *energy_j > 0.0) {
        cells.truncate(keys);
        cells.extend(booking_cells(data.run, payer, cause, energy_j));
        rows.push(&cells);
    }
}

fn booking_cells(run: &Run, payer: LedgerPayer, cause: LedgerCause, energy_j: f64) -> [Cell; 3] {
    let payer = match payer {
        LedgerPayer::Server => "server",
        LedgerPayer::Device(index) => run.point.scenario.devices[index].name.as_str(),
    };
    let cause = match cause {
        LedgerCause::Compute => "compute",
        LedgerCause::Radio => "radio",
    };
    [payer.into(), cause.into(), energy_j.into()]
}
