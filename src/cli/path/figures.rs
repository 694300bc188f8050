//! The figures of `latentlink path`: the pictures of all switches in a row, the distances, and the divergence.

use std::fs;
use std::path::Path;

use super::findings::PathFindings;
use super::results::picture_file;
use crate::diffusion::path_analysis::SwitchMeasures;
use crate::experiment::statistics::Summary;
use crate::picture::Picture;
use crate::report::axis_label::NumberStyle;
use crate::report::image_grid::{Axis, Tile, TileContent};
use crate::report::line_plot::{Intervals, NumberAxis, Point, Series};
use crate::report::{Column, ImageGrid, LinePlot, PageFormat, ReportError};

/// Switches in the picture row at most; longer paths show some of theirs, evenly spread.
const MOST_PICTURES: usize = 16;
/// Replications in the picture grid at most, the first ones.
const MOST_ROWS: usize = 4;

/// Writes the figures that can be drawn below `figures/`. Returns their PNG files below `folder`.
pub(super) fn write(findings: &PathFindings<'_>, folder: &Path) -> Result<Vec<String>, ReportError> {
    let place = |name: &str| folder.join("figures").join(name);
    pictures(findings, folder)?.write(&place("path"), &PageFormat::default())?;
    let mut written = vec!["figures/path.png".to_owned()];
    for (name, plot) in [("distances", distances(findings)), ("kl", divergences(findings))] {
        // Where every path failed, and for the divergence of a prompt with itself, there is nothing to show.
        if plot.series.iter().flat_map(|series| &series.points).any(|point| point.y.is_some()) {
            plot.write(&place(name), &PageFormat::default())?;
            written.push(format!("figures/{name}.png"));
        }
    }
    Ok(written)
}

fn title(findings: &PathFindings<'_>, what: &str) -> String {
    format!("{what}: A “{}”, begun as B “{}”", findings.settings.user_prompt, findings.settings.server_prompt)
}

fn footer(findings: &PathFindings<'_>) -> String {
    let settings = findings.settings;
    let intervals = if settings.replications.get() > 1 { "mean and 95 % interval, " } else { "" };
    format!(
        "latentlink {} · {} · {}, {} steps, guidance {} · seed {} · {intervals}n = {}",
        env!("CARGO_PKG_VERSION"),
        findings.pack.name(),
        findings.sampler,
        settings.steps,
        settings.guidance,
        settings.seed,
        settings.replications
    )
}

/// From the path of A on the left, over later and later switches, to the path of B on the right.
fn pictures(findings: &PathFindings<'_>, folder: &Path) -> Result<ImageGrid, ReportError> {
    let points = findings.plan.points();
    let shown = spread(points.len(), MOST_PICTURES);
    let rows = findings.replications.len().min(MOST_ROWS);
    let mut tiles = Vec::new();
    for (row, replication) in findings.replications.iter().take(rows).enumerate() {
        for (column, &at) in shown.iter().enumerate() {
            let switch = &replication.switches[at];
            let file = picture_file(row as u32, switch.t_off);
            let content = match switch.failure {
                Some(failure) => TileContent::Failed { reason: failure.name().replace('-', " ") },
                None => {
                    let path = folder.join(&file);
                    let bytes = fs::read(&path).map_err(|source| ReportError::Read { path, source })?;
                    TileContent::Picture(Picture::from_png_bytes(&bytes)?)
                }
            };
            let ssim = switch.metrics.map(|metrics| metrics.ssim);
            tiles.push(Tile {
                column,
                row,
                content,
                caption: ssim.map_or_else(String::new, |ssim| format!("SSIM {ssim:.2}")),
                numbers: vec![switch.t_off.into(), ssim.into(), switch.failure.is_none().then_some(file).into()],
            });
        }
    }
    let label = |at: &usize| match points[*at].t_off {
        0 => "0: B alone".to_owned(),
        steps if steps == findings.settings.steps => format!("{steps}: A alone"),
        steps => steps.to_string(),
    };
    Ok(ImageGrid {
        title: title(findings, "Switched paths"),
        x: Axis {
            title: "steps under A after the switch, t_off".to_owned(),
            labels: shown.iter().map(label).collect(),
        },
        y: match rows {
            1 => Axis { title: String::new(), labels: vec![String::new()] },
            _ => Axis { title: "start latent".to_owned(), labels: (0..rows).map(|row| row.to_string()).collect() },
        },
        tiles,
        numbers: vec![
            Column::new("t_off", "steps under A after the switch"),
            Column::new("ssim", "structural similarity to the picture of the path of A"),
            Column::new("picture", "file of the picture below the results folder"),
        ],
        footer: format!("{} · SSIM against the picture of A alone", footer(findings)),
    })
}

/// `most` positions out of `count`, evenly spread, both ends among them; all where they are few.
fn spread(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|at| at * (count - 1) / (most - 1)).collect()
}

/// (16) and (17) over t_off, and (14) as the level between which they may differ.
fn distances(findings: &PathFindings<'_>) -> LinePlot {
    let of_switches = |name: &str, select: fn(&SwitchMeasures) -> Option<f64>| {
        series(findings, name, |at| findings.observed(at, select))
    };
    let ends: Vec<f64> = findings.replications.iter().filter_map(|replication| replication.semantic_distance).collect();
    LinePlot {
        title: title(findings, "Distances from the path of B"),
        x: t_off_axis(),
        y: NumberAxis {
            name: "distance".to_owned(),
            title: "Euclidean distance of latents".to_owned(),
            style: NumberStyle::Plain,
            log: false,
        },
        intervals: Intervals::Bars,
        reference_lines: Vec::new(),
        series: vec![
            series(findings, "(14) between the ends", |_| ends.clone()),
            of_switches("(16) to the end of B", |switch| switch.remaining_own_distance),
            of_switches("(17) to the end of A", |switch| switch.remaining_switched_distance),
        ],
        footer: footer(findings),
    }
}

/// (15) over t_off. It spans decades: its logarithm is shown, averaged as such.
fn divergences(findings: &PathFindings<'_>) -> LinePlot {
    let logarithms = |at: usize| {
        let positive = findings.kl_divergences(at).into_iter().filter(|divergence| *divergence > 0.0);
        positive.map(f64::log10).collect()
    };
    // Nothing is drawn at the two ends, so that the axis does not reach there either.
    let mut series = series(findings, "", logarithms);
    series.points.retain(|point| point.y.is_some());
    LinePlot {
        title: title(findings, "KL divergence (15)"),
        x: t_off_axis(),
        y: NumberAxis {
            name: "log10_kl_divergence".to_owned(),
            title: "log₁₀ of the KL divergence in nat".to_owned(),
            style: NumberStyle::Plain,
            log: false,
        },
        intervals: Intervals::Bars,
        reference_lines: Vec::new(),
        series: vec![series],
        footer: format!("{} · 0 at pure noise, unbounded at the clean end", footer(findings)),
    }
}

fn t_off_axis() -> NumberAxis {
    NumberAxis {
        name: "t_off".to_owned(),
        title: "steps to go, t_off".to_owned(),
        style: NumberStyle::Plain,
        log: false,
    }
}

/// One point per switch, with the observations of all replications.
fn series(findings: &PathFindings<'_>, name: &str, observed: impl Fn(usize) -> Vec<f64>) -> Series {
    let points = findings.plan.points().iter().enumerate().map(|(at, point)| {
        let summary = Summary::of(observed(at)).ok();
        let interval = summary.and_then(|summary| Some((summary.mean, summary.half_width_95?)));
        Point {
            x: f64::from(point.t_off),
            y: summary.map(|summary| summary.mean),
            low_95: interval.map(|(mean, half_width)| mean - half_width),
            high_95: interval.map(|(mean, half_width)| mean + half_width),
            n: summary.map_or(0, |summary| summary.n),
        }
    });
    Series { name: name.to_owned(), points: points.collect() }
}
