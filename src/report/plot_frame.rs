//! The frame that plots of numbers share: title, two axes with ticks and a grid, a legend beside, small print below.
//!
//! ```text
//!               title
//!     1 ┤────────────────────────  ─●─ first
//!   y   │                          ─■─ second
//!     0 ┼───┬────────┬────────┬──  ╌╌╌ threshold
//!           1        2        3
//!                 x title
//!   footer
//! ```

use super::axis_label::number_label;
use super::axis_scale::{NumberScale, log_ticks, round_ticks};
use super::canvas::{Align, Canvas, HAIRLINE, INK, bold, faint, plain, widest};
use super::durable_file::ReportError;
use super::legend::{Legend, LegendEntry, LegendKey, draw_reference};
use super::number_axis::{NumberAxis, ReferenceLine};

const MARGIN: f64 = 16.0;
/// Width of the area between the axes of most plots.
pub(super) const PLOT_WIDTH: f64 = 420.0;
const PLOT_HEIGHT: f64 = 270.0;
const TICK: f64 = 10.0;
const TITLE: f64 = 14.0;
const AXIS: f64 = 11.0;
const FOOTER: f64 = 8.5;
/// Between the area and the legend.
const LEGEND_GAP: f64 = 14.0;

/// A number with its label, in lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: Vec<String>,
}

/// What an axis shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisPlan {
    pub(super) title: String,
    /// Numbers at both ends.
    pub(super) range: (f64, f64),
    pub(super) log: bool,
    /// Those first whose labels matter most: of two that touch, the later is left out.
    pub(super) ticks: Vec<Tick>,
}

/// A plot before anything is drawn between its axes.
pub(super) struct FramePlan<'a> {
    pub(super) title: &'a str,
    pub(super) footer: &'a str,
    pub(super) x: AxisPlan,
    pub(super) y: AxisPlan,
    /// Width of the area between the axes [points].
    pub(super) width: f64,
    pub(super) legend: Vec<LegendEntry>,
    pub(super) reference_lines: &'a [ReferenceLine],
}

/// A plot in whose area things can be drawn.
pub(super) struct PlotFrame {
    pub(super) canvas: Canvas,
    pub(super) x: NumberScale,
    pub(super) y: NumberScale,
    /// The area between the axes: left, top, right, bottom [points].
    pub(super) area: [f64; 4],
}

impl AxisPlan {
    /// An axis that ends on round ticks around the range, or at the range where it is logarithmic.
    pub(super) fn around(axis: &NumberAxis, range: (f64, f64)) -> Self {
        if axis.log {
            return Self::within(axis, range, &[]);
        }
        let ticks = round_ticks(range.0, range.1, 6);
        let range = (ticks[0], *ticks.last().expect("an axis has two ends"));
        Self { title: axis.title.clone(), range, log: false, ticks: labelled(axis, &ticks) }
    }

    /// An axis with room at both ends, so that marks do not sit on the frame. Ticks stand at the numbers that are given,
    /// where there are at most twelve, and else at round ones.
    pub(super) fn within(axis: &NumberAxis, range: (f64, f64), wanted: &[f64]) -> Self {
        let (low, high) = range;
        let range = match axis.log {
            false => {
                let (low, high) = if low < high { (low, high) } else { around_one(low) };
                let padding = 0.04 * (high - low);
                (low - padding, high + padding)
            }
            true => {
                let padding = if low < high { (high / low).powf(0.04) } else { 2.0 };
                (low / padding, high * padding)
            }
        };
        let mut ticks = match axis.log {
            true => log_ticks(range.0, range.1),
            false if !wanted.is_empty() && wanted.len() <= 12 => wanted.to_vec(),
            false => round_ticks(low, high, 6),
        };
        ticks.retain(|tick| (range.0..=range.1).contains(tick));
        Self { title: axis.title.clone(), range, log: axis.log, ticks: labelled(axis, &ticks) }
    }
}

fn around_one(number: f64) -> (f64, f64) {
    let around = 0.5 * number.abs().max(1e-3);
    (number - around, number + around)
}

fn labelled(axis: &NumberAxis, ticks: &[f64]) -> Vec<Tick> {
    ticks.iter().map(|&at| Tick { at, label: vec![number_label(at, axis.style)] }).collect()
}

/// The least and the largest of some numbers.
///
/// # Errors
/// [`ReportError::Figure`] where there is none, one is not finite, or one is not positive on a logarithmic axis.
pub(super) fn range_of(
    figure: &str,
    axis: &NumberAxis,
    numbers: impl Iterator<Item = f64>,
) -> Result<(f64, f64), ReportError> {
    let failed = |message: String| ReportError::Figure { figure: figure.to_owned(), message };
    let mut range: Option<(f64, f64)> = None;
    for number in numbers {
        if !number.is_finite() {
            return Err(failed(format!("a number for `{}` is infinite or not a number", axis.name)));
        }
        if axis.log && number <= 0.0 {
            return Err(failed(format!(
                "{number} cannot stand on the logarithmic axis of `{}`, whose numbers must be greater than 0",
                axis.name
            )));
        }
        range = Some(range.map_or((number, number), |(low, high)| (low.min(number), high.max(number))));
    }
    range.ok_or_else(|| failed(format!("it has no numbers for `{}`", axis.name)))
}

impl PlotFrame {
    /// Draws all but what stands in the area, and the reference lines.
    pub(super) fn draw(plan: FramePlan<'_>) -> Self {
        let mut entries = plan.legend;
        entries.retain(|entry| !entry.name.is_empty());
        let references = plan.reference_lines.iter().enumerate();
        entries.extend(
            references.map(|(at, line)| LegendEntry { key: LegendKey::Reference(at), name: line.label.clone() }),
        );
        let legend = Legend::beside(&entries);
        let legend_width = if entries.is_empty() { 10.0 } else { LEGEND_GAP + legend.width };
        let y_label_width = widest(plan.y.ticks.iter().flat_map(|tick| &tick.label), plain(TICK));
        let left = MARGIN + 12.0 + 10.0 + y_label_width + 8.0;
        let right = left + plan.width;
        let width = right + legend_width + MARGIN;
        let title = bold(TITLE).wrap(plan.title, width - 2.0 * MARGIN);
        let footer = faint(FOOTER).wrap(plan.footer, width - 2.0 * MARGIN);
        let top = MARGIN + title.len() as f64 * bold(TITLE).line_height() + 10.0;
        // The title of the y axis needs its length.
        let bottom = top + PLOT_HEIGHT.max(legend.height).max(plain(AXIS).width(&plan.y.title));
        let tick_lines = plan.x.ticks.iter().map(|tick| tick.label.len()).max().unwrap_or(1).max(1);
        let tick_height = 16.0 + (tick_lines - 1) as f64 * plain(TICK).line_height();
        let footer_top = bottom + tick_height + 32.0;
        let height = footer_top + footer.len() as f64 * faint(FOOTER).line_height() + MARGIN;
        let mut canvas = Canvas::new(width, height);

        let x = NumberScale::new(plan.x.range, (left, right), plan.x.log);
        let y = NumberScale::new(plan.y.range, (bottom, top), plan.y.log);
        canvas.lines_down(&title, (width / 2.0, MARGIN), Align::Centre, bold(TITLE));
        draw_y_ticks(&mut canvas, &plan.y.ticks, &y, (left, right));
        draw_x_ticks(&mut canvas, &plan.x.ticks, &x, bottom);
        let x_title_at = ((left + right) / 2.0, bottom + tick_height + 18.0);
        canvas.text(&plan.x.title, x_title_at, Align::Centre, plain(AXIS));
        canvas.text_upwards(&plan.y.title, (MARGIN + 9.0, (top + bottom) / 2.0), Align::Centre, plain(AXIS));
        for (at, line) in plan.reference_lines.iter().enumerate() {
            let y = y.position(line.value);
            draw_reference(&mut canvas, [(left, y), (right, y)], at);
        }
        legend.draw(&mut canvas, (right + LEGEND_GAP, top));
        canvas.lines_down(&footer, (MARGIN, footer_top), Align::Left, faint(FOOTER));
        Self { canvas, x, y, area: [left, top, right, bottom] }
    }

    /// Draws the axes over what was drawn, and gives the page.
    pub(super) fn finish(mut self) -> Canvas {
        let [left, top, right, bottom] = self.area;
        self.canvas.fill([left, bottom - 0.5, right, bottom + 0.5], INK);
        self.canvas.fill([left - 0.5, top, left + 0.5, bottom], INK);
        self.canvas
    }
}

fn draw_y_ticks(canvas: &mut Canvas, ticks: &[Tick], scale: &NumberScale, (left, right): (f64, f64)) {
    let mut taken = Taken::default();
    for tick in ticks {
        let y = scale.position(tick.at);
        canvas.fill([left, y - 0.25, right, y + 0.25], HAIRLINE);
        if taken.take(y - 0.5 * TICK, y + 0.5 * TICK, 1.0) {
            let label = tick.label.join(" ");
            canvas.text(&label, (left - 8.0, y + 0.36 * TICK), Align::Right, plain(TICK));
        }
    }
}

fn draw_x_ticks(canvas: &mut Canvas, ticks: &[Tick], scale: &NumberScale, bottom: f64) {
    let mut taken = Taken::default();
    for tick in ticks {
        let x = scale.position(tick.at);
        canvas.fill([x - 0.25, bottom, x + 0.25, bottom + 4.0], INK);
        let half = widest(tick.label.iter(), plain(TICK)) / 2.0;
        if taken.take(x - half, x + half, 5.0) {
            canvas.lines_down(&tick.label, (x, bottom + 16.0 - TICK), Align::Centre, plain(TICK));
        }
    }
}

/// Parts of an axis under labels.
#[derive(Default)]
struct Taken(Vec<(f64, f64)>);

impl Taken {
    /// Takes a part that is at least `distance` from all that are taken, or says that it is not free.
    fn take(&mut self, from: f64, to: f64, distance: f64) -> bool {
        let free =
            self.0.iter().all(|(taken_from, taken_to)| to + distance <= *taken_from || from >= taken_to + distance);
        if free {
            self.0.push((from, to));
        }
        free
    }
}
