//! `[[cell]]`, `[cells]`, `[mobility]`

use super::demand::needs_demand;
use super::input_files::InputFiles;
use super::{entries, open, table_schema, unsafe_name};
use crate::scenario::device_names::DeviceNames;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{CellGrid, CellSettings, DeviceSettings, MobilitySettings};
use crate::scenario::tree::{Table, Value};
use crate::scenario::words::{Words, word_for};

/// Most cells of a study.
const MAXIMUM_CELLS: usize = 10_000;

#[derive(Clone, Copy, PartialEq)]
enum Moving {
    Static,
    RandomWaypoint,
    Trace,
}

const MOVING: Words<Moving> =
    &[("static", Moving::Static), ("random-waypoint", Moving::RandomWaypoint), ("trace", Moving::Trace)];

const OF_WAYPOINTS: &[&str] = &["speed_min_mps", "speed_max_mps", "pause_s"];

/// The cells of `[[cell]]` or `[cells]`, at least one, and the grid where there is one.
pub(super) fn cells(root: &Table, problems: &mut Vec<Problem>) -> (Vec<CellSettings>, Option<CellGrid>) {
    let list = entries(root, "cell", problems);
    if let (Some(grid), false) = (root.entry("cells"), list.is_empty()) {
        let problem = Problem::new("[cells] does not go with [[cell]]").at(&grid.origin);
        let problem = problem.expected("only one of the two");
        problems.push(problem.help("[cells] is a grid in place of single cells: take one of the two away"));
    }
    let grid = grid(&mut open(root, "cells", problems));
    if let Some(grid) = grid {
        return (on_grid(grid), Some(grid));
    }
    if root.get("cells").is_some() {
        // Wrong, and reported: nothing can be said of names.
        return (Vec::new(), None);
    }
    if list.len() > MAXIMUM_CELLS {
        let problem = Problem::new(format!("{} cells are too many", list.len())).at(&list[MAXIMUM_CELLS].origin);
        problems.push(problem.expected(format!("at most {MAXIMUM_CELLS}")));
        return (Vec::new(), None);
    }
    if list.is_empty() {
        return (vec![CellSettings { name: "cell-1".to_owned(), x_m: 0.0, y_m: 0.0 }], None);
    }
    let mut cells: Vec<CellSettings> = Vec::with_capacity(list.len());
    for value in list {
        let cell = cell(value, &cells, problems);
        cells.push(cell);
    }
    (cells, None)
}

fn cell(value: &Value, before: &[CellSettings], problems: &mut Vec<Problem>) -> CellSettings {
    let mut table = TableReader::open(table_schema("cell"), Some(value), problems);
    let name = table.text("name").unwrap_or_else(|| format!("cell-{}", before.len() + 1));
    let fault = if name.contains('.') { Some("holds a dot") } else { unsafe_name(&name) };
    if let Some(fault) = fault {
        let problem = Problem::new(format!("`name` = \"{name}\" {fault}"));
        table.push_at("name", problem.expected("a name of letters, digits, `-` and `_`"));
    }
    if before.iter().any(|cell| cell.name.eq_ignore_ascii_case(&name)) {
        let problem = Problem::new(format!("two cells are called \"{name}\""));
        table.push_at("name", problem.expected("a name of its own").help("capitals make no difference"));
    }
    let mut place = |key: &str| {
        if !table.is_table() {
            return 0.0;
        }
        let example = "x_m = 500.0\n  y_m = 0.0";
        if !table.has(key) {
            table.missing(key, example);
        }
        table.number(key, 0.0, Range::Any)
    };
    let (x_m, y_m) = (place("x_m"), place("y_m"));
    CellSettings { name, x_m, y_m }
}

fn grid(table: &mut TableReader<'_>) -> Option<CellGrid> {
    if !table.is_table() {
        return None;
    }
    for (key, example) in [("count", "count = 9"), ("spacing_m", "spacing_m = 500.0")] {
        if !table.has(key) {
            table.missing(key, example);
        }
    }
    let count = table.optional_integer("count", 1, MAXIMUM_CELLS as u64);
    let spacing_m = table.optional_number("spacing_m", Range::Above(0.0));
    Some(CellGrid { count: count? as u32, spacing_m: spacing_m? })
}

/// Cells in ⌈√count⌉ columns, row by row from the lowest x and y, about the origin:
///
/// ```text
///  4 ─ 5          y ▲
///  │   │   │        └─► x
///  1 ─ 2 ─ 3
/// ```
fn on_grid(grid: CellGrid) -> Vec<CellSettings> {
    let columns = f64::from(grid.count).sqrt().ceil() as u32;
    let rows = grid.count.div_ceil(columns);
    let place = |index: u32, count: u32| (f64::from(index) - f64::from(count - 1) / 2.0) * grid.spacing_m;
    let cell = |index: u32| CellSettings {
        name: format!("cell-{}", index + 1),
        x_m: place(index % columns, columns),
        y_m: place(index / columns, rows),
    };
    (0..grid.count).map(cell).collect()
}

/// How devices move; a file of positions names them.
pub(super) fn mobility(
    table: &mut TableReader<'_>,
    devices: &[DeviceSettings],
    files: &InputFiles,
    has_demand: bool,
) -> MobilitySettings {
    needs_demand(table, has_demand);
    let written = table.value("kind");
    let kind = match written {
        None => Moving::Static,
        // Where the kind is wrong, nothing can be said of the keys beside it.
        Some(value) => match table.word_from("kind", value, MOVING) {
            Some(kind) => kind,
            None => return MobilitySettings::Static,
        },
    };
    let usual = if written.is_none() { ", the default" } else { "" };
    let whom = format!("mobility of kind \"{}\"{usual}", word_for(MOVING, kind));
    if kind != Moving::RandomWaypoint {
        let help = "only kind = \"random-waypoint\" has it: take the line away, or choose that kind";
        table.refuse(OF_WAYPOINTS, &whom, help);
    }
    if kind != Moving::Trace {
        let help = "only kind = \"trace\" has it: take the line away, or choose that kind";
        table.refuse(&["file"], &whom, help);
    }
    let read = match kind {
        Moving::Static => None,
        Moving::RandomWaypoint => random_waypoint(table),
        Moving::Trace => tracks(table, devices, files),
    };
    read.unwrap_or(MobilitySettings::Static)
}

fn random_waypoint(table: &mut TableReader<'_>) -> Option<MobilitySettings> {
    for (key, example) in [("speed_min_mps", "speed_min_mps = 0.5"), ("speed_max_mps", "speed_max_mps = 2.0")] {
        if !table.has(key) {
            table.missing(key, example);
        }
    }
    let speed_min_mps = table.optional_number("speed_min_mps", Range::Above(0.0));
    let speed_max_mps = table.optional_number("speed_max_mps", Range::Above(0.0));
    let pause_s = table.number("pause_s", 0.0, Range::AtLeast(0.0));
    let (speed_min_mps, speed_max_mps) = (speed_min_mps?, speed_max_mps?);
    if speed_max_mps < speed_min_mps {
        let message = format!("`speed_max_mps` = {speed_max_mps} is below `speed_min_mps` = {speed_min_mps}");
        table.push_at("speed_max_mps", Problem::new(message).expected(format!("at least {speed_min_mps} in m/s")));
    }
    Some(MobilitySettings::RandomWaypoint { speed_min_mps, speed_max_mps, pause_s })
}

fn tracks(table: &mut TableReader<'_>, devices: &[DeviceSettings], files: &InputFiles) -> Option<MobilitySettings> {
    if !table.has("file") {
        table.missing("file", "file = \"positions.csv\"");
        return None;
    }
    let file = table.path("file", "positions.csv")?;
    // Without devices, which was said already, each name in the file would look wrong.
    if devices.is_empty() {
        return None;
    }
    match files.tracks(&file, &DeviceNames::of(devices)) {
        Ok(tracks) => Some(MobilitySettings::Trace { file, tracks }),
        Err(bad) => {
            bad.report(table, "file", "a CSV file of positions");
            None
        }
    }
}
