//! `runs.csv`: energy, savings and quality of experience of each run.

use super::{RunData, TableLayout, key_cells};
use crate::experiment::budget::{self, EnergyTotals, Savings, over_budget_j};
use crate::network::UserRecord;
use crate::report::{Cell, Column};

pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    columns.extend(
        [
            ("server_compute_j", "energy of the shared steps [J]"),
            ("server_radio_j", "energy of all transmissions [J]"),
            ("device_compute_j", "energy of all devices' steps and decoding [J]"),
            ("device_radio_j", "energy of all receptions [J]"),
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
    columns
}

/// One row: energy by payer and cause, savings, the server's budget, quality of experience.
pub(super) fn rows(data: &RunData<'_>) -> Vec<Vec<Cell>> {
    let run = data.run;
    let scenario = &run.point.scenario;
    let totals = EnergyTotals::of(&run.ledger);
    let records: Vec<&UserRecord> = run.users.iter().map(|user| &user.record).collect();
    let savings = Savings::of(scenario, &records, &totals);
    let server_j = totals.server_compute_j + totals.server_radio_j;
    let broken: Vec<String> = budget::violations(scenario, &run.ledger)
        .iter()
        .map(|violation| format!("{} {} by {:.6} J", violation.payer, violation.constraint, violation.excess_j()))
        .collect();
    let mut cells = key_cells(run, 13);
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
    vec![cells]
}
