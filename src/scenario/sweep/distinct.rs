//! No point of a study stands twice in its sweep.

use std::collections::HashMap;

use super::Axis;
use crate::scenario::tree::{Data, Value};

/// A value as far as being the same as another is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Sameness {
    Integer(i128),
    /// The bits of a number, zero without its sign.
    Float(u64),
    /// A string with its quotes; all else as TOML.
    Toml(String),
}

impl Sameness {
    fn of(value: &Value) -> Self {
        match value.data {
            Data::Integer(number) => Self::Integer(number),
            Data::Float(number) => Self::Float((number + 0.0).to_bits()),
            _ => Self::Toml(value.to_string()),
        }
    }
}

/// The places at which the fields `together` take the same values as at an earlier place, each with the earlier one.
///
/// The fields have equally many values.
pub(super) fn repetitions(together: &[Axis]) -> Vec<(usize, usize)> {
    let length = together.first().map_or(0, |axis| axis.values.len());
    let mut seen: HashMap<Vec<Sameness>, usize> = HashMap::with_capacity(length);
    let mut repeated = Vec::new();
    for place in 0..length {
        let values = together.iter().map(|axis| Sameness::of(&axis.values[place])).collect();
        let first = *seen.entry(values).or_insert(place);
        if first != place {
            repeated.push((first, place));
        }
    }
    repeated
}
