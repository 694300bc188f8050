//! `[[device]]`: who is there.
//!
//! A table with a `count` stands for many devices that are alike but for their names. What it says is read once; a
//! device of it costs the copies of its name, prompt and persona, about 0.1 µs.

use std::collections::HashMap;

use super::demand::refuse_without_demand;
use super::input_files::InputFiles;
use super::persona::{self, People};
use super::server;
use super::{entries, table_schema, unsafe_name};
use crate::scenario::device_names::{member_name, member_of, split_member_name};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{DeviceSettings, Placement};
use crate::scenario::source::Origin;
use crate::scenario::tree::{Data, Table, Value};
use crate::scenario::words::Words;

const EXAMPLE: &str = "a dog sits in front of a bush";

/// Most [[device]] tables that a file may have.
const MAXIMUM_TABLES: usize = 10_000;

/// Most devices of a scenario.
const MAXIMUM_DEVICES: u32 = 1_000_000;

/// Keys of devices in a network in time.
const IN_TIME: &[&str] = &["deadline_s", "priority", "shares_latents", "battery_j", "recharge_w"];

/// Keys that a profile stands for.
const OF_PROFILE: &[&str] = &["step_energy_j", "step_time_s", "decode_energy_j", "decode_time_s"];

/// `device.placement`; places that are written out have `x_m` and `y_m` instead.
pub(in crate::scenario) const PLACEMENTS: Words<Placement> =
    &[("distance", Placement::Distance), ("area", Placement::Area)];

/// The name of a table that has none, counted from 0.
pub(in crate::scenario) fn default_name(index: usize) -> String {
    format!("device-{}", index + 1)
}

/// What devices are read with.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) people: People<'a>,
    pub(super) files: &'a InputFiles,
    pub(super) has_demand: bool,
}

pub(super) fn read(root: &Table, around: Surroundings<'_>, problems: &mut Vec<Problem>) -> Vec<DeviceSettings> {
    let list = entries(root, "device", problems);
    if list.is_empty() && !problems.iter().any(|problem| problem.message().starts_with("`device`")) {
        let problem = Problem::new("the scenario has no [[device]]");
        problems.push(problem.help(format!("add at least one:\n  [[device]]\n  prompt = \"{EXAMPLE}\"")));
    }
    if list.len() > MAXIMUM_TABLES {
        let problem = Problem::new(format!("{} [[device]] tables are too many", list.len()));
        let problem = problem.at(&list[MAXIMUM_TABLES].origin).expected(format!("at most {MAXIMUM_TABLES}"));
        problems.push(problem.help("a table with a `count` makes many devices that are alike"));
        return Vec::new();
    }
    let mut names = Names::default();
    let firsts: Vec<DeviceSettings> = list
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let mut table = TableReader::open(table_schema("device"), Some(value), problems);
            first_of(&mut table, index, value, &mut names, around)
        })
        .collect();
    names.hold_apart(problems);
    let total: u64 = firsts.iter().map(|first| u64::from(first.count)).sum();
    if total > MAXIMUM_DEVICES.into() {
        let problem = Problem::new(format!("{total} devices are too many")).at(&list[0].origin);
        problems.push(problem.expected(format!("at most {MAXIMUM_DEVICES}")).help("make a `count` smaller"));
        return Vec::new();
    }
    let mut devices = Vec::with_capacity(total as usize);
    for first in firsts {
        expand(first, &mut devices);
    }
    devices
}

/// Adds the devices of a table, of which `first` has the table's name.
fn expand(first: DeviceSettings, devices: &mut Vec<DeviceSettings>) {
    if first.count == 1 {
        devices.push(first);
        return;
    }
    for member in 0..first.count {
        let name = member_name(&first.name, first.count, member);
        devices.push(DeviceSettings {
            name,
            member,
            prompt: first.prompt.clone(),
            persona: first.persona.clone(),
            profile: first.profile.clone(),
            ..first
        });
    }
}

/// The first device of a table, still with the table's own name.
fn first_of<'a>(
    table: &mut TableReader<'_>,
    index: usize,
    value: &'a Value,
    names: &mut Names<'a>,
    around: Surroundings<'_>,
) -> DeviceSettings {
    let name = table.text("name").unwrap_or_else(|| default_name(index));
    let count = table.integer("count", 1, 1, MAXIMUM_DEVICES.into()) as u32;
    let written = match &value.data {
        Data::Table(table) => table.get("name"),
        _ => None,
    };
    let origin = written.map_or(&value.origin, |name| &name.origin);
    if let Some(fault) = unsafe_device_name(&member_name(&name, count, count - 1)) {
        let problem = Problem::new(format!("`name` = \"{name}\" {fault}")).at(origin);
        table.push(problem.expected("a name of letters, digits, `-` and `_`"));
    }
    names.add(table, &name, count, origin);
    if !table.has("prompt") {
        let problem = Problem::new(format!("the device \"{name}\" lacks `prompt`")).at(&value.origin);
        let problem = problem.expected("a `prompt` in this table");
        table.push(problem.help(format!("add a line under its [[device]], say\n  prompt = \"{EXAMPLE}\"")));
    }
    refuse_without_demand(table, IN_TIME, around.has_demand);
    let Place { placement, distance_m, distance_max_m } = place(table);
    let profile = server::profile(table, OF_PROFILE, around.files);
    let by_profile = profile.as_ref().map(|settings| &settings.profile);
    let step = by_profile.and_then(|profile| profile.batches.first());
    let mut number = |key: &str, usual: f64, by_profile: Option<f64>| match by_profile {
        Some(number) => number,
        None => table.number(key, usual, Range::AtLeast(0.0)),
    };
    let step_energy_j = number("step_energy_j", 1.0, step.map(|step| step.step_energy_j));
    let step_time_s = number("step_time_s", 0.4, step.map(|step| step.step_time_s));
    let decode_energy_j = number("decode_energy_j", 0.0, by_profile.map(|profile| profile.decode_energy_j));
    let decode_time_s = number("decode_time_s", 0.0, by_profile.map(|profile| profile.decode_time_s));
    let (battery_j, recharge_w) = if around.has_demand { battery(table) } else { (None, 0.0) };
    DeviceSettings {
        name,
        prompt: table.filled_text("prompt", EXAMPLE).unwrap_or_default(),
        persona: persona::user(table, around.people),
        distance_m,
        distance_max_m,
        step_energy_j,
        step_time_s,
        decode_energy_j,
        decode_time_s,
        receive_power_w: table.number("receive_power_w", 0.0, Range::AtLeast(0.0)),
        energy_budget_j: table.optional_number("energy_budget_j", Range::AtLeast(0.0)),
        table: index as u32,
        count,
        member: 0,
        placement,
        profile,
        deadline_s: table.optional_number("deadline_s", Range::AtLeast(0.0)),
        priority: table.signed_integer("priority", 0, i32::MIN, i32::MAX),
        shares_latents: table.flag("shares_latents", false),
        battery_j,
        recharge_w,
    }
}

/// Where the device is, and how far from the origin: with `x_m` and `y_m` they say it.
struct Place {
    placement: Placement,
    distance_m: f64,
    distance_max_m: Option<f64>,
}

fn place(table: &mut TableReader<'_>) -> Place {
    const USUAL_DISTANCE_M: f64 = 500.0;
    for (one, other) in [("x_m", "y_m"), ("y_m", "x_m")] {
        if table.has(one) && !table.has(other) {
            let problem = Problem::new(format!("`{one}` is given without `{other}`"));
            table.push_at(one, problem.expected("both, or neither").help(format!("add a line, say\n  {other} = 0.0")));
            return Place { placement: Placement::Distance, distance_m: USUAL_DISTANCE_M, distance_max_m: None };
        }
    }
    if table.has("x_m") {
        let help = "the place says how far away it is: take the line away, or `x_m` and `y_m`";
        table.refuse(&["distance_m", "distance_max_m", "placement"], "a place given by `x_m` and `y_m`", help);
        let (x_m, y_m) = (table.number("x_m", 0.0, Range::Any), table.number("y_m", 0.0, Range::Any));
        return Place { placement: Placement::At { x_m, y_m }, distance_m: x_m.hypot(y_m), distance_max_m: None };
    }
    let placement = table.word("placement", Placement::Distance, PLACEMENTS);
    let distance_m = table.number("distance_m", USUAL_DISTANCE_M, Range::Above(0.0));
    if placement == Placement::Area {
        let help = "its place says how far away it is: take the line away, or `placement`";
        table.refuse(&["distance_max_m"], "placement = \"area\"", help);
        return Place { placement, distance_m, distance_max_m: None };
    }
    let distance_max_m = table.optional_number("distance_max_m", Range::Above(0.0));
    if let Some(most_m) = distance_max_m.filter(|most_m| *most_m < distance_m) {
        let usual = if table.has("distance_m") { "" } else { ", the default" };
        let message = format!("`distance_max_m` = {most_m} is below `distance_m` = {distance_m}{usual}");
        table.push_at("distance_max_m", Problem::new(message).expected(format!("at least {distance_m} in m")));
    }
    Place { placement, distance_m, distance_max_m }
}

fn battery(table: &mut TableReader<'_>) -> (Option<f64>, f64) {
    if !table.has("battery_j") {
        let help = "without a battery nothing is recharged: take the line away, or add one, say\n  battery_j = 40000.0";
        table.refuse(&["recharge_w"], "a device without `battery_j`", help);
        return (None, 0.0);
    }
    let battery_j = table.optional_number("battery_j", Range::Above(0.0));
    (battery_j, table.number("recharge_w", 0.0, Range::AtLeast(0.0)))
}

/// Device names are parts of paths (`device.NAME.prompt`) as well as of file names: no dots.
fn unsafe_device_name(name: &str) -> Option<&'static str> {
    if name.contains('.') { Some("holds a dot") } else { unsafe_name(name) }
}

/// The names of tables so far, and through them those of all devices.
#[derive(Default)]
struct Names<'a> {
    /// By the name in small letters: the number of the table from 0.
    numbers: HashMap<String, usize>,
    tables: Vec<(String, u32, &'a Origin)>,
}

impl<'a> Names<'a> {
    fn add(&mut self, table: &mut TableReader<'_>, name: &str, count: u32, origin: &'a Origin) {
        let number = self.tables.len();
        let first = *self.numbers.entry(name.to_ascii_lowercase()).or_insert(number);
        if first != number {
            table.push(called_alike(name, first, origin));
        }
        self.tables.push((name.to_owned(), count, origin));
    }

    /// Notes single devices that are called like one of a table of several.
    fn hold_apart(&self, problems: &mut Vec<Problem>) {
        for (name, _, origin) in self.tables.iter().filter(|(_, count, _)| *count == 1) {
            let Some((table, member)) = split_member_name(name) else { continue };
            let Some(&number) = self.numbers.get(&table.to_ascii_lowercase()) else { continue };
            if member_of(member, self.tables[number].1).is_some() {
                problems.push(called_alike(name, number, origin));
            }
        }
    }
}

/// Two devices have one name; the other is of the table of that number, counted from 0.
fn called_alike(name: &str, number: usize, origin: &Origin) -> Problem {
    let problem = Problem::new(format!("two devices are called \"{name}\"")).at(origin);
    let problem = problem.expected(format!("a name other than that of device number {}", number + 1));
    problem.help("names tell devices apart in tables and file names; capitals make no difference")
}
