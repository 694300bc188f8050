//! Which part of the observations is at most so large: empirical distribution functions, as one figure with the table
//! behind it.

use std::path::Path;

use super::axis_label::NumberStyle;
use super::canvas::Canvas;
use super::durable_file::ReportError;
use super::legend::{LegendEntry, LegendKey};
use super::number_axis::NumberAxis;
use super::page_format::PageFormat;
use super::plot_frame::{AxisPlan, FramePlan, PLOT_WIDTH, PlotFrame, range_of};
use super::series_look::SeriesLook;
use super::table::{Column, Table};

/// The observations behind one step function.
#[derive(Debug, Clone, PartialEq)]
pub struct CdfSeries {
    pub name: String,
    /// In any order.
    pub observations: Vec<f64>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct CdfPlot {
    pub title: String,
    pub x: NumberAxis,
    pub series: Vec<CdfSeries>,
    /// Small print: study, seed, pack.
    pub footer: String,
}

/// Parts of the observations at which a line has a mark, so that a print in gray tells lines apart.
const MARKED: [f64; 4] = [0.2, 0.4, 0.6, 0.8];

/// Where the function steps, and its value from there on: F(x) = (observations ≤ x) / n, which is continuous from the
/// right. Equal observations make one step.
///
/// ```
/// use latentlink::report::empirical_cdf::steps;
///
/// assert_eq!(steps(&[3.0, 1.0, 2.0, 2.0]), [(1.0, 0.25), (2.0, 0.75), (3.0, 1.0)]);
/// ```
pub fn steps(observations: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = observations.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (at, &observation) in sorted.iter().enumerate() {
        let part = (at + 1) as f64 / sorted.len() as f64;
        match steps.last_mut() {
            Some((last, of_last)) if *last == observation => *of_last = part,
            _ => steps.push((observation, part)),
        }
    }
    steps
}

impl CdfPlot {
    /// The table behind the figure: one row per step.
    ///
    /// # Errors
    /// Those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("series", "line of the figure"),
            Column::new(&self.x.name, &self.x.title),
            Column::new("cumulative_probability", "part of the observations that are at most so large"),
        ])?;
        for series in &self.series {
            for (x, part) in steps(&series.observations) {
                table.push(vec![series.name.clone().into(), x.into(), part.into()])?;
            }
        }
        Ok(table)
    }

    /// Draws the figure. A series without observations is named, with n = 0.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a number is not finite, or one is not positive on a
    /// logarithmic axis.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let all = self.series.iter().flat_map(|series| &series.observations).copied();
        let x_range = range_of(&self.title, &self.x, all)?;
        let y = NumberAxis {
            name: "cumulative_probability".to_owned(),
            title: "cumulative probability".to_owned(),
            style: NumberStyle::Plain,
            log: false,
        };
        let entry = |(at, series): (usize, &CdfSeries)| {
            let count = format!("n = {}", series.observations.len());
            let name = if series.name.is_empty() { count } else { format!("{} ({count})", series.name) };
            LegendEntry { key: LegendKey::Line(SeriesLook::number(at)), name }
        };
        let mut frame = PlotFrame::draw(FramePlan {
            title: &self.title,
            footer: &self.footer,
            x: AxisPlan::within(&self.x, x_range, &[]),
            y: AxisPlan::around(&y, (0.0, 1.0)),
            width: PLOT_WIDTH,
            legend: self.series.iter().enumerate().map(entry).collect(),
            reference_lines: &[],
        });
        for (at, series) in self.series.iter().enumerate() {
            draw_steps(&mut frame, &steps(&series.observations), at);
        }
        Ok(frame.finish())
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`CdfPlot::draw`] and [`CdfPlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }
}

/// From the left edge at 0 to the right edge at 1.
fn draw_steps(frame: &mut PlotFrame, steps: &[(f64, f64)], at: usize) {
    if steps.is_empty() {
        return;
    }
    let [left, _, right, _] = frame.area;
    let mut below = frame.y.position(0.0);
    let mut line = vec![(left, below)];
    for &(x, part) in steps {
        let x = frame.x.position(x);
        line.push((x, below));
        below = frame.y.position(part);
        line.push((x, below));
    }
    line.push((right, below));
    let look = SeriesLook::number(at);
    frame.canvas.path(&line, look.colour, 1.5);
    // On the step through each of these parts; a mark at every observation would hide the line.
    for part in MARKED {
        if let Some(&(x, _)) = steps.iter().find(|(_, reached)| *reached >= part) {
            look.mark(&mut frame.canvas, (frame.x.position(x), frame.y.position(part)), 0.9);
        }
    }
}
