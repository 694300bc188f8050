//! `[analysis]`

use super::demand::needs_demand;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{AnalysisSettings, WarmUp};
use crate::scenario::tree::Data;

/// The word for the rule that finds the end of the warm-up.
pub(in crate::scenario) const MSER_5: &str = "mser-5";

pub(super) fn read(table: &mut TableReader<'_>, has_demand: bool, makes_pictures: bool) -> AnalysisSettings {
    needs_demand(table, has_demand);
    if makes_pictures {
        let help = "pictures and scores are kept in the score store as they are made, and a run is simulated again in a moment: \
                    take the line away, or write kind = \"surface\" under [judge]";
        table.refuse(&["checkpoint_interval_s"], "a judge that is shown pictures", help);
    }
    let usual = AnalysisSettings::default();
    AnalysisSettings {
        warm_up: warm_up(table).unwrap_or(usual.warm_up),
        batches: table.integer("batches", usual.batches.into(), 2, 1000) as u32,
        write_requests: table.flag("write_requests", usual.write_requests),
        check_invariants: table.flag("check_invariants", usual.check_invariants),
        checkpoint_interval_s: match makes_pictures {
            true => None,
            false => table.optional_number("checkpoint_interval_s", Range::Above(0.0)),
        },
    }
}

fn warm_up(table: &mut TableReader<'_>) -> Option<WarmUp> {
    let value = table.value("warm_up")?;
    match &value.data {
        Data::Text(word) if word == MSER_5 => Some(WarmUp::Mser5),
        Data::Text(word) => {
            let problem = Problem::new(format!("`warm_up` = \"{word}\" is not known")).at(&value.origin);
            table.push(problem.expected(format!("\"{MSER_5}\", or a number of seconds")));
            None
        }
        Data::Integer(_) | Data::Float(_) => {
            let time_s = table.number_from("warm_up", value, Range::AtLeast(0.0))?;
            Some(WarmUp::Time { time_s })
        }
        _ => {
            table.wrong_type("warm_up", value, format!("\"{MSER_5}\", or a number of seconds"));
            None
        }
    }
}
