//! Numbers over two swept fields as colours, averaged over replications.

use super::labels::{joined, number_name, value_style, value_title};
use super::plane::{Plane, coordinate, mark_label, position_among};
use super::rows::{Kept, Rows, Shown};
use super::{FigureSource, base_title, footer_with, threshold_label};
use crate::report::axis_label::{axis_title, tick_labels};
use crate::report::heat_map::{ColourBar, ContourLine, HeatMark, HeatPanel};
use crate::report::image_grid::Axis;
use crate::report::{HeatMap, ReportError};
use crate::scenario::{FigureSettings, HeatMapSettings, Scenario};

/// One figure, or one per device, each with the part of its file name that tells it from the others. Its panels are the
/// combinations of the swept fields on neither axis, from left to right, and its values from top to bottom.
pub(super) fn heat_maps(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &HeatMapSettings,
) -> Result<Vec<(String, HeatMap)>, ReportError> {
    let numbers: Vec<&str> = wish.value.iter().map(String::as_str).collect();
    let rows = Rows::read(source, scenario, &numbers, Shown::means(figure.device.as_ref(), None))?;
    let parts = rows.parts(&base_title(scenario, figure), figure.device.as_ref(), false);
    let map = |part: super::rows::Part| {
        let kept = rows.kept(Kept { device: part.device.as_deref(), at: &[] });
        let plane = Plane::of(&rows, &kept, (&wish.x, &wish.y), &wish.value);
        let footer = footer_with(source, figure.device.as_ref(), &[]);
        (part.suffix, heat_map(scenario, wish, part.title, plane, (rows.replications(), footer)))
    };
    Ok(parts.into_iter().map(map).collect())
}

fn heat_map(
    scenario: &Scenario,
    wish: &HeatMapSettings,
    title: String,
    mut plane: Plane,
    (replications, footer): (usize, String),
) -> HeatMap {
    // Numbers grow upwards; words stand in the order of the sweep, from the top.
    if plane.ys.iter().any(|y| y.parse::<f64>().is_err()) {
        let rows = plane.ys.len();
        plane.ys.reverse();
        plane.cells.iter_mut().flatten().flatten().for_each(|cell| cell.row = rows - 1 - cell.row);
    }
    let axis = |field: &str, words: &[String]| Axis { title: axis_title(field), labels: tick_labels(field, words) };
    let star = if wish.mark_maximum { " · ☆ highest" } else { "" };
    let mean = match (replications, plane.partly_missing()) {
        (1, _) => "n = 1".to_owned(),
        (_, 0) => format!("mean over {replications} replications"),
        (_, partly) => format!("mean over up to {replications} replications, {partly} cells without some of them"),
    };
    let place = mark_place(wish, &plane);
    let panels = wish.value.iter().zip(std::mem::take(&mut plane.cells)).map(|(value, panels)| {
        let titled = panels.into_iter().zip(&plane.panels).map(|(cells, setting)| {
            let of_several = if wish.value.len() > 1 { number_name(value) } else { String::new() };
            let mark = place.clone().filter(|_| setting.is_for(&wish.mark));
            HeatPanel { title: joined([of_several.as_str(), &setting.label]), value: value.clone(), cells, mark }
        });
        titled.collect()
    });
    HeatMap {
        title,
        panels: panels.collect(),
        x: axis(&wish.x, &plane.xs),
        y: axis(&wish.y, &plane.ys),
        colour: ColourBar { title: value_title(&wish.value), style: value_style(&wish.value[0]) },
        mark_maximum: wish.mark_maximum,
        contour: wish
            .contour_threshold
            .then(|| ContourLine { level: scenario.judge.qoe_threshold, label: threshold_label(scenario) }),
        footer: format!("{footer} · {mean}{star}"),
    }
}

/// Where the chosen allocation stands in the panels that it is for.
fn mark_place(wish: &HeatMapSettings, plane: &Plane) -> Option<HeatMark> {
    let column = position_among(&plane.xs, coordinate(&wish.mark, &wish.x)?)?;
    let row = position_among(&plane.ys, coordinate(&wish.mark, &wish.y)?)?;
    Some(HeatMark { column, row, label: mark_label(&wish.mark) })
}
