//! Keys, tables and names that a scenario does not have, and what was probably meant.

use super::error::Problem;
use super::schema::{self, TABLES};
use super::source::Origin;
use super::tree::{Data, Table};
use super::words::{alternatives, nearest};

/// The problem of a name that its field does not take, with the nearest one that it does.
pub(super) fn unknown_word<'k>(
    key: &str,
    word: &str,
    origin: &Origin,
    known: impl Iterator<Item = &'k str>,
) -> Problem {
    let known: Vec<&str> = known.collect();
    let problem = Problem::new(format!("`{key}` = \"{word}\" is not known")).at(origin);
    let problem = problem.expected(alternatives(known.iter().copied()));
    match nearest(word, known) {
        Some(near) => problem.help(format!("did you mean \"{near}\"?")),
        None => problem,
    }
}

/// The problem of a key that its table does not have, with the nearest one that it has.
pub(super) fn unknown_key(
    key: &str,
    origin: &Origin,
    header: &str,
    known: impl Iterator<Item = &'static str>,
) -> Problem {
    let known: Vec<&str> = known.collect();
    let keys = known.join(", ");
    let expected = match known.len() {
        0 => "no further key".to_owned(),
        1..=7 => format!("one of {keys}"),
        _ => format!("a key of {header}"),
    };
    let mut problem = Problem::new(format!("unknown key `{key}` in {header}")).at(origin).expected(expected);
    problem.is_unknown_key = true;
    let elsewhere = TABLES.iter().find(|table| table.field(key).is_some());
    match (nearest(key, known.iter().copied()), elsewhere, schema::table(key)) {
        (_, Some(table), _) if table.header() != header => {
            problem.help(format!("`{key}` belongs under {}", table.header()))
        }
        (Some(near), ..) => problem.help(format!("did you mean `{near}`?")),
        (None, _, Some(table)) => {
            let own = table.header();
            problem.help(format!("`{key}` is a table of its own: put its keys below a line {own}"))
        }
        (None, ..) if known.len() > 7 => problem.help(format!("its keys are {keys}")),
        (None, ..) => problem.help("take it away, or see docs/scenario.md for what it may say"),
    }
}

/// The problems of tables that a scenario does not have.
pub(super) fn unknown_tables(root: &Table) -> Vec<Problem> {
    let is_known = |key: &str| key == schema::SWEEP || schema::table(key).is_some();
    let known = || TABLES.iter().map(|table| table.name).chain([schema::SWEEP]);
    let unknown = root.entries.iter().filter(|entry| !is_known(&entry.key));
    unknown
        .map(|entry| {
            let is_table = matches!(entry.value.data, Data::Table(_) | Data::List(_));
            let what = if is_table { "table" } else { "key" };
            let mut problem = Problem::new(format!("unknown {what} `{}`", entry.key)).at(&entry.origin);
            problem.is_unknown_key = true;
            let problem = problem.expected(format!("one of the tables {}", known().collect::<Vec<_>>().join(", ")));
            match (nearest(&entry.key, known()), TABLES.iter().find(|table| table.field(&entry.key).is_some())) {
                (_, Some(table)) => problem.help(format!("`{}` belongs under {}", entry.key, table.header())),
                (Some(near), None) => problem.help(format!("did you mean `{near}`?")),
                (None, None) => problem.help("take it away, or see docs/scenario.md for what a scenario may say"),
            }
        })
        .collect()
}
