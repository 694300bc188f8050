//! What can be drawn. Positions and sizes are in points.

use plotters::style::RGBColor;

use crate::report::text_look::TextLook;

/// One thing on a page; what comes later lies above what came before.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    /// A rectangle: left, top, right, bottom.
    Fill {
        corners: [f64; 4],
        colour: RGBColor,
    },
    /// Half a point wide, inside the corners.
    Outline {
        corners: [f64; 4],
        colour: RGBColor,
    },
    Path {
        points: Vec<(f64, f64)>,
        colour: RGBColor,
        width: f64,
    },
    /// `opacity` from 0 to 1.
    Polygon {
        corners: Vec<(f64, f64)>,
        colour: RGBColor,
        opacity: f64,
    },
    Disc {
        centre: (f64, f64),
        radius: f64,
        colour: RGBColor,
        opacity: f64,
    },
    Ring {
        centre: (f64, f64),
        radius: f64,
        colour: RGBColor,
        width: f64,
    },
    /// One line that begins at `start` on its baseline.
    Text {
        text: String,
        start: (f64, f64),
        upwards: bool,
        look: TextLook,
    },
    /// Rows of `width` pixels with 8 bits for red, green and blue; a pixel is [`PIXEL`] wide and high.
    Picture {
        rgb8: Vec<u8>,
        width: usize,
        corner: (f64, f64),
    },
}

/// Side of a pixel of an embedded picture [points].
pub(super) const PIXEL: f64 = 0.5;
/// Width of an outline [points].
pub(super) const OUTLINE: f64 = 0.5;

/// Pixels in a column of an embedded picture.
pub(super) fn rows(rgb8: &[u8], width: usize) -> usize {
    rgb8.len() / (3 * width.max(1))
}
