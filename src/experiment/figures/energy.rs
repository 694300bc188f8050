//! Energy by payer and cause, beside what independent generation would cost.

use std::collections::HashMap;

use super::FigureSource;
use super::columns::{Columns, Wanted};
use crate::report::ReportError;
use crate::report::axis_label::tick_label;
use crate::report::ledger_bars::{LedgerBar, LedgerBars, LedgerGroup};
use crate::scenario::Scenario;

/// More groups of bars than this fit on no page: then the figure is left out.
const MOST_LEDGERS: usize = 24;

const NUMBERS: [&str; 5] =
    ["server_compute_j", "server_radio_j", "device_compute_j", "device_radio_j", "device_side_saving_j"];

/// Runs that cost the same.
struct Ledger {
    numbers: [f64; 5],
    /// For each swept field the word that all of them share.
    common: Vec<Option<usize>>,
}

/// Energy of the split by payer and cause beside independent generation, one group for each different ledger; `None`
/// where there are more than 24 of them, or none because every run failed.
pub(super) fn ledger_bars(source: &FigureSource, scenario: &Scenario) -> Result<Option<LedgerBars>, ReportError> {
    let words: Vec<&str> = source.swept.iter().map(String::as_str).collect();
    let wanted = Wanted { words: &words, numbers: &NUMBERS, only: &[] };
    let runs = Columns::read(&source.folder.join("runs.csv"), &wanted)?;
    if runs.rows() == 0 {
        return Ok(None);
    }
    // Points that differ in bit errors alone cost the same: they share a group, named by what they have in common.
    let mut ledgers: Vec<Ledger> = Vec::new();
    let mut known: HashMap<[u64; 4], usize> = HashMap::new();
    for row in 0..runs.rows() {
        let numbers =
            NUMBERS.map(|name| Some(runs.numbers(name)[row]).filter(|number| !number.is_nan()).unwrap_or(0.0));
        let codes = words.iter().map(|field| runs.words(field).code(row));
        let [key @ .., _] = numbers.map(f64::to_bits);
        match known.get(&key) {
            Some(&at) => {
                for (common, code) in ledgers[at].common.iter_mut().zip(codes) {
                    *common = common.filter(|common| *common == code);
                }
            }
            None if ledgers.len() == MOST_LEDGERS => return Ok(None),
            None => {
                known.insert(key, ledgers.len());
                ledgers.push(Ledger { numbers, common: codes.map(Some).collect() });
            }
        }
    }
    let label = |ledger: &Ledger| -> String {
        let parts = words.iter().zip(&ledger.common).filter_map(|(field, common)| {
            let column = runs.words(field);
            let word = &column.words()[(*common)?];
            (column.words().len() > 1).then(|| format!("{} = {}", short_name(field), tick_label(field, word)))
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    let groups = ledgers.iter().map(|ledger| LedgerGroup { label: label(ledger), bars: ledger.bars() });
    Ok(Some(LedgerBars {
        title: format!("{}: energy by payer and cause", scenario.study.name),
        groups: groups.collect(),
        footer: source.footer.clone(),
    }))
}

impl Ledger {
    fn bars(&self) -> Vec<LedgerBar> {
        let [server_compute_j, server_radio_j, device_compute_j, device_radio_j, device_side_saving_j] = self.numbers;
        let split = LedgerBar {
            label: "split".to_owned(),
            server_compute_j,
            server_radio_j,
            device_compute_j,
            device_radio_j,
            budget_j: None,
        };
        let independent = LedgerBar {
            label: "independent".to_owned(),
            server_compute_j: 0.0,
            server_radio_j: 0.0,
            device_compute_j: device_compute_j + device_radio_j + device_side_saving_j,
            device_radio_j: 0.0,
            budget_j: None,
        };
        vec![split, independent]
    }
}

fn short_name(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}
