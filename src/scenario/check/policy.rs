//! `[policy]`
//!
//! Each kind has keys of its own. Where a study sweeps `policy.kind`, the file has the keys of all its kinds.

mod steps;
mod surroundings;

use std::path::PathBuf;

use crate::policy::Decoder;
use crate::radio::db_to_linear;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{
    ActorPolicy, DeviceSettings, DiffusionSettings, FixedPolicy, PolicyKind, PolicySettings, SearchPolicy,
};
use crate::scenario::sweep::Axis;
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::{DECODERS, POLICIES, value_of, word_for};

pub(super) use steps::limits as step_limits;
pub(super) use surroundings::{Around, check_surroundings};

/// The transmit power of the paper's first device.
const USUAL_POWER_DBW: f64 = 18.0;

/// Most actions that a critic chooses among.
const MAXIMUM_SAMPLES: u64 = 10_000;

/// Keys of some kinds but not of all.
const KEYS: &[&str] = &[
    "t0",
    "tk",
    "tx_power_w",
    "tx_power_dbw",
    "maximum_shared_steps",
    "maximum_own_steps",
    "power_step_w",
    "file",
    "samples",
    "decoder",
];

/// Those of [`KEYS`] that a kind has.
pub(in crate::scenario) fn keys_of(kind: PolicyKind) -> &'static [&'static str] {
    match kind {
        PolicyKind::Fixed => &["t0", "tk", "tx_power_w", "tx_power_dbw"],
        PolicyKind::Equal | PolicyKind::ChannelInversion => &["t0", "tk"],
        PolicyKind::Random => &["maximum_shared_steps", "maximum_own_steps"],
        PolicyKind::Greedy | PolicyKind::Exhaustive => &["maximum_shared_steps", "maximum_own_steps", "power_step_w"],
        PolicyKind::Actor => &["file", "samples", "decoder", "maximum_shared_steps", "maximum_own_steps"],
    }
}

pub(super) fn read(
    table: &mut TableReader<'_>,
    diffusion: &DiffusionSettings,
    devices: &[DeviceSettings],
    axes: &[Axis],
) -> Option<PolicySettings> {
    let kind = match table.value("kind") {
        None => PolicyKind::Fixed,
        // Where the kind is wrong, nothing can be said of the keys beside it.
        Some(value) => table.word_from("kind", value, POLICIES)?,
    };
    refuse_keys_of_others(table, kind, axes);
    Some(match kind {
        PolicyKind::Fixed => {
            let given = steps::given(table, diffusion, devices);
            let tx_power_w = tx_power_w(table, devices);
            let given = given?;
            let tx_power_w = tx_power_w?;
            steps::check_together(table, &given, diffusion, devices)?;
            PolicySettings::Fixed(FixedPolicy { t0: given.t0, tk: given.tk, tx_power_w })
        }
        PolicyKind::Equal | PolicyKind::ChannelInversion => {
            let given = steps::given(table, diffusion, devices)?;
            steps::check_together(table, &given, diffusion, devices)?;
            match kind {
                PolicyKind::Equal => PolicySettings::Equal(given),
                _ => PolicySettings::ChannelInversion(given),
            }
        }
        PolicyKind::Random => PolicySettings::Random(steps::limits(table, diffusion)?),
        PolicyKind::Greedy => PolicySettings::Greedy(search(table, diffusion)?),
        PolicyKind::Exhaustive => PolicySettings::Exhaustive(search(table, diffusion)?),
        PolicyKind::Actor => PolicySettings::Actor(actor(table, diffusion)?),
    })
}

/// A key goes with this kind, or with another one of the same study.
fn refuse_keys_of_others(table: &mut TableReader<'_>, kind: PolicyKind, axes: &[Axis]) {
    let kinds: Vec<PolicyKind> = std::iter::once(kind).chain(swept_kinds(axes)).collect();
    let is_of_others = |key: &str| !kinds.iter().any(|kind| keys_of(*kind).contains(&key));
    let others: Vec<&str> = KEYS.iter().copied().filter(|key| table.has(key) && is_of_others(key)).collect();
    if others.is_empty() {
        return;
    }
    let word = word_for(POLICIES, kind);
    let usual = if table.has("kind") { "" } else { ", the default" };
    let help = format!("it has {}: take the line away, or choose another kind", listed(keys_of(kind)));
    table.refuse(&others, &format!("a policy of kind \"{word}\"{usual}"), &help);
}

/// The kinds that a study sweeps; wrong words are told of elsewhere.
fn swept_kinds(axes: &[Axis]) -> impl Iterator<Item = PolicyKind> {
    let of_kind = axes.iter().filter(|axis| axis.field.table.name == "policy" && axis.field.field.key == "kind");
    of_kind.flat_map(|axis| &axis.values).filter_map(|value| match &value.data {
        Data::Text(word) => value_of(POLICIES, word),
        _ => None,
    })
}

fn listed(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn search(table: &mut TableReader<'_>, diffusion: &DiffusionSettings) -> Option<SearchPolicy> {
    let limits = steps::limits(table, diffusion);
    let power_step_w = table.number("power_step_w", 1.0, Range::Above(0.0));
    Some(SearchPolicy { limits: limits?, power_step_w })
}

fn actor(table: &mut TableReader<'_>, diffusion: &DiffusionSettings) -> Option<ActorPolicy> {
    let limits = steps::limits(table, diffusion);
    let samples = table.integer("samples", 1, 1, MAXIMUM_SAMPLES) as u32;
    let decoder = table.word("decoder", Decoder::Projected, DECODERS);
    if !table.has("file") {
        table.missing("file", "file = \"actor.onnx\"        # as `latentlink train` writes it");
        return None;
    }
    let file = actor_file(table, "file")?;
    Some(ActorPolicy { file, samples, decoder, limits: limits? })
}

/// The file that `key` names, if it is there.
pub(super) fn actor_file(table: &mut TableReader<'_>, key: &str) -> Option<PathBuf> {
    let file = table.path(key, "actor.onnx")?;
    if file.is_file() {
        return Some(file);
    }
    let problem = Problem::new(format!("there is no file {}", file.display()));
    let problem = problem.expected("an actor.onnx, as `latentlink train` writes it");
    table.push_at(key, problem.help("paths are relative to the folder that the program is started in"));
    None
}

fn tx_power_w(table: &mut TableReader<'_>, devices: &[DeviceSettings]) -> Option<Vec<f64>> {
    let (key, value) = match (table.value("tx_power_w"), table.value("tx_power_dbw")) {
        (None, None) => return Some(vec![db_to_linear(USUAL_POWER_DBW); devices.len()]),
        (Some(watts), None) => ("tx_power_w", watts),
        (None, Some(dbw)) => ("tx_power_dbw", dbw),
        (Some(_), Some(dbw)) => {
            let problem = Problem::new("`tx_power_w` and `tx_power_dbw` are both given").at(&dbw.origin);
            table.push(problem.expected("only one of the two").help("take one of the two lines away"));
            return None;
        }
    };
    let is_dbw = key == "tx_power_dbw";
    let range = if is_dbw { Range::Between(-300.0, 300.0) } else { Range::AtLeast(0.0) };
    let values = per_table(table, key, value, devices, "a number, or a list of one per device")?;
    let powers: Vec<_> = values.iter().map(|value| table.number_from(key, value, range)).collect();
    let in_watts = |power: Option<f64>| power.map(|power| if is_dbw { db_to_linear(power) } else { power });
    Some(per_device(powers.into_iter().map(in_watts).collect::<Option<Vec<f64>>>()?, devices))
}

/// A single value for all, or one for each [[device]] table.
fn per_table<'v>(
    table: &mut TableReader<'_>,
    key: &str,
    value: &'v Value,
    devices: &[DeviceSettings],
    expected: &str,
) -> Option<&'v [Value]> {
    let tables = table_count(devices);
    match &value.data {
        Data::List(list) if list.len() == tables => Some(list),
        Data::List(list) => {
            let whom = match devices.len() == tables {
                true => format!("{tables} device{}", if tables == 1 { "" } else { "s" }),
                false => format!("{tables} [[device]] table{}", if tables == 1 { "" } else { "s" }),
            };
            let message = format!("`{key}` has {} values for {whom}", list.len());
            let problem = Problem::new(message).at(&value.origin).expected(expected);
            table.push(problem.help(format!("write {tables} values, or a single one for all")));
            None
        }
        Data::Integer(_) | Data::Float(_) => Some(std::slice::from_ref(value)),
        _ => {
            table.wrong_type(key, value, expected);
            None
        }
    }
}

/// How many [[device]] tables the devices are of.
fn table_count(devices: &[DeviceSettings]) -> usize {
    devices.last().map_or(0, |last| last.table as usize + 1)
}

/// The values of the tables, or a single one for all, for each device.
fn per_device<T: Copy>(values: Vec<T>, devices: &[DeviceSettings]) -> Vec<T> {
    match values.as_slice() {
        [single] => vec![*single; devices.len()],
        _ if values.len() == devices.len() => values,
        several => devices.iter().map(|device| several[device.table as usize]).collect(),
    }
}
