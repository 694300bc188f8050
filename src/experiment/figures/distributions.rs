//! How numbers of requests or runs scatter: points, cumulative distributions, boxes. Everybody's numbers are shown together
//! where the figure is not of one device.

use std::collections::BTreeMap;

use super::labels::value_axis;
use super::rows::{Kept, Rows, Shown};
use super::{FigureSource, base_title, footer_with, threshold_line};
use crate::report::axis_label::{axis_title, tick_label};
use crate::report::box_plot::{BoxGroup, BoxSeries};
use crate::report::empirical_cdf::CdfSeries;
use crate::report::scatter::ScatterSeries;
use crate::report::{BoxPlot, CdfPlot, ReportError, ScatterPlot};
use crate::scenario::{BoxSettings, CdfSettings, FigureSettings, SERIES_OF_DEVICES, ScatterSettings, Scenario};

pub(super) fn scatter(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &ScatterSettings,
) -> Result<ScatterPlot, ReportError> {
    let rows = Rows::read(source, scenario, &[&wish.x, &wish.value], Shown::Distribution)?;
    let kept = rows.kept(Kept { device: figure.device.as_deref(), at: &wish.at });
    let (xs, ys) = (rows.numbers(&wish.x), rows.numbers(&wish.value));
    let of_series = rows.series(wish.series.as_ref());
    let mut series: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    let mut missing = 0;
    for row in kept {
        let points = series.entry(of_series.code(row)).or_default();
        match (xs[row], ys[row]) {
            (x, y) if x.is_finite() && y.is_finite() => points.push((x, y)),
            _ => missing += 1,
        }
    }
    let series = series.into_iter().map(|(code, points)| ScatterSeries { name: of_series.name(code), points });
    Ok(ScatterPlot {
        title: base_title(scenario, figure),
        x: value_axis(std::slice::from_ref(&wish.x)),
        y: value_axis(std::slice::from_ref(&wish.value)),
        series: series.filter(|series| !series.points.is_empty()).collect(),
        reference_lines: threshold_line(scenario, wish.threshold),
        footer: footer_with(source, figure.device.as_ref(), &wish.at)
            + pooled_note(scenario, figure, wish.series.as_deref())
            + &missing_note(missing),
    })
}

pub(super) fn cdf(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &CdfSettings,
) -> Result<CdfPlot, ReportError> {
    let rows = Rows::read(source, scenario, &[&wish.value], Shown::Distribution)?;
    let kept = rows.kept(Kept { device: figure.device.as_deref(), at: &wish.at });
    let title = base_title(scenario, figure);
    let shown: Vec<&str> = wish.series.as_deref().into_iter().collect();
    rows.must_not_mix(&title, &kept, &shown)?;
    let numbers = rows.numbers(&wish.value);
    let missing = kept.iter().filter(|row| !numbers[**row].is_finite()).count();
    let series = rows.series(wish.series.as_ref()).grouped(&kept, numbers);
    Ok(CdfPlot {
        title,
        x: value_axis(std::slice::from_ref(&wish.value)),
        series: series
            .into_iter()
            .filter(|(_, observations)| !observations.is_empty())
            .map(|(name, observations)| CdfSeries { name, observations })
            .collect(),
        footer: footer_with(source, figure.device.as_ref(), &wish.at)
            + pooled_note(scenario, figure, wish.series.as_deref())
            + &missing_note(missing),
    })
}

pub(super) fn boxes(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &BoxSettings,
) -> Result<BoxPlot, ReportError> {
    let rows = Rows::read(source, scenario, &[&wish.value], Shown::Distribution)?;
    let kept = rows.kept(Kept { device: figure.device.as_deref(), at: &wish.at });
    let title = base_title(scenario, figure);
    let shown: Vec<&str> = [wish.x.as_str()].into_iter().chain(wish.series.as_deref()).collect();
    rows.must_not_mix(&title, &kept, &shown)?;
    let (x, numbers) = (rows.words(&wish.x), rows.numbers(&wish.value));
    let missing = kept.iter().filter(|row| !numbers[**row].is_finite()).count();
    let mut by_x: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    kept.iter().for_each(|&row| by_x.entry(x.code(row)).or_default().push(row));
    let of_series = rows.series(wish.series.as_ref());
    let groups = by_x.into_iter().map(|(code, rows)| BoxGroup {
        label: tick_label(&wish.x, &x.words()[code]),
        boxes: of_series
            .grouped(&rows, numbers)
            .into_iter()
            .filter(|(_, observations)| !observations.is_empty())
            .map(|(name, observations)| BoxSeries { name, observations })
            .collect(),
    });
    Ok(BoxPlot {
        title,
        x_title: axis_title(&wish.x),
        y: value_axis(std::slice::from_ref(&wish.value)),
        groups: groups.filter(|group| !group.boxes.is_empty()).collect(),
        reference_lines: threshold_line(scenario, wish.threshold),
        footer: footer_with(source, figure.device.as_ref(), &wish.at)
            + pooled_note(scenario, figure, wish.series.as_deref())
            + &missing_note(missing),
    })
}

/// Failed pictures and scores, and what does not apply, are told, not drawn.
fn missing_note(missing: usize) -> String {
    if missing == 0 { String::new() } else { format!(" · {missing} without a number left out") }
}

/// Where the numbers of all devices are in one heap.
fn pooled_note(scenario: &Scenario, figure: &FigureSettings, series: Option<&str>) -> &'static str {
    match scenario.devices.len() > 1 && figure.device.is_none() && series != Some(SERIES_OF_DEVICES) {
        true => " · all devices together",
        false => "",
    }
}
