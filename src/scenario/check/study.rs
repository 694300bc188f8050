//! `[study]`

use super::unsafe_name;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{StudySettings, Until};

/// Most replications of one point.
const MAXIMUM_REPLICATIONS: u64 = 1_000_000;

/// Where replications stop being added, unless the file says.
const USUAL_CAP: u32 = 1000;

/// Keys that say something only where replications are added.
const OF_UNTIL: [&str; 2] = ["until_quantity", "maximum_replications"];

/// `stem` is the file's name without extension.
pub(super) fn read(table: &mut TableReader<'_>, stem: &str) -> Option<StudySettings> {
    let seed = table.integer("seed", 41, 0, u64::MAX);
    let replications = table.integer("replications", 1, 1, MAXIMUM_REPLICATIONS) as u32;
    let until = until(table, replications);
    let name = if table.has("name") {
        let name = table.text("name")?;
        if let Some(fault) = unsafe_name(&name) {
            let problem = Problem::new(format!("`name` = \"{name}\" {fault}"));
            let problem = problem.expected("a name for the results folder: letters, digits, `-`, `_` and `.`");
            table.push(match table.origin("name") {
                Some(origin) => problem.at(origin),
                None => problem,
            });
            return None;
        }
        name
    } else if unsafe_name(stem).is_none() {
        stem.to_owned()
    } else {
        table.missing("name", "name = \"my-study\"");
        return None;
    };
    Some(StudySettings { name, seed, replications, until })
}

fn until(table: &mut TableReader<'_>, replications: u32) -> Option<Until> {
    if !table.has("until_relative_half_width") {
        let help = "only a study that adds replications has it: take the line away, or add one, say\n  \
                    until_relative_half_width = 0.05";
        table.refuse(&OF_UNTIL, "a fixed number of replications", help);
        return None;
    }
    let relative_half_width = table.optional_number("until_relative_half_width", Range::Above(0.0));
    let quantity =
        if table.has("until_quantity") { table.filled_text("until_quantity", "sum_qoe")? } else { "sum_qoe".into() };
    let usual = u64::from(USUAL_CAP.max(replications));
    let maximum_replications = table.integer("maximum_replications", usual, 1, MAXIMUM_REPLICATIONS) as u32;
    if let Some(origin) = table.origin("maximum_replications")
        && maximum_replications < replications
    {
        let message =
            format!("`maximum_replications` = {maximum_replications}, but each point begins with {replications}");
        let problem = Problem::new(message).at(origin).expected(format!("at least {replications}, as `replications`"));
        table.push(problem.help("raise it, or lower `replications`"));
    }
    Some(Until { relative_half_width: relative_half_width?, quantity, maximum_replications })
}
