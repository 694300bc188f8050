//! Ranges of numbers, and the words for them in messages.

use std::fmt;

/// Which numbers a field takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Range {
    Any,
    /// Excludes the bound.
    Above(f64),
    AtLeast(f64),
    /// Includes both.
    Between(f64, f64),
    /// Excludes both.
    Inside(f64, f64),
    /// Excludes zero, includes the bound.
    Fraction,
}

impl Range {
    pub(super) fn holds(self, number: f64) -> bool {
        match self {
            Self::Any => true,
            Self::Above(bound) => number > bound,
            Self::AtLeast(bound) => number >= bound,
            Self::Between(low, high) => (low..=high).contains(&number),
            Self::Inside(low, high) => low < number && number < high,
            Self::Fraction => number > 0.0 && number <= 1.0,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("a number"),
            Self::Above(bound) => write!(formatter, "a number above {bound}"),
            Self::AtLeast(bound) => write!(formatter, "a number of at least {bound}"),
            Self::Between(low, high) => write!(formatter, "a number from {low} to {high}"),
            Self::Inside(low, high) => write!(formatter, "a number above {low} and below {high}"),
            Self::Fraction => formatter.write_str("a number above 0 and at most 1"),
        }
    }
}

/// The unit a field's name ends in, as " in Hz".
pub(super) fn unit(key: &str) -> &'static str {
    const UNITS: [(&str, &str); 10] = [
        ("_gb", " in GB"),
        ("_hz", " in Hz"),
        ("_mm", " in mm"),
        ("_mps", " in m/s"),
        ("_dbw", " in dBW"),
        ("_db", " in dB"),
        ("_per_watt_j", " in J per W"),
        ("_j", " in J"),
        ("_s", " in s"),
        ("_w", " in W"),
    ];
    if key.ends_with("_m") {
        return " in m";
    }
    UNITS.iter().find(|(suffix, _)| key.ends_with(suffix)).map_or("", |(_, unit)| unit)
}
