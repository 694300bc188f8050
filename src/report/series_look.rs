//! Colour and mark of each of several series: together they tell them apart, so that a print in gray does too.

use plotters::style::RGBColor;

use super::canvas::{Canvas, PALETTE};

/// How a series is drawn.
#[derive(Debug, Clone, Copy)]
pub struct SeriesLook {
    pub colour: RGBColor,
    marker: usize,
}

impl SeriesLook {
    /// The look of the series number `at`, counted from 0; 6 colours and 4 marks repeat together only after 12.
    pub fn number(at: usize) -> Self {
        Self { colour: PALETTE[at % PALETTE.len()], marker: at % 4 }
    }

    /// A mark about 7 · `size` points wide.
    pub fn mark(self, canvas: &mut Canvas, (x, y): (f64, f64), size: f64) {
        let s = size;
        match self.marker {
            0 => canvas.disc((x, y), 3.5 * s, self.colour),
            1 => canvas.fill([x - 3.0 * s, y - 3.0 * s, x + 3.0 * s, y + 3.0 * s], self.colour),
            2 => {
                canvas.polygon(&[(x, y - 4.0 * s), (x - 4.0 * s, y + 3.0 * s), (x + 4.0 * s, y + 3.0 * s)], self.colour)
            }
            _ => {
                let reach = 4.5 * s;
                canvas.polygon(&[(x, y - reach), (x - reach, y), (x, y + reach), (x + reach, y)], self.colour);
            }
        }
    }
}
