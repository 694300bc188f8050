//! `[sweep]`: values for some fields, whose grid is the points of a study.
//!
//! ```text
//!  [sweep]                                   axes                      dimensions
//!  "policy.t0" = [2, 4]                      policy.t0        2, 4     0: 2 long
//!  zip = [{ "policy.tk" = [1, 2, 3],    ─►   policy.tk        1, 2, 3  1: 3 long      ─►  2 · 3 · 6 points,
//!           "study.seed" = [7, 8, 9] }]      study.seed       7, 8, 9     two fields      the last dimension
//!  "radio.efficiency" = { from = …, … }      radio.efficiency …        2: 6 long          varies fastest
//! ```
//!
//! A swept field with its values is an [`Axis`]; fields that are varied together share a dimension of the [`Grid`].
//! A study may have millions of points, so none is made before somebody asks for it.

mod argument;
pub(super) mod dimensions;
mod distinct;
mod flat;
mod grid;
mod range_table;
mod reading;
mod spacing;

use std::fmt;

use super::path::FieldPath;
use super::tree::{Data, Entry, Value};

pub(super) use argument::split_at_commas;
pub(super) use flat::{flatten, flatten_zips};
pub use grid::{Dimension, Grid, Point};
pub(super) use reading::{MODES, Mode, Sweep};

/// Most points a grid may have.
pub const MAXIMUM_POINTS: u32 = 10_000_000;

/// The key of `[sweep]` that says how its fields are varied.
pub(super) const MODE: &str = "mode";

/// The key of `[sweep]` under which fields are varied together.
pub(super) const ZIP: &str = "zip";

/// One swept field with its values.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// As the user wrote it.
    pub(super) path: String,
    pub(super) field: FieldPath,
    pub(super) key: Entry,
    /// Never empty. Without repetition, unless other fields are varied along.
    pub(super) values: Vec<Value>,
    /// Fields that are varied together share one.
    pub(super) dimension: usize,
}

impl Axis {
    /// Whether the values come from a range, whose numbers do not stand in the file one by one.
    fn is_range(&self) -> bool {
        matches!(self.key.value.data, Data::Table(_))
    }
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
