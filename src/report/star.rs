//! Pentagrams: what a figure wants to be found first.

use std::f64::consts::PI;

use plotters::style::RGBColor;

use super::canvas::{Canvas, INK, SIGNAL_RED, WHITE};

/// A white five-pointed star with a dark rim: the highest of some numbers.
pub(super) fn white_star(canvas: &mut Canvas, centre: (f64, f64), radius: f64) {
    star(canvas, centre, radius, WHITE, INK);
}

/// A red five-pointed star with a white rim: a chosen allocation, as the paper's Figs. 13 and 14 mark it.
pub(super) fn red_star(canvas: &mut Canvas, centre: (f64, f64), radius: f64) {
    star(canvas, centre, radius, SIGNAL_RED, WHITE);
}

fn star(canvas: &mut Canvas, (x, y): (f64, f64), radius: f64, colour: RGBColor, rim: RGBColor) {
    let corners = |outer: f64| -> Vec<(f64, f64)> {
        (0..10)
            .map(|corner| {
                let length = if corner % 2 == 0 { outer } else { 0.42 * outer };
                let angle = PI / 5.0 * f64::from(corner) - PI / 2.0;
                (x + length * angle.cos(), y + length * angle.sin())
            })
            .collect()
    };
    canvas.polygon(&corners(radius + 1.8), rim);
    canvas.polygon(&corners(radius), colour);
}
