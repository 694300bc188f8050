//! `[[device]]`

use super::persona::{self, People};
use super::{entries, table_schema, unsafe_name};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::DeviceSettings;
use crate::scenario::tree::{Table, Value};

const EXAMPLE: &str = "a dog sits in front of a bush";

/// Most devices a study may have.
const MAXIMUM_DEVICES: usize = 10_000;

/// The name of a device that has none, counted from 0.
pub(in crate::scenario) fn default_name(index: usize) -> String {
    format!("device-{}", index + 1)
}

pub(super) fn read(root: &Table, people: People<'_>, problems: &mut Vec<Problem>) -> Vec<DeviceSettings> {
    let list = entries(root, "device", problems);
    if list.is_empty() && !problems.iter().any(|problem| problem.message().starts_with("`device`")) {
        let problem = Problem::new("the scenario has no [[device]]");
        problems.push(problem.help(format!("add at least one:\n  [[device]]\n  prompt = \"{EXAMPLE}\"")));
    }
    if list.len() > MAXIMUM_DEVICES {
        let problem = Problem::new(format!("{} devices are too many", list.len())).at(&list[MAXIMUM_DEVICES].origin);
        problems.push(problem.expected(format!("at most {MAXIMUM_DEVICES}")));
        return Vec::new();
    }
    let mut devices: Vec<DeviceSettings> = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let device = device(index, value, &devices, people, problems);
        devices.push(device);
    }
    devices
}

fn device(
    index: usize,
    value: &Value,
    before: &[DeviceSettings],
    people: People<'_>,
    problems: &mut Vec<Problem>,
) -> DeviceSettings {
    let mut table = TableReader::open(table_schema("device"), Some(value), problems);
    let name = table.text("name").unwrap_or_else(|| default_name(index));
    let origin = table.origin("name").unwrap_or(&value.origin);
    if let Some(fault) = unsafe_device_name(&name) {
        let problem = Problem::new(format!("`name` = \"{name}\" {fault}")).at(origin);
        table.push(problem.expected("a name of letters, digits, `-` and `_`"));
    }
    if let Some(other) = before.iter().position(|device| device.name.eq_ignore_ascii_case(&name)) {
        let problem = Problem::new(format!("two devices are called \"{name}\"")).at(origin);
        let problem = problem.expected(format!("a name other than that of device number {}", other + 1));
        table.push(problem.help("names tell devices apart in tables and file names; capitals make no difference"));
    }
    if !table.has("prompt") {
        let problem = Problem::new(format!("the device \"{name}\" lacks `prompt`")).at(&value.origin);
        let problem = problem.expected("a `prompt` in this table");
        table.push(problem.help(format!("add a line under its [[device]], say\n  prompt = \"{EXAMPLE}\"")));
    }
    DeviceSettings {
        name,
        prompt: table.filled_text("prompt", EXAMPLE).unwrap_or_default(),
        persona: persona::user(&mut table, people),
        distance_m: table.number("distance_m", 500.0, Range::Above(0.0)),
        step_energy_j: table.number("step_energy_j", 1.0, Range::AtLeast(0.0)),
        step_time_s: table.number("step_time_s", 0.4, Range::AtLeast(0.0)),
        decode_energy_j: table.number("decode_energy_j", 0.0, Range::AtLeast(0.0)),
        decode_time_s: table.number("decode_time_s", 0.0, Range::AtLeast(0.0)),
        receive_power_w: table.number("receive_power_w", 0.0, Range::AtLeast(0.0)),
        energy_budget_j: table.optional_number("energy_budget_j", Range::AtLeast(0.0)),
    }
}

/// Device names are parts of paths (`device.NAME.prompt`) as well as of file names: no dots.
fn unsafe_device_name(name: &str) -> Option<&'static str> {
    if name.contains('.') { Some("holds a dot") } else { unsafe_name(name) }
}
