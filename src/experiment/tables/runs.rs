//! `runs.csv`: energy, savings and quality of experience of each run; of a run in time all its quantities as well.

use super::{RunData, TableLayout, key_cells};
use crate::experiment::budget::{self, EnergyTotals, Savings, over_budget_j};
use crate::experiment::steady_state::{QUANTITIES, Quantity};
use crate::network::UserRecord;
use crate::report::table::CsvRows;
use crate::report::{Cell, Column};

/// Broken constraints that are told one by one in a run in time, which may have a hundred thousand devices.
const TOLD_VIOLATIONS: usize = 5;

pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    columns.extend(
        [
            ("server_compute_j", "energy of the shared steps [J]"),
            ("server_radio_j", "energy of transmissions by servers [J]"),
            ("device_compute_j", "energy of all devices' steps and decoding [J]"),
            ("device_radio_j", "energy of receptions, and of transmissions by devices [J]"),
            ("total_j", "sum of the four [J]"),
            ("device_side_saving_j", "what the devices save against running t0 + tk steps each [J]"),
            ("server_side_saving_j", "minus what the server spends [J]"),
            ("network_wide_saving_j", "both together; negative where sharing costs more than it saves [J]"),
            (
                "server_over_budget_j",
                "energy above the server's budget, constraint (24) [J]; 0 where it is kept, blank without one",
            ),
            ("broken_constraints", "who broke which constraint and by how much; blank where all are kept"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    if layout.is_judged {
        columns.extend(
            [
                ("sum_qoe", "sum of the users' quality of experience, the objective (21); blank where a user has none"),
                ("qoe_outages", "users below judge.qoe_threshold, constraint (23), and those whose score failed"),
                ("failed_scores", "answers without a score, the panel's and those about failed pictures included"),
            ]
            .map(|(name, meaning)| Column::new(name, meaning)),
        );
    }
    columns.extend(quantities(layout).map(|quantity| Column::new(quantity.name, quantity.meaning)));
    columns
}

/// What a run in time is summed up to; nothing of a round.
pub(super) fn quantities(layout: &TableLayout) -> impl Iterator<Item = &'static Quantity> {
    let (is_live, is_judged) = (layout.is_live, layout.is_judged);
    QUANTITIES.iter().filter(move |quantity| is_live && (is_judged || !quantity.is_of_judges))
}

/// One row: energy by payer and cause, savings, the server's budget, quality of experience.
pub(super) fn rows(data: &RunData<'_>, rows: &mut CsvRows) {
    let run = data.run;
    let scenario = &run.point.scenario;
    let totals = EnergyTotals::of(&run.ledger);
    let records: Vec<&UserRecord> = run.users.iter().map(|user| &*user.record).collect();
    let savings = Savings::of(scenario, &records, &totals);
    let server_j = totals.server_compute_j + totals.server_radio_j;
    let violations = budget::violations(scenario, &run.ledger);
    let told = if data.layout.is_live { TOLD_VIOLATIONS.min(violations.len()) } else { violations.len() };
    let mut broken: Vec<String> = violations[..told]
        .iter()
        .map(|violation| format!("{} {} by {:.6} J", violation.payer, violation.constraint, violation.excess_j()))
        .collect();
    if violations.len() > told {
        broken.push(format!("{} more", violations.len() - told));
    }
    let mut cells = key_cells(run, 13 + QUANTITIES.len());
    cells.extend(
        [
            totals.server_compute_j,
            totals.server_radio_j,
            totals.device_compute_j,
            totals.device_radio_j,
            totals.total_j(),
            savings.device_side_j,
            savings.server_side_j,
            savings.network_wide_j,
        ]
        .map(Cell::from),
    );
    cells.push(scenario.server.energy_budget_j.map_or(Cell::Blank, |budget| over_budget_j(server_j, budget).into()));
    cells.push(if broken.is_empty() { Cell::Blank } else { broken.join("; ").into() });
    if data.layout.is_judged {
        let quality = data.scores.quality(scenario.judge.qoe_threshold);
        cells.push(quality.and_then(|quality| quality.sum).into());
        cells.push(quality.map(|quality| quality.outages).into());
        cells.push(quality.map(|quality| quality.failed_scores).into());
    }
    cells.extend(quantities(data.layout).map(|quantity| data.measured(quantity.name)));
    rows.push(&cells);
}
