//! Areas with lines across them, which tell areas apart where a print has no colours.

use plotters::style::RGBColor;

use super::canvas::Canvas;

/// Lines across an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hatching {
    None,
    /// A frame around the area instead.
    Framed(RGBColor),
    /// ╱╱╱
    Rising(RGBColor),
    /// ╲╲╲
    Falling(RGBColor),
    /// ╳╳╳
    Crossed(RGBColor),
}

/// Distance of two lines, measured along an edge [points].
const PITCH: f64 = 6.0;
const LINE: f64 = 0.5;

/// A filled rectangle (left, top, right, bottom) with its lines.
pub(super) fn hatched(canvas: &mut Canvas, area: [f64; 4], colour: RGBColor, hatching: Hatching) {
    canvas.fill(area, colour);
    match hatching {
        Hatching::None => {}
        Hatching::Framed(ink) => canvas.outline(area, ink),
        Hatching::Rising(ink) => lines_across(canvas, area, ink, false),
        Hatching::Falling(ink) => lines_across(canvas, area, ink, true),
        Hatching::Crossed(ink) => {
            lines_across(canvas, area, ink, false);
            lines_across(canvas, area, ink, true);
        }
    }
}

fn lines_across(canvas: &mut Canvas, [left, top, right, bottom]: [f64; 4], ink: RGBColor, falling: bool) {
    let (width, height) = (right - left, bottom - top);
    let mut along = PITCH / 2.0;
    while along < width + height {
        // The line x + y = along inside the area, y counted from the top; falling lines are mirrored.
        let (from_x, to_x) = ((along - height).max(0.0), along.min(width));
        let place = |x: f64| match falling {
            false => (left + x, top + along - x),
            true => (right - x, top + along - x),
        };
        canvas.path(&[place(from_x), place(to_x)], ink, LINE);
        along += PITCH;
    }
}
