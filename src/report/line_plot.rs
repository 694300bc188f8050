//! A number against a swept number, one line per value of the other coordinates, with 95 % intervals where there are
//! replications, as one figure with the table behind it.

use std::path::Path;

use super::axis_scale::NumberScale;
use super::canvas::Canvas;
use super::colour_map::half_pale;
use super::durable_file::ReportError;
use super::legend::{LegendEntry, LegendKey};
pub use super::number_axis::{NumberAxis, ReferenceLine};
use super::page_format::PageFormat;
use super::plot_frame::{AxisPlan, FramePlan, PLOT_WIDTH, PlotFrame, range_of};
use super::series_look::SeriesLook;
use super::table::{Cell, Column, Table};

/// One mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    /// `None`: no run gave a number; the line is interrupted.
    pub y: Option<f64>,
    /// Ends of the 95 % interval; `None` for one observation.
    pub low_95: Option<f64>,
    pub high_95: Option<f64>,
    /// Observations behind the mean.
    pub n: u64,
}

/// One line. Points are drawn in the order of their x.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
}

/// A thin line below all others: one observation of what a series is the mean of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    /// Which series' colour it has.
    pub(super) series: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// How intervals are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intervals {
    /// A bar with caps at each point.
    #[default]
    Bars,
    /// A pale area along the line, which many points need.
    Band,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePlot {
    pub title: String,
    pub x: NumberAxis,
    pub y: NumberAxis,
    pub series: Vec<Series>,
    pub intervals: Intervals,
    /// Drawn across the plot, and named in the legend.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print: study, seed, pack, n.
    pub footer: String,
}

impl LinePlot {
    /// The table behind the figure: one row per point.
    ///
    /// # Errors
    /// Those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("series", "line of the figure"),
            Column::new(&self.x.name, &self.x.title),
            Column::new(&self.y.name, format!("mean: {}", self.y.title)),
            Column::new("low_95", "lower end of the 95 % interval of the mean; blank where there is none"),
            Column::new("high_95", "its upper end"),
            Column::new("n", "observations behind the mean"),
        ])?;
        for series in &self.series {
            for point in &series.points {
                table.push(vec![
                    series.name.clone().into(),
                    point.x.into(),
                    point.y.into(),
                    point.low_95.into(),
                    point.high_95.into(),
                    point.n.into(),
                ])?;
            }
        }
        Ok(table)
    }

    /// The lines in a table that [`LinePlot::table`] made, say after reading it from its file.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where columns or numbers are missing.
    pub fn series_from_table(table: &Table) -> Result<Vec<Series>, ReportError> {
        let failed = |message: String| ReportError::Figure { figure: "line plot".to_owned(), message };
        let mut all: Vec<Series> = Vec::new();
        for (at, row) in table.rows().iter().enumerate() {
            let [name, x, y, low, high, n] = row.as_slice() else {
                return Err(failed(format!("its table has {} columns, not 6", row.len())));
            };
            let number = |cell: &Cell, what: &str| {
                cell.number().ok_or_else(|| failed(format!("row {} has no number for {what}", at + 1)))
            };
            let name = name.to_csv_field();
            let point = Point {
                x: number(x, "x")?,
                y: y.number(),
                low_95: low.number(),
                high_95: high.number(),
                n: number(n, "n")? as u64,
            };
            match all.iter_mut().find(|series| series.name == name) {
                Some(series) => series.points.push(point),
                None => all.push(Series { name, points: vec![point] }),
            }
        }
        Ok(all)
    }

    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a number is not finite, or one is not positive on a
    /// logarithmic axis.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        self.draw_over(&[])
    }

    /// Draws the figure over thin lines, for which its axes have room.
    pub(super) fn draw_over(&self, traces: &[Trace]) -> Result<Canvas, ReportError> {
        let traced = || traces.iter().flat_map(|trace| &trace.points);
        let shown = || self.series.iter().flat_map(|series| &series.points).filter(|point| point.y.is_some());
        let ends = |point: &Point| [point.y, point.low_95, point.high_95];
        let references = self.reference_lines.iter().map(|line| line.value);
        let (x_of_traces, y_of_traces) = (traced().map(|point| point.0), traced().map(|point| point.1));
        let x_range = range_of(&self.title, &self.x, shown().map(|point| point.x).chain(x_of_traces))?;
        let y_shown = shown().flat_map(ends).flatten().chain(y_of_traces);
        let y_range = range_of(&self.title, &self.y, y_shown.chain(references))?;
        let mut frame = PlotFrame::draw(FramePlan {
            title: &self.title,
            footer: &self.footer,
            x: AxisPlan::within(&self.x, x_range, &self.swept_values()),
            y: AxisPlan::around(&self.y, y_range),
            width: PLOT_WIDTH,
            legend: self.legend(),
            reference_lines: &self.reference_lines,
        });
        for trace in traces {
            let line: Vec<(f64, f64)> =
                trace.points.iter().map(|&(x, y)| (frame.x.position(x), frame.y.position(y))).collect();
            frame.canvas.path(&line, half_pale(SeriesLook::number(trace.series).colour), 0.6);
        }
        if self.intervals == Intervals::Band {
            // All bands lie below all lines.
            for (at, series) in self.series.iter().enumerate() {
                draw_bands(&mut frame, series, SeriesLook::number(at));
            }
        }
        for (at, series) in self.series.iter().enumerate() {
            draw_series(&mut frame, series, SeriesLook::number(at), self.intervals);
        }
        Ok(frame.finish())
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`LinePlot::draw`] and [`LinePlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let entry = |(at, series): (usize, &Series)| LegendEntry {
            key: LegendKey::Line(SeriesLook::number(at)),
            name: series.name.clone(),
        };
        self.series.iter().enumerate().map(entry).collect()
    }

    /// Where the sweep has its values.
    fn swept_values(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.series.iter().flat_map(|series| &series.points).map(|point| point.x).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }
}

/// Points in the order of their x, in runs without gaps.
fn runs(series: &Series) -> Vec<Vec<Point>> {
    let mut points = series.points.clone();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    points.split(|point| point.y.is_none()).map(<[Point]>::to_vec).collect()
}

/// Points whose lines have no marks, since these would touch.
const MOST_MARKS: usize = 60;

fn draw_series(frame: &mut PlotFrame, series: &Series, look: SeriesLook, intervals: Intervals) {
    let (x_scale, y_scale, canvas) = (frame.x, frame.y, &mut frame.canvas);
    let with_marks = series.points.len() <= MOST_MARKS;
    for run in runs(series) {
        let line: Vec<(f64, f64)> =
            run.iter().filter_map(|point| Some((x_scale.position(point.x), y_scale.position(point.y?)))).collect();
        if line.len() > 1 {
            canvas.path(&line, look.colour, 1.5);
        }
        for (point, &place) in run.iter().zip(&line) {
            if intervals == Intervals::Bars {
                draw_interval_bar(canvas, point, place.0, look, &y_scale);
            }
            if with_marks || line.len() == 1 {
                look.mark(canvas, place, 1.0);
            }
        }
    }
}

fn draw_interval_bar(canvas: &mut Canvas, point: &Point, x: f64, look: SeriesLook, y_scale: &NumberScale) {
    let (Some(low), Some(high)) = (point.low_95, point.high_95) else { return };
    let (low, high) = (y_scale.position(low), y_scale.position(high));
    canvas.fill([x - 0.5, high, x + 0.5, low], look.colour);
    for cap in [low, high] {
        canvas.fill([x - 3.5, cap - 0.5, x + 3.5, cap + 0.5], look.colour);
    }
}

/// The area between the ends of the intervals, as far as neighbours have some.
fn draw_bands(frame: &mut PlotFrame, series: &Series, look: SeriesLook) {
    for run in runs(series) {
        for run in run.split(|point| point.low_95.is_none() || point.high_95.is_none()) {
            let end = |point: &Point, number: Option<f64>| Some((frame.x.position(point.x), frame.y.position(number?)));
            let mut outline: Vec<(f64, f64)> = run.iter().filter_map(|point| end(point, point.high_95)).collect();
            outline.extend(run.iter().rev().filter_map(|point| end(point, point.low_95)));
            if run.len() > 1 {
                frame.canvas.translucent_polygon(&outline, look.colour, 0.22);
            }
        }
    }
}
