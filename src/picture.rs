//! A decoded picture: what a user finally sees, and what metrics, judges and figures look at.

use miette::Diagnostic;
use ndarray::ArrayView3;
use thiserror::Error;

/// An RGB picture with values in [0, 1].
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<f32>,
}

/// Why values are no picture.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum PictureError {
    /// The array has another number of channels than three, or no pixels.
    #[error("a picture needs shape [3, height, width] with at least one pixel, but got {shape:?}")]
    #[diagnostic(help(
        "check that the pack's VAE decoder gives RGB pictures, and pass one picture of the batch at a time"
    ))]
    Shape { shape: Vec<usize> },
    /// A buffer whose length is not 3 · width · height.
    #[error("{width}×{height} RGB pixels need {} values, but got {length}", 3 * width * height)]
    #[diagnostic(help("pass interleaved rows: r, g, b of the first pixel, then of the next in the same row"))]
    Length { width: usize, height: usize, length: usize },
    /// A NaN or infinite value: the decoder was fed a latent that had left the numbers, say an unsanitised one.
    #[error("the picture has a value that is not a number or infinite, first at row {row}, column {column}")]
    #[diagnostic(help(
        "the latent was destroyed on its way: choose `sanitize = \"clip\"` or `\"zero\"` in `[diffusion]` to repair it before it is used"
    ))]
    NotFinite { row: usize, column: usize },
    /// A file is not the PNG picture it should be.
    #[error("the file is no picture of a study: {message}")]
    #[diagnostic(help("pictures are 8-bit RGB PNG files: run the scenario again to make it anew"))]
    Decoding { message: String },
    /// The PNG encoder failed.
    #[error("the picture could not be encoded as PNG: {message}")]
    #[diagnostic(help(
        "provenance keywords are 1 to 79 Latin-1 characters; pictures have fewer than 2³¹ pixels a side"
    ))]
    Encoding { message: String },
}

/// How pixels are filled in when a picture is enlarged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enlargement {
    /// Each pixel becomes a square: shows the true pixels.
    Nearest,
    /// Linear between the centres of neighbouring pixels, edges held.
    Bilinear,
}

impl Picture {
    /// From interleaved rows `rgb` [height × width × 3]; values outside [0, 1] are clipped.
    ///
    /// # Errors
    /// [`PictureError::Shape`], [`PictureError::Length`], [`PictureError::NotFinite`].
    pub fn new(width: usize, height: usize, mut rgb: Vec<f32>) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Shape { shape: vec![3, height, width] });
        }
        if rgb.len() != 3 * width * height {
            return Err(PictureError::Length { width, height, length: rgb.len() });
        }
        if let Some(at) = rgb.iter().position(|value| !value.is_finite()) {
            return Err(PictureError::NotFinite { row: at / 3 / width, column: at / 3 % width });
        }
        for value in &mut rgb {
            *value = value.clamp(0.0, 1.0);
        }
        Ok(Self { width, height, rgb })
    }

    /// From channels, rows, columns [3, height, width] with values in [0, 1]; values outside are clipped.
    ///
    /// # Errors
    /// As [`Picture::new`].
    pub fn from_chw(channels: ArrayView3<f32>) -> Result<Self, PictureError> {
        let (depth, height, width) = channels.dim();
        if depth != 3 {
            return Err(PictureError::Shape { shape: channels.shape().to_vec() });
        }
        let interleaved = channels.permuted_axes([1, 2, 0]);
        Self::new(width, height, interleaved.iter().copied().collect())
    }

    /// From an 8-bit RGB PNG file, as [`Picture::to_png_bytes`] makes them.
    ///
    /// # Errors
    /// [`PictureError::Decoding`] for anything else.
    pub fn from_png_bytes(bytes: &[u8]) -> Result<Self, PictureError> {
        let refused = |message: String| PictureError::Decoding { message };
        let mut reader =
            png::Decoder::new(std::io::Cursor::new(bytes)).read_info().map_err(|e| refused(e.to_string()))?;
        let size = reader.output_buffer_size().ok_or_else(|| refused("it is too large for this machine".to_owned()))?;
        let mut rgb8 = vec![0; size];
        let frame = reader.next_frame(&mut rgb8).map_err(|e| refused(e.to_string()))?;
        if (frame.color_type, frame.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            return Err(refused("it is not 8-bit RGB".to_owned()));
        }
        rgb8.truncate(frame.buffer_size());
        Self::new(
            frame.width as usize,
            frame.height as usize,
            rgb8.into_iter().map(|value| f32::from(value) / 255.0).collect(),
        )
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Interleaved rows [height × width × 3], values in [0, 1].
    pub fn rgb(&self) -> &[f32] {
        &self.rgb
    }

    /// Interleaved rows [height × width × 3], 8 bits per channel: 255 · value rounded to the nearest, half away from zero.
    pub fn to_rgb8(&self) -> Vec<u8> {
        // The values are in [0, 1], so that the cast neither wraps nor saturates.
        self.rgb.iter().map(|value| (value * 255.0).round() as u8).collect()
    }

    /// An 8-bit RGB PNG file. `provenance` becomes text chunks (keyword, text), say the study and the seed. Equal pictures
    /// with equal provenance give equal bytes.
    ///
    /// # Errors
    /// [`PictureError::Encoding`].
    pub fn to_png_bytes(&self, provenance: &[(&str, &str)]) -> Result<Vec<u8>, PictureError> {
        encode_rgb8_png(self.width, self.height, &self.to_rgb8(), None, provenance)
    }

    /// The picture `factor` times as wide and high, for display. A factor of 0 counts as 1.
    pub fn enlarge(&self, factor: usize, enlargement: Enlargement) -> Picture {
        let factor = factor.max(1);
        let (width, height) = (self.width * factor, self.height * factor);
        let columns = source_pixels(self.width, factor, enlargement);
        let rows = source_pixels(self.height, factor, enlargement);
        let mut rgb = Vec::with_capacity(3 * width * height);
        for &(above, below, down) in &rows {
            for &(left, right, across) in &columns {
                for channel in 0..3 {
                    let at = |row: usize, column: usize| self.rgb[3 * (row * self.width + column) + channel];
                    let upper = at(above, left) + across * (at(above, right) - at(above, left));
                    let lower = at(below, left) + across * (at(below, right) - at(below, left));
                    rgb.push(upper + down * (lower - upper));
                }
            }
        }
        Picture { width, height, rgb }
    }
}

/// For each enlarged pixel of a row: the two source pixels around its centre, and the weight of the second.
fn source_pixels(length: usize, factor: usize, enlargement: Enlargement) -> Vec<(usize, usize, f32)> {
    (0..length * factor)
        .map(|target| match enlargement {
            Enlargement::Nearest => (target / factor, target / factor, 0.0),
            Enlargement::Bilinear => {
                let centre = ((target as f32 + 0.5) / factor as f32 - 0.5).clamp(0.0, (length - 1) as f32);
                let first = centre.floor();
                let second = (first as usize + 1).min(length - 1);
                (first as usize, second, centre - first)
            }
        })
        .collect()
}

/// Encodes interleaved 8-bit rows as PNG. `dots_per_inch` tells viewers the intended size of a figure.
pub(crate) fn encode_rgb8_png(
    width: usize,
    height: usize,
    rgb8: &[u8],
    dots_per_inch: Option<f64>,
    provenance: &[(&str, &str)],
) -> Result<Vec<u8>, PictureError> {
    let failed = |error: png::EncodingError| PictureError::Encoding { message: error.to_string() };
    let side = |length: usize| {
        u32::try_from(length)
            .map_err(|_| PictureError::Encoding { message: format!("{length} pixels are too many for one side") })
    };
    let mut info = png::Info::with_size(side(width)?, side(height)?);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.pixel_dims = dots_per_inch.map(|dots| {
        let per_metre = (dots / 0.0254).round() as u32;
        png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }
    });
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).map_err(failed)?;
    // Fixed here, so that the bytes do not change with the encoder's defaults.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::Adaptive);
    for (keyword, text) in provenance {
        let added = if text.chars().all(|character| (character as u32) < 256) {
            encoder.add_text_chunk((*keyword).to_owned(), (*text).to_owned())
        } else {
            encoder.add_itxt_chunk((*keyword).to_owned(), (*text).to_owned())
        };
        added.map_err(failed)?;
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(rgb8).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
