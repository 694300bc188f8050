//! How observations spread, as boxes from quartile to quartile, side by side in groups, as one figure with the table
//! behind it.

mod statistics;

use std::path::Path;

use plotters::style::RGBColor;

pub use self::statistics::BoxStatistics;
use super::canvas::{Canvas, INK, plain, widest};
use super::colour_map::pale;
use super::durable_file::ReportError;
use super::hatching::Hatching;
use super::legend::{LegendEntry, LegendKey};
use super::number_axis::{NumberAxis, ReferenceLine};
use super::page_format::PageFormat;
use super::plot_frame::{AxisPlan, FramePlan, PLOT_WIDTH, PlotFrame, Tick, range_of};
use super::series_look::SeriesLook;
use super::table::{Cell, Column, Table};

/// The observations behind one box.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSeries {
    /// Boxes of one name have one colour in all groups.
    pub name: String,
    /// In any order.
    pub observations: Vec<f64>,
}

/// Boxes over one label of the x axis.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxGroup {
    pub label: String,
    pub boxes: Vec<BoxSeries>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxPlot {
    pub title: String,
    pub x_title: String,
    pub y: NumberAxis,
    pub groups: Vec<BoxGroup>,
    /// Drawn across the plot, and named in the legend.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print: study, seed, pack.
    pub footer: String,
}

/// Widths, with the gap between neighbours [points].
const BOX: f64 = 16.0;
const BOX_GAP: f64 = 8.0;
const GROUP_GAP: f64 = 18.0;
/// Labels of groups break rather than be wider.
const MOST_LABEL_WIDTH: f64 = 96.0;
const LABEL: f64 = 10.0;

impl BoxPlot {
    /// The table behind the figure: one row per box.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where a number is not finite, and those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let number = |what: &str, meaning: &str| {
            Column::new(format!("{what}_{}", self.y.name), format!("{meaning}: {}", self.y.title))
        };
        let mut table = Table::new(vec![
            Column::new("group", format!("label on the x axis: {}", self.x_title)),
            Column::new("series", "boxes of one colour"),
            Column::new("n", "observations"),
            number("lower_whisker", "lowest observation within 1.5 interquartile ranges of the box"),
            number("lower_quartile", "a quarter of the observations lie below"),
            number("median", "half of the observations lie below"),
            number("upper_quartile", "three quarters of the observations lie below"),
            number("upper_whisker", "highest observation within 1.5 interquartile ranges of the box"),
            number("outliers", "observations beyond the whiskers, with spaces between"),
        ])?;
        for group in &self.groups {
            for one in &group.boxes {
                let start: Vec<Cell> =
                    vec![group.label.clone().into(), one.name.clone().into(), one.observations.len().into()];
                let rest = match BoxStatistics::of(&one.observations) {
                    Some(statistics) => statistics.cells(),
                    None if one.observations.is_empty() => vec![Cell::Blank; 6],
                    None => return Err(self.failed(format!("a number of `{}` is not finite", one.name))),
                };
                table.push([start, rest].concat())?;
            }
        }
        Ok(table)
    }

    /// Draws the figure. A box without observations leaves its place empty.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a number is not finite, or one is not positive on a
    /// logarithmic axis.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let observations = self.groups.iter().flat_map(|group| &group.boxes).flat_map(|one| &one.observations).copied();
        let references = self.reference_lines.iter().map(|line| line.value);
        // First without reference lines, which alone make no figure.
        range_of(&self.title, &self.y, observations.clone())?;
        let y_range = range_of(&self.title, &self.y, observations.chain(references))?;
        let names = self.names();
        let labels: Vec<Vec<String>> = self.groups.iter().map(group_label).collect();
        let most_boxes = self.groups.iter().map(|group| group.boxes.len()).max().unwrap_or(0) as f64;
        let boxes_width = most_boxes * (BOX + BOX_GAP) - BOX_GAP;
        let pitch = boxes_width.max(widest(labels.iter().flatten(), plain(LABEL))) + GROUP_GAP;
        let mut ticks = Vec::new();
        for (at, label) in labels.into_iter().enumerate() {
            ticks.push(Tick { at: at as f64, label });
        }
        let mut frame = PlotFrame::draw(FramePlan {
            title: &self.title,
            footer: &self.footer,
            x: AxisPlan {
                title: self.x_title.clone(),
                range: (-0.5, self.groups.len() as f64 - 0.5),
                log: false,
                ticks,
            },
            y: AxisPlan::around(&self.y, y_range),
            width: PLOT_WIDTH.max(self.groups.len() as f64 * pitch),
            legend: names.iter().enumerate().map(legend_entry).collect(),
            reference_lines: &self.reference_lines,
        });
        for (at, group) in self.groups.iter().enumerate() {
            let middle = frame.x.position(at as f64);
            let left = middle - (group.boxes.len() as f64 * (BOX + BOX_GAP) - BOX_GAP) / 2.0;
            for (place, one) in group.boxes.iter().enumerate() {
                let x = left + BOX / 2.0 + place as f64 * (BOX + BOX_GAP);
                let look = names.iter().position(|name| **name == one.name).unwrap_or(0);
                if let Some(statistics) = BoxStatistics::of(&one.observations) {
                    draw_box(&mut frame, &statistics, x, SeriesLook::number(look).colour);
                }
            }
        }
        Ok(frame.finish())
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`BoxPlot::draw`] and [`BoxPlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    fn failed(&self, message: String) -> ReportError {
        ReportError::Figure { figure: self.title.clone(), message }
    }

    /// Names of boxes, in the order in which they first come.
    fn names(&self) -> Vec<&String> {
        let mut names: Vec<&String> = Vec::new();
        for one in self.groups.iter().flat_map(|group| &group.boxes) {
            if !names.contains(&&one.name) {
                names.push(&one.name);
            }
        }
        names
    }
}

fn legend_entry((at, name): (usize, &&String)) -> LegendEntry {
    let colour = SeriesLook::number(at).colour;
    LegendEntry { key: LegendKey::Swatch(pale(colour), Hatching::Framed(colour)), name: (*name).clone() }
}

/// The label in lines, and below it the number of observations of each box, or of all where they are equal.
fn group_label(group: &BoxGroup) -> Vec<String> {
    let mut lines = plain(LABEL).wrap(&group.label, MOST_LABEL_WIDTH);
    let mut counts: Vec<String> = group.boxes.iter().map(|one| one.observations.len().to_string()).collect();
    if counts.windows(2).all(|pair| pair[0] == pair[1]) {
        counts.truncate(1);
    }
    lines.extend(plain(LABEL).wrap(&format!("n = {}", counts.join(", ")), MOST_LABEL_WIDTH));
    lines
}

fn draw_box(frame: &mut PlotFrame, statistics: &BoxStatistics, x: f64, colour: RGBColor) {
    let y = |number: f64| frame.y.position(number);
    let (lower, median, upper) = (y(statistics.lower_quartile), y(statistics.median), y(statistics.upper_quartile));
    let whiskers = [(y(statistics.lower_whisker), lower), (y(statistics.upper_whisker), upper)];
    let outliers: Vec<f64> = statistics.outliers.iter().map(|&outlier| y(outlier)).collect();
    let canvas = &mut frame.canvas;
    let (left, right) = (x - BOX / 2.0, x + BOX / 2.0);
    for (end, of_box) in whiskers {
        canvas.fill([x - 0.5, end.min(of_box), x + 0.5, end.max(of_box)], colour);
        canvas.fill([x - BOX / 4.0, end - 0.5, x + BOX / 4.0, end + 0.5], colour);
    }
    canvas.fill([left, upper - 0.5, right, lower + 0.5], colour);
    canvas.fill([left + 1.0, upper + 0.5, right - 1.0, lower - 0.5], pale(colour));
    canvas.fill([left, median - 1.0, right, median + 1.0], INK);
    for outlier in outliers {
        canvas.ring((x, outlier), 2.2, colour, 0.8);
    }
}
