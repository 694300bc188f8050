//! How well several algorithms do in the course of their training, with all their runs behind, as one figure with the
//! tables behind it.
//!
//! ```text
//!  1 ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ optimum
//!    │    ___──▔▔▔▔▔▔▔▔  an aggregate of the runs, with its 95 % interval as a band
//!    │  ╱╱ ──────────    thin: single runs
//!  0 ┼──────────────────
//!        updates
//! ```

use std::path::Path;

use super::canvas::Canvas;
use super::durable_file::ReportError;
use super::line_plot::{Intervals, LinePlot, Series, Trace};
use super::number_axis::{NumberAxis, ReferenceLine};
use super::page_format::PageFormat;
use super::table::{Column, Table};

/// One algorithm.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingCurve {
    /// The aggregate of the runs, under the algorithm's name.
    pub aggregate: Series,
    /// x and y of each run, in the order of x.
    pub runs: Vec<Vec<(f64, f64)>>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurves {
    pub title: String,
    pub x: NumberAxis,
    pub y: NumberAxis,
    pub curves: Vec<TrainingCurve>,
    /// What the aggregate is, for the data dictionary: "interquartile mean over runs".
    pub aggregate: String,
    /// Drawn across the plot, and named in the legend: the optimum, a fixed policy.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print.
    pub footer: String,
}

/// More runs than this in all are not drawn one by one: they would hide what they are about.
const MOST_RUNS: usize = 36;

impl LearningCurves {
    /// The table behind the figure: one row per point of an aggregate.
    ///
    /// # Errors
    /// Those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("algorithm", "line of the figure"),
            Column::new(&self.x.name, &self.x.title),
            Column::new(&self.y.name, format!("{}: {}", self.aggregate, self.y.title)),
            Column::new("low_95", "lower end of its 95 % interval; blank where there is one run"),
            Column::new("high_95", "upper end of its 95 % interval"),
            Column::new("runs", "runs behind the number"),
        ])?;
        for TrainingCurve { aggregate, .. } in &self.curves {
            for point in &aggregate.points {
                table.push(vec![
                    aggregate.name.clone().into(),
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

    /// The runs behind the aggregates: one row per point of a run.
    ///
    /// # Errors
    /// Those of [`Table::new`] and [`Table::push`].
    pub fn table_of_runs(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("algorithm", "line of the figure"),
            Column::new("run", "which of its runs, counted from 0"),
            Column::new(&self.x.name, &self.x.title),
            Column::new(&self.y.name, &self.y.title),
        ])?;
        for TrainingCurve { aggregate, runs } in &self.curves {
            for (run, points) in runs.iter().enumerate() {
                for &(x, y) in points {
                    table.push(vec![aggregate.name.clone().into(), run.into(), x.into(), y.into()])?;
                }
            }
        }
        Ok(table)
    }

    /// Draws the figure; single runs only where there are at most 36.
    ///
    /// # Errors
    /// As [`LinePlot::draw`].
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let mut traces = Vec::new();
        if self.curves.iter().map(|curve| curve.runs.len()).sum::<usize>() <= MOST_RUNS {
            for (series, curve) in self.curves.iter().enumerate() {
                traces.extend(curve.runs.iter().map(|points| Trace { series, points: points.clone() }));
            }
        }
        let plot = LinePlot {
            title: self.title.clone(),
            x: self.x.clone(),
            y: self.y.clone(),
            series: self.curves.iter().map(named_with_runs).collect(),
            intervals: Intervals::Band,
            reference_lines: self.reference_lines.clone(),
            footer: self.footer.clone(),
        };
        plot.draw_over(&traces)
    }

    /// Writes `<path>.png`, `<path>.svg`, the table behind it as `<path>.csv` and the runs as `<path>_runs.csv`.
    ///
    /// # Errors
    /// As [`LearningCurves::draw`] and [`LearningCurves::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        let mut runs = path_without_extension.as_os_str().to_owned();
        runs.push("_runs.csv");
        self.table_of_runs()?.write_csv(Path::new(&runs))?;
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }
}

/// The aggregate under a name that says how many runs are behind it.
fn named_with_runs(curve: &TrainingCurve) -> Series {
    let name = format!("{} (n = {})", curve.aggregate.name, curve.runs.len());
    Series { name, points: curve.aggregate.points.clone() }
}
