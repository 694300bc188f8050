//! A number over two swept coordinates as coloured cells, in one panel or several that share their axes and colours, as
//! one figure with the table behind it.
//!
//! ```text
//!                        title
//!            panel 1             panel 2
//!       y₂ │ 0.81 │ 0.77 │    │ 0.70 │ ╱╱╱╱ │    ▒ 0.9
//!   y   y₁ │ 0.42 │ 0.40 │    │ 0.38 │ 0.35 │    ▒      value
//!             x₁     x₂          x₁     x₂       ▒ 0.3
//!                     x axis title
//!   footer
//! ```

mod layout;

use std::path::Path;

use self::layout::Layout;
use super::axis_label::NumberStyle;
use super::canvas::Canvas;
use super::durable_file::ReportError;
use super::image_grid::Axis;
use super::page_format::PageFormat;
use super::table::{Cell, Column, Table};

/// What the colours stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColourBar {
    /// In words, with the unit where the numbers do not carry it.
    pub title: String,
    pub style: NumberStyle,
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeatCell {
    /// Position in the labels of x and y.
    pub column: usize,
    pub row: usize,
    /// Mean over what was observed; `None`: no run gave a number, the cell is hatched.
    pub value: Option<f64>,
    /// Observations behind the mean.
    pub n: u64,
    /// Observations without a number, which are not in the mean: a failed picture or score, or nothing to measure.
    pub missing: u64,
}

/// A line along which the number has one level.
#[derive(Debug, Clone, PartialEq)]
pub struct ContourLine {
    pub level: f64,
    /// Its name in the legend: "Q_th = 0.6".
    pub label: String,
}

/// A red star, say at a chosen allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMark {
    /// Places between cells are fractions: 0.5 is the side that the first two columns share.
    pub column: f64,
    pub row: f64,
    /// Its name in the legend.
    pub label: String,
}

/// Cells over x and y for one setting of everything else.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatPanel {
    /// Above the cells: "GA1, t₀ = 2". Empty for a figure of one panel.
    pub title: String,
    /// Name of the number in the table behind the figure: `qoe_GA1`.
    pub value: String,
    /// A place without a cell is hatched.
    pub cells: Vec<HeatCell>,
    pub mark: Option<HeatMark>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    pub title: String,
    /// Columns, from left to right.
    pub x: Axis,
    /// Rows, from the bottom upwards.
    pub y: Axis,
    pub colour: ColourBar,
    /// Panels in rows; panels of one row are compared with each other.
    pub panels: Vec<Vec<HeatPanel>>,
    /// A star on the highest number of each row of panels.
    pub mark_maximum: bool,
    /// Drawn through the centres of the cells, with straight lines between them; cells without a number interrupt it.
    pub contour: Option<ContourLine>,
    /// Small print: study, seed, pack, n.
    pub footer: String,
}

impl HeatMap {
    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a number is not finite, or cells lie outside of their
    /// panel or on top of each other.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let range = self.checked_range()?;
        let layout = Layout::of(self, range);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw_frame(self, &mut canvas);
        for (row, panels) in self.panels.iter().enumerate() {
            let highest = if self.mark_maximum { highest(panels) } else { None };
            for (column, panel) in panels.iter().enumerate() {
                layout.draw_panel(self, panel, (column, row), highest, &mut canvas);
            }
        }
        Ok(canvas)
    }

    /// The table behind the figure: one row per cell, missing ones included.
    ///
    /// # Errors
    /// As [`HeatMap::draw`], but a figure without numbers has a table; those of [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        self.check()?;
        let mut table = Table::new(vec![
            Column::new("panel", "panel of the figure"),
            Column::new("value", "column of requests.csv that is shown"),
            Column::new("y", format!("label of the row: {}", self.y.title)),
            Column::new("x", format!("label of the column: {}", self.x.title)),
            Column::new("mean", format!("mean over n: {}; blank where n is 0", self.colour.title)),
            Column::new("n", "observations behind the mean"),
            Column::new(
                "missing",
                "observations without a number, which are not in the mean: a failed picture or score, or nothing to measure",
            ),
        ])?;
        for panel in self.panels.iter().flatten() {
            for (row, y) in self.y.labels.iter().enumerate() {
                for (column, x) in self.x.labels.iter().enumerate() {
                    let cell = panel.cell(column, row);
                    table.push(vec![
                        panel.title.clone().into(),
                        panel.value.clone().into(),
                        y.clone().into(),
                        x.clone().into(),
                        cell.and_then(|cell| cell.value).map_or(Cell::Blank, Cell::from),
                        cell.map_or(0, |cell| cell.n).into(),
                        cell.map_or(0, |cell| cell.missing).into(),
                    ])?;
                }
            }
        }
        Ok(table)
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`HeatMap::draw`] and [`HeatMap::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    fn failed(&self, message: String) -> ReportError {
        ReportError::Figure { figure: self.title.clone(), message }
    }

    fn check(&self) -> Result<(), ReportError> {
        let (columns, rows) = (self.x.labels.len(), self.y.labels.len());
        if columns == 0 || rows == 0 || self.panels.iter().all(Vec::is_empty) {
            let panels = self.panels.iter().map(Vec::len).sum::<usize>();
            return Err(self.failed(format!("it has {panels} panels of {columns} columns and {rows} rows")));
        }
        if let Some(contour) = self.contour.as_ref().filter(|contour| !contour.level.is_finite()) {
            return Err(self.failed(format!("the level of `{}` is infinite or not a number", contour.label)));
        }
        for panel in self.panels.iter().flatten() {
            if let Some(mark) = &panel.mark {
                let inside = |at: f64, count: usize| (-0.5..=count as f64 - 0.5).contains(&at);
                if !(inside(mark.column, columns) && inside(mark.row, rows)) {
                    let HeatMark { column, row, label } = mark;
                    return Err(self.failed(format!(
                        "the mark `{label}` in column {column}, row {row} lies outside of {columns} columns and {rows} rows"
                    )));
                }
            }
            for (at, cell) in panel.cells.iter().enumerate() {
                let HeatCell { column, row, value, .. } = *cell;
                let place = format!("column {column}, row {row} of panel `{}`", panel.title);
                if column >= columns || row >= rows {
                    return Err(self.failed(format!("{place} lies outside of {columns} columns and {rows} rows")));
                }
                if panel.cells[..at].iter().any(|other| (other.column, other.row) == (column, row)) {
                    return Err(self.failed(format!("two cells share {place}")));
                }
                if value.is_some_and(|value| !value.is_finite()) {
                    return Err(self.failed(format!("{place} is infinite or not a number")));
                }
            }
        }
        Ok(())
    }

    /// The lowest and the highest number; `None` where every cell failed.
    fn checked_range(&self) -> Result<Option<(f64, f64)>, ReportError> {
        self.check()?;
        let numbers = self.panels.iter().flatten().flat_map(|panel| &panel.cells).filter_map(|cell| cell.value);
        Ok(numbers.fold(None, |range, number| match range {
            None => Some((number, number)),
            Some((low, high)) => Some((number.min(low), number.max(high))),
        }))
    }
}

impl HeatPanel {
    fn cell(&self, column: usize, row: usize) -> Option<&HeatCell> {
        self.cells.iter().find(|cell| (cell.column, cell.row) == (column, row))
    }
}

/// The highest number of some panels.
fn highest(panels: &[HeatPanel]) -> Option<f64> {
    panels.iter().flat_map(|panel| &panel.cells).filter_map(|cell| cell.value).reduce(f64::max)
}
