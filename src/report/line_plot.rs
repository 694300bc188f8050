//! A number against a swept number, one line per value of the other coordinates, with 95 % intervals where there are
//! replications, as one figure with the table behind it.

use std::path::Path;

use super::axis_label::number_label;
use super::axis_scale::{LinearScale, round_ticks};
use super::canvas::{Align, Canvas, HAIRLINE, INK, bold, faint, plain, widest};
use super::durable_file::ReportError;
pub use super::number_axis::{NumberAxis, ReferenceLine};
use super::page_format::PageFormat;
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

const MARGIN: f64 = 16.0;
const PLOT_WIDTH: f64 = 420.0;
const PLOT_HEIGHT: f64 = 270.0;
const TICK: f64 = 10.0;

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
    /// [`ReportError::Figure`] where there is nothing to draw or a number is not finite.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let Ranges { x: x_range, y: y_range } = self.ranges()?;
        let y_ticks = round_ticks(y_range.0, y_range.1, 6);
        let y_labels: Vec<String> = y_ticks.iter().map(|&tick| number_label(tick, self.y.style)).collect();
        let left = MARGIN + 12.0 + 10.0 + widest(y_labels.iter(), plain(TICK)) + 8.0;
        let names: Vec<String> = self.series.iter().map(|series| series.name.clone()).collect();
        let with_legend = names.iter().any(|name| !name.is_empty());
        let legend_width = if with_legend { 50.0 + widest(names.iter(), plain(TICK)) } else { 10.0 };
        let width = left + PLOT_WIDTH + legend_width + MARGIN;
        let title = bold(14.0).wrap(&self.title, width - 2.0 * MARGIN);
        let footer = faint(8.5).wrap(&self.footer, width - 2.0 * MARGIN);
        let top = MARGIN + title.len() as f64 * bold(14.0).line_height() + 10.0;
        let legend_height = names.len() as f64 * 17.0;
        let bottom = top + PLOT_HEIGHT.max(if with_legend { legend_height } else { 0.0 });
        let footer_top = bottom + 48.0;
        let height = footer_top + footer.len() as f64 * faint(8.5).line_height() + MARGIN;
        let mut canvas = Canvas::new(width, height);

        // Room at both sides, so that markers do not sit on the frame.
        let padding = 0.04 * (x_range.1 - x_range.0);
        let x_scale =
            LinearScale { from: x_range.0 - padding, to: x_range.1 + padding, start: left, end: left + PLOT_WIDTH };
        let y_scale = LinearScale {
            from: y_ticks[0],
            to: *y_ticks.last().expect("an axis has two ends"),
            start: bottom,
            end: top,
        };
        canvas.lines_down(&title, (width / 2.0, MARGIN), Align::Centre, bold(14.0));
        for (&tick, label) in y_ticks.iter().zip(&y_labels) {
            let y = y_scale.position(tick);
            canvas.fill([left, y - 0.25, left + PLOT_WIDTH, y + 0.25], HAIRLINE);
            canvas.text(label, (left - 8.0, y + 0.36 * TICK), Align::Right, plain(TICK));
        }
        self.draw_x_ticks(&mut canvas, x_range, &x_scale, bottom);
        canvas.text(&self.x.title, (left + PLOT_WIDTH / 2.0, bottom + 34.0), Align::Centre, plain(11.0));
        canvas.text_upwards(&self.y.title, (MARGIN + 9.0, (top + bottom) / 2.0), Align::Centre, plain(11.0));
        for (at, series) in self.series.iter().enumerate() {
            let look = SeriesLook::number(at);
            draw_series(&mut canvas, series, look, &x_scale, &y_scale);
            if with_legend {
                let (x, y) = (left + PLOT_WIDTH + 14.0, top + 8.0 + 17.0 * at as f64);
                canvas.path(&[(x, y), (x + 22.0, y)], look.colour, 1.5);
                look.mark(&mut canvas, (x + 11.0, y), 1.0);
                canvas.text(&series.name, (x + 28.0, y + 0.36 * TICK), Align::Left, plain(TICK));
            }
        }
        canvas.fill([left, bottom - 0.5, left + PLOT_WIDTH, bottom + 0.5], INK);
        canvas.fill([left - 0.5, top, left + 0.5, bottom], INK);
        canvas.lines_down(&footer, (MARGIN, footer_top), Align::Left, faint(8.5));
        Ok(canvas)
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`LinePlot::draw`] and [`LinePlot::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    /// The ranges of x, and of y with its intervals.
    fn ranges(&self) -> Result<Ranges, ReportError> {
        let failed = |message: &str| ReportError::Figure { figure: self.title.clone(), message: message.to_owned() };
        let grow = |(low, high): (f64, f64), number: f64| (low.min(number), high.max(number));
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut x_range, mut y_range) = (nothing, nothing);
        for point in self.series.iter().flat_map(|series| &series.points) {
            let Some(y) = point.y else { continue };
            let (low, high) = (point.low_95.unwrap_or(y), point.high_95.unwrap_or(y));
            if ![point.x, y, low, high].into_iter().all(f64::is_finite) {
                return Err(failed("a point is infinite or not a number"));
            }
            x_range = grow(x_range, point.x);
            y_range = [y, low, high].into_iter().fold(y_range, grow);
        }
        if x_range == nothing {
            return Err(failed("it has no points"));
        }
        if x_range.0 == x_range.1 {
            let around = 0.5 * x_range.0.abs().max(1e-3);
            x_range = (x_range.0 - around, x_range.1 + around);
        }
        Ok(Ranges { x: x_range, y: y_range })
    }

    /// Ticks stand where the sweep has its values, as far as their labels do not touch; a dense sweep gets round ones.
    fn draw_x_ticks(&self, canvas: &mut Canvas, range: (f64, f64), scale: &LinearScale, bottom: f64) {
        let mut ticks: Vec<f64> = self
            .series
            .iter()
            .flat_map(|series| series.points.iter().map(|point| point.x))
            .filter(|x| x.is_finite())
            .collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        if ticks.len() > 12 {
            ticks = round_ticks(range.0, range.1, 6);
            ticks.retain(|tick| (scale.from..=scale.to).contains(tick));
        }
        let mut free_from = f64::NEG_INFINITY;
        for tick in ticks {
            let x = scale.position(tick);
            canvas.fill([x - 0.25, bottom, x + 0.25, bottom + 4.0], INK);
            let label = number_label(tick, self.x.style);
            let half = plain(TICK).width(&label) / 2.0;
            if x - half >= free_from {
                canvas.text(&label, (x, bottom + 16.0), Align::Centre, plain(TICK));
                free_from = x + half + 5.0;
            }
        }
    }
}

/// The least and largest number along each axis.
struct Ranges {
    x: (f64, f64),
    y: (f64, f64),
}

fn draw_series(canvas: &mut Canvas, series: &Series, look: SeriesLook, x_scale: &LinearScale, y_scale: &LinearScale) {
    let mut points = series.points.clone();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    for run in points.split(|point| point.y.is_none()) {
        let line: Vec<(f64, f64)> =
            run.iter().filter_map(|point| Some((x_scale.position(point.x), y_scale.position(point.y?)))).collect();
        if line.len() > 1 {
            canvas.path(&line, look.colour, 1.5);
        }
        for (point, &(x, y)) in run.iter().zip(&line) {
            if let (Some(low), Some(high)) = (point.low_95, point.high_95) {
                let (low, high) = (y_scale.position(low), y_scale.position(high));
                canvas.fill([x - 0.5, high, x + 0.5, low], look.colour);
                for cap in [low, high] {
                    canvas.fill([x - 3.5, cap - 0.5, x + 3.5, cap + 0.5], look.colour);
                }
            }
            look.mark(canvas, (x, y), 1.0);
        }
    }
}
