//! Reads `[sweep]`: which fields are swept over which values, and which of them together.

use super::{Axis, CoordinateValue, MAXIMUM_POINTS, MODE, ZIP, dimensions, distinct, range_table};
use crate::scenario::error::Problem;
use crate::scenario::path::{FieldPath, resolve};
use crate::scenario::schema::SWEEP;
use crate::scenario::tree::{Data, Entry, Table, Value};
use crate::scenario::unknown::unknown_word;
use crate::scenario::words::{Words, alternatives, value_of};

/// How the swept fields are varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario) enum Mode {
    /// All combinations.
    Grid,
    /// All fields together: the first values, the second ones, …
    Zip,
}

pub(in crate::scenario) const MODES: Words<Mode> = &[("grid", Mode::Grid), ("zip", Mode::Zip)];

/// `[sweep]`, checked as far as it can be without looking at a point.
#[derive(Debug, Clone)]
pub(in crate::scenario) struct Sweep {
    pub(in crate::scenario) mode: Mode,
    /// In the order of the file; those of one dimension stand side by side.
    pub(in crate::scenario) axes: Vec<Axis>,
}

impl Sweep {
    /// Reads the flat `[sweep]` of `root`; without one there is nothing to vary.
    pub(in crate::scenario) fn read(root: &Table) -> Result<Self, Vec<Problem>> {
        let Some(sweep) = root.get(SWEEP) else {
            return Ok(Self { mode: Mode::Grid, axes: Vec::new() });
        };
        let Data::Table(sweep) = &sweep.data else {
            let problem = Problem::new(format!("`sweep` is {}, not a table", sweep.kind())).at(&sweep.origin);
            return Err(vec![problem.expected("a table").help("begin it with a line [sweep]")]);
        };
        let mut reader = Reader { root, axes: Vec::new(), zips: Zips::None, problems: Vec::new() };
        let mode = sweep.entry(MODE).map_or(Mode::Grid, |entry| reader.mode(entry));
        let fields: Vec<&Entry> = sweep.entries.iter().filter(|entry| entry.key != MODE).collect();
        match mode {
            Mode::Grid => fields.iter().all(|entry| reader.dimension(entry)),
            Mode::Zip => reader.all_together(sweep, &fields),
        };
        if reader.problems.is_empty() { Ok(Self { mode, axes: reader.axes }) } else { Err(reader.problems) }
    }
}

/// Where the zips of a grid stand so far.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Zips {
    None,
    Last,
    /// Another field came after them.
    Before,
}

struct Reader<'a> {
    root: &'a Table,
    axes: Vec<Axis>,
    zips: Zips,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn mode(&mut self, entry: &Entry) -> Mode {
        let known = || MODES.iter().map(|(word, _)| *word);
        let problem = match &entry.value.data {
            Data::Text(word) => match value_of(MODES, word) {
                Some(mode) => return mode,
                None => unknown_word(MODE, word, &entry.value.origin, known()),
            },
            _ => {
                let problem = Problem::new(format!("`mode` is {}", entry.value.kind())).at(&entry.value.origin);
                problem.expected(alternatives(known()))
            }
        };
        self.problems.push(problem);
        Mode::Grid
    }

    fn next_dimension(&self) -> usize {
        self.axes.last().map_or(0, |axis| axis.dimension + 1)
    }

    /// One entry of a grid: a field, or a zip of several. False where the grid has become too large.
    fn dimension(&mut self, entry: &Entry) -> bool {
        let (axes, faults) = (self.axes.len(), self.problems.len());
        if entry.key == ZIP {
            self.stands_with_the_others(entry);
            self.zip(entry);
        } else {
            self.zips = if self.zips == Zips::None { Zips::None } else { Zips::Before };
            self.axis(entry, self.next_dimension());
        }
        if self.problems.len() == faults {
            self.holds_no_point_twice(axes);
        }
        self.is_not_too_large()
    }

    /// The grid is written back with all zips under one key.
    fn stands_with_the_others(&mut self, entry: &Entry) {
        if self.zips == Zips::Before {
            let problem = Problem::new("this zip stands apart from the one before").at(&entry.origin);
            let problem = problem.expected("all [[sweep.zip]] one after the other");
            self.problems.push(problem.help("move the swept field between them before or behind both"));
        }
        self.zips = Zips::Last;
    }

    /// `mode = "zip"`: one dimension of all fields.
    fn all_together(&mut self, sweep: &Table, fields: &[&Entry]) -> bool {
        let mode = sweep.entry(MODE).expect("a sweep is a zip where it says so");
        if let Some(zip) = fields.iter().find(|entry| entry.key == ZIP) {
            let problem = Problem::new("`zip` does not go with `mode` = \"zip\"").at(&zip.origin);
            let help = "all fields are varied together already: take `mode` away to zip some of them, or write the \
                        fields directly under [sweep]";
            self.problems.push(problem.expected("no such key here").help(help));
            return false;
        }
        if fields.len() < 2 {
            let count = if fields.is_empty() { "no field is" } else { "only one field is" };
            let problem = Problem::new(format!("`mode` = \"zip\", but {count} swept")).at(&mode.value.origin);
            self.problems.push(problem.expected("at least two swept fields").help("add another, or take `mode` away"));
            return false;
        }
        for entry in fields {
            self.axis(entry, 0);
        }
        self.are_equally_long(0);
        if self.problems.is_empty() {
            self.holds_no_point_twice(0);
        }
        self.is_not_too_large()
    }

    /// One table of `[[sweep.zip]]`.
    fn zip(&mut self, entry: &Entry) {
        let Data::Table(table) = &entry.value.data else {
            let problem = Problem::new(format!("`zip` is {}, not a table of fields", entry.value.kind()));
            let problem = problem.at(&entry.value.origin).expected("[[sweep.zip]]");
            self.problems.push(problem.help("begin each zip with a line [[sweep.zip]], in double brackets"));
            return;
        };
        if table.entries.len() < 2 {
            let what = if table.entries.is_empty() { "no field" } else { "only one field" };
            let problem = Problem::new(format!("this zip holds {what}")).at(&entry.origin);
            let problem = problem.expected("at least two fields that are varied together");
            self.problems.push(problem.help("add another, or write the field directly under [sweep]"));
            return;
        }
        let (before, dimension) = (self.axes.len(), self.next_dimension());
        for entry in &table.entries {
            self.axis(entry, dimension);
        }
        self.are_equally_long(before);
    }

    fn axis(&mut self, entry: &Entry, dimension: usize) {
        match axis(entry, self.root, &self.axes, dimension) {
            Ok(axis) => self.axes.push(axis),
            Err(problems) => self.problems.extend(problems),
        }
    }

    /// The axes from `start` on, which are varied together.
    fn are_equally_long(&mut self, start: usize) {
        let [first, others @ ..] = &self.axes[start..] else {
            return;
        };
        for other in others.iter().filter(|other| other.values.len() != first.values.len()) {
            let (length, wanted) = (other.values.len(), first.values.len());
            let message = format!(
                "`{}` has {} but `{}` has {}: they are varied together",
                other.path,
                values(length),
                first.path,
                values(wanted)
            );
            let problem = Problem::new(message).at(&other.key.value.origin).expected(values(wanted));
            self.problems.push(problem.help("give both equally many values, or sweep one of them on its own"));
        }
    }

    /// Of the axes from `start` on, which are one dimension and equally long.
    fn holds_no_point_twice(&mut self, start: usize) {
        let together = &self.axes[start..];
        for (first, again) in distinct::repetitions(together) {
            let at = &together[0].values[again].origin;
            let problem = match together {
                [axis] => {
                    let value = CoordinateValue::of(&axis.values[again]);
                    Problem::new(format!("`{}` is swept over {value} twice", axis.path)).expected("each value once")
                }
                _ => {
                    let all: Vec<String> =
                        together.iter().map(|axis| format!("{} = {}", axis.path, axis.values[again])).collect();
                    let message = format!("the zip holds {} twice, at {first} and {again}", all.join(", "));
                    Problem::new(message).expected("each combination once")
                }
            };
            self.problems.push(problem.at(at));
        }
    }

    fn is_not_too_large(&mut self) -> bool {
        let points = dimensions::point_count(&self.axes);
        if points.is_some_and(|points| points <= MAXIMUM_POINTS as usize) {
            return true;
        }
        if let Some(last) = self.axes.last() {
            let count = points.map_or("too many".to_owned(), |points| points.to_string());
            let problem = Problem::new(format!("the sweep has {count} points")).at(&last.key.origin);
            let problem = problem.expected(format!("at most {MAXIMUM_POINTS} points"));
            self.problems.push(problem.help("the lists multiply: shorten one, or split the study in two files"));
        }
        false
    }
}

fn values(count: usize) -> String {
    format!("{count} value{}", if count == 1 { "" } else { "s" })
}

fn axis(entry: &Entry, root: &Table, before: &[Axis], dimension: usize) -> Result<Axis, Vec<Problem>> {
    let path = &entry.key;
    let here = |message: String| Problem::new(message).at(&entry.origin);
    let field = resolve(path, root).map_err(|fault| {
        vec![here(fault.message).expected("the path of a field, say \"policy.t0\"").help(fault.help)]
    })?;
    if let Some(reason) = fixed_per_study(&field) {
        let problem = here(format!("`{path}` cannot be swept: {reason}")).expected("a field that may differ by point");
        return Err(vec![problem]);
    }
    if let Some(other) = before.iter().find(|axis| axis.field.overlaps(&field)) {
        let problem = here(format!("`{path}` and `{}` set the same field", other.path));
        return Err(vec![problem.expected("each field once").help("take one of the two lines away")]);
    }
    let values = listed(path, &entry.value, takes_words_and_numbers(&field))?;
    Ok(Axis { path: path.clone(), field, key: entry.clone(), values, dimension })
}

/// The values of one swept field, from a list or a range.
fn listed(path: &str, value: &Value, may_mix: bool) -> Result<Vec<Value>, Vec<Problem>> {
    match &value.data {
        Data::List(values) if !values.is_empty() => match stranger(values).filter(|_| !may_mix) {
            None => Ok(values.clone()),
            Some(stranger) => {
                let problem = Problem::new(format!("`{path}` is swept over numbers and over {stranger}"));
                let problem = problem.at(&stranger.origin).expected("values of one kind");
                Err(vec![problem.help("commas part values: a text that holds some stands in quotes")])
            }
        },
        Data::List(_) => {
            let problem = Problem::new(format!("`{path}` is swept over no value")).at(&value.origin);
            Err(vec![problem.expected("at least one value")])
        }
        Data::Table(table) => range_table::values(path, table, &value.origin),
        _ => {
            let problem = Problem::new(format!("`{path}` is {}, not a list", value.kind())).at(&value.origin);
            let problem = problem.expected("a list of values, or a range { from = …, to = …, points = … }");
            Err(vec![problem.help(format!("write \"{path}\" = [{value}]"))])
        }
    }
}

/// Whether a field takes words as well as numbers.
fn takes_words_and_numbers(field: &FieldPath) -> bool {
    (field.table.name, field.field.key) == ("analysis", "warm_up")
}

/// The first text among numbers, which hardly any field takes both.
fn stranger(values: &[Value]) -> Option<&Value> {
    let is_number = |value: &&Value| matches!(value.data, Data::Integer(_) | Data::Float(_));
    values.iter().find(is_number)?;
    values.iter().find(|value| matches!(value.data, Data::Text(_)))
}

/// Why a field has one value in a whole study.
fn fixed_per_study(field: &FieldPath) -> Option<&'static str> {
    match (field.table.name, field.field.key) {
        ("study", "name") => Some("a study has one results folder"),
        ("study", "replications" | "until_relative_half_width" | "until_quantity" | "maximum_replications") => {
            Some("each point is repeated by the same rule")
        }
        ("models", _) => Some("a study runs on one model pack"),
        ("device", "name") => Some("a device keeps its name"),
        ("cell", "name") => Some("a cell keeps its name"),
        ("judge", "kind" | "panel" | "write_answers") => Some("a study's tables have the same columns at each point"),
        ("judge", "pack") => Some("a study runs on one judge pack"),
        ("judge", "api_key_env" | "timeout_s" | "request_retries" | "concurrency") => {
            Some("how an endpoint is reached changes no result")
        }
        ("figure", _) => Some("figures are drawn once per study"),
        _ => None,
    }
}
