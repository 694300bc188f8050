//! `[[figure]]` with every default filled in.

use super::{float, line, optional, quote, table, texts, word};
use crate::scenario::settings::{FigureKind, FigureSettings, LineSettings};
use crate::scenario::words::{INTERVALS, PICTURE_REFERENCES};
use crate::scenario::{Coordinate, CoordinateValue};

pub(super) fn figure(text: &mut String, settings: &FigureSettings) {
    table(text, "[[figure]]");
    line(text, "kind", quote(kind(&settings.kind)));
    line(text, "name", quote(&settings.name));
    for (key, value) in [("device", &settings.device), ("title", &settings.title)] {
        optional_text(text, key, value.as_ref());
    }
    optional(text, "width_mm", settings.page.width_mm);
    line(text, "dots_per_inch", float(settings.page.dots_per_inch));
    match &settings.kind {
        FigureKind::ImageGrid(grid) => {
            line(text, "x", quote(&grid.x));
            optional_text(text, "y", grid.y.as_ref());
            if !grid.scores.is_empty() {
                line(text, "scores", texts(&grid.scores));
            }
            if let Some(reference) = grid.ssim_against {
                word(text, "ssim_against", PICTURE_REFERENCES, reference);
            }
        }
        FigureKind::HeatMap(map) => {
            line(text, "x", quote(&map.x));
            line(text, "y", quote(&map.y));
            line(text, "value", columns(&map.value));
            line(text, "mark_maximum", map.mark_maximum);
            line(text, "contour_threshold", map.contour_threshold);
            coordinates(text, "mark", &map.mark);
        }
        FigureKind::ScoreDistribution { scores } => line(text, "scores", texts(scores)),
        FigureKind::Line(settings) => lines(text, settings),
        FigureKind::Surface(surface) => {
            line(text, "x", quote(&surface.x));
            line(text, "y", quote(&surface.y));
            line(text, "value", quote(&surface.value));
            coordinates(text, "mark", &surface.mark);
        }
        FigureKind::Scatter(scatter) => {
            line(text, "x", quote(&scatter.x));
            line(text, "value", quote(&scatter.value));
            optional_text(text, "series", scatter.series.as_ref());
            coordinates(text, "at", &scatter.at);
            line(text, "threshold", scatter.threshold);
        }
        FigureKind::Cdf(cdf) => {
            line(text, "value", quote(&cdf.value));
            optional_text(text, "series", cdf.series.as_ref());
            coordinates(text, "at", &cdf.at);
        }
        FigureKind::Box(boxes) => {
            line(text, "x", quote(&boxes.x));
            line(text, "value", quote(&boxes.value));
            optional_text(text, "series", boxes.series.as_ref());
            coordinates(text, "at", &boxes.at);
            line(text, "threshold", boxes.threshold);
        }
        FigureKind::Timeline(timeline) => {
            line(text, "point", timeline.point);
            line(text, "replication", timeline.replication);
            optional(text, "from_s", timeline.from_s);
            optional(text, "to_s", timeline.to_s);
        }
    }
}

fn kind(kind: &FigureKind) -> &'static str {
    match kind {
        FigureKind::ImageGrid(_) => "image_grid",
        FigureKind::HeatMap(_) => "heat_map",
        FigureKind::ScoreDistribution { .. } => "score_distribution",
        FigureKind::Line(_) => "line",
        FigureKind::Surface(_) => "surface",
        FigureKind::Scatter(_) => "scatter",
        FigureKind::Cdf(_) => "cdf",
        FigureKind::Box(_) => "box",
        FigureKind::Timeline(_) => "timeline",
    }
}

fn lines(text: &mut String, settings: &LineSettings) {
    line(text, "x", quote(&settings.x));
    line(text, "value", columns(&settings.value));
    optional_text(text, "series", settings.series.as_ref());
    coordinates(text, "at", &settings.at);
    word(text, "intervals", INTERVALS, settings.intervals);
    line(text, "log_x", settings.log_x);
    line(text, "threshold", settings.threshold);
}

fn optional_text(text: &mut String, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        line(text, key, quote(value));
    }
}

/// One name by itself, several as a list.
fn columns(columns: &[String]) -> String {
    match columns {
        [only] => quote(only),
        several => texts(several),
    }
}

fn coordinates(text: &mut String, key: &str, coordinates: &[Coordinate]) {
    if coordinates.is_empty() {
        return;
    }
    let entries: Vec<String> = coordinates
        .iter()
        .map(|coordinate| {
            let value = match &coordinate.value {
                CoordinateValue::Integer(number) => number.to_string(),
                CoordinateValue::Float(number) => float(*number),
                CoordinateValue::Text(value) => quote(value),
            };
            format!("{} = {value}", quote(&coordinate.path))
        })
        .collect();
    line(text, key, format!("{{ {} }}", entries.join(", ")));
}
