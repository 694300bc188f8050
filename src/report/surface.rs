//! A number over two swept numbers as a surface in space, in one panel or several that share their axes and colours, as one
//! figure with the table behind it.

mod faces;
mod layout;
mod view;

use std::path::Path;

use self::layout::Layout;
use super::canvas::Canvas;
use super::durable_file::ReportError;
use super::number_axis::NumberAxis;
use super::page_format::PageFormat;
use super::table::{Column, Table};

/// One of the two axes of the floor.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceAxis {
    /// In words.
    pub title: String,
    /// Where the heights stand, strictly increasing or strictly decreasing; at least two.
    pub values: Vec<f64>,
    /// One label per value.
    pub labels: Vec<String>,
}

/// A red star on a surface, say at a chosen allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceMark {
    /// In the units of the axes.
    pub x: f64,
    pub y: f64,
    pub z: f64,
    /// Its name in the legend.
    pub label: String,
}

/// One surface.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfacePanel {
    /// Above the surface. Empty for a figure of one panel.
    pub title: String,
    /// Rows along y, columns along x; `None`: no run gave a number, the surface has a hole there.
    pub heights: Vec<Vec<Option<f64>>>,
    pub mark: Option<SurfaceMark>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfacePlot {
    pub title: String,
    pub x: SurfaceAxis,
    pub y: SurfaceAxis,
    /// What the heights and the colours stand for.
    pub z: NumberAxis,
    /// Side by side.
    pub panels: Vec<SurfacePanel>,
    /// Small print: study, seed, pack, n.
    pub footer: String,
}

impl SurfaceAxis {
    /// Where a number stands, from 0 at the first value to 1 at the last.
    fn part(&self, number: f64) -> f64 {
        let (first, last) = (self.values[0], self.values[self.values.len() - 1]);
        (number - first) / (last - first)
    }
}

impl SurfacePlot {
    /// The table behind the figure: one row per height, missing ones included.
    ///
    /// # Errors
    /// [`ReportError::Figure`] as for [`SurfacePlot::draw`], and those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        self.check()?;
        let mut table = Table::new(vec![
            Column::new("panel", "panel of the figure"),
            Column::new("y", &self.y.title),
            Column::new("y_label", "as it stands in the figure"),
            Column::new("x", &self.x.title),
            Column::new("x_label", "as it stands in the figure"),
            Column::new(&self.z.name, format!("{}; blank where no run gave a number", self.z.title)),
        ])?;
        for panel in &self.panels {
            for ((y, y_label), heights) in self.y.values.iter().zip(&self.y.labels).zip(&panel.heights) {
                for ((x, x_label), height) in self.x.values.iter().zip(&self.x.labels).zip(heights) {
                    table.push(vec![
                        panel.title.clone().into(),
                        (*y).into(),
                        y_label.clone().into(),
                        (*x).into(),
                        x_label.clone().into(),
                        (*height).into(),
                    ])?;
                }
            }
        }
        Ok(table)
    }

    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a number is not finite, heights do not fit the axes, the
    /// values of an axis are out of order, a mark stands outside of them, or the z axis is logarithmic.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let range = self.check()?;
        let layout = Layout::of(self, range);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw(self, &mut canvas);
        Ok(canvas)
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`SurfacePlot::draw`] and [`SurfacePlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    /// The lowest and the highest number.
    fn check(&self) -> Result<(f64, f64), ReportError> {
        let failed = |message: String| ReportError::Figure { figure: self.title.clone(), message };
        if self.z.log {
            return Err(failed("the z axis of a surface is linear".to_owned()));
        }
        for axis in [&self.x, &self.y] {
            let (values, labels) = (axis.values.len(), axis.labels.len());
            let rising = axis.values.windows(2).all(|pair| pair[0] < pair[1]);
            let falling = axis.values.windows(2).all(|pair| pair[0] > pair[1]);
            if values < 2 || !(rising || falling) || !axis.values.iter().all(|value| value.is_finite()) {
                return Err(failed(format!("`{}` needs at least two numbers in order", axis.title)));
            }
            if values != labels {
                return Err(failed(format!("`{}` has {values} values and {labels} labels", axis.title)));
            }
        }
        let mut range: Option<(f64, f64)> = None;
        for panel in &self.panels {
            let (columns, rows) = (self.x.values.len(), self.y.values.len());
            if panel.heights.len() != rows || panel.heights.iter().any(|row| row.len() != columns) {
                return Err(failed(format!("the heights of `{}` are not {rows} rows of {columns}", panel.title)));
            }
            if let Some(SurfaceMark { x, y, z, label }) = &panel.mark {
                let inside = |axis: &SurfaceAxis, at: f64| (-1e-9..=1.0 + 1e-9).contains(&axis.part(at));
                if !(inside(&self.x, *x) && inside(&self.y, *y) && z.is_finite()) {
                    return Err(failed(format!("the mark `{label}` at ({x}, {y}, {z}) stands outside of the axes")));
                }
            }
            let mark = panel.mark.as_ref().map(|mark| mark.z);
            for height in panel.heights.iter().flatten().copied().flatten().chain(mark) {
                if !height.is_finite() {
                    return Err(failed(format!("a height of `{}` is infinite or not a number", panel.title)));
                }
                range = Some(range.map_or((height, height), |(low, high)| (low.min(height), high.max(height))));
            }
        }
        range.ok_or_else(|| failed("it has no heights".to_owned()))
    }
}
