//! A page to draw a figure on: positions in points from the upper left corner, two pixels a point, so that text is crisp.
//!
//! plotters rasterises lines and shapes, the crate `png` encodes. Text is set by [`super::fonts`] and placed by its
//! baseline: plotters drops the side bearings of glyphs, so that letters touch, and clips titles at the upper edge.

use std::path::Path;

use plotters::prelude::{BitMapBackend, DrawingBackend};
use plotters::style::{Color, RGBColor};

use super::durable_file::{ReportError, write_durably};
use super::fonts;
use super::table::Table;
use crate::picture::encode_rgb8_png;

/// Pixels in a point.
pub const PIXELS_PER_POINT: usize = 2;

/// Okabe and Ito's palette, which stays distinct with any common colour blindness, without its black and yellow (too pale
/// for lines).
pub const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
/// Text and axes.
pub const INK: RGBColor = RGBColor(34, 34, 34);
/// Text that stands back: captions, footers.
pub const FAINT_INK: RGBColor = RGBColor(105, 105, 105);
/// Grid lines and frames.
pub const HAIRLINE: RGBColor = RGBColor(216, 216, 216);
/// Tiles without a picture.
pub const PAPER_GRAY: RGBColor = RGBColor(238, 238, 238);
/// Crosses over what failed.
pub const CROSS_GRAY: RGBColor = RGBColor(176, 176, 176);

/// Which point of a text stands at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Centre,
    Right,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextLook {
    /// Height of the em square [points].
    pub size: f64,
    pub bold: bool,
    pub colour: RGBColor,
}

/// Ordinary text of `size` points.
pub fn plain(size: f64) -> TextLook {
    TextLook { size, bold: false, colour: INK }
}

/// Bold text of `size` points.
pub fn bold(size: f64) -> TextLook {
    TextLook { bold: true, ..plain(size) }
}

/// Text of `size` points that stands back.
pub fn faint(size: f64) -> TextLook {
    TextLook { colour: FAINT_INK, ..plain(size) }
}

impl TextLook {
    /// Height of the em square [pixels].
    fn em(self) -> f32 {
        (self.size * PIXELS_PER_POINT as f64) as f32
    }

    /// Width of one line of text [points].
    pub fn width(self, text: &str) -> f64 {
        f64::from(fonts::line_width(text, self.em(), self.bold)) / PIXELS_PER_POINT as f64
    }

    /// Distance of two baselines [points].
    pub fn line_height(self) -> f64 {
        1.3 * self.size
    }

    /// Breaks text into lines of at most `width` points where there is a space; a longer word keeps its line. Line breaks
    /// in the text stay; no-break spaces do not break, and blanks at the end of a line are dropped.
    pub fn wrap(self, text: &str, width: f64) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
                let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
                if line.is_empty() || self.width(&longer) <= width {
                    line = longer;
                } else {
                    lines.push(std::mem::replace(&mut line, word.to_owned()).trim_end().to_owned());
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

/// The width of the widest line [points].
pub fn widest<'a>(lines: impl Iterator<Item = &'a String>, look: TextLook) -> f64 {
    lines.map(|line| look.width(line)).fold(0.0, f64::max)
}

/// A white page.
pub struct Canvas {
    /// [pixels]
    width: usize,
    height: usize,
    rgb8: Vec<u8>,
}

impl Canvas {
    /// A page of `width` × `height` points.
    pub fn new(width: f64, height: f64) -> Self {
        let pixels = |points: f64| (points * PIXELS_PER_POINT as f64).ceil().max(1.0) as usize;
        let (width, height) = (pixels(width), pixels(height));
        Self { width, height, rgb8: vec![255; 3 * width * height] }
    }

    fn draw(&mut self, draw: impl FnOnce(&mut BitMapBackend<'_>)) {
        let size = (self.width as u32, self.height as u32);
        draw(&mut BitMapBackend::with_buffer(&mut self.rgb8, size));
    }

    /// A filled rectangle with corners (`left`, `top`) and (`right`, `bottom`); rectangles that share a side neither
    /// overlap nor leave a gap.
    pub fn fill(&mut self, [left, top, right, bottom]: [f64; 4], colour: RGBColor) {
        let (from, to) = (pixel(left, top), pixel(right, bottom));
        let inside = |at: i32, length: usize| at.clamp(0, length as i32) as usize;
        let columns = inside(from.0, self.width)..inside(to.0, self.width);
        for row in inside(from.1, self.height)..inside(to.1, self.height) {
            for column in columns.clone() {
                let at = 3 * (row * self.width + column);
                self.rgb8[at..at + 3].copy_from_slice(&[colour.0, colour.1, colour.2]);
            }
        }
    }

    /// The outline of a rectangle, half a point wide, inside its corners.
    pub fn outline(&mut self, [left, top, right, bottom]: [f64; 4], colour: RGBColor) {
        let (from, to) = (pixel(left, top), pixel(right, bottom));
        self.draw(|backend| {
            // plotters includes the last pixel row and column.
            backend.draw_rect(from, (to.0 - 1, to.1 - 1), &colour.stroke_width(1), false).expect(INFALLIBLE);
        });
    }

    /// A line through points, `width` points wide.
    pub fn path(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        let stroke = (width * PIXELS_PER_POINT as f64).round().max(1.0) as u32;
        let points: Vec<_> = points.iter().map(|&(x, y)| pixel(x, y)).collect();
        self.draw(|backend| {
            backend.draw_path(points, &colour.stroke_width(stroke)).expect(INFALLIBLE);
        });
    }

    /// A filled polygon.
    pub fn polygon(&mut self, corners: &[(f64, f64)], colour: RGBColor) {
        let corners: Vec<_> = corners.iter().map(|&(x, y)| pixel(x, y)).collect();
        self.draw(|backend| {
            backend.fill_polygon(corners, &colour.filled()).expect(INFALLIBLE);
        });
    }

    /// A filled circle.
    pub fn disc(&mut self, (x, y): (f64, f64), radius: f64, colour: RGBColor) {
        let radius = (radius * PIXELS_PER_POINT as f64).round() as u32;
        self.draw(|backend| {
            backend.draw_circle(pixel(x, y), radius, &colour.filled(), true).expect(INFALLIBLE);
        });
    }

    /// One line of text whose baseline runs through (`x`, `baseline`).
    pub fn text(&mut self, text: &str, (x, baseline): (f64, f64), align: Align, look: TextLook) {
        let start = pixel(x - offset(align, look.width(text)), baseline);
        fonts::rasterise_line(text, look.em(), look.bold, |along, down, coverage| {
            self.blend((start.0 + along, start.1 + down), look.colour, coverage);
        });
    }

    /// Lines of text below each other, the first with its upper edge at `top`. Gives where the next would begin.
    pub fn lines_down(&mut self, lines: &[String], (x, top): (f64, f64), align: Align, look: TextLook) -> f64 {
        let mut top = top;
        for line in lines {
            self.text(line, (x, top + look.size), align, look);
            top += look.line_height();
        }
        top
    }

    /// One line of text that reads upwards along the vertical baseline at `baseline`, anchored at `y`.
    pub fn text_upwards(&mut self, text: &str, (baseline, y): (f64, f64), align: Align, look: TextLook) {
        let start = pixel(baseline, y + offset(align, look.width(text)));
        fonts::rasterise_line(text, look.em(), look.bold, |along, down, coverage| {
            self.blend((start.0 + down, start.1 - 1 - along), look.colour, coverage);
        });
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

    /// 8-bit pixels with their upper left corner at (`left`, `top`); what leaves the page is cut off.
    pub fn blit(&mut self, rgb8: &[u8], width: usize, (left, top): (f64, f64)) {
        let (left, top) = pixel(left, top);
        let (left, top) = (left.max(0) as usize, top.max(0) as usize);
        let shown = width.min(self.width.saturating_sub(left));
        for (row, source) in rgb8.chunks_exact(3 * width).enumerate() {
            if top + row >= self.height {
                break;
            }
            let start = 3 * ((top + row) * self.width + left);
            self.rgb8[start..start + 3 * shown].copy_from_slice(&source[..3 * shown]);
        }
    }

    /// Width and height [pixels].
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Writes a figure: `<path>.png` with title and footer in it, and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// Those of [`Canvas::to_png_bytes`], and [`ReportError::Write`].
    pub fn write_figure(
        &self,
        path_without_extension: &Path,
        title: &str,
        footer: &str,
        table: &Table,
    ) -> Result<(), ReportError> {
        let software = concat!("latentlink ", env!("CARGO_PKG_VERSION"));
        let png = self.to_png_bytes(&[("Title", title), ("Software", software), ("Comment", footer)])?;
        table.write_csv(&path_without_extension.with_added_extension("csv"))?;
        write_durably(&path_without_extension.with_added_extension("png"), &png)
    }

    /// The page as a PNG file. Equal drawings give equal bytes.
    ///
    /// # Errors
    /// [`ReportError::Picture`].
    pub fn to_png_bytes(&self, provenance: &[(&str, &str)]) -> Result<Vec<u8>, ReportError> {
        let dots_per_inch = 72 * PIXELS_PER_POINT as u32;
        Ok(encode_rgb8_png(self.width, self.height, &self.rgb8, Some(dots_per_inch), provenance)?)
    }
}

const INFALLIBLE: &str = "drawing into memory does not fail";

/// How far left of its anchor a text of `width` begins.
fn offset(align: Align, width: f64) -> f64 {
    match align {
        Align::Left => 0.0,
        Align::Centre => width / 2.0,
        Align::Right => width,
    }
}

fn pixel(x: f64, y: f64) -> (i32, i32) {
    let scaled = |points: f64| (points * PIXELS_PER_POINT as f64).round() as i32;
    (scaled(x), scaled(y))
}
