//! Legends: what each line, mark and colour of a figure stands for, beside or below what they explain.

use plotters::style::RGBColor;

use super::canvas::{Align, Canvas, INK, WHITE, plain, widest};
use super::hatching::{Hatching, hatched};
use super::series_look::SeriesLook;
use super::star::red_star;

/// What stands before a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum LegendKey {
    /// A line with a mark on it.
    Line(SeriesLook),
    Mark(SeriesLook),
    /// Marks of no particular colour.
    Dot,
    Cross,
    Swatch(RGBColor, Hatching),
    /// The reference line of this number, counted from 0.
    Reference(usize),
    /// A dark line with a light rim.
    Contour,
    RedStar,
}

/// One line of a legend.
#[derive(Debug, Clone)]
pub(super) struct LegendEntry {
    pub(super) key: LegendKey,
    pub(super) name: String,
}

const TEXT: f64 = 10.0;
const KEY_WIDTH: f64 = 22.0;
/// From the left edge of a key to the name.
const NAME_AT: f64 = KEY_WIDTH + 6.0;
const LINE: f64 = 13.0;
const ENTRY_GAP: f64 = 4.0;
/// Between entries side by side.
const COLUMN_GAP: f64 = 18.0;
/// Longer names break.
const MOST_NAME_WIDTH: f64 = 170.0;

/// Entries with their places.
#[derive(Debug, Clone)]
pub(super) struct Legend {
    placed: Vec<(LegendKey, Vec<String>, (f64, f64))>,
    /// [points]
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Legend {
    /// Entries below each other.
    pub(super) fn beside(entries: &[LegendEntry]) -> Self {
        let mut legend = Self { placed: Vec::new(), width: 0.0, height: 0.0 };
        for LegendEntry { key, name } in entries {
            let lines = plain(TEXT).wrap(name, MOST_NAME_WIDTH);
            let height = LINE * lines.len().max(1) as f64 + ENTRY_GAP;
            legend.width = legend.width.max(NAME_AT + widest(lines.iter(), plain(TEXT)));
            legend.placed.push((*key, lines, (0.0, legend.height)));
            legend.height += height;
        }
        legend
    }

    /// Entries side by side, as many as fit into `width`.
    pub(super) fn below(entries: &[LegendEntry], width: f64) -> Self {
        let mut legend = Self { placed: Vec::new(), width: 0.0, height: 0.0 };
        let (mut left, mut row_height) = (0.0, 0.0_f64);
        for LegendEntry { key, name } in entries {
            let lines = plain(TEXT).wrap(name, width - NAME_AT);
            let entry_width = NAME_AT + widest(lines.iter(), plain(TEXT));
            if left > 0.0 && left + entry_width > width {
                legend.height += row_height;
                (left, row_height) = (0.0, 0.0);
            }
            row_height = row_height.max(LINE * lines.len().max(1) as f64 + ENTRY_GAP);
            legend.placed.push((*key, lines, (left, legend.height)));
            legend.width = legend.width.max(left + entry_width);
            left += entry_width + COLUMN_GAP;
        }
        legend.height += row_height;
        legend
    }

    /// Draws all entries from an upper left corner on.
    pub(super) fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64)) {
        for (key, lines, (right, down)) in &self.placed {
            let (x, y) = (left + right, top + down + LINE / 2.0 + 1.5);
            draw_key(canvas, *key, (x, y));
            for (at, line) in lines.iter().enumerate() {
                let baseline = y + 0.36 * TEXT + LINE * at as f64;
                canvas.text(line, (x + NAME_AT, baseline), Align::Left, plain(TEXT));
            }
        }
    }
}

fn draw_key(canvas: &mut Canvas, key: LegendKey, (x, y): (f64, f64)) {
    let (ends, middle) = ([(x, y), (x + KEY_WIDTH, y)], (x + KEY_WIDTH / 2.0, y));
    match key {
        LegendKey::Line(look) => {
            canvas.path(&ends, look.colour, 1.5);
            look.mark(canvas, middle, 1.0);
        }
        LegendKey::Mark(look) => look.mark(canvas, middle, 1.0),
        LegendKey::Dot => canvas.disc(middle, 2.5, INK),
        LegendKey::Cross => draw_cross(canvas, middle, 3.0, INK),
        LegendKey::Swatch(colour, hatching) => {
            hatched(canvas, [x + 2.0, y - 5.0, x + KEY_WIDTH - 2.0, y + 5.0], colour, hatching);
        }
        LegendKey::Reference(number) => draw_reference(canvas, ends, number),
        LegendKey::Contour => {
            canvas.path(&ends, WHITE, 3.5);
            canvas.path(&ends, INK, 1.5);
        }
        LegendKey::RedStar => red_star(canvas, middle, 5.5),
    }
}

/// A diagonal cross that reaches `reach` points to each side: what failed.
pub(super) fn draw_cross(canvas: &mut Canvas, (x, y): (f64, f64), reach: f64, colour: RGBColor) {
    canvas.path(&[(x - reach, y - reach), (x + reach, y + reach)], colour, 1.4);
    canvas.path(&[(x - reach, y + reach), (x + reach, y - reach)], colour, 1.4);
}

/// The dashed line of the reference number `at`, counted from 0.
pub(super) fn draw_reference(canvas: &mut Canvas, ends: [(f64, f64); 2], at: usize) {
    const PATTERNS: [&[f64]; 3] = [&[5.0, 3.0], &[1.5, 2.0], &[7.0, 2.5, 1.5, 2.5]];
    canvas.dashes(ends, PATTERNS[at % PATTERNS.len()], INK, 1.0);
}
