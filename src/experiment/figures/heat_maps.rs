//! Numbers of `requests.csv` over two swept fields as colours, averaged over replications.

use super::FigureSource;
use super::rows::{Rows, position, setting_label};
use crate::report::axis_label::{NumberStyle, axis_title, number_style, tick_label};
use crate::report::heat_map::{ColourBar, HeatCell, HeatPanel};
use crate::report::image_grid::Axis;
use crate::report::{Cell, HeatMap};
use crate::scenario::Scenario;

/// What a `[[figure]]` of kind `heat_map` asks for.
pub(super) struct HeatMapWish<'a> {
    pub x: &'a str,
    pub y: &'a str,
    pub value: &'a [String],
    pub device: &'a Option<String>,
    pub title: &'a Option<String>,
    pub mark_maximum: bool,
}

/// One figure per device, each with the part of its file name that tells it from the others. Its panels are the
/// combinations of the swept fields on neither axis, from left to right, and its values from top to bottom.
pub(super) fn heat_maps(
    source: &FigureSource<'_>,
    scenario: &Scenario,
    wish: &HeatMapWish<'_>,
) -> Vec<(String, HeatMap)> {
    let rows = Rows(source.requests);
    let mut devices: Vec<String> = Vec::new();
    for row in source.requests.rows() {
        position(&mut devices, rows.text(row, "device"));
    }
    let several = devices.len() > 1;
    devices.retain(|device| wish.device.as_ref().is_none_or(|wanted| wanted == device));
    let figures = devices.into_iter().map(|device| {
        let rows: Vec<&Vec<Cell>> =
            source.requests.rows().iter().filter(|row| rows.text(row, "device") == device).collect();
        let base = wish.title.clone().unwrap_or_else(|| scenario.study.name.clone());
        let one_of_several = several && wish.device.is_none();
        let (suffix, title) = match one_of_several {
            true => (format!("_{device}"), format!("{base} ({device})")),
            false => (String::new(), base),
        };
        (suffix, heat_map(source, scenario, wish, title, &rows))
    });
    figures.collect()
}

fn heat_map(
    source: &FigureSource<'_>,
    scenario: &Scenario,
    wish: &HeatMapWish<'_>,
    title: String,
    requests: &[&Vec<Cell>],
) -> HeatMap {
    let rows = Rows(source.requests);
    let others: Vec<&String> = source.swept.iter().filter(|field| *field != wish.x && *field != wish.y).collect();
    let (mut xs, mut ys, mut settings) = (Vec::new(), Vec::new(), Vec::new());
    let mut cells: Vec<Vec<Vec<HeatCell>>> = vec![Vec::new(); wish.value.len()];
    for row in requests {
        let setting: Vec<String> = others.iter().map(|field| setting_label(field, &rows.text(row, field))).collect();
        let panel = position(&mut settings, setting.join(", "));
        let place = (position(&mut xs, rows.text(row, wish.x)), position(&mut ys, rows.text(row, wish.y)));
        for (value, panels) in wish.value.iter().zip(&mut cells) {
            panels.resize(panels.len().max(panel + 1), Vec::new());
            let number = rows.number(row, value).filter(|number| number.is_finite());
            add(&mut panels[panel], place, number);
        }
    }
    // Numbers grow upwards; words stand in the order of the sweep, from the top.
    let downwards = ys.iter().any(|y| y.parse::<f64>().is_err());
    let axis = |field: &str, values: &[String]| Axis {
        title: axis_title(field),
        labels: values.iter().map(|value| tick_label(field, value)).collect(),
    };
    let mut y_axis = axis(wish.y, &ys);
    if downwards {
        y_axis.labels.reverse();
        for cell in cells.iter_mut().flatten().flatten() {
            cell.row = ys.len() - 1 - cell.row;
        }
    }
    let partly = cells.iter().flatten().flatten().filter(|cell| cell.n > 0 && cell.missing > 0).count();
    let panels = wish.value.iter().zip(cells).map(|(value, panels)| {
        let titled = panels.into_iter().zip(&settings).map(|(cells, setting)| {
            let of_several = if wish.value.len() > 1 { number_name(value) } else { String::new() };
            let parts = [of_several, setting.clone()];
            let title = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            HeatPanel { title, value: value.clone(), cells, mark: None }
        });
        titled.collect()
    });
    let star = if wish.mark_maximum { " · ☆ highest" } else { "" };
    let replications = scenario.study.replications;
    let mean = match (replications, partly) {
        (1, _) => "n = 1".to_owned(),
        (_, 0) => format!("mean over {replications} replications"),
        _ => format!("mean over up to {replications} replications, {partly} cells without some of them"),
    };
    HeatMap {
        title,
        x: axis(wish.x, &xs),
        y: y_axis,
        colour: ColourBar { title: bar_title(wish.value), style: value_style(&wish.value[0]) },
        panels: panels.collect(),
        mark_maximum: wish.mark_maximum,
        contour: None,
        footer: format!("{} · {mean}{star}", source.footer),
    }
}

/// Adds an observation to the mean of its cell.
fn add(cells: &mut Vec<HeatCell>, (column, row): (usize, usize), number: Option<f64>) {
    let index = match cells.iter().position(|cell| (cell.column, cell.row) == (column, row)) {
        Some(index) => index,
        None => {
            cells.push(HeatCell { column, row, value: None, n: 0, missing: 0 });
            cells.len() - 1
        }
    };
    let cell = &mut cells[index];
    match number {
        Some(number) => {
            cell.n += 1;
            let mean = cell.value.unwrap_or(0.0);
            cell.value = Some(mean + (number - mean) / cell.n as f64);
        }
        None => cell.missing += 1,
    }
}

/// "GA1" of `qoe_GA1`.
fn number_name(column: &str) -> String {
    match column.strip_prefix("qoe_") {
        Some(persona) => persona.to_owned(),
        None if column == "qoe" => "the user".to_owned(),
        None => column.to_owned(),
    }
}

fn bar_title(columns: &[String]) -> String {
    match columns {
        [only] if only == "qoe" => "quality of experience (QoE)".to_owned(),
        [only] => match only.split_once('_') {
            Some(("qoe", persona)) => format!("QoE of {persona}"),
            Some(("ssim", against)) => format!("SSIM against the {} picture", against.replace('_', "-")),
            Some(("mse", against)) => format!("MSE against the {} picture", against.replace('_', "-")),
            _ => axis_title(only),
        },
        _ => "quality of experience (QoE)".to_owned(),
    }
}

fn value_style(column: &str) -> NumberStyle {
    // Names of personas and pictures say nothing of units.
    if ["qoe", "ssim", "mse"].iter().any(|start| column.starts_with(start)) {
        return NumberStyle::Plain;
    }
    number_style(column)
}
