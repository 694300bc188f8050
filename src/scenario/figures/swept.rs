//! Which swept fields a figure has along its axes and in its series, and which are left over.

use std::collections::BTreeMap;

use super::Entry;
use crate::scenario::Coordinate;
use crate::scenario::error::Problem;
use crate::scenario::path::resolve;
use crate::scenario::settings::SERIES_OF_DEVICES;
use crate::scenario::sweep::Axis;
use crate::scenario::tree::Data;
use crate::scenario::words::alternatives;

/// Points of the sweep: fields that are varied together count once.
pub(super) fn point_count(axes: &[Axis]) -> usize {
    let lengths: BTreeMap<usize, usize> = axes.iter().map(|axis| (axis.dimension, axis.values.len())).collect();
    lengths.into_values().product()
}

impl Entry<'_, '_> {
    /// A swept field that the figure must have.
    pub(super) fn needed_field(&mut self, key: &str, along: &str) -> Option<String> {
        if !self.table.has(key) {
            let example = self.around.axes.first().map_or("radio.bit_error_probability", |axis| &axis.path);
            let help = format!("name the swept field along the {along}, say\n  {key} = \"{example}\"");
            let problem = Problem::new(format!("the figure \"{}\" lacks `{key}`", self.name)).at(&self.value.origin);
            self.table.push(problem.expected(format!("`{key}` in this table")).help(help));
        }
        self.swept_field(key)
    }

    /// A field that is swept, called as `[sweep]` calls it.
    pub(super) fn swept_field(&mut self, key: &str) -> Option<String> {
        let value = self.table.value(key)?;
        let path = self.table.text_from(key, value)?;
        match self.find_axis(key, &path) {
            Ok(axis) => Some(axis.path.clone()),
            Err(problem) => {
                self.table.push(problem.at(&value.origin));
                None
            }
        }
    }

    /// The swept field that `path`, which stands in `key`, names.
    pub(super) fn find_axis(&self, key: &str, path: &str) -> Result<&Axis, Box<Problem>> {
        let axes = self.around.axes;
        let fault = match resolve(path, self.root) {
            Err(fault) => Problem::new(fault.message).help(fault.help),
            Ok(field) => match axes.iter().find(|axis| axis.field.is_same(&field)) {
                Some(axis) => return Ok(axis),
                None => Problem::new(format!("`{key}` = \"{path}\" is not swept"))
                    .help(format!("add it:\n  [sweep]\n  \"{path}\" = [ … ]")),
            },
        };
        let expected = match axes {
            [] => "a field of a [sweep] table, which this scenario lacks".to_owned(),
            _ => format!("a swept field: {}", alternatives(axes.iter().map(|axis| axis.path.as_str()))),
        };
        Err(Box::new(fault.expected(expected)))
    }

    pub(super) fn axis(&self, path: &str) -> Option<&Axis> {
        self.around.axes.iter().find(|axis| axis.path == path)
    }

    /// Notes an axis that has to be one of numbers and is not.
    pub(super) fn must_be_numbers(&mut self, key: &str, field: Option<&String>) {
        let word = field.and_then(|field| self.axis(field)).and_then(|axis| {
            let word = axis.values.iter().find(|value| !matches!(value.data, Data::Integer(_) | Data::Float(_)))?;
            Some((axis.path.clone(), word.to_string()))
        });
        if let Some((path, word)) = word {
            let problem = Problem::new(format!("`{key}` = \"{path}\" is swept over {word}, which is no number"));
            let help = "words have no distances: draw a \"box\" or a \"heat_map\", or take the field as `series`";
            self.push_at(key, problem.expected("a swept number").help(help));
        }
    }

    pub(super) fn must_differ(&mut self, axes: (&Option<String>, &Option<String>), expected: &str) {
        if let (Some(x), Some(y)) = axes
            && x == y
        {
            self.push_at("y", Problem::new(format!("`x` and `y` are both \"{x}\"")).expected(expected));
        }
    }

    /// `series`: a swept field other than `x`, or the devices.
    pub(super) fn series(&mut self, x: Option<&String>, of_runs: bool) -> Option<String> {
        let written = self.table.value("series")?;
        if !matches!(&written.data, Data::Text(word) if word == SERIES_OF_DEVICES) {
            let field = self.swept_field("series")?;
            if Some(&field) == x {
                let problem = Problem::new(format!("`x` and `series` are both \"{field}\""));
                self.push_at("series", problem.expected("another field than `x`, or \"device\""));
            }
            return Some(field);
        }
        if of_runs {
            let problem =
                Problem::new("`series` = \"device\", but the value is one of runs.csv, of all devices together");
            let problem = problem.expected("a swept field, or no `series`");
            self.push_at("series", problem.help("columns of requests.csv have a value for each device"));
        }
        if self.table.has("device") {
            let problem = Problem::new("`series` = \"device\" does not go with one `device`");
            self.push_at(
                "series",
                problem.expected("no `device` in this table").help("take one of the two lines away"),
            );
        }
        Some(SERIES_OF_DEVICES.to_owned())
    }

    /// Notes swept fields whose points a figure would mix.
    pub(super) fn must_show_all(&mut self, x: Option<&String>, series: Option<&String>, at: &[Coordinate]) {
        let is_named = |path: &String| {
            Some(path) == x || Some(path) == series || at.iter().any(|coordinate| coordinate.path == *path)
        };
        let axes = self.around.axes;
        // A field that is varied along with one that is named has its values with it.
        let is_shown =
            |axis: &Axis| axes.iter().any(|other| other.dimension == axis.dimension && is_named(&other.path));
        let mixed = axes.iter().filter(|axis| axis.values.len() > 1 && !is_shown(axis));
        let mixed: Vec<(String, String)> = mixed.map(|axis| (axis.path.clone(), axis.values[0].to_string())).collect();
        let Some((path, value)) = mixed.first() else { return };
        let problem = Problem::new(format!("the figure \"{}\" would mix all values of `{path}`", self.name));
        let problem = problem.at(&self.value.origin).expected("each swept field in `x`, `series` or `at`");
        let or_series =
            if series.is_none() { format!(", or make it the series:\n  series = \"{path}\"") } else { String::new() };
        self.table.push(problem.help(format!("fix the field:\n  at = {{ \"{path}\" = {value} }}{or_series}")));
    }
}
