//! Which parts of a checked scenario have to be read again where some of its fields change.
//!
//! The points of a study differ in a few fields only, and there may be millions of them. What a part depends on
//! besides its own table is said here, and only here:
//!
//! ```text
//! diffusion.steps, .split ───────────────► policy, cache, train   the longest chains
//! diffusion.codec ───────────────────────► radio             the bits that a protection counts
//! diffusion.metrics_against ─────────────► figures           references that are measured
//! judge.kind ────────────────────────────► analysis          whether pictures are made
//! population ──► devices, judge ─────────► figures           who can be named, whose scores there are
//! device.count ──► policy                                    one value per device
//!              └─► demand, mobility, faults, figures         who can be named, and by which number
//! cells ─────────────────────────────────► faults            what can be named, and by which number
//! ```
//!
//! Names of tables are the same for a whole study, and so is whether a table or a key is there at all: what is swept is
//! there at each point. So nothing depends on either.

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
    Demand,
    Grouping,
    Cache,
    Architecture,
    Cells,
    Mobility,
    Faults,
    Recovery,
    Analysis,
    Train,
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
    use Part::{
        Analysis, Architecture, Cache, Cells, Demand, Devices, Diffusion, Faults, Figures, Grouping, Judge, Mobility,
        Models, Policy, Population, Radio, Recovery, Server, Study, Train,
    };
    match (table, key) {
        ("study", _) => &[Study],
        ("models", _) => &[Models],
        ("diffusion", "steps" | "split") => &[Diffusion, Policy, Cache, Train],
        ("diffusion", "codec") => &[Diffusion, Radio],
        ("diffusion", "metrics_against") => &[Diffusion, Figures],
        ("diffusion", _) => &[Diffusion],
        ("server", _) => &[Server],
        ("radio", _) => &[Radio],
        ("population", _) => &[Population, Devices, Judge, Figures],
        ("device", "persona") => &[Devices, Figures],
        ("device", "count") => &[Devices, Policy, Demand, Mobility, Faults, Figures],
        ("device", _) => &[Devices],
        ("judge", "kind") => &[Judge, Analysis, Figures],
        ("judge", _) => &[Judge, Figures],
        ("policy", _) => &[Policy],
        ("demand", _) => &[Demand],
        ("grouping", _) => &[Grouping],
        ("cache", _) => &[Cache],
        ("architecture", _) => &[Architecture],
        ("cell" | "cells", _) => &[Cells, Faults],
        ("mobility", _) => &[Mobility],
        ("fault", _) => &[Faults],
        ("recovery", _) => &[Recovery],
        ("analysis", _) => &[Analysis],
        ("train", _) => &[Train],
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
        Part::Demand => &["demand"],
        Part::Grouping => &["grouping"],
        Part::Cache => &["cache"],
        Part::Architecture => &["architecture"],
        Part::Cells => &["cell", "cells"],
        Part::Mobility => &["mobility"],
        Part::Faults => &["fault"],
        Part::Recovery => &["recovery"],
        Part::Analysis => &["analysis"],
        Part::Train => &["train"],
        // The axes are found by paths, which name devices, cells and faults.
        Part::Figures => &["figure", "device", "cell", "fault"],
    }
}
