//! Means over a swept number as lines, with 95 % Student-t intervals over replications; where there is one run in time,
//! with its own.
//!
//! ```text
//!  rows ─► (line, x, replication): mean ─► (line, x): Summary over replications ─► Point
//! ```

use std::collections::BTreeMap;

use super::labels::{field_axis, joined, number_name, value_axis};
use super::rows::{Kept, Rows, Shown, as_numbers};
use super::run_intervals::RunIntervals;
use super::{FigureSource, base_title, footer_with, threshold_line};
use crate::experiment::statistics::Summary;
use crate::report::line_plot::{Intervals, LinePlot, Point, Series};
use crate::report::{NumberAxis, ReportError};
use crate::scenario::{FigureSettings, IntervalStyle, LineSettings, SERIES_OF_DEVICES, Scenario};

/// One plot, or one per device, each with the part of its file name that tells it from the others.
pub(super) fn lines(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &LineSettings,
) -> Result<Vec<(String, LinePlot)>, ReportError> {
    let numbers: Vec<&str> = wish.value.iter().map(String::as_str).collect();
    let shown = Shown::means(figure.device.as_ref(), wish.series.as_ref());
    let rows = Rows::read(source, scenario, &numbers, shown)?;
    let is_of_devices = wish.series.as_deref() == Some(SERIES_OF_DEVICES);
    let parts = rows.parts(&base_title(scenario, figure), figure.device.as_ref(), is_of_devices);
    let plot = |part: super::rows::Part| {
        let kept = rows.kept(Kept { device: part.device.as_deref(), at: &wish.at });
        let shown: Vec<&str> = [wish.x.as_str()].into_iter().chain(wish.series.as_deref()).collect();
        rows.must_not_mix(&part.title, &kept, &shown)?;
        let of_series = rows.series(wish.series.as_ref());
        let mut series = Vec::new();
        let mut has_run_intervals = false;
        for column in &wish.value {
            let name = if wish.value.len() > 1 { number_name(column) } else { String::new() };
            let intervals = RunIntervals::read(source, scenario, &rows, column)?;
            has_run_intervals |= intervals.are_there();
            let interval = |row: usize| intervals.of(&rows, row);
            let lines = means_over(&rows, &kept, &wish.x, rows.numbers(column), |row| of_series.code(row), interval);
            series.extend(
                lines
                    .into_iter()
                    .map(|(code, points)| Series { name: joined([name.as_str(), &of_series.name(code)]), points }),
            );
        }
        let shown = footer_with(source, figure.device.as_ref(), &wish.at);
        let note = if has_run_intervals { " · 95 % interval of one run".to_owned() } else { interval_note(&series) };
        let footer = format!("{shown}{note}");
        let plot = LinePlot {
            title: part.title,
            x: field_axis(&wish.x, wish.log_x),
            y: value_axis(&wish.value),
            series,
            intervals: match wish.intervals {
                IntervalStyle::Bars => Intervals::Bars,
                IntervalStyle::Band => Intervals::Band,
            },
            reference_lines: threshold_line(scenario, wish.threshold),
            footer,
        };
        Ok((part.suffix, plot))
    };
    parts.into_iter().map(plot).collect()
}

/// For each line the points over the swept number `x`. What a replication observes at one place, several requests say,
/// is one observation: its mean. Where one row is all there is, it may have an `interval` of its own.
pub(super) fn means_over(
    rows: &Rows,
    kept: &[usize],
    x: &str,
    numbers: &[f64],
    line: impl Fn(usize) -> usize,
    interval: impl Fn(usize) -> Option<(f64, f64)>,
) -> Vec<(usize, Vec<Point>)> {
    let (x, replication) = (rows.words(x), rows.words("replication"));
    let Some(places) = as_numbers(x.words()) else {
        return Vec::new();
    };
    let mut observed: BTreeMap<(usize, usize), BTreeMap<usize, Mean>> = BTreeMap::new();
    for &row in kept {
        let of_replications = observed.entry((line(row), x.code(row))).or_default();
        if numbers[row].is_finite() {
            of_replications.entry(replication.code(row)).or_default().add(row, numbers[row]);
        }
    }
    let mut lines: Vec<(usize, Vec<Point>)> = Vec::new();
    for ((line, at), of_replications) in observed {
        let only = of_replications.values().next().filter(|mean| of_replications.len() == 1 && mean.n == 1);
        let own = only.and_then(|mean| interval(mean.row));
        let mut point = summarised(places[at], of_replications.into_values().map(|mean| mean.value));
        if let Some((low, high)) = own {
            (point.low_95, point.high_95) = (Some(low), Some(high));
        }
        match lines.last_mut() {
            Some((last, points)) if *last == line => points.push(point),
            _ => lines.push((line, vec![point])),
        }
    }
    lines
}

/// The mean of what was added.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    n: u64,
    value: f64,
    /// The last row that was added.
    row: usize,
}

impl Mean {
    fn add(&mut self, row: usize, number: f64) {
        self.row = row;
        self.n += 1;
        self.value += (number - self.value) / self.n as f64;
    }
}

fn summarised(x: f64, observations: impl Iterator<Item = f64>) -> Point {
    match Summary::of(observations) {
        Ok(Summary { n, mean, half_width_95, .. }) => Point {
            x,
            y: Some(mean),
            low_95: half_width_95.map(|half_width| mean - half_width),
            high_95: half_width_95.map(|half_width| mean + half_width),
            n,
        },
        // Every picture or score of this point failed.
        Err(_) => Point { x, y: None, low_95: None, high_95: None, n: 0 },
    }
}

/// How many replications are behind the means.
pub(super) fn interval_note(series: &[Series]) -> String {
    let counts = || series.iter().flat_map(|series| &series.points).map(|point| point.n).filter(|n| *n > 0);
    match (counts().min(), counts().max()) {
        (Some(1), Some(1)) | (None, _) | (_, None) => " · n = 1".to_owned(),
        (Some(low), Some(high)) if low == high => format!(" · mean and 95 % interval, n = {high}"),
        (Some(low), Some(high)) => format!(" · mean and 95 % interval, n = {low} to {high}"),
    }
}

/// More lines than this cannot be told apart.
const MOST_LINES: usize = 8;

/// The SSIM beside a picture grid, one line per device and combination of the other swept fields; `None` where `x` is no
/// number, has one value only, or where there would be more than eight lines.
pub(super) fn ssim_lines(
    source: &FigureSource,
    scenario: &Scenario,
    x: &str,
    against: crate::scenario::PictureReference,
) -> Result<Option<LinePlot>, ReportError> {
    if !source.swept.iter().any(|field| field == x) {
        return Ok(None);
    }
    let column = format!("ssim_{}", against.column_suffix());
    let rows = Rows::read(source, scenario, &[&column], Shown::Means)?;
    let kept = rows.kept(Kept { device: None, at: &[] });
    let words = rows.words(x).words();
    let others = rows.free_fields(&kept, &[x, "device"]);
    let mut line_columns = vec![rows.words("device")];
    line_columns.extend(others.iter().map(|field| rows.words(field)));
    let too_many = super::rows::combinations(&line_columns, &kept, MOST_LINES) > MOST_LINES;
    if words.len() < 2 || as_numbers(words).is_none() || too_many {
        return Ok(None);
    }
    let mut names: Vec<String> = Vec::new();
    let mut line_of_row = vec![0; kept.len()];
    for &row in &kept {
        let settings = others.iter().map(|field| super::labels::setting_label(field, rows.words(field).word(row)));
        let device = rows.words("device").word(row);
        let parts: Vec<String> = match (others.is_empty(), scenario.devices.len()) {
            (false, 1) => settings.collect(),
            _ => std::iter::once(device.to_owned()).chain(settings).collect(),
        };
        let name = parts.join(", ");
        line_of_row[row] = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
    }
    let lines = means_over(&rows, &kept, x, rows.numbers(&column), |row| line_of_row[row], |_| None);
    let series: Vec<Series> =
        lines.into_iter().map(|(line, points)| Series { name: names[line].clone(), points }).collect();
    let footer = format!("{}{}", source.footer, interval_note(&series));
    Ok(Some(LinePlot {
        title: format!("{}: SSIM against the {} picture", scenario.study.name, against.name()),
        x: field_axis(x, false),
        y: NumberAxis {
            name: "ssim".to_owned(),
            title: "structural similarity (SSIM)".to_owned(),
            ..value_axis(&[column])
        },
        series,
        intervals: Intervals::Bars,
        reference_lines: Vec::new(),
        footer,
    }))
}
