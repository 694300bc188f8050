//! Which parts of a checked scenario have to be read again where some of its fields change.
//!
//! The points of a study differ in a few fields only, and there may be millions of them. What a part depends on
//! besides its own table is said here, and only here:
//!
//! ```text
//! diffusion.steps, .split ───────────────► policy            the longest chains
//! diffusion.metrics_against ─────────────► figures           references that are measured
//! population ──► devices, judge ─────────► figures           who can be named, whose scores there are
//! ```
//!
//! Names of devices are the same for a whole study, so nothing depends on them.

use crate::scenario::path::FieldPath;
use crate::scenario::settings::Scenario;

/// What of a scenario is read as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Study,
    Models,
    Diffusion,
    Server,
    Radio,
    Population,
    Devices,
    Judge,
    Policy,
    Figures,
}

/// The parts that some fields change.
#[derive(Debug, Clone)]
pub(in crate::scenario) struct Rereading(Vec<Part>);

impl Rereading {
    pub(in crate::scenario) fn of<'a>(fields: impl Iterator<Item = &'a FieldPath>) -> Self {
        Self(fields.flat_map(|field| changed_by(field.table.name, field.field.key)).copied().collect())
    }

    /// Whether a table of the file is read again.
    pub(in crate::scenario) fn needs_table(&self, name: &str) -> bool {
        self.0.iter().any(|part| tables(*part).contains(&name))
    }
}

/// A scenario of which all but some parts still holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) rereading: &'a Rereading,
}

impl<'a> Known<'a> {
    /// The scenario, if this part of it still holds.
    pub(super) fn with(self, part: Part) -> Option<&'a Scenario> {
        (!self.rereading.0.contains(&part)).then_some(self.scenario)
    }
}

fn changed_by(table: &str, key: &str) -> &'static [Part] {
    use Part::{Devices, Diffusion, Figures, Judge, Models, Policy, Population, Radio, Server, Study};
    match (table, key) {
        ("study", _) => &[Study],
        ("models", _) => &[Models],
        ("diffusion", "steps" | "split") => &[Diffusion, Policy],
        ("diffusion", "metrics_against") => &[Diffusion, Figures],
        ("diffusion", _) => &[Diffusion],
        ("server", _) => &[Server],
        ("radio", _) => &[Radio],
        ("population", _) => &[Population, Devices, Judge, Figures],
        ("device", "persona") => &[Devices, Figures],
        ("device", _) => &[Devices],
        ("judge", _) => &[Judge, Figures],
        ("policy", _) => &[Policy],
        ("figure", _) => &[Figures],
        _ => unreachable!("the schema has a table {table} of which no part is made"),
    }
}

/// The tables of the file that a part is read from.
fn tables(part: Part) -> &'static [&'static str] {
    match part {
        Part::Study => &["study"],
        Part::Models => &["models"],
        Part::Diffusion => &["diffusion"],
        Part::Server => &["server"],
        Part::Radio => &["radio"],
        Part::Population => &["population"],
        Part::Devices => &["device"],
        Part::Judge => &["judge"],
        Part::Policy => &["policy"],
        // The axes are found by paths, which name devices.
        Part::Figures => &["figure", "device"],
    }
}
