//! A page as pixels.
//!
//! plotters rasterises lines and opaque shapes; it snaps them to pixels, so that axes and bars have sharp edges. Translucent
//! shapes and rings are covered here, since plotters blends the seams of a polygon twice. Text is set by
//! [`crate::report::fonts`] and placed by its baseline: plotters drops the side bearings of glyphs, so that letters touch,
//! and clips titles at the upper edge.

mod coverage;

use plotters::prelude::{BitMapBackend, DrawingBackend};
use plotters::style::{Color, RGBColor};

use self::coverage::{disc_coverage, polygon_coverage, ring_coverage};
use super::operation::{OUTLINE, Operation, PIXEL, rows};
use crate::report::fonts;
use crate::report::page_format::PageScale;
use crate::report::text_look::TextLook;

/// Interleaved rows, 8 bits for red, green and blue, of the operations on white.
pub(super) fn pixels(operations: &[Operation], scale: &PageScale) -> Vec<u8> {
    let PageScale { width, height, pixels_per_point, .. } = *scale;
    let mut raster = Raster { width, height, pixels_per_point, rgb8: vec![255; 3 * width * height] };
    for operation in operations {
        raster.draw(operation);
    }
    raster.rgb8
}

struct Raster {
    /// [pixels]
    width: usize,
    height: usize,
    pixels_per_point: f64,
    rgb8: Vec<u8>,
}

const INFALLIBLE: &str = "drawing into memory does not fail";

impl Raster {
    fn draw(&mut self, operation: &Operation) {
        match operation {
            Operation::Fill { corners, colour } => self.fill(*corners, *colour),
            Operation::Outline { corners, colour } => self.outline(*corners, *colour),
            Operation::Path { points, colour, width } => self.path(points, *colour, *width),
            Operation::Polygon { corners, colour, opacity } if *opacity >= 1.0 => {
                let corners: Vec<_> = corners.iter().map(|&corner| self.pixel(corner)).collect();
                self.backend().fill_polygon(corners, &colour.filled()).expect(INFALLIBLE);
            }
            Operation::Polygon { corners, colour, opacity } => {
                let corners: Vec<_> = corners.iter().map(|&corner| self.scaled(corner)).collect();
                let covered = polygon_coverage(&corners, (self.width, self.height));
                self.cover(covered, *colour, *opacity);
            }
            Operation::Disc { centre, radius, colour, opacity } if *opacity >= 1.0 => {
                let (centre, radius) = (self.pixel(*centre), (radius * self.pixels_per_point).round() as u32);
                self.backend().draw_circle(centre, radius, &colour.filled(), true).expect(INFALLIBLE);
            }
            Operation::Disc { centre, radius, colour, opacity } => {
                let covered = disc_coverage(self.scaled(*centre), radius * self.pixels_per_point);
                self.cover(covered, *colour, *opacity);
            }
            Operation::Ring { centre, radius, colour, width } => {
                let per_point = self.pixels_per_point;
                let stroke = (width * per_point).max(1.0);
                let covered = ring_coverage(self.scaled(*centre), radius * per_point, stroke);
                self.cover(covered, *colour, 1.0);
            }
            Operation::Text { text, start, upwards, look } => self.text(text, *start, *upwards, *look),
            Operation::Picture { rgb8, width, corner } => self.picture(rgb8, *width, *corner),
        }
    }

    fn backend(&mut self) -> BitMapBackend<'_> {
        let size = (self.width as u32, self.height as u32);
        BitMapBackend::with_buffer(&mut self.rgb8, size)
    }

    fn scaled(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (x * self.pixels_per_point, y * self.pixels_per_point)
    }

    fn pixel(&self, point: (f64, f64)) -> (i32, i32) {
        let (x, y) = self.scaled(point);
        (x.round() as i32, y.round() as i32)
    }

    fn fill(&mut self, [left, top, right, bottom]: [f64; 4], colour: RGBColor) {
        let (from, to) = (self.pixel((left, top)), self.pixel((right, bottom)));
        // Grid lines stay where a page has less than two pixels a point.
        let visible = |from: i32, to: i32, points: f64| {
            if to == from && points > OUTLINE - 1e-9 { to + 1 } else { to }
        };
        let to = (visible(from.0, to.0, right - left), visible(from.1, to.1, bottom - top));
        self.fill_pixels(from, to, colour);
    }

    fn fill_pixels(&mut self, from: (i32, i32), to: (i32, i32), colour: RGBColor) {
        let inside = |at: i32, length: usize| at.clamp(0, length as i32) as usize;
        let columns = inside(from.0, self.width)..inside(to.0, self.width);
        for row in inside(from.1, self.height)..inside(to.1, self.height) {
            for column in columns.clone() {
                let at = 3 * (row * self.width + column);
                self.rgb8[at..at + 3].copy_from_slice(&[colour.0, colour.1, colour.2]);
            }
        }
    }

    fn outline(&mut self, [left, top, right, bottom]: [f64; 4], colour: RGBColor) {
        let ((left, top), (right, bottom)) = (self.pixel((left, top)), self.pixel((right, bottom)));
        let stroke = (OUTLINE * self.pixels_per_point).round().max(1.0) as i32;
        for (from, to) in [
            ((left, top), (right, top + stroke)),
            ((left, bottom - stroke), (right, bottom)),
            ((left, top), (left + stroke, bottom)),
            ((right - stroke, top), (right, bottom)),
        ] {
            self.fill_pixels(from, to, colour);
        }
    }

    fn path(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        let stroke = (width * self.pixels_per_point).round().max(1.0) as u32;
        let mut points: Vec<_> = points.iter().map(|&point| self.pixel(point)).collect();
        // plotters asks for two different points.
        points.dedup();
        if points.len() > 1 {
            self.backend().draw_path(points, &colour.stroke_width(stroke)).expect(INFALLIBLE);
        }
    }

    fn text(&mut self, text: &str, start: (f64, f64), upwards: bool, look: TextLook) {
        let start = self.pixel(start);
        let em = (look.size * self.pixels_per_point) as f32;
        fonts::rasterise_line(text, em, look.bold, |along, down, coverage| {
            let place = match upwards {
                false => (start.0 + along, start.1 + down),
                true => (start.0 + down, start.1 - 1 - along),
            };
            self.blend(place, look.colour, coverage);
        });
    }

    /// Each pixel of the page takes the pixel of the picture under its centre.
    fn picture(&mut self, rgb8: &[u8], width: usize, (left, top): (f64, f64)) {
        let height = rows(rgb8, width);
        let (from, to) =
            (self.pixel((left, top)), self.pixel((left + width as f64 * PIXEL, top + height as f64 * PIXEL)));
        let source = |at: i32, from: i32, to: i32, length: usize| {
            let part = (f64::from(at - from) + 0.5) / f64::from((to - from).max(1));
            ((part * length as f64) as usize).min(length.saturating_sub(1))
        };
        for row in from.1.max(0)..to.1.min(self.height as i32) {
            let source_row = source(row, from.1, to.1, height);
            for column in from.0.max(0)..to.0.min(self.width as i32) {
                let under = 3 * (source_row * width + source(column, from.0, to.0, width));
                let at = 3 * (row as usize * self.width + column as usize);
                self.rgb8[at..at + 3].copy_from_slice(&rgb8[under..under + 3]);
            }
        }
    }

    fn cover(&mut self, covered: Vec<((i32, i32), f32)>, colour: RGBColor, opacity: f64) {
        for (place, coverage) in covered {
            self.blend(place, colour, coverage * opacity as f32);
        }
    }

    fn blend(&mut self, (column, row): (i32, i32), colour: RGBColor, coverage: f32) {
        let (Ok(column), Ok(row)) = (usize::try_from(column), usize::try_from(row)) else {
            return;
        };
        if column >= self.width || row >= self.height {
            return;
        }
        let at = 3 * (row * self.width + column);
        for (under, over) in self.rgb8[at..at + 3].iter_mut().zip([colour.0, colour.1, colour.2]) {
            let mixed = f32::from(*under) + coverage.clamp(0.0, 1.0) * (f32::from(over) - f32::from(*under));
            *under = mixed.round() as u8;
        }
    }
}
