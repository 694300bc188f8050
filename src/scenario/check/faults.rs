//! `[[fault]]`, `[recovery]`

use super::demand::needs_demand;
use super::{entries, table_schema};
use crate::scenario::device_names::DeviceNames;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{CellSettings, DeviceSettings, FaultKind, FaultSettings, FaultTimes, RecoverySettings};
use crate::scenario::tree::{Table, Value};
use crate::scenario::words::{FAULTS, alternatives, nearest, word_for};

const MAXIMUM_RETRANSMISSIONS: u64 = 1000;

/// Most names in a message before the list is cut short.
const LISTED_NAMES: usize = 8;

/// Whom a fault can strike.
#[derive(Clone, Copy)]
pub(super) struct Targets<'a> {
    pub(super) devices: &'a [DeviceSettings],
    pub(super) cells: &'a [CellSettings],
}

pub(super) fn read(
    root: &Table,
    targets: Targets<'_>,
    has_demand: bool,
    problems: &mut Vec<Problem>,
) -> Vec<FaultSettings> {
    let list = entries(root, "fault", problems);
    let fault = |(index, value): (usize, &Value)| {
        let mut table = TableReader::open(table_schema("fault"), Some(value), problems);
        if index == 0 {
            needs_demand(&mut table, has_demand);
        }
        fault(&mut table, targets)
    };
    list.iter().enumerate().filter_map(fault).collect()
}

fn fault(table: &mut TableReader<'_>, targets: Targets<'_>) -> Option<FaultSettings> {
    if !table.is_table() {
        return None;
    }
    let Some(kind) = table.value("kind") else {
        table.missing("kind", "kind = \"server-outage\"");
        return None;
    };
    let kind = table.word_from("kind", kind, FAULTS)?;
    let times = times(table);
    let duration_s = duration_s(table, kind);
    let target = target(table, kind, targets);
    Some(FaultSettings { kind, times: times?, duration_s: duration_s?, target: target? })
}

fn times(table: &mut TableReader<'_>) -> Option<FaultTimes> {
    match (table.has("at_s"), table.has("rate_hz")) {
        (true, true) => {
            let problem = Problem::new("`at_s` and `rate_hz` are both given").expected("only one of the two");
            table.push_at("rate_hz", problem.help("a fault is scripted or drawn: take one of the two lines away"));
            None
        }
        (false, false) => {
            table.missing("at_s", "at_s = [600.0]        # or drawn: rate_hz = 0.001");
            None
        }
        (true, false) => at_s(table),
        (false, true) => {
            let rate_hz = table.optional_number("rate_hz", Range::AtLeast(0.0))?;
            Some(FaultTimes::Rate { rate_hz })
        }
    }
}

fn at_s(table: &mut TableReader<'_>) -> Option<FaultTimes> {
    let expected = "a list of times in s in ascending order, say [600.0, 1200.0]";
    let list = table.list("at_s", expected)?;
    if list.is_empty() {
        table.push_at("at_s", Problem::new("`at_s` is an empty list").expected(expected));
        return None;
    }
    let mut times: Vec<f64> = Vec::with_capacity(list.len());
    for value in list {
        let time_s = table.number_from("at_s", value, Range::AtLeast(0.0))?;
        if let Some(last) = times.last().filter(|last| **last >= time_s) {
            let problem = Problem::new(format!("`at_s` holds {time_s} behind {last}")).at(&value.origin);
            table.push(problem.expected(expected));
            return None;
        }
        times.push(time_s);
    }
    Some(FaultTimes::At(times))
}

/// 0 of a lost leader, whose device is back at once.
fn duration_s(table: &mut TableReader<'_>, kind: FaultKind) -> Option<f64> {
    if kind == FaultKind::LeaderLoss {
        let help = "the leader's device is back at once, without the group's latent: take the line away";
        table.refuse(&["duration_s"], "a fault of kind \"leader-loss\"", help);
        return Some(0.0);
    }
    if !table.has("duration_s") {
        table.missing("duration_s", "duration_s = 60.0");
    }
    table.optional_number("duration_s", Range::Above(0.0))
}

/// The inner `None` stands for each cell or device.
fn target(table: &mut TableReader<'_>, kind: FaultKind, targets: Targets<'_>) -> Option<Option<u32>> {
    let (own, other) = match kind {
        FaultKind::ServerOutage | FaultKind::LinkOutage => ("cell", "device"),
        FaultKind::DeviceAway | FaultKind::LeaderLoss => ("device", "cell"),
    };
    let whom = format!("a fault of kind \"{}\"", word_for(FAULTS, kind));
    table.refuse(&[other], &whom, &format!("it strikes a {own}: take the line away, or name one under `{own}`"));
    let Some(value) = table.value(own) else {
        return Some(None);
    };
    let name = table.text_from(own, value)?;
    match own {
        "cell" => cell(table, &name, targets.cells),
        _ => device(table, &name, targets.devices),
    }
    .map(Some)
}

fn cell(table: &mut TableReader<'_>, name: &str, cells: &[CellSettings]) -> Option<u32> {
    let found = cells.iter().position(|cell| cell.name == name);
    // Where the cells are wrong, that was said already.
    if found.is_none() && !cells.is_empty() {
        unknown(table, "cell", name, cells.iter().map(|cell| cell.name.as_str()).collect());
    }
    found.map(|index| index as u32)
}

fn device(table: &mut TableReader<'_>, name: &str, devices: &[DeviceSettings]) -> Option<u32> {
    let names = DeviceNames::of(devices);
    let found = names.find(name);
    if found.is_some() || devices.is_empty() {
        return found;
    }
    if let Some(count) = names.count_of(name) {
        let problem = Problem::new(format!("`device` = \"{name}\" is a table of {count} devices"));
        let first = devices.iter().find(|device| device.table_name() == name).map_or(name, |device| &device.name);
        let problem = problem.expected(format!("one of them, say \"{first}\""));
        table.push_at("device", problem.help("left out, the fault strikes each device, apart from the others"));
        return None;
    }
    let first_of_tables = devices.iter().filter(|device| device.member == 0);
    unknown(table, "device", name, first_of_tables.map(|device| device.name.as_str()).collect());
    None
}

fn unknown(table: &mut TableReader<'_>, key: &str, name: &str, known: Vec<&str>) {
    let problem = Problem::new(format!("no {key} is called \"{name}\""));
    let listed = alternatives(known.iter().copied().take(LISTED_NAMES));
    let more = if known.len() > LISTED_NAMES {
        format!(" or one of {} more", known.len() - LISTED_NAMES)
    } else {
        String::new()
    };
    let problem = problem.expected(format!("{listed}{more}"));
    table.push_at(
        key,
        match nearest(name, known) {
            Some(near) => problem.help(format!("did you mean \"{near}\"?")),
            None => problem.help(format!("name a [[{key}]], or leave the line out for each of them")),
        },
    );
}

pub(super) fn recovery(table: &mut TableReader<'_>, has_demand: bool) -> RecoverySettings {
    needs_demand(table, has_demand);
    let usual = RecoverySettings::default();
    RecoverySettings {
        retransmissions: table.integer("retransmissions", usual.retransmissions.into(), 0, MAXIMUM_RETRANSMISSIONS)
            as u32,
        timeout_s: table.number("timeout_s", usual.timeout_s, Range::AtLeast(0.0)),
    }
}
