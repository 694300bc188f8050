//! How large a figure is printed, and with how many pixels.

use super::durable_file::ReportError;

/// Points of a figure in an inch of paper, at its natural size.
pub const POINTS_PER_INCH: f64 = 72.0;
const MILLIMETRES_PER_INCH: f64 = 25.4;
/// Figures of more pixels than this are refused: they take gigabytes while they are drawn.
const MOST_PIXELS: f64 = 250e6;

/// Resolution and printed width of a figure.
///
/// ```
/// use latentlink::report::PageFormat;
///
/// // A figure for one column of a journal.
/// let column = PageFormat { dots_per_inch: 300.0, width_mm: Some(88.0) };
/// // 88 mm / 25.4 mm · 300; the height follows.
/// assert_eq!(column.scale(640.0, 320.0).unwrap().width, 1039);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageFormat {
    /// Pixels in an inch of paper.
    pub dots_per_inch: f64,
    /// Printed width [mm]. `None`: the natural size, in which text of 10 points is printed with 10 points.
    pub width_mm: Option<f64>,
}

/// Two pixels a point, at the natural size.
impl Default for PageFormat {
    fn default() -> Self {
        Self { dots_per_inch: 2.0 * POINTS_PER_INCH, width_mm: None }
    }
}

/// A page in pixels and on paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageScale {
    /// [pixels]
    pub width: usize,
    pub height: usize,
    pub pixels_per_point: f64,
    /// Printed size [mm].
    pub width_mm: f64,
    pub height_mm: f64,
}

impl PageFormat {
    /// The size of a page of `width` × `height` points in this format.
    ///
    /// # Errors
    /// [`ReportError::PageFormat`] where resolution or width are not positive numbers, or the page would have more than
    /// 250 million pixels.
    pub fn scale(&self, width: f64, height: f64) -> Result<PageScale, ReportError> {
        let failed = |message: String| ReportError::PageFormat { message };
        let positive = |number: f64| number.is_finite() && number > 0.0;
        if !positive(self.dots_per_inch) {
            return Err(failed(format!("{} dots per inch is no resolution", self.dots_per_inch)));
        }
        let natural_width_mm = width / POINTS_PER_INCH * MILLIMETRES_PER_INCH;
        let width_mm = self.width_mm.unwrap_or(natural_width_mm);
        if !positive(width_mm) {
            return Err(failed(format!("{width_mm} mm is no width")));
        }
        let pixels = |points: f64, per_point: f64| (points * per_point - 1e-6).ceil().max(1.0);
        let (columns, pixels_per_point) = match self.width_mm {
            None => {
                let per_point = self.dots_per_inch / POINTS_PER_INCH;
                (pixels(width, per_point), per_point)
            }
            Some(width_mm) => {
                let columns = (width_mm / MILLIMETRES_PER_INCH * self.dots_per_inch).round().max(1.0);
                (columns, columns / width)
            }
        };
        let rows = pixels(height, pixels_per_point);
        if columns * rows > MOST_PIXELS {
            return Err(failed(format!("{columns} × {rows} pixels are more than {} million", MOST_PIXELS / 1e6)));
        }
        Ok(PageScale {
            width: columns as usize,
            height: rows as usize,
            pixels_per_point,
            width_mm,
            height_mm: width_mm / width * height,
        })
    }
}
