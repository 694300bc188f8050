//! `ledger.csv`: every booking.

use super::{StudyData, key_cells, key_columns};
use crate::network::{LedgerCause, LedgerPayer};
use crate::report::{Column, ReportError, Table};

/// One row per booking, in the order of time.
pub(super) fn ledger(data: &StudyData<'_>) -> Result<Table, ReportError> {
    let mut columns = key_columns(data);
    columns.extend(
        [
            ("time_s", "end of a computation, start of a transmission [s]"),
            ("payer", "`server` or the device's name"),
            ("cause", "`compute` or `radio`"),
            ("energy_j", "energy [J]"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    let mut table = Table::new(columns)?;
    for run in &data.study.runs {
        let mut entries: Vec<_> = run.ledger.entries().iter().collect();
        // The engine does not promise an order among simultaneous bookings.
        entries.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then((a.payer, a.cause).cmp(&(b.payer, b.cause))));
        for entry in entries {
            let mut cells = key_cells(data, run);
            cells.push(entry.time_s.into());
            cells.push(match entry.payer {
                LedgerPayer::Server => "server".into(),
                LedgerPayer::Device(index) => data.points[run.point].scenario.devices[index].name.as_str().into(),
            });
            cells.push(match entry.cause {
                LedgerCause::Compute => "compute".into(),
                LedgerCause::Radio => "radio".into(),
            });
            cells.push(entry.energy_j.into());
            table.push(cells)?;
        }
    }
    Ok(table)
}
