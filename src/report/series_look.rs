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
    pub fn mark(self, canvas: &mut Canvas, place: (f64, f64), size: f64) {
        self.translucent_mark(canvas, place, size, 1.0);
    }

    /// A mark through which those below it show; `opacity` from 0 to 1.
    pub fn translucent_mark(self, canvas: &mut Canvas, (x, y): (f64, f64), size: f64, opacity: f64) {
        let s = size;
        let corners = match self.marker {
            0 => return canvas.translucent_disc((x, y), 3.5 * s, self.colour, opacity),
            1 if opacity >= 1.0 => {
                return canvas.fill([x - 3.0 * s, y - 3.0 * s, x + 3.0 * s, y + 3.0 * s], self.colour);
            }
            1 => vec![
                (x - 3.0 * s, y - 3.0 * s),
                (x + 3.0 * s, y - 3.0 * s),
                (x + 3.0 * s, y + 3.0 * s),
                (x - 3.0 * s, y + 3.0 * s),
            ],
            2 => vec![(x, y - 4.0 * s), (x - 4.0 * s, y + 3.0 * s), (x + 4.0 * s, y + 3.0 * s)],
            _ => {
                let reach = 4.5 * s;
                vec![(x, y - reach), (x - reach, y), (x, y + reach), (x + reach, y)]
            }
        };
        canvas.translucent_polygon(&corners, self.colour, opacity);
    }
}
