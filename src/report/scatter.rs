//! Single observations of two numbers against each other, as one figure with the table behind it.

use std::path::Path;

use super::canvas::Canvas;
use super::durable_file::ReportError;
use super::legend::{LegendEntry, LegendKey};
use super::number_axis::{NumberAxis, ReferenceLine};
use super::page_format::PageFormat;
use super::plot_frame::{AxisPlan, FramePlan, PLOT_WIDTH, PlotFrame, range_of};
use super::series_look::SeriesLook;
use super::table::{Column, Table};

/// Marks of one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterSeries {
    pub name: String,
    /// x and y of each observation.
    pub points: Vec<(f64, f64)>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterPlot {
    pub title: String,
    pub x: NumberAxis,
    pub y: NumberAxis,
    pub series: Vec<ScatterSeries>,
    /// Drawn across the plot, and named in the legend.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print: study, seed, pack, n.
    pub footer: String,
}

/// From so many marks on they are smaller, and those below others show through.
const MANY: usize = 60;

impl ScatterPlot {
    /// The table behind the figure: one row per observation.
    ///
    /// # Errors
    /// Those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("series", "marks of one colour"),
            Column::new(&self.x.name, &self.x.title),
            Column::new(&self.y.name, &self.y.title),
        ])?;
        for series in &self.series {
            for &(x, y) in &series.points {
                table.push(vec![series.name.clone().into(), x.into(), y.into()])?;
            }
        }
        Ok(table)
    }

    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a number is not finite, or one is not positive on a
    /// logarithmic axis.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let references = self.reference_lines.iter().map(|line| line.value);
        let x_range = range_of(&self.title, &self.x, points().map(|point| point.0))?;
        let y_range = range_of(&self.title, &self.y, points().map(|point| point.1).chain(references))?;
        let entry = |(at, series): (usize, &ScatterSeries)| LegendEntry {
            key: LegendKey::Mark(SeriesLook::number(at)),
            name: series.name.clone(),
        };
        let mut frame = PlotFrame::draw(FramePlan {
            title: &self.title,
            footer: &self.footer,
            x: AxisPlan::within(&self.x, x_range, &[]),
            y: AxisPlan::around(&self.y, y_range),
            width: PLOT_WIDTH,
            legend: self.series.iter().enumerate().map(entry).collect(),
            reference_lines: &self.reference_lines,
        });
        let (size, opacity) = if points().count() >= MANY { (0.75, 0.5) } else { (1.0, 1.0) };
        for (at, series) in self.series.iter().enumerate() {
            let look = SeriesLook::number(at);
            for &(x, y) in &series.points {
                let place = (frame.x.position(x), frame.y.position(y));
                look.translucent_mark(&mut frame.canvas, place, size, opacity);
            }
        }
        Ok(frame.finish())
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`ScatterPlot::draw`] and [`ScatterPlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }
}
