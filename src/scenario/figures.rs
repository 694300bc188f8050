//! `[[figure]]`: what is drawn after the run.

use super::check::{entries, table_schema, unsafe_name};
use super::error::Problem;
use super::path::resolve;
use super::reader::TableReader;
use super::settings::{DeviceSettings, FigureSettings, PictureReference};
use super::sweep::Axis;
use super::tree::{Table, Value};
use super::words::{PICTURE_REFERENCES, Words, alternatives, nearest, word_for};

const KINDS: Words<()> = &[("image_grid", ())];

pub(super) fn read(
    root: &Table,
    metrics_against: &[PictureReference],
    devices: &[DeviceSettings],
    axes: &[Axis],
    problems: &mut Vec<Problem>,
) -> Vec<FigureSettings> {
    let mut names: Vec<String> = Vec::new();
    let mut figures = Vec::new();
    for (index, value) in entries(root, "figure", problems).iter().enumerate() {
        let mut table = TableReader::open(table_schema("figure"), Some(value), problems);
        if table.has("kind") {
            table.word("kind", (), KINDS);
        } else {
            let problem = Problem::new("the figure lacks `kind`").at(&value.origin);
            table.push(problem.expected("kind = \"image_grid\" in this table"));
        }
        let name = name(&mut table, value, index, &names);
        names.push(name.clone());
        if !table.has("x") {
            let problem = Problem::new(format!("the figure \"{name}\" lacks `x`")).at(&value.origin);
            let problem = problem.expected("an `x` in this table");
            table.push(problem.help(format!("name the swept field along the columns, say\n  x = {}", example(axes))));
        }
        let x = swept_field(&mut table, "x", root, axes);
        let y = swept_field(&mut table, "y", root, axes);
        if let (Some(x), Some(y)) = (&x, &y)
            && x == y
        {
            let problem = Problem::new(format!("`x` and `y` are both \"{x}\""));
            table.push(at_key(&table, "y", value, problem).expected("another field than `x`, or no `y`"));
        }
        let figure = FigureSettings::ImageGrid {
            name,
            x: x.unwrap_or_default(),
            y,
            device: device(&mut table, value, devices),
            title: table.text("title"),
            ssim_against: ssim_against(&mut table, value, metrics_against),
        };
        figures.push(figure);
    }
    figures
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
        None => problem.help("name a [[device]], or leave the line out for one grid per device"),
    };
    table.push(at_key(table, "device", figure, problem));
    None
}

/// The reference must be one the study measures; left out, it is the first of those.
fn ssim_against(table: &mut TableReader<'_>, figure: &Value, metrics_against: &[PictureReference]) -> PictureReference {
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
    reference
}
