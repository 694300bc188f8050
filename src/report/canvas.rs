//! A page to draw a figure on: positions in points (1/72 inch) from the upper left corner.
//!
//! The page keeps what is drawn as a list of operations and draws it later, at any resolution or as vectors:
//!
//! ```text
//!   figure ── fill, path, text, … ──► Canvas ──► operations ──┬─► raster: pixels ──► PNG
//!                                                              └─► svg: elements ──► SVG
//! ```

mod operation;
mod raster;
mod svg;

use std::path::Path;

use plotters::style::RGBColor;

use self::operation::Operation;
use super::durable_file::{ReportError, write_durably};
use super::page_format::PageFormat;
use super::table::Table;
pub use super::text_look::{TextLook, bold, faint, plain, widest};
use crate::picture::encode_rgb8_png;

/// Pixels in a point of a page in the default format.
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

/// What stands on its own on a figure: the star of a chosen allocation.
pub const SIGNAL_RED: RGBColor = RGBColor(214, 24, 32);
/// The page.
pub const WHITE: RGBColor = RGBColor(255, 255, 255);

/// Which point of a text stands at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Centre,
    Right,
}

/// A white page.
#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    /// [points]
    width: f64,
    height: f64,
    operations: Vec<Operation>,
}

impl Canvas {
    /// A page of `width` × `height` points.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, operations: Vec::new() }
    }

    /// Width and height [points].
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// A filled rectangle with corners (`left`, `top`) and (`right`, `bottom`); rectangles that share a side neither
    /// overlap nor leave a gap.
    pub fn fill(&mut self, corners: [f64; 4], colour: RGBColor) {
        self.operations.push(Operation::Fill { corners, colour });
    }

    /// The outline of a rectangle, half a point wide, inside its corners.
    pub fn outline(&mut self, corners: [f64; 4], colour: RGBColor) {
        self.operations.push(Operation::Outline { corners, colour });
    }

    /// A line through points, `width` points wide.
    pub fn path(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        self.operations.push(Operation::Path { points: points.to_vec(), colour, width });
    }

    /// A straight line of dashes and gaps as long as `pattern` says [points], which repeats.
    pub fn dashes(&mut self, [from, to]: [(f64, f64); 2], pattern: &[f64], colour: RGBColor, width: f64) {
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let length = across.hypot(down);
        if pattern.iter().sum::<f64>() <= 0.0 {
            return;
        }
        let at = |along: f64| (from.0 + across * along / length, from.1 + down * along / length);
        let mut along = 0.0;
        for (number, part) in pattern.iter().cycle().enumerate() {
            if along >= length {
                break;
            }
            let end = (along + part).min(length);
            if number % 2 == 0 {
                self.path(&[at(along), at(end)], colour, width);
            }
            along = end;
        }
    }

    /// A filled polygon.
    pub fn polygon(&mut self, corners: &[(f64, f64)], colour: RGBColor) {
        self.translucent_polygon(corners, colour, 1.0);
    }

    /// A filled polygon through which what is below it shows; `opacity` from 0 to 1.
    pub fn translucent_polygon(&mut self, corners: &[(f64, f64)], colour: RGBColor, opacity: f64) {
        self.operations.push(Operation::Polygon { corners: corners.to_vec(), colour, opacity });
    }

    /// A filled circle.
    pub fn disc(&mut self, centre: (f64, f64), radius: f64, colour: RGBColor) {
        self.translucent_disc(centre, radius, colour, 1.0);
    }

    /// A filled circle through which what is below it shows; `opacity` from 0 to 1.
    pub fn translucent_disc(&mut self, centre: (f64, f64), radius: f64, colour: RGBColor, opacity: f64) {
        self.operations.push(Operation::Disc { centre, radius, colour, opacity });
    }

    /// A circle whose line is `width` points wide.
    pub fn ring(&mut self, centre: (f64, f64), radius: f64, colour: RGBColor, width: f64) {
        self.operations.push(Operation::Ring { centre, radius, colour, width });
    }

    /// One line of text whose baseline runs through (`x`, `baseline`).
    pub fn text(&mut self, text: &str, (x, baseline): (f64, f64), align: Align, look: TextLook) {
        let start = (x - offset(align, look.width(text)), baseline);
        self.set_text(text, start, false, look);
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
        let start = (baseline, y + offset(align, look.width(text)));
        self.set_text(text, start, true, look);
    }

    fn set_text(&mut self, text: &str, start: (f64, f64), upwards: bool, look: TextLook) {
        if !text.is_empty() {
            self.operations.push(Operation::Text { text: text.to_owned(), start, upwards, look });
        }
    }

    /// 8-bit pixels with their upper left corner at (`left`, `top`), each half a point wide and high; what leaves the page
    /// is cut off.
    pub fn blit(&mut self, rgb8: &[u8], width: usize, corner: (f64, f64)) {
        self.operations.push(Operation::Picture { rgb8: rgb8.to_vec(), width, corner });
    }

    /// Writes a figure in a format, as `<path>.png` and `<path>.svg` with title and footer in them, and the table behind
    /// it as `<path>.csv`.
    ///
    /// # Errors
    /// Those of [`Canvas::to_png_bytes_in`], and [`ReportError::Write`].
    pub fn write_figure(
        &self,
        path_without_extension: &Path,
        title: &str,
        footer: &str,
        table: &Table,
        format: &PageFormat,
    ) -> Result<(), ReportError> {
        let software = concat!("latentlink ", env!("CARGO_PKG_VERSION"));
        let provenance = [("Title", title), ("Software", software), ("Comment", footer)];
        let (png, svg) = (self.to_png_bytes_in(format, &provenance)?, self.to_svg(format, &provenance)?);
        let place = |extension: &str| path_without_extension.with_added_extension(extension);
        table.write_csv(&place("csv"))?;
        write_durably(&place("svg"), svg.as_bytes())?;
        write_durably(&place("png"), &png)
    }

    /// The page as a PNG file in the default format. Equal drawings give equal bytes.
    ///
    /// # Errors
    /// As [`Canvas::to_png_bytes_in`].
    pub fn to_png_bytes(&self, provenance: &[(&str, &str)]) -> Result<Vec<u8>, ReportError> {
        self.to_png_bytes_in(&PageFormat::default(), provenance)
    }

    /// The page as a PNG file, with (keyword, text) pairs in it that say where it comes from. Equal drawings give equal
    /// bytes.
    ///
    /// # Errors
    /// [`ReportError::PageFormat`], [`ReportError::Picture`].
    pub fn to_png_bytes_in(&self, format: &PageFormat, provenance: &[(&str, &str)]) -> Result<Vec<u8>, ReportError> {
        let scale = format.scale(self.width, self.height)?;
        let rgb8 = raster::pixels(&self.operations, &scale);
        Ok(encode_rgb8_png(scale.width, scale.height, &rgb8, Some(format.dots_per_inch), provenance)?)
    }

    /// The page as an SVG file of its printed size: text as text, pictures embedded. `provenance` as for PNG; a `Title`
    /// becomes the title of the document. Equal drawings give equal text.
    ///
    /// # Errors
    /// [`ReportError::PageFormat`], [`ReportError::Picture`].
    pub fn to_svg(&self, format: &PageFormat, provenance: &[(&str, &str)]) -> Result<String, ReportError> {
        let scale = format.scale(self.width, self.height)?;
        svg::document(&self.operations, (self.width, self.height), &scale, provenance)
    }
}

/// How far left of its anchor a text of `width` begins.
fn offset(align: Align, width: f64) -> f64 {
    match align {
        Align::Left => 0.0,
        Align::Centre => width / 2.0,
        Align::Right => width,
    }
}
