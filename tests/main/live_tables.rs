//! The tables of a run in time: a row for each request, the quantities with their intervals, totals in the ledger.

use latentlink::experiment::computation::ComputedValues;
use latentlink::experiment::journal::RunRows;
use latentlink::experiment::simulation::Run;
use latentlink::experiment::tables::TableLayout;
use latentlink::experiment::tables::observations::{ObservedColumns, Owner, Values};
use latentlink::network::{LedgerCause, LedgerPayer};
use latentlink::report::table::csv_header;
use latentlink::scenario::{LIVE_REQUEST_NUMBERS, LIVE_RUN_NUMBERS, request_numbers, run_numbers};

use crate::live_tables_queue::{DEVICES, Queue, scenario};
use crate::program::Csv;

const REQUESTS: u64 = 600;
/// Where each table stands in a frame.
const REQUEST_TABLE: usize = 0;
const RUN_TABLE: usize = 1;
const LEDGER: usize = 2;
const SCORES: usize = 3;
const ANSWERS: usize = 4;
const STEADY_STATE: usize = 5;

fn run() -> Run {
    Queue { requests: REQUESTS, load: 0.6, seed: 21 }.run(scenario(REQUESTS, 0.6 / 0.9, ""), 0)
}

fn rows_of(run: &Run) -> (TableLayout, RunRows) {
    let layout = TableLayout::of(&run.point);
    let rows = layout.rows(run, &ComputedValues::default());
    (layout, rows)
}

/// A table with its header.
fn table(layout: &TableLayout, rows: &RunRows, table: usize) -> Csv {
    Csv::read(&(csv_header(&layout.columns()[table]) + &rows.rows[table]))
}

#[test]
fn every_request_has_a_row_in_the_order_of_arrival_served_or_not() {
    let run = run();
    let (layout, rows) = rows_of(&run);
    let requests = table(&layout, &rows, REQUEST_TABLE);
    assert_eq!(requests.rows.len() as u64, REQUESTS);
    let mut users = run.users.iter();
    for row in 0..requests.rows.len() {
        assert_eq!(requests.number(row, "request"), row as f64);
        if requests.cell(row, "outcome") == "dropped" {
            assert_eq!(requests.cell(row, "reason"), "queue-full");
            assert_eq!(requests.number(row, "ended_s"), requests.number(row, "arrival_s"));
            for column in
                ["finished_s", "latency_s", "queue_wait_s", "qoe", "picture_status", "queued_s", "t0", "group"]
            {
                assert_eq!(requests.cell(row, column), "", "{column}");
            }
            continue;
        }
        let record = &users.next().expect("a row for each user").record;
        assert_eq!((requests.cell(row, "outcome"), requests.cell(row, "reason")), ("served", ""));
        assert_eq!(requests.number(row, "request") as u64, record.journey.request);
        assert_eq!(requests.cell(row, "device"), format!("phone-{}", record.journey.device + 1));
        assert_eq!((requests.cell(row, "cell"), requests.cell(row, "prompt")), ("cell-1", "a dog"));
        assert_eq!((requests.cell(row, "server_prompt"), requests.cell(row, "cache")), ("a tiger", ""));
        assert_eq!(requests.number(row, "finished_s"), record.finished_s);
        assert_eq!(requests.number(row, "ended_s"), record.finished_s);
        assert_eq!((requests.number(row, "energy_j"), requests.number(row, "goodput_bps")), (11.5, 3960.0));
        let stages = ["grouping_wait_s", "queue_wait_s", "shared_compute_s", "air_wait_s", "air_s"];
        let stages = stages.into_iter().chain(["device_wait_s", "device_compute_s", "decode_s"]);
        let sum: f64 = stages.map(|stage| requests.number(row, stage)).sum();
        assert!((sum - requests.number(row, "latency_s")).abs() < 1e-9);
        assert!((0.0..=1.0).contains(&requests.number(row, "qoe")));
    }
    assert!(users.next().is_none());
    // An answer for each picture.
    assert_eq!(table(&layout, &rows, SCORES).rows.len(), run.users.len());
    assert_eq!(rows.rows[ANSWERS], "");
}

#[test]
fn each_quantity_stands_in_runs_and_with_its_interval_in_steady_state() {
    let (layout, rows) = rows_of(&run());
    let (runs, steady) = (table(&layout, &rows, RUN_TABLE), table(&layout, &rows, STEADY_STATE));
    let quantities: Vec<&str> = (0..steady.rows.len()).map(|row| steady.cell(row, "quantity")).collect();
    assert_eq!(quantities, LIVE_RUN_NUMBERS);
    assert_eq!(runs.rows.len(), 1);
    let mut with_interval = 0;
    for (row, quantity) in quantities.into_iter().enumerate() {
        assert_eq!(steady.cell(row, "mean"), runs.cell(0, quantity), "{quantity}");
        if steady.cell(row, "n") == "0" {
            assert_eq!((steady.cell(row, "interval_low"), steady.cell(row, "interval_high")), ("", ""), "{quantity}");
            continue;
        }
        with_interval += 1;
        let [low, mean, high] = ["interval_low", "mean", "interval_high"].map(|column| steady.number(row, column));
        assert!(low <= mean && mean <= high, "{quantity}");
        assert!((mean - low - (high - mean)).abs() <= 1e-9 * mean.abs().max(1.0), "{quantity}: in the middle");
    }
    assert!(with_interval > 25, "{with_interval}");
    assert!(runs.number(0, "total_j") > 0.0 && runs.number(0, "sum_qoe") > 0.0);
}

#[test]
fn figures_know_every_number_of_the_tables() {
    let (layout, rows) = rows_of(&run());
    for (at, known) in
        [(REQUEST_TABLE, request_numbers(true).collect::<Vec<_>>()), (RUN_TABLE, run_numbers(true).collect::<Vec<_>>())]
    {
        let table = table(&layout, &rows, at);
        for number in &known {
            assert!(table.columns.iter().any(|column| column == number), "there is no `{number}`");
        }
        for column in &table.columns {
            let is_number = (0..table.rows.len()).any(|row| table.cell(row, column).parse::<f64>().is_ok());
            let is_other = ["point", "replication", "request", "group"].contains(&column.as_str())
                || column.contains('.')
                || column.starts_with("qoe") && at == REQUEST_TABLE;
            assert!(!is_number || is_other || known.contains(&column.as_str()), "no figure shows `{column}`");
        }
    }
    assert!(LIVE_REQUEST_NUMBERS.contains(&"queue_wait_s"));
}

#[test]
fn the_ledger_has_one_row_for_each_payer_and_cause_and_closes() {
    let run = run();
    let (layout, rows) = rows_of(&run);
    let ledger = table(&layout, &rows, LEDGER);
    assert_eq!(ledger.rows.len(), 2 + 2 * DEVICES);
    assert!(!ledger.columns.iter().any(|column| column == "time_s"));
    let total: f64 = (0..ledger.rows.len()).map(|row| ledger.number(row, "energy_j")).sum();
    assert!((total - 11.5 * run.users.len() as f64).abs() < 1e-6);
    let of_first = (0..ledger.rows.len())
        .find(|row| ledger.cell(*row, "payer") == "phone-1" && ledger.cell(*row, "cause") == "compute")
        .expect("it paid");
    let booked = run.ledger.energy_j(LedgerPayer::Device(0), LedgerCause::Compute);
    assert!((ledger.number(of_first, "energy_j") - booked).abs() < 1e-9);
}

#[test]
fn without_rows_of_requests_the_quantities_are_the_same() {
    let mut quiet = scenario(REQUESTS, 0.6 / 0.9, "");
    quiet.analysis.write_requests = false;
    let (layout, rows) = rows_of(&Queue { requests: REQUESTS, load: 0.6, seed: 21 }.run(quiet, 0));
    for at in [REQUEST_TABLE, SCORES, ANSWERS] {
        assert!(layout.columns()[at].is_empty() && rows.rows[at].is_empty());
    }
    let (_, loud) = rows_of(&run());
    assert_eq!(rows.rows[RUN_TABLE], loud.rows[RUN_TABLE]);
    assert_eq!(rows.rows[STEADY_STATE], loud.rows[STEADY_STATE]);
    assert_eq!(rows.facts.scores, loud.facts.scores);
}

#[test]
fn runs_in_time_are_summarised_over_replications_by_the_columns_of_runs() {
    let (layout, rows) = rows_of(&run());
    let other = Queue { requests: REQUESTS, load: 0.6, seed: 22 }.run(scenario(REQUESTS, 0.6 / 0.9, ""), 0);
    let (_, others) = rows_of(&other);
    let observed = ObservedColumns::of(&layout);
    let mut of_point = observed.begin(0.6);
    of_point.add(&rows).unwrap();
    of_point.add(&others).unwrap();
    let quantities = of_point.quantities().unwrap();
    assert!(quantities.iter().all(|quantity| quantity.owner == Owner::Network));
    let latency = quantities.iter().find(|quantity| quantity.name == "latency_s").unwrap();
    let expected = [&rows, &others].map(|rows| Some(table(&layout, rows, RUN_TABLE).number(0, "latency_s")));
    assert_eq!(latency.values, Values::Numbers(expected.to_vec()));
    // What `study.until_quantity` may name.
    assert_eq!(observed.of_run(&rows, "latency_s").unwrap(), expected[0]);
    assert!(observed.run_numbers().any(|name| name == "hit_rate"));
}

#[test]
fn broken_budgets_of_many_devices_are_told_in_a_line() {
    let run = Queue { requests: REQUESTS, load: 0.6, seed: 21 };
    let mut poor = scenario(REQUESTS, 0.6 / 0.9, "");
    poor.devices.iter_mut().for_each(|device| device.energy_budget_j = Some(1.0));
    poor.server.energy_budget_j = Some(1e9);
    let run = run.run(poor, 0);
    let (layout, rows) = rows_of(&run);
    assert_eq!(rows.facts.violations.len(), DEVICES);
    for (violation, device) in rows.facts.violations.iter().zip(0..) {
        let paid_j = run.ledger.paid_by_j(LedgerPayer::Device(device));
        assert!((violation.spent_j - paid_j).abs() < 1e-9 && violation.payer == format!("phone-{}", device + 1));
    }
    let told = table(&layout, &rows, RUN_TABLE).cell(0, "broken_constraints").to_owned();
    assert_eq!(told.matches("(22)").count(), 5, "{told}");
    assert!(told.ends_with("; 3 more"), "{told}");
}

#[test]
fn a_study_of_rounds_has_no_table_of_the_steady_state_and_no_quantities() {
    let mut round = scenario(1, 1.0, "");
    round.demand = None;
    let layout = TableLayout::of(&Queue { requests: 1, load: 0.5, seed: 1 }.run(round, 0).point);
    let columns = layout.columns();
    assert!(columns[STEADY_STATE].is_empty());
    assert!(columns[RUN_TABLE].iter().all(|column| !LIVE_RUN_NUMBERS.contains(&column.name.as_str())));
    assert!(columns[LEDGER].iter().any(|column| column.name == "time_s"));
    assert!(columns[REQUEST_TABLE].iter().all(|column| column.name != "outcome"));
}
