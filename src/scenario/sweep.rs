//! `[sweep]`: lists of values for some fields, whose grid is the points of a study.

use std::fmt;

use super::error::Problem;
use super::path::{FieldPath, resolve};
use super::schema::SWEEP;
use super::tree::{Data, Entry, Table, Value};

/// Most points a grid may have.
pub const MAXIMUM_POINTS: u32 = 100_000;

/// One swept field with its values.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// As the user wrote it.
    pub(super) path: String,
    pub(super) field: FieldPath,
    pub(super) key: Entry,
    /// Never empty.
    pub(super) values: Vec<Value>,
}

/// The value of one swept field at one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinate {
    /// The field, as the key in `[sweep]` names it.
    pub path: String,
    pub value: CoordinateValue,
}

/// A swept value.
#[derive(Debug, Clone, PartialEq)]
pub enum CoordinateValue {
    Integer(i64),
    Float(f64),
    /// A string without its quotes; lists and tables as TOML on one line.
    Text(String),
}

impl fmt::Display for CoordinateValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Float(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

impl CoordinateValue {
    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    pub(super) fn of(value: &Value) -> Self {
        match &value.data {
            Data::Integer(number) => match i64::try_from(*number) {
                Ok(number) => Self::Integer(number),
                Err(_) => Self::Text(number.to_string()),
            },
            Data::Float(number) => Self::Float(*number),
            Data::Text(text) => Self::Text(text.clone()),
            _ => Self::Text(value.to_string()),
        }
    }
}

/// Turns `policy.t0 = […]`, written without quotes, into `"policy.t0" = […]`, in the order of the file.
pub(super) fn flatten(root: &mut Table) {
    fn collect(prefix: &str, table: &Table, into: &mut Vec<Entry>) {
        for entry in &table.entries {
            let path = if prefix.is_empty() { entry.key.clone() } else { format!("{prefix}.{}", entry.key) };
            match &entry.value.data {
                Data::Table(inner) if !inner.entries.is_empty() => collect(&path, inner, into),
                _ => into.push(Entry { key: path, ..entry.clone() }),
            }
        }
    }
    if let Some(Value { data: Data::Table(sweep), .. }) = root.get_mut(SWEEP) {
        let mut entries = Vec::new();
        collect("", sweep, &mut entries);
        entries.sort_by_key(|entry| entry.origin.span.start);
        sweep.entries = entries;
    }
}

/// The swept fields in the order of the file; the last varies fastest.
pub(super) fn axes(root: &Table) -> Result<Vec<Axis>, Vec<Problem>> {
    let Some(sweep) = root.get(SWEEP) else {
        return Ok(Vec::new());
    };
    let Data::Table(sweep) = &sweep.data else {
        let problem = Problem::new(format!("`sweep` is {}, not a table", sweep.kind())).at(&sweep.origin);
        return Err(vec![problem.expected("a table").help("begin it with a line [sweep]")]);
    };
    let mut problems = Vec::new();
    let mut axes: Vec<Axis> = Vec::new();
    for entry in &sweep.entries {
        match axis(entry, root, &axes) {
            Ok(axis) => axes.push(axis),
            Err(found) => problems.extend(found),
        }
    }
    let points = axes.iter().try_fold(1u64, |points, axis| points.checked_mul(axis.values.len() as u64));
    if points.is_none_or(|points| points > MAXIMUM_POINTS.into())
        && let Some(last) = axes.last()
    {
        let count = points.map_or("too many".to_owned(), |points| points.to_string());
        let problem = Problem::new(format!("the sweep has {count} points")).at(&last.key.origin);
        let problem = problem.expected(format!("at most {MAXIMUM_POINTS} points"));
        problems.push(problem.help("the lists multiply: shorten one, or split the study in two files"));
    }
    if problems.is_empty() { Ok(axes) } else { Err(problems) }
}

fn axis(entry: &Entry, root: &Table, before: &[Axis]) -> Result<Axis, Vec<Problem>> {
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
    let values = match &entry.value.data {
        Data::List(values) if !values.is_empty() => values,
        Data::List(_) => {
            let problem = Problem::new(format!("`{path}` is swept over no value")).at(&entry.value.origin);
            return Err(vec![problem.expected("at least one value")]);
        }
        _ => {
            let problem = Problem::new(format!("`{path}` is {}, not a list", entry.value.kind()));
            let help = format!("write \"{path}\" = [{}]", entry.value);
            return Err(vec![problem.at(&entry.value.origin).expected("a list of values").help(help)]);
        }
    };
    let coordinates: Vec<CoordinateValue> = values.iter().map(CoordinateValue::of).collect();
    let twice = coordinates.iter().enumerate().filter(|(index, value)| coordinates[..*index].contains(value));
    let problems: Vec<Problem> = twice
        .map(|(index, value)| {
            let problem = Problem::new(format!("`{path}` is swept over {value} twice")).at(&values[index].origin);
            problem.expected("each value once")
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Axis { path: path.clone(), field, key: entry.clone(), values: values.clone() })
}

/// Why a field has one value in a whole study.
fn fixed_per_study(field: &FieldPath) -> Option<&'static str> {
    match (field.table.name, field.field.key) {
        ("study", "name") => Some("a study has one results folder"),
        ("study", "replications") => Some("each point is repeated equally often"),
        ("models", _) => Some("a study runs on one model pack"),
        ("device", "name") => Some("a device keeps its name"),
        ("judge", "kind" | "panel" | "write_answers") => Some("a study's tables have the same columns at each point"),
        ("judge", "pack") => Some("a study runs on one judge pack"),
        ("figure", _) => Some("figures are drawn once per study"),
        _ => None,
    }
}

/// The coordinates of the point with this index: the last axis varies fastest.
pub(super) fn values_at(axes: &[Axis], mut index: usize) -> Vec<&Value> {
    let mut values: Vec<&Value> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        values.push(&axis.values[index % axis.values.len()]);
        index /= axis.values.len();
    }
    values.reverse();
    values
}

pub(super) fn coordinates(axes: &[Axis], values: &[&Value]) -> Vec<Coordinate> {
    let pairs = axes.iter().zip(values);
    pairs.map(|(axis, value)| Coordinate { path: axis.path.clone(), value: CoordinateValue::of(value) }).collect()
}
