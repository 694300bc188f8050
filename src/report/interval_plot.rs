//! Numbers with their 95 % intervals, one below the other, and each observation behind them as a dot, as one figure with
//! the table behind it.
//!
//! ```text
//!            ╎ reference
//!   first ───╎──▐██┃██▌──      pale: interval; dark: the number
//!            ╎  · ···  · ×     dots: observations; crosses: those that failed
//!   second ──╎────▐█┃█▌──
//!            ╎     ·:·
//! ```

mod swarm;

use std::path::Path;

use self::swarm::lanes;
use super::canvas::{Canvas, INK};
use super::colour_map::pale;
use super::durable_file::ReportError;
use super::hatching::Hatching;
use super::legend::{LegendEntry, LegendKey, draw_cross, draw_reference};
use super::number_axis::{NumberAxis, ReferenceLine};
use super::page_format::PageFormat;
use super::plot_frame::{AxisPlan, FramePlan, PLOT_WIDTH, PlotFrame, Tick, range_of};
use super::series_look::SeriesLook;
use super::table::{Column, Table};

/// One observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    pub value: f64,
    /// Whether it is shown as one that failed. It counts all the same.
    pub failed: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalRow {
    pub name: String,
    /// The number of the row.
    pub value: f64,
    /// Ends of the 95 % interval; `None` for one observation.
    pub low_95: Option<f64>,
    pub high_95: Option<f64>,
    pub observations: Vec<Observation>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalPlot {
    pub title: String,
    pub x: NumberAxis,
    /// From top to bottom, at most 20.
    pub rows: Vec<IntervalRow>,
    /// What the number of a row is, for the legend: "interquartile mean".
    pub aggregate: String,
    /// What an observation is, for the legend: "seed".
    pub observation: String,
    /// Dashed from top to bottom, and named in the legend.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print.
    pub footer: String,
}

/// More rows than this would touch.
const MOST_ROWS: usize = 20;
/// Half the height of an interval, at most [points].
const HALF_BAR: f64 = 7.0;
/// Radius of an observation, and the distance of the lanes in which they stand [points].
const DOT: f64 = 2.0;
const LANE: f64 = 4.5;

impl IntervalPlot {
    /// The table behind the figure: for each row the number with its interval, then its observations.
    ///
    /// # Errors
    /// Those of [`Table::new`] and [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("row", "row of the figure"),
            Column::new("kind", format!("`aggregate`: {}; `observation`: {}", self.aggregate, self.observation)),
            Column::new(&self.x.name, &self.x.title),
            Column::new("low_95", "lower end of the 95 % interval of an aggregate"),
            Column::new("high_95", "its upper end"),
            Column::new("failed", "whether the observation is one that failed; blank for aggregates"),
        ])?;
        for row in &self.rows {
            let (name, low, high) = (row.name.clone(), row.low_95.into(), row.high_95.into());
            table.push(vec![name.into(), "aggregate".into(), row.value.into(), low, high, None::<bool>.into()])?;
            for observation in &row.observations {
                let (blank, failed) = (None::<f64>, observation.failed.into());
                let name = row.name.clone().into();
                table.push(vec![
                    name,
                    "observation".into(),
                    observation.value.into(),
                    blank.into(),
                    blank.into(),
                    failed,
                ])?;
            }
        }
        Ok(table)
    }

    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, there are more than 20 rows, a number is not finite, or
    /// one is not positive on a logarithmic axis.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        if self.rows.len() > MOST_ROWS {
            let message = format!("it has {} rows, and room for {MOST_ROWS}", self.rows.len());
            return Err(ReportError::Figure { figure: self.title.clone(), message });
        }
        let numbers = self.rows.iter().flat_map(|row| {
            let observations = row.observations.iter().map(|observation| observation.value);
            [Some(row.value), row.low_95, row.high_95].into_iter().flatten().chain(observations)
        });
        // First without reference lines, which alone make no figure.
        range_of(&self.title, &self.x, numbers.clone())?;
        let references = self.reference_lines.iter().map(|line| line.value);
        let x_range = range_of(&self.title, &self.x, numbers.chain(references))?;
        let mut ticks = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            ticks.push(Tick { at: -(at as f64), label: vec![row.name.clone()] });
        }
        let mut frame = PlotFrame::draw(FramePlan {
            title: &self.title,
            footer: &self.footer,
            x: AxisPlan::within(&self.x, x_range, &[]),
            y: AxisPlan { title: String::new(), range: (0.5 - self.rows.len() as f64, 0.5), log: false, ticks },
            width: PLOT_WIDTH,
            legend: self.legend(),
            reference_lines: &[],
        });
        for (at, row) in self.rows.iter().enumerate() {
            self.draw_row(&mut frame, at, row);
        }
        let [_, top, _, bottom] = frame.area;
        for (at, line) in self.reference_lines.iter().enumerate() {
            let x = frame.x.position(line.value);
            draw_reference(&mut frame.canvas, [(x, bottom), (x, top)], at);
        }
        Ok(frame.finish())
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`IntervalPlot::draw`] and [`IntervalPlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    /// The interval on the row's line, and the observations below it.
    fn draw_row(&self, frame: &mut PlotFrame, at: usize, row: &IntervalRow) {
        let colour = SeriesLook::number(at).colour;
        let middle = frame.y.position(-(at as f64));
        let pitch = frame.y.position(-1.0) - frame.y.position(0.0);
        let half_bar = HALF_BAR.min(0.18 * pitch);
        if let (Some(low), Some(high)) = (row.low_95, row.high_95) {
            let (low, high) = (frame.x.position(low), frame.x.position(high));
            frame.canvas.fill([low - 0.5, middle - half_bar, high + 0.5, middle + half_bar], pale(colour));
            for end in [low, high] {
                frame.canvas.fill([end - 0.5, middle - half_bar, end + 0.5, middle + half_bar], colour);
            }
        }
        let value = frame.x.position(row.value);
        frame.canvas.fill([value - 1.25, middle - half_bar, value + 1.25, middle + half_bar], INK);
        let places: Vec<f64> = row.observations.iter().map(|one| frame.x.position(one.value)).collect();
        let first_lane = middle + half_bar + 2.0 + DOT;
        let last_lane = middle + 0.5 * pitch - DOT;
        let room = ((last_lane - first_lane) / LANE).floor().max(0.0) as usize + 1;
        let lanes = lanes(&places, 2.0 * DOT + 0.5, room);
        for ((observation, x), lane) in row.observations.iter().zip(places).zip(lanes) {
            let place = (x, first_lane + lane as f64 * LANE);
            match observation.failed {
                true => draw_cross(&mut frame.canvas, place, 2.6, colour),
                false => frame.canvas.translucent_disc(place, DOT, colour, 0.75),
            }
        }
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let grey = super::canvas::CROSS_GRAY;
        let mut entries = vec![
            LegendEntry { key: LegendKey::Swatch(pale(grey), Hatching::Framed(grey)), name: self.aggregate.clone() },
            LegendEntry { key: LegendKey::Dot, name: self.observation.clone() },
        ];
        if self.rows.iter().flat_map(|row| &row.observations).any(|observation| observation.failed) {
            entries.push(LegendEntry { key: LegendKey::Cross, name: format!("{} that failed", self.observation) });
        }
        let references = self.reference_lines.iter().enumerate();
        entries.extend(
            references.map(|(at, line)| LegendEntry { key: LegendKey::Reference(at), name: line.label.clone() }),
        );
        entries
    }
}
