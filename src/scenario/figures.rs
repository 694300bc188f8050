//! `[[figure]]`: what is drawn after the run.

mod rated;

use super::check::{entries, table_schema, unsafe_name};
use super::error::Problem;
use super::path::resolve;
use super::reader::TableReader;
use super::settings::{DeviceSettings, FigureSettings, JudgeKind, JudgeSettings, PictureReference};
use super::sweep::Axis;
use super::tree::{Table, Value};
use super::words::{PICTURE_REFERENCES, Words, alternatives, nearest, word_for};

pub use rated::REQUEST_NUMBERS;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    ImageGrid,
    HeatMap,
    ScoreDistribution,
}

const KINDS: Words<Kind> =
    &[("image_grid", Kind::ImageGrid), ("heat_map", Kind::HeatMap), ("score_distribution", Kind::ScoreDistribution)];

/// Keys that only some kinds have.
const KEYS: &[(&str, &[Kind])] = &[
    ("x", &[Kind::ImageGrid, Kind::HeatMap]),
    ("y", &[Kind::ImageGrid, Kind::HeatMap]),
    ("scores", &[Kind::ImageGrid, Kind::ScoreDistribution]),
    ("ssim_against", &[Kind::ImageGrid]),
    ("value", &[Kind::HeatMap]),
    ("mark_maximum", &[Kind::HeatMap]),
];

/// Panels of a score distribution that fit on a page.
const MOST_PANELS: usize = 12;

/// What of the scenario figures depend on.
pub(super) struct Surroundings<'a> {
    pub(super) metrics_against: &'a [PictureReference],
    pub(super) devices: &'a [DeviceSettings],
    pub(super) judge: &'a JudgeSettings,
    /// False where problems elsewhere may have kept personas from being known.
    pub(super) judge_is_known: bool,
    pub(super) axes: &'a [Axis],
}

pub(super) fn read(root: &Table, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Vec<FigureSettings> {
    let mut names: Vec<String> = Vec::new();
    let mut figures = Vec::new();
    for (index, value) in entries(root, "figure", problems).iter().enumerate() {
        let mut table = TableReader::open(table_schema("figure"), Some(value), problems);
        let kind = if table.has("kind") {
            table.value("kind").and_then(|kind| table.word_from("kind", kind, KINDS))
        } else {
            let problem = Problem::new("the figure lacks `kind`").at(&value.origin);
            let kinds = alternatives(KINDS.iter().map(|(word, _)| *word));
            table.push(problem.expected(format!("kind = {kinds} in this table")));
            None
        };
        let name = name(&mut table, value, index, &names);
        names.push(name.clone());
        // Where the kind is wrong, nothing can be said of the other keys.
        let Some(kind) = kind else { continue };
        for (key, _) in KEYS.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
            let whom = format!("a figure of kind \"{}\"", word_for(KINDS, kind));
            table.refuse(&[*key], &whom, "take the line away");
        }
        figures.push(match kind {
            Kind::ImageGrid => image_grid(&mut table, value, name, root, around),
            Kind::HeatMap => heat_map(&mut table, value, name, root, around),
            Kind::ScoreDistribution => score_distribution(&mut table, value, name, around),
        });
    }
    figures
}

fn image_grid(
    table: &mut TableReader<'_>,
    figure: &Value,
    name: String,
    root: &Table,
    around: &Surroundings<'_>,
) -> FigureSettings {
    pictures_are_made(table, figure, around);
    let x = needed_field(table, "x", "columns", figure, &name, root, around);
    let y = swept_field(table, "y", root, around.axes);
    differ(table, figure, (&x, &y), "another field than `x`, or no `y`");
    let device = device(table, figure, around.devices);
    let title = table.text("title");
    let scores = rated::scores(table, around);
    let ssim_against = ssim_against(table, figure, around.metrics_against, scores.is_empty());
    FigureSettings::ImageGrid { name, x: x.unwrap_or_default(), y, device, title, scores, ssim_against }
}

fn heat_map(
    table: &mut TableReader<'_>,
    figure: &Value,
    name: String,
    root: &Table,
    around: &Surroundings<'_>,
) -> FigureSettings {
    let x = needed_field(table, "x", "columns", figure, &name, root, around);
    let y = needed_field(table, "y", "rows", figure, &name, root, around);
    differ(table, figure, (&x, &y), "another field than `x`");
    FigureSettings::HeatMap {
        name,
        x: x.unwrap_or_default(),
        y: y.unwrap_or_default(),
        value: rated::value(table, figure, around),
        device: device(table, figure, around.devices),
        title: table.text("title"),
        mark_maximum: table.flag("mark_maximum", false),
    }
}

fn score_distribution(
    table: &mut TableReader<'_>,
    figure: &Value,
    name: String,
    around: &Surroundings<'_>,
) -> FigureSettings {
    let device = device(table, figure, around.devices);
    let mut scores = rated::scores(table, around);
    if !table.has("scores") {
        scores = around.judge.panel.iter().map(|persona| persona.name.clone()).collect();
    }
    if scores.is_empty() && around.judge_is_known && table.value("scores").is_none_or(is_empty_list) {
        let problem = Problem::new(format!("the figure \"{name}\" shows nobody's scores"));
        let problem = at_key(table, "scores", figure, problem).expected("at least one persona in `scores`");
        table.push(problem.help("name personas that rate the pictures, say\n  scores = [\"GA1\", \"GA2\"]"));
    }
    let points: usize = around.axes.iter().map(|axis| axis.values.len()).product();
    let panels = points * if device.is_some() { 1 } else { around.devices.len() };
    if panels > MOST_PANELS {
        let problem = Problem::new(format!("the figure \"{name}\" would have {panels} pictures")).at(&figure.origin);
        let problem = problem.expected(format!("at most {MOST_PANELS}, one for each device and point of the sweep"));
        table.push(problem.help("sweep less, or name one `device`"));
    }
    FigureSettings::ScoreDistribution { name, scores, device, title: table.text("title") }
}

fn is_empty_list(value: &Value) -> bool {
    matches!(&value.data, super::tree::Data::List(list) if list.is_empty())
}

/// A grid needs pictures, which the surface does without.
fn pictures_are_made(table: &mut TableReader<'_>, figure: &Value, around: &Surroundings<'_>) {
    if matches!(around.judge.kind, JudgeKind::Surface(_)) {
        let problem = Problem::new("the figure shows pictures, but a judge of kind \"surface\" has none made");
        let problem = at_key(table, "kind", figure, problem).expected("\"heat_map\" or \"score_distribution\"");
        table.push(problem.help("draw numbers instead, or take `kind = \"surface\"` under [judge] away"));
    }
}

/// A swept field that the figure must have.
fn needed_field(
    table: &mut TableReader<'_>,
    key: &str,
    along: &str,
    figure: &Value,
    name: &str,
    root: &Table,
    around: &Surroundings<'_>,
) -> Option<String> {
    if !table.has(key) {
        let problem = Problem::new(format!("the figure \"{name}\" lacks `{key}`")).at(&figure.origin);
        let problem = problem.expected(format!("`{key}` in this table"));
        let help = format!("name the swept field along the {along}, say\n  {key} = {}", example(around.axes));
        table.push(problem.help(help));
    }
    swept_field(table, key, root, around.axes)
}

fn differ(table: &mut TableReader<'_>, figure: &Value, axes: (&Option<String>, &Option<String>), expected: &str) {
    if let (Some(x), Some(y)) = axes
        && x == y
    {
        let problem = Problem::new(format!("`x` and `y` are both \"{x}\""));
        table.push(at_key(table, "y", figure, problem).expected(expected));
    }
}

fn at_key(table: &TableReader<'_>, key: &str, figure: &Value, problem: Problem) -> Problem {
    problem.at(table.origin(key).unwrap_or(&figure.origin))
}

fn name(table: &mut TableReader<'_>, value: &Value, index: usize, before: &[String]) -> String {
    let name = table.text("name").unwrap_or_else(|| format!("figure-{}", index + 1));
    if let Some(fault) = unsafe_name(&name) {
        let problem = Problem::new(format!("`name` = \"{name}\" {fault}"));
        let problem = at_key(table, "name", value, problem);
        table.push(problem.expected("a file name without extension: letters, digits, `-`, `_` and `.`"));
    }
    if before.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
        let problem = at_key(table, "name", value, Problem::new(format!("two figures are called \"{name}\"")));
        table.push(problem.expected("a name of its own, for the file"));
    }
    name
}

/// A field along an axis of the figure: one that is swept, called as `[sweep]` calls it.
fn swept_field(table: &mut TableReader<'_>, key: &str, root: &Table, axes: &[Axis]) -> Option<String> {
    let value = table.value(key)?;
    let path = table.text_from(key, value)?;
    let fault = match resolve(&path, root) {
        Err(fault) => Problem::new(fault.message).help(fault.help),
        Ok(field) => match axes.iter().find(|axis| axis.field.is_same(&field)) {
            Some(axis) => return Some(axis.path.clone()),
            None => Problem::new(format!("`{key}` = \"{path}\" is not swept"))
                .help(format!("add it:\n  [sweep]\n  \"{path}\" = [ … ]")),
        },
    };
    let expected = match axes {
        [] => "a field of a [sweep] table, which this scenario lacks".to_owned(),
        _ => format!("a swept field: {}", alternatives(axes.iter().map(|axis| axis.path.as_str()))),
    };
    table.push(fault.at(&value.origin).expected(expected));
    None
}

fn example(axes: &[Axis]) -> String {
    format!("\"{}\"", axes.first().map_or("radio.bit_error_probability", |axis| &axis.path))
}

fn device(table: &mut TableReader<'_>, figure: &Value, devices: &[DeviceSettings]) -> Option<String> {
    let name = table.text("device")?;
    let known = || devices.iter().map(|device| device.name.as_str());
    if known().any(|known| known == name) {
        return Some(name);
    }
    let problem = Problem::new(format!("no device is called \"{name}\"")).expected(alternatives(known()));
    let problem = match nearest(&name, known()) {
        Some(near) => problem.help(format!("did you mean \"{near}\"?")),
        None => problem.help("name a [[device]], or leave the line out for every device"),
    };
    table.push(at_key(table, "device", figure, problem));
    None
}

/// The reference must be one the study measures; left out, it is the first of those, or none under `scores`.
fn ssim_against(
    table: &mut TableReader<'_>,
    figure: &Value,
    metrics_against: &[PictureReference],
    is_usual: bool,
) -> Option<PictureReference> {
    if !table.has("ssim_against") {
        return metrics_against.first().copied().filter(|_| is_usual);
    }
    let first = metrics_against.first().copied().unwrap_or(PictureReference::ErrorFree);
    let reference = table.word("ssim_against", first, PICTURE_REFERENCES);
    if !metrics_against.contains(&reference) {
        let word = word_for(PICTURE_REFERENCES, reference);
        let problem = Problem::new(format!("the figure needs the SSIM against \"{word}\", which is not measured"));
        let measured = metrics_against.iter().map(|reference| word_for(PICTURE_REFERENCES, *reference));
        let expected = match metrics_against {
            [] => "a reference that `diffusion.metrics_against` names".to_owned(),
            _ => alternatives(measured),
        };
        let problem = at_key(table, "ssim_against", figure, problem).expected(expected);
        table.push(problem.help(format!("add \"{word}\" to `metrics_against` under [diffusion]")));
    }
    Some(reference)
}
