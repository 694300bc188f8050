//! From numbers to colours, and the bar beside a figure that says which colour is which number.

use plotters::style::RGBColor;

use super::axis_label::{NumberStyle, number_label};
use super::axis_scale::{LinearScale, round_ticks};
use super::canvas::{Align, Canvas, INK, plain, widest};
use super::colour_map::viridis;

const BAR_WIDTH: f64 = 14.0;
const TICK: f64 = 10.0;
const AXIS: f64 = 11.5;

/// The colours from the lowest to the highest number, ends at round ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColourScale {
    title: String,
    style: NumberStyle,
    /// Numbers at both ends of the colours, and between them.
    pub(super) ticks: Vec<f64>,
}

impl ColourScale {
    pub(super) fn around((low, high): (f64, f64), title: &str, style: NumberStyle) -> Self {
        Self { title: title.to_owned(), style, ticks: round_ticks(low, high, 5) }
    }

    /// Numbers at both ends.
    pub(super) fn range(&self) -> (f64, f64) {
        (self.ticks[0], *self.ticks.last().expect("an axis has two ends"))
    }

    pub(super) fn colour(&self, number: f64) -> RGBColor {
        let (low, high) = self.range();
        viridis((number - low) / (high - low))
    }

    /// Of the bar with its labels and its title [points].
    pub(super) fn width(&self) -> f64 {
        BAR_WIDTH + 8.0 + self.labels_width() + 8.0 + AXIS
    }

    /// What the title needs [points].
    pub(super) fn least_height(&self) -> f64 {
        plain(AXIS).width(&self.title)
    }

    pub(super) fn tick_labels(&self) -> Vec<String> {
        self.ticks.iter().map(|&tick| number_label(tick, self.style)).collect()
    }

    fn labels_width(&self) -> f64 {
        widest(self.tick_labels().iter(), plain(TICK))
    }

    /// The bar, with its left edge at `left`.
    pub(super) fn draw(&self, canvas: &mut Canvas, left: f64, (top, bottom): (f64, f64)) {
        let right = left + BAR_WIDTH;
        let (low, high) = self.range();
        let scale = LinearScale { from: low, to: high, start: bottom, end: top };
        // Strips of half a point, one pixel each.
        let strips = (2.0 * (bottom - top)).round() as usize;
        for strip in 0..strips {
            let y = top + strip as f64 / 2.0;
            canvas.fill([left, y, right, y + 0.5], viridis(1.0 - (strip as f64 + 0.5) / strips as f64));
        }
        canvas.outline([left, top, right, bottom], INK);
        for (&tick, label) in self.ticks.iter().zip(self.tick_labels()) {
            let y = scale.position(tick);
            canvas.fill([right, y - 0.25, right + 3.0, y + 0.25], INK);
            canvas.text(&label, (right + 6.0, y + 0.36 * TICK), Align::Left, plain(TICK));
        }
        let baseline = right + 8.0 + self.labels_width() + 8.0 + 0.8 * AXIS;
        canvas.text_upwards(&self.title, (baseline, (top + bottom) / 2.0), Align::Centre, plain(AXIS));
    }
}
