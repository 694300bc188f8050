//! `mark` and `at`: values of swept fields, as `{ "policy.t0" = 3, "radio.bit_error_probability" = 0.05 }`.

use super::Entry;
use crate::scenario::error::Problem;
use crate::scenario::sweep::Axis;
use crate::scenario::tree::{Data, Table, Value};
use crate::scenario::words::alternatives;
use crate::scenario::{Coordinate, CoordinateValue};

impl Entry<'_, '_> {
    /// `at`: each value is one that the field is swept over.
    pub(super) fn at(&mut self, shown: &[Option<&String>]) -> Vec<Coordinate> {
        let coordinates = self.coordinates("at", "{ \"policy.t0\" = 4 }", &[]);
        for coordinate in &coordinates {
            if shown.contains(&Some(&coordinate.path)) {
                let problem = Problem::new(format!("`at` fixes `{}`, which the figure varies", coordinate.path));
                self.push_at("at", problem.expected("a field that is neither `x` nor `series`"));
            }
        }
        coordinates
    }

    /// `mark`: the chosen allocation. It may lie between the swept values of `x` and `y`, and is in all panels whose
    /// fields it leaves out.
    pub(super) fn mark(&mut self, x: Option<&String>, y: Option<&String>) -> Vec<Coordinate> {
        let axes: Vec<&String> = x.into_iter().chain(y).collect();
        let before = self.table.problem_count();
        let coordinates = self.coordinates("mark", "{ \"policy.t0\" = 3, \"policy.tk\" = 5 }", &axes);
        let missing = axes.iter().find(|axis| coordinates.iter().all(|coordinate| coordinate.path != ***axis));
        if let Some(path) = missing.filter(|_| self.table.has("mark") && self.table.problem_count() == before) {
            let problem = Problem::new(format!("`mark` does not say where it stands along `{path}`"));
            self.push_at("mark", problem.expected(format!("a value for \"{path}\" as well")));
        }
        coordinates
    }

    /// Fields of a table with one value each; along `between`, a number may lie between those that are swept.
    fn coordinates(&mut self, key: &str, example: &str, between: &[&String]) -> Vec<Coordinate> {
        let Some(written) = self.table.value(key) else {
            return Vec::new();
        };
        let Data::Table(table) = &written.data else {
            self.table.wrong_type(key, written, format!("swept fields with their values, say {example}"));
            return Vec::new();
        };
        let mut entries = Vec::new();
        collect("", table, &mut entries);
        if entries.is_empty() {
            let problem = Problem::new(format!("`{key}` is an empty table")).at(&written.origin);
            self.table.push(problem.expected(format!("at least one value, say {example}")));
        }
        let mut coordinates: Vec<Coordinate> = Vec::new();
        for (path, value) in entries {
            let checked = self
                .find_axis(key, &path)
                .and_then(|axis| is_held(key, axis, value, between.contains(&&axis.path)).map(|()| axis.path.clone()));
            match checked {
                Ok(path) => coordinates.push(Coordinate { path, value: CoordinateValue::of(value) }),
                Err(problem) => self.table.push(problem.at(&value.origin)),
            }
        }
        coordinates
    }
}

/// The entries of a table by their paths; `policy.t0 = 4` without quotes is a table in a table.
fn collect<'a>(prefix: &str, table: &'a Table, into: &mut Vec<(String, &'a Value)>) {
    for entry in &table.entries {
        let path = if prefix.is_empty() { entry.key.clone() } else { format!("{prefix}.{}", entry.key) };
        match &entry.value.data {
            Data::Table(inner) if !inner.entries.is_empty() => collect(&path, inner, into),
            _ => into.push((path, &entry.value)),
        }
    }
}

/// Whether the field takes this value, or one on both sides of it. A field that is swept over one value only is one that
/// somebody has narrowed down: the figure then has nothing to show at other places.
fn is_held(key: &str, axis: &Axis, value: &Value, may_lie_between: bool) -> Result<(), Box<Problem>> {
    let written = CoordinateValue::of(value);
    let swept: Vec<CoordinateValue> = axis.values.iter().map(CoordinateValue::of).collect();
    if swept.len() == 1 || swept.iter().any(|swept| is_same(swept, &written)) {
        return Ok(());
    }
    let numbers: Vec<f64> = swept.iter().filter_map(CoordinateValue::number).collect();
    let all_numbers = numbers.len() == swept.len();
    let (low, high) =
        numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(*n), high.max(*n)));
    if may_lie_between && all_numbers && written.number().is_some_and(|number| (low..=high).contains(&number)) {
        return Ok(());
    }
    let expected = match may_lie_between && all_numbers {
        true => format!("a number from {low} to {high}, as far as the field is swept"),
        false if all_numbers => {
            format!("one of {}", swept.iter().map(CoordinateValue::to_string).collect::<Vec<_>>().join(", "))
        }
        false => {
            alternatives(swept.iter().map(CoordinateValue::to_string).collect::<Vec<_>>().iter().map(String::as_str))
        }
    };
    let problem = Problem::new(format!("`{key}` has `{}` = {value}, which is not swept", axis.path));
    Err(Box::new(problem.expected(expected)))
}

/// Whole numbers and fractional ones of the same size are the same.
fn is_same(one: &CoordinateValue, other: &CoordinateValue) -> bool {
    match (one.number(), other.number()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
