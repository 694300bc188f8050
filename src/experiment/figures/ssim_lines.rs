//! SSIM against a swept number, one line per device and per combination of the other swept fields.

use super::FigureSource;
use crate::experiment::statistics::Summary;
use crate::report::axis_label::{NumberStyle, axis_title, number_style, tick_label};
use crate::report::line_plot::{Intervals, LinePlot, NumberAxis, Point, Series};
use crate::scenario::{PictureReference, Scenario};

/// More lines than this cannot be told apart.
const MOST_LINES: usize = 8;

/// A line in the making: points in the order of the table.
struct Line {
    name: String,
    points: Vec<ObservedPoint>,
}

/// What the replications of one point gave; failed pictures give nothing.
struct ObservedPoint {
    x: f64,
    observations: Vec<f64>,
}

/// The plot of the mean SSIM over replications, with 95 % intervals where there are several; `None` where `x` is no
/// number, has one value only, or where there would be more than eight lines.
pub(super) fn ssim_lines(
    source: &FigureSource<'_>,
    scenario: &Scenario,
    x: &str,
    against: PictureReference,
) -> Option<LinePlot> {
    let table = source.requests;
    let ssim = table.column_index(&format!("ssim_{}", against.column_suffix()))?;
    let x_column = table.column_index(x)?;
    let device = table.column_index("device")?;
    let others: Vec<(&String, usize)> = source
        .swept
        .iter()
        .filter(|field| field.as_str() != x)
        .filter_map(|field| Some((field, table.column_index(field)?)))
        .collect();

    let mut lines: Vec<Line> = Vec::new();
    for row in table.rows() {
        let value = row[x_column].number()?;
        let mut names = Vec::new();
        if scenario.devices.len() > 1 {
            names.push(row[device].to_csv_field());
        }
        names.extend(others.iter().map(|(field, column)| {
            let name = field.rsplit('.').next().unwrap_or(field);
            format!("{name} = {}", tick_label(field, &row[*column].to_csv_field()))
        }));
        let name = if names.is_empty() { row[device].to_csv_field() } else { names.join(", ") };
        let line = entry(&mut lines, |line| line.name == name, || Line { name: name.clone(), points: Vec::new() });
        let new_point = || ObservedPoint { x: value, observations: Vec::new() };
        entry(&mut line.points, |point| point.x == value, new_point).observations.extend(row[ssim].number());
    }
    let most_points = lines.iter().map(|line| line.points.len()).max()?;
    if most_points < 2 || lines.len() > MOST_LINES {
        return None;
    }
    let series = lines
        .into_iter()
        .map(|line| Series { name: line.name, points: line.points.into_iter().map(summarised).collect() })
        .collect();
    Some(LinePlot {
        title: format!("{}: SSIM against the {} picture", scenario.study.name, against.name()),
        x: NumberAxis { name: x.to_owned(), title: axis_title(x), style: number_style(x), log: false },
        y: NumberAxis {
            name: "ssim".to_owned(),
            title: "structural similarity (SSIM)".to_owned(),
            style: NumberStyle::Plain,
            log: false,
        },
        series,
        intervals: Intervals::Bars,
        reference_lines: Vec::new(),
        footer: format!("{} · n = {}", source.footer, scenario.study.replications),
    })
}

fn summarised(ObservedPoint { x, observations }: ObservedPoint) -> Point {
    match Summary::of(observations) {
        Ok(summary) => Point {
            x,
            y: Some(summary.mean),
            low_95: summary.half_width_95.map(|half_width| summary.mean - half_width),
            high_95: summary.half_width_95.map(|half_width| summary.mean + half_width),
            n: summary.n,
        },
        // Every picture of this point failed.
        Err(_) => Point { x, y: None, low_95: None, high_95: None, n: 0 },
    }
}

/// The first entry that fits, or a new one at the end.
fn entry<T>(entries: &mut Vec<T>, fits: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let index = entries.iter().position(fits).unwrap_or_else(|| {
        entries.push(new());
        entries.len() - 1
    });
    &mut entries[index]
}
