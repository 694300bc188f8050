//! `[population]`

use std::path::PathBuf;

use miette::Diagnostic;

use super::input_files::InputFiles;
use super::persona::{People, five_numbers};
use crate::judge::NormalPopulation;
use crate::judge::population::{PopulationError, Spread};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::PopulationSettings;
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::Words;

pub(super) const EXAMPLE: &str = "[population]\n  mean = [0.5, 0.5, 0.5, 0.5, 0.5]\n  \
                                  standard_deviation = [0.2, 0.2, 0.2, 0.2, 0.2]";

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    Uniform,
    File,
}

const KINDS: Words<Kind> = &[("normal", Kind::Normal), ("uniform", Kind::Uniform), ("file", Kind::File)];

/// What only a normal distribution has.
const OF_NORMAL: &[&str] = &["mean", "standard_deviation", "covariance"];

/// What `[population]` says, if it is there and right.
pub(super) fn read(table: &mut TableReader<'_>, files: &InputFiles) -> Option<PopulationSettings> {
    if !table.is_there() {
        return None;
    }
    let kind = match table.value("kind") {
        None => Kind::Normal,
        Some(kind) => table.word_from("kind", kind, KINDS)?,
    };
    match kind {
        Kind::Normal => {
            table.refuse(&["file"], "a population of kind \"normal\"", "people of a file need kind = \"file\"");
            normal(table)
        }
        Kind::Uniform => {
            let whom = "a population of kind \"uniform\"";
            table.refuse(OF_NORMAL, whom, "it needs kind = \"normal\", the default");
            table.refuse(&["file"], whom, "people of a file need kind = \"file\"");
            Some(PopulationSettings::Uniform)
        }
        Kind::File => {
            table.refuse(OF_NORMAL, "a population of kind \"file\"", "it needs kind = \"normal\", the default");
            file(table, files)
        }
    }
}

/// Whom the scenario can name; `is_there` says whether the file has a `[population]`.
pub(super) fn people(population: Option<&PopulationSettings>, is_there: bool) -> People<'_> {
    match population {
        Some(PopulationSettings::Normal(_) | PopulationSettings::Uniform) => People::Nameless,
        Some(PopulationSettings::File { people, .. }) => People::Of(people),
        None if is_there => People::Unknown,
        None => People::NoPopulation,
    }
}

fn normal(table: &mut TableReader<'_>) -> Option<PopulationSettings> {
    let mean = match table.value("mean") {
        Some(value) => five_numbers(table, "mean", value, Range::Between(0.0, 1.0)),
        None => {
            table.missing("mean", "mean = [0.5, 0.5, 0.5, 0.5, 0.5]");
            None
        }
    };
    let (key, value) = match (table.value("standard_deviation"), table.value("covariance")) {
        (Some(deviation), None) => ("standard_deviation", deviation),
        (None, Some(covariance)) => ("covariance", covariance),
        (None, None) => {
            table.missing("standard_deviation", "standard_deviation = [0.2, 0.2, 0.2, 0.2, 0.2]");
            return None;
        }
        (Some(_), Some(covariance)) => {
            let problem = Problem::new("`standard_deviation` and `covariance` are both given").at(&covariance.origin);
            table.push(problem.expected("only one of the two").help("take one of the two lines away"));
            return None;
        }
    };
    let spread = match key {
        "standard_deviation" => Spread::StandardDeviation(five_numbers(table, key, value, Range::AtLeast(0.0))?),
        _ => Spread::Covariance(five_rows(table, key, value)?),
    };
    match NormalPopulation::new(mean?, spread) {
        Ok(population) => Some(PopulationSettings::Normal(Box::new(population))),
        Err(error) => {
            let place = place_of(&error, value).unwrap_or(value);
            let expected = match error {
                PopulationError::NotSymmetric { mirrored, .. } => format!("{mirrored}, as on the other side"),
                PopulationError::NotPositiveSemiDefinite { .. } => "a positive semi-definite matrix".to_owned(),
                PopulationError::HardlyAnyoneInside => "a smaller spread".to_owned(),
                _ => "numbers that a normal distribution can have".to_owned(),
            };
            let problem = Problem::new(error.to_string()).at(&place.origin).expected(expected);
            table.push(match error.help() {
                Some(help) => problem.help(help.to_string()),
                None => problem,
            });
            None
        }
    }
}

/// The entry that an error is about.
fn place_of<'v>(error: &PopulationError, covariance: &'v Value) -> Option<&'v Value> {
    let PopulationError::NotSymmetric { row, column, .. } = error else {
        return None;
    };
    let index_of = |name: &str| crate::judge::persona::TRAIT_NAMES.iter().position(|known| *known == name);
    let entry = |value: &'v Value, index: usize| match &value.data {
        Data::List(list) => list.get(index),
        _ => None,
    };
    entry(entry(covariance, index_of(row)?)?, index_of(column)?)
}

fn five_rows(table: &mut TableReader<'_>, key: &str, value: &Value) -> Option<[[f64; 5]; 5]> {
    let expected = "five lists of five numbers, symmetric";
    let Data::List(list) = &value.data else {
        table.wrong_type(key, value, expected);
        return None;
    };
    if list.len() != 5 {
        let problem = Problem::new(format!("`{key}` has {} rows", list.len())).at(&value.origin);
        table.push(problem.expected(expected).help("for independent traits, give `standard_deviation` instead"));
        return None;
    }
    let rows: Vec<_> = list.iter().map(|row| five_numbers(table, key, row, Range::Any)).collect();
    let rows: Vec<[f64; 5]> = rows.into_iter().collect::<Option<_>>()?;
    Some(rows.try_into().expect("five traits, five rows"))
}

fn file(table: &mut TableReader<'_>, files: &InputFiles) -> Option<PopulationSettings> {
    if !table.has("file") {
        table.missing("file", "file = \"people.csv\"");
        return None;
    }
    let file = PathBuf::from(table.filled_text("file", "people.csv")?);
    match files.people(&file) {
        Ok(people) => Some(PopulationSettings::File { file, people }),
        Err(bad) => {
            bad.report(table, "file", "a CSV file of people");
            None
        }
    }
}
