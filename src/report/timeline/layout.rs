//! Where the parts of a timeline stand, and how they are drawn.

use plotters::style::RGBColor;

use super::{Activity, Timeline, TimelineSpan};
use crate::report::axis_label::{NumberStyle, number_label};
use crate::report::axis_scale::{LinearScale, round_ticks};
use crate::report::canvas::{Align, Canvas, HAIRLINE, INK, PALETTE, TextLook, WHITE, bold, faint, plain, widest};
use crate::report::colour_map::readable_on;
use crate::report::hatching::{Hatching, hatched};
use crate::report::legend::{Legend, LegendEntry, LegendKey};

const MARGIN: f64 = 16.0;
const TITLE: f64 = 14.0;
const AXIS: f64 = 11.0;
const TICK: f64 = 10.0;
const LABEL: f64 = 8.5;
const FOOTER: f64 = 8.5;
const PLOT_WIDTH: f64 = 560.0;
/// Height of a bar, and distances between rows of a lane and between lanes.
const BAR: f64 = 17.0;
const ROW_GAP: f64 = 2.0;
const LANE_GAP: f64 = 9.0;
/// Names of lanes break rather than be wider.
const MOST_NAME_WIDTH: f64 = 130.0;

/// Where things go [points].
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    title: Vec<String>,
    footer: Vec<String>,
    names: Vec<Vec<String>>,
    /// Row of each bar within its lane.
    rows: Vec<usize>,
    /// Upper and lower end of each lane.
    lanes: Vec<(f64, f64)>,
    /// Seconds to positions.
    scale: LinearScale,
    legend: Legend,
}

impl Layout {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let (rows, rows_of_lanes) = timeline.rows();
        let wrap = |name: &String| plain(TICK).wrap(name, MOST_NAME_WIDTH);
        let names: Vec<Vec<String>> = timeline.lanes.iter().map(wrap).collect();
        let left = MARGIN + widest(names.iter().flatten(), plain(TICK)) + 10.0;
        let right = left + PLOT_WIDTH;
        // The label of the last tick may reach beyond the axis.
        let width = right + MARGIN + 10.0;
        let title = bold(TITLE).wrap(&timeline.title, width - 2.0 * MARGIN);
        let footer = faint(FOOTER).wrap(&timeline.footer, width - 2.0 * MARGIN);
        let legend = Legend::below(&legend_entries(timeline), width - left - MARGIN);

        let mut top = MARGIN + title.len() as f64 * bold(TITLE).line_height() + 8.0;
        let mut lanes = Vec::new();
        for (count, name) in rows_of_lanes.into_iter().zip(&names) {
            let bars = count as f64 * (BAR + ROW_GAP) - ROW_GAP;
            let height = bars.max(name.len() as f64 * plain(TICK).line_height());
            lanes.push((top + LANE_GAP / 2.0, top + LANE_GAP / 2.0 + height));
            top += height + LANE_GAP;
        }
        let (start_s, end_s) = time_axis(timeline);
        let footer_height = footer.len() as f64 * faint(FOOTER).line_height();
        Self {
            width,
            height: top + 44.0 + legend.height + 8.0 + footer_height + MARGIN,
            title,
            footer,
            names,
            rows,
            lanes,
            scale: LinearScale { from: start_s, to: end_s, start: left, end: right },
            legend,
        }
    }

    pub(super) fn draw(&self, timeline: &Timeline, canvas: &mut Canvas) {
        let (left, right) = (self.scale.start, self.scale.end);
        canvas.lines_down(&self.title, (self.width / 2.0, MARGIN), Align::Centre, bold(TITLE));
        let top = self.lanes.first().map_or(MARGIN, |lane| lane.0 - LANE_GAP / 2.0);
        let bottom = self.lanes.last().map_or(MARGIN, |lane| lane.1 + LANE_GAP / 2.0);
        self.draw_time_axis((top, bottom), canvas);
        for ((lane_top, lane_bottom), name) in self.lanes.iter().zip(&self.names) {
            let height = name.len() as f64 * plain(TICK).line_height();
            let name_top = (lane_top + lane_bottom - height) / 2.0 + 1.0;
            canvas.lines_down(name, (left - 8.0, name_top), Align::Right, plain(TICK));
            let border = lane_bottom + LANE_GAP / 2.0;
            canvas.fill([left, border - 0.25, right, border + 0.25], HAIRLINE);
        }
        for (span, &row) in timeline.spans.iter().zip(&self.rows) {
            let bar_top = self.lanes[span.lane].0 + row as f64 * (BAR + ROW_GAP);
            self.draw_bar(span, bar_top, canvas);
        }
        canvas.fill([left, bottom - 0.5, right, bottom + 0.5], INK);
        canvas.fill([left - 0.5, top, left + 0.5, bottom], INK);
        self.legend.draw(canvas, (left, bottom + 40.0));
        let footer_top = self.height - MARGIN - self.footer.len() as f64 * faint(FOOTER).line_height();
        canvas.lines_down(&self.footer, (MARGIN, footer_top), Align::Left, faint(FOOTER));
    }

    /// In milliseconds where all is over within a second.
    fn draw_time_axis(&self, (top, bottom): (f64, f64), canvas: &mut Canvas) {
        let longest_s = self.scale.to.abs().max(self.scale.from.abs());
        let (per_s, unit) = if longest_s < 1.0 { (1e3, "ms") } else { (1.0, "s") };
        for tick in round_ticks(self.scale.from * per_s, self.scale.to * per_s, 8) {
            let x = self.scale.position(tick / per_s);
            if (self.scale.start - 0.5..=self.scale.end + 0.5).contains(&x) {
                canvas.fill([x - 0.25, top, x + 0.25, bottom], HAIRLINE);
                canvas.fill([x - 0.25, bottom, x + 0.25, bottom + 4.0], INK);
                let label = number_label(tick, NumberStyle::Plain);
                canvas.text(&label, (x, bottom + 16.0), Align::Centre, plain(TICK));
            }
        }
        let middle = (self.scale.start + self.scale.end) / 2.0;
        canvas.text(&format!("simulated time [{unit}]"), (middle, bottom + 33.0), Align::Centre, plain(AXIS));
    }

    fn draw_bar(&self, span: &TimelineSpan, top: f64, canvas: &mut Canvas) {
        let (from, to) = (self.scale.position(span.start_s), self.scale.position(span.end_s));
        // A moment is seen too.
        let to = to.max(from + 1.0);
        let (colour, hatching) = look(span.activity);
        hatched(canvas, [from, top, to, top + BAR], colour, hatching);
        if to - from > 2.0 {
            canvas.outline([from, top, to, top + BAR], INK);
        }
        let text = TextLook { colour: readable_on(colour), ..plain(LABEL) };
        let width = text.width(&span.label);
        if span.label.is_empty() || width + 6.0 > to - from {
            return;
        }
        let middle = (from + to) / 2.0;
        if !matches!(hatching, Hatching::None) {
            let plate = [middle - width / 2.0 - 2.0, top + 2.5, middle + width / 2.0 + 2.0, top + BAR - 2.5];
            canvas.fill(plate, colour);
        }
        canvas.text(&span.label, (middle, top + BAR / 2.0 + 0.36 * LABEL), Align::Centre, text);
    }
}

/// Where the time axis begins and ends [s].
fn time_axis(timeline: &Timeline) -> (f64, f64) {
    if let Some(window) = &timeline.window {
        return (window.from_s, window.to_s);
    }
    let start_s = timeline.spans.iter().map(|span| span.start_s).fold(0.0, f64::min);
    let end_s = timeline.spans.iter().map(|span| span.end_s).fold(f64::NEG_INFINITY, f64::max);
    (start_s, if end_s > start_s { end_s } else { start_s + 1.0 })
}

/// Colour and lines of an activity.
fn look(activity: Activity) -> (RGBColor, Hatching) {
    match activity {
        Activity::Compute => (PALETTE[0], Hatching::None),
        Activity::Transmit => (PALETTE[4], Hatching::Rising(INK)),
        Activity::Wait => (RGBColor(232, 232, 232), Hatching::Falling(RGBColor(150, 150, 150))),
        Activity::Decode => (PALETTE[2], Hatching::Crossed(WHITE)),
    }
}

/// The activities there are.
fn legend_entries(timeline: &Timeline) -> Vec<LegendEntry> {
    let shown =
        Activity::ALL.into_iter().filter(|&activity| timeline.spans.iter().any(|span| span.activity == activity));
    shown
        .map(|activity| {
            let (colour, hatching) = look(activity);
            LegendEntry { key: LegendKey::Swatch(colour, hatching), name: activity.name().to_owned() }
        })
        .collect()
}
