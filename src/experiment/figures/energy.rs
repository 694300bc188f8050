//! Energy by payer and cause, beside what independent generation would cost.

use super::FigureSource;
use crate::report::Cell;
use crate::report::axis_label::tick_label;
use crate::report::ledger_bars::{LedgerBar, LedgerBars, LedgerGroup};
use crate::scenario::Scenario;

/// Energy of the split by payer and cause beside independent generation, one group for each different ledger.
pub(super) fn ledger_bars(source: &FigureSource<'_>, scenario: &Scenario) -> LedgerBars {
    let table = source.runs;
    let number =
        |row: &[Cell], name: &str| table.column_index(name).and_then(|index| row[index].number()).unwrap_or(0.0);
    // Points that differ in bit errors alone cost the same: they share a group, named by what they have in common.
    let mut groups: Vec<(LedgerBar, LedgerBar, Vec<&Vec<Cell>>)> = Vec::new();
    for row in table.rows() {
        let split = LedgerBar {
            label: "split".to_owned(),
            server_compute_j: number(row, "server_compute_j"),
            server_radio_j: number(row, "server_radio_j"),
            device_compute_j: number(row, "device_compute_j"),
            device_radio_j: number(row, "device_radio_j"),
            budget_j: None,
        };
        let independent = LedgerBar {
            label: "independent".to_owned(),
            server_compute_j: 0.0,
            server_radio_j: 0.0,
            device_compute_j: split.device_compute_j + split.device_radio_j + number(row, "device_side_saving_j"),
            device_radio_j: 0.0,
            budget_j: None,
        };
        match groups.iter_mut().find(|(bar, _, _)| *bar == split) {
            Some((_, _, rows)) => rows.push(row),
            None => groups.push((split, independent, vec![row])),
        }
    }
    let label = |rows: &[&Vec<Cell>]| -> String {
        let common = source.swept.iter().filter_map(|field| {
            let index = table.column_index(field)?;
            let value = rows.first()?[index].to_csv_field();
            let same = rows.iter().all(|row| row[index].to_csv_field() == value);
            let varies = table.rows().iter().any(|row| row[index].to_csv_field() != value);
            (same && varies).then(|| format!("{} = {}", short_name(field), tick_label(field, &value)))
        });
        common.collect::<Vec<_>>().join(", ")
    };
    LedgerBars {
        title: format!("{}: energy by payer and cause", scenario.study.name),
        groups: groups
            .iter()
            .map(|(split, independent, rows)| LedgerGroup {
                label: label(rows),
                bars: vec![split.clone(), independent.clone()],
            })
            .collect(),
        footer: source.footer.clone(),
    }
}

fn short_name(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}
