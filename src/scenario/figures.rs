//! `[[figure]]`: what is drawn after the run.
//!
//! ```text
//!  [[figure]] ─► kind ─► keys that go with it ─► pictures ─ numbers ─► FigureSettings
//!                                                    │         │
//!                          swept fields ─────────────┴─────────┤
//!                          columns of requests.csv, runs.csv ──┘
//! ```

mod columns;
mod coordinates;
mod numbers;
mod pictures;
mod rated;
mod swept;

use super::check::{entries, table_schema, unsafe_name};
use super::error::Problem;
use super::range::Range;
use super::reader::TableReader;
use super::schema::FIGURE;
use super::settings::{
    DeviceSettings, FigureKind, FigureSettings, JudgeSettings, PageSettings, PictureReference, SERIES_OF_DEVICES,
    TimelineSettings,
};
use super::sweep::Axis;
use super::tree::{Data, Table, Value};
use super::words::{Words, alternatives, nearest, word_for};

pub use columns::{
    LIVE_REQUEST_NUMBERS, LIVE_RUN_NUMBERS, REQUEST_NUMBERS, RUN_NUMBERS, SharedAxis, is_of_runs, request_numbers,
    run_numbers, shared_axis,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    ImageGrid,
    HeatMap,
    ScoreDistribution,
    Line,
    Surface,
    Scatter,
    Cdf,
    Box,
    Timeline,
}

const KINDS: Words<Kind> = &[
    ("image_grid", Kind::ImageGrid),
    ("heat_map", Kind::HeatMap),
    ("score_distribution", Kind::ScoreDistribution),
    ("line", Kind::Line),
    ("surface", Kind::Surface),
    ("scatter", Kind::Scatter),
    ("cdf", Kind::Cdf),
    ("box", Kind::Box),
    ("timeline", Kind::Timeline),
];

/// Keys that only some kinds have.
const KEYS: &[(&str, &[Kind])] = &[
    ("x", &[Kind::ImageGrid, Kind::HeatMap, Kind::Line, Kind::Surface, Kind::Scatter, Kind::Box]),
    ("y", &[Kind::ImageGrid, Kind::HeatMap, Kind::Surface]),
    (
        "device",
        &[
            Kind::ImageGrid,
            Kind::HeatMap,
            Kind::ScoreDistribution,
            Kind::Line,
            Kind::Surface,
            Kind::Scatter,
            Kind::Cdf,
            Kind::Box,
        ],
    ),
    ("scores", &[Kind::ImageGrid, Kind::ScoreDistribution]),
    ("ssim_against", &[Kind::ImageGrid]),
    ("value", &[Kind::HeatMap, Kind::Line, Kind::Surface, Kind::Scatter, Kind::Cdf, Kind::Box]),
    ("series", &[Kind::Line, Kind::Scatter, Kind::Cdf, Kind::Box]),
    ("at", &[Kind::Line, Kind::Scatter, Kind::Cdf, Kind::Box]),
    ("intervals", &[Kind::Line]),
    ("log_x", &[Kind::Line]),
    ("threshold", &[Kind::Line, Kind::Scatter, Kind::Box]),
    ("mark_maximum", &[Kind::HeatMap]),
    ("contour_threshold", &[Kind::HeatMap]),
    ("mark", &[Kind::HeatMap, Kind::Surface]),
    ("point", &[Kind::Timeline]),
    ("replication", &[Kind::Timeline]),
    ("from_s", &[Kind::Timeline]),
    ("to_s", &[Kind::Timeline]),
];

/// What of the scenario figures depend on.
pub(super) struct Surroundings<'a> {
    pub(super) metrics_against: &'a [PictureReference],
    pub(super) devices: &'a [DeviceSettings],
    pub(super) judge: &'a JudgeSettings,
    /// False where problems elsewhere may have kept personas from being known.
    pub(super) judge_is_known: bool,
    /// Most replications that a point has.
    pub(super) replications: u32,
    pub(super) axes: &'a [Axis],
}

/// One `[[figure]]` under the reader's eyes.
struct Entry<'a, 'r> {
    table: TableReader<'a>,
    value: &'a Value,
    name: &'r str,
    root: &'a Table,
    around: &'r Surroundings<'r>,
    time: TimeSettings,
    /// Whether it shows means over the requests of all devices together.
    shows_means: bool,
}

/// Whether a `[[figure]]` is of one device, or tells devices apart.
fn is_of_devices(figure: &Value) -> bool {
    let Data::Table(figure) = &figure.data else { return false };
    let series = figure.get("series").map(|series| &series.data);
    figure.get("device").is_some() || matches!(series, Some(Data::Text(word)) if word == SERIES_OF_DEVICES)
}

/// What tables the study has, by its `[demand]` and `[analysis]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TimeSettings {
    /// Whether its runs are runs in time.
    is_live: bool,
    writes_requests: bool,
}

impl TimeSettings {
    fn of(root: &Table) -> Self {
        let analysis = match root.get("analysis").map(|value| &value.data) {
            Some(Data::Table(table)) => table.get("write_requests").map(|value| &value.data),
            _ => None,
        };
        let is_live = root.get("demand").is_some();
        Self { is_live, writes_requests: !is_live || !matches!(analysis, Some(Data::Boolean(false))) }
    }
}

pub(super) fn read(root: &Table, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Vec<FigureSettings> {
    let mut names: Vec<String> = Vec::new();
    let mut figures = Vec::new();
    for (index, value) in entries(root, FIGURE, problems).iter().enumerate() {
        let mut table = TableReader::open(table_schema(FIGURE), Some(value), problems);
        let kind = if table.has("kind") {
            table.value("kind").and_then(|kind| table.word_from("kind", kind, KINDS))
        } else {
            let problem = Problem::new("the figure lacks `kind`").at(&value.origin);
            let kinds = alternatives(KINDS.iter().map(|(word, _)| *word));
            table.push(problem.expected(format!("kind = {kinds} in this table")));
            None
        };
        let name = name(&mut table, value, index, &names, around);
        names.push(name.clone());
        // Where the kind is wrong, nothing can be said of the other keys.
        let Some(kind) = kind else { continue };
        for (key, _) in KEYS.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
            let whom = format!("a figure of kind \"{}\"", word_for(KINDS, kind));
            table.refuse(&[*key], &whom, "take the line away");
        }
        let time = TimeSettings::of(root);
        let shows_means = matches!(kind, Kind::Line | Kind::HeatMap | Kind::Surface) && !is_of_devices(value);
        let mut entry = Entry { table, value, name: &name, root, around, time, shows_means };
        let device = if kind == Kind::Timeline { None } else { entry.device() };
        let page = entry.page();
        let kind = match kind {
            Kind::ImageGrid => pictures::image_grid(&mut entry),
            Kind::ScoreDistribution => pictures::score_distribution(&mut entry, device.is_some()),
            Kind::HeatMap => numbers::heat_map(&mut entry),
            Kind::Surface => numbers::surface(&mut entry),
            Kind::Line => numbers::line(&mut entry),
            Kind::Scatter => numbers::scatter(&mut entry),
            Kind::Cdf => numbers::cdf(&mut entry),
            Kind::Box => numbers::boxes(&mut entry),
            Kind::Timeline => timeline(&mut entry),
        };
        let title = entry.table.text("title");
        figures.push(FigureSettings { name, title, device, page, kind });
    }
    figures
}

fn timeline(entry: &mut Entry<'_, '_>) -> FigureKind {
    let points = swept::point_count(entry.around.axes) as u64;
    let last = |count: u64| count.saturating_sub(1).min(u32::MAX.into());
    let timeline = TimelineSettings {
        point: entry.table.integer("point", 0, 0, last(points)) as u32,
        replication: entry.table.integer("replication", 0, 0, last(entry.around.replications.into())) as u32,
        from_s: entry.table.optional_number("from_s", Range::AtLeast(0.0)),
        to_s: entry.table.optional_number("to_s", Range::Above(0.0)),
    };
    if let (Some(from_s), Some(to_s)) = (timeline.from_s, timeline.to_s)
        && from_s >= to_s
    {
        let problem = Problem::new(format!("`to_s` = {to_s} is not after `from_s` = {from_s}"));
        entry.push_at("to_s", problem.expected(format!("a time after {from_s} s")));
    }
    FigureKind::Timeline(timeline)
}

fn name(
    table: &mut TableReader<'_>,
    value: &Value,
    index: usize,
    before: &[String],
    around: &Surroundings<'_>,
) -> String {
    let name = table.text("name").unwrap_or_else(|| format!("figure-{}", index + 1));
    let origin = table.origin("name").unwrap_or(&value.origin);
    if let Some(fault) = unsafe_name(&name) {
        let problem = Problem::new(format!("`name` = \"{name}\" {fault}")).at(origin);
        table.push(problem.expected("a file name without extension: letters, digits, `-`, `_` and `.`"));
    }
    if before.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
        let problem = Problem::new(format!("two figures are called \"{name}\"")).at(origin);
        table.push(problem.expected("a name of its own, for the file"));
    } else if name.eq_ignore_ascii_case(ENERGY) {
        let problem = Problem::new(format!("\"{name}\" is the figure of energies that each study gets")).at(origin);
        table.push(problem.expected("a name of its own, for the file"));
    } else if let Some(other) = before.iter().find(|other| {
        let devices = around.devices.iter().map(|device| device.name.as_str());
        writes_over(other, &name, devices.clone()) || writes_over(&name, other, devices)
    }) {
        let problem = Problem::new(format!("the files of \"{name}\" and \"{other}\" would have one name")).at(origin);
        let help = "a figure may write several files, of its similarities (NAME_ssim) or one for each device";
        table.push(problem.expected("a name that is not another one with `_ssim` or a device behind it").help(help));
    }
    name
}

/// The name of the figure that is drawn whatever a scenario asks for.
pub const ENERGY: &str = "energy";

/// Whether `longer` may be a file of the figure `name`, which puts what tells its files apart behind its name.
fn writes_over<'a>(name: &str, longer: &str, devices: impl Iterator<Item = &'a str>) -> bool {
    let (name, longer) = (name.to_ascii_lowercase(), longer.to_ascii_lowercase());
    let Some(rest) = longer.strip_prefix(&name).and_then(|rest| rest.strip_prefix('_')) else { return false };
    rest == "ssim" || devices.map(str::to_ascii_lowercase).any(|device| rest.starts_with(&device))
}

impl Entry<'_, '_> {
    /// A problem at the value of `key`, or where the figure begins.
    fn push_at(&mut self, key: &str, problem: Problem) {
        let origin = self.table.origin(key).unwrap_or(&self.value.origin);
        self.table.push(problem.at(origin));
    }

    fn page(&mut self) -> PageSettings {
        let usual = PageSettings::default();
        PageSettings {
            width_mm: self.table.optional_number("width_mm", Range::Between(20.0, 2000.0)),
            dots_per_inch: self.table.number("dots_per_inch", usual.dots_per_inch, Range::Between(36.0, 1200.0)),
        }
    }

    fn device(&mut self) -> Option<String> {
        let name = self.table.text("device")?;
        let known = || self.around.devices.iter().map(|device| device.name.as_str());
        if known().any(|known| known == name) {
            return Some(name);
        }
        let problem = Problem::new(format!("no device is called \"{name}\"")).expected(alternatives(known()));
        let problem = match nearest(&name, known()) {
            Some(near) => problem.help(format!("did you mean \"{near}\"?")),
            None => problem.help("name a [[device]], or leave the line out for every device"),
        };
        self.push_at("device", problem);
        None
    }
}
