//! Which tables and keys a scenario file may have.
//!
//! ```text
//!  [radio]                        TableSchema "radio"
//!  bandwidth_hz = 5e6             └─ Field "bandwidth_hz", Plain
//!  fading = { kind = "rician",    └─ Field "fading", Choice
//!             k_db = 6.0 }           └─ Variant "rician" with the key "k_db"
//! ```

mod choices;
mod tables;

use super::tree::Data;

pub(super) use choices::{
    ARRIVALS, DEVICE_PATH_LOSSES, FADINGS, PATH_LOSSES, PATIENCES, PROMPTS, PROTECTIONS, SAMPLERS, TIMES_TO_LIVE,
};
pub(super) use tables::TABLES;

/// What stands under a key, as far as paths and unknown keys are concerned.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// One number, string or list that is read as a whole.
    Plain,
    /// One number for all devices, or a list of one per [[device]] table.
    PerDevice,
    /// A name, or a table with that name as its `kind` and further keys; the first variant is the default.
    Choice(&'static [Variant]),
}

/// One kind of a [`Shape::Choice`], with the keys it takes besides `kind`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    pub(super) kind: &'static str,
    pub(super) keys: &'static [&'static str],
    /// What may stand there alone, as short for a table of this kind with it under the first of `keys`.
    pub(super) short: Option<Short>,
}

/// A value that stands for a table with a `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// `patience = 5.0` is `{ kind = "fixed", time_s = 5.0 }`.
    Number,
    /// `prompts = ["a dog"]` is `{ kind = "list", prompts = ["a dog"] }`.
    List,
}

impl Short {
    /// Whether a value is short for a table.
    pub(super) fn is_of(self, data: &Data) -> bool {
        match self {
            Self::Number => matches!(data, Data::Integer(_) | Data::Float(_)),
            Self::List => matches!(data, Data::List(_)),
        }
    }

    /// What it is, in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::List => "a list",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
}

/// One table of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableSchema {
    pub(super) name: &'static str,
    /// Written `[[name]]`, once per entry.
    pub(super) is_list: bool,
    pub(super) fields: &'static [Field],
}

impl TableSchema {
    /// `[radio]` or `[[device]]`.
    pub(super) fn header(&self) -> String {
        if self.is_list { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }

    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.iter().map(|field| field.key)
    }
}

/// The name of the table of swept fields; its keys are paths, not names of fields.
pub(super) const SWEEP: &str = "sweep";

/// The name of the tables of figures.
pub(super) const FIGURE: &str = "figure";

/// The name of the table that makes a round a network in time.
pub(super) const DEMAND: &str = "demand";

/// Keys of one table of which a file gives at most one; setting one from outside takes the other away.
pub(super) const ALTERNATIVES: &[(&str, [&str; 2])] = &[
    ("policy", ["tx_power_w", "tx_power_dbw"]),
    ("population", ["standard_deviation", "covariance"]),
    ("fault", ["at_s", "rate_hz"]),
];

/// The schema of the table `name`.
pub(super) fn table(name: &str) -> Option<&'static TableSchema> {
    TABLES.iter().find(|table| table.name == name)
}

/// The keys a table of a choice may have, whatever its kind.
pub(super) fn choice_keys(variants: &'static [Variant]) -> Vec<&'static str> {
    let mut keys = vec!["kind"];
    for key in variants.iter().flat_map(|variant| variant.keys) {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    keys
}

/// The kind for which a value that is neither a name nor a table is short.
pub(super) fn short_for(variants: &'static [Variant], data: &Data) -> Option<&'static Variant> {
    variants.iter().find(|variant| variant.short.is_some_and(|short| short.is_of(data)))
}

/// Every field a scenario file may set, as (table, path inside it): `("radio", "bandwidth_hz")`,
/// `("radio", "fading.ms")`, `("device", "prompt")`.
///
/// `docs/scenario.md` describes each; a test holds that.
pub fn known_fields() -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    for table in TABLES {
        for field in table.fields {
            fields.push((table.name, field.key.to_owned()));
            if let Shape::Choice(variants) = field.shape {
                let inner = choice_keys(variants).into_iter().map(|key| (table.name, format!("{}.{key}", field.key)));
                fields.extend(inner);
            }
        }
    }
    fields
}
