//! Patches of a picture in nearly its own size, as `Qwen2VLImageProcessor` makes them:
//!
//! ```text
//! resize to multiples of a square (patch side × merge size), between the least and the most pixels ─► values
//!   ─► patches; those that the model merges lie side by side, each holds every frame (a still picture is shown twice)
//! ```

use ndarray::Array2;

use super::config_reader::ConfigReader;
use super::resampling::{ResamplingFilter, resize_rgb8};
use super::values::{CLIP, ValueScaling};
use crate::onnx::pack_error::PackError;
use crate::picture::Picture;

/// What the processor takes where the file is silent.
const USUAL_PIXELS: [usize; 2] = [56 * 56, 28 * 28 * 1280];
/// Most pixels of one picture.
const MOST_PIXELS: u64 = 1 << 24;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PicturePatches {
    resizes: bool,
    filter: ResamplingFilter,
    least_pixels: usize,
    most_pixels: usize,
    /// Of a patch [pixels].
    side: usize,
    frames: usize,
    /// Patches along a side of the square that becomes one row of features.
    merge: usize,
    values: ValueScaling,
}

impl PicturePatches {
    pub fn new(reader: ConfigReader<'_>) -> Result<Self, PackError> {
        let [least, most] = USUAL_PIXELS;
        let made = Self {
            resizes: reader.flag("do_resize", true)?,
            filter: reader.filter(ResamplingFilter::Bicubic)?,
            least_pixels: number_of_pixels(reader, "min_pixels", "shortest_edge", least)?,
            most_pixels: number_of_pixels(reader, "max_pixels", "longest_edge", most)?,
            side: reader.side("patch_size", 14)?,
            frames: reader.side("temporal_patch_size", 2)?,
            merge: reader.side("merge_size", 2)?,
            values: ValueScaling::new(reader, CLIP)?,
        };
        if made.most_pixels < made.least_pixels.max((made.side * made.merge).pow(2)) {
            let expected = "at least min_pixels, and at least (patch_size × merge_size)²";
            return Err(PackError::config(reader.file, "max_pixels", expected, &made.most_pixels.into()));
        }
        if !made.resizes {
            return Err(reader.wrong("do_resize", "true: pictures are not otherwise whole numbers of patches"));
        }
        Ok(made)
    }

    /// Values of one patch.
    pub fn patch_values(&self) -> usize {
        3 * self.frames * self.side * self.side
    }

    /// Patches along a side of a merged square.
    pub fn merge_size(&self) -> usize {
        self.merge
    }

    /// Merged squares in a column and in a row.
    pub fn squares(&self, size: [usize; 2]) -> [usize; 2] {
        self.resized(size).map(|length| length / (self.side * self.merge))
    }

    /// [patches, 3 · frames · side · side], and the patches in a column and in a row.
    pub fn pixels(&self, picture: &Picture) -> (Array2<f32>, [usize; 2]) {
        let size = [picture.height(), picture.width()];
        let resized = self.resized(size);
        let rgb = resize_rgb8(&picture.to_rgb8(), size, resized, self.filter);
        let (side, merge) = (self.side, self.merge);
        let grid = resized.map(|length| length / side);
        let squares_in_row = grid[1] / merge;
        let patches = Array2::from_shape_fn((grid[0] * grid[1], self.patch_values()), |(patch, value)| {
            let (square, within) = (patch / (merge * merge), patch % (merge * merge));
            let down = square / squares_in_row * merge + within / merge;
            let right = square % squares_in_row * merge + within % merge;
            let (channel, pixel) = (value / (self.frames * side * side), value % (side * side));
            let (row, column) = (down * side + pixel / side, right * side + pixel % side);
            self.values.value(rgb[3 * (row * resized[1] + column) + channel], channel)
        });
        (patches, grid)
    }

    /// `smart_resize` of the processor.
    fn resized(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let factor = (self.side * self.merge) as f64;
        let (height, width) = (height as f64, width as f64);
        let rounded = [height, width].map(|length| (length / factor).round_ties_even() * factor);
        let area = rounded[0] * rounded[1];
        let [height, width] = if area > self.most_pixels as f64 {
            let beta = (height * width / self.most_pixels as f64).sqrt();
            [height, width].map(|length| ((length / beta / factor).floor() * factor).max(factor))
        } else if area < self.least_pixels as f64 {
            let beta = (self.least_pixels as f64 / (height * width)).sqrt();
            [height, width].map(|length| (length * beta / factor).ceil() * factor)
        } else {
            rounded
        };
        [height as usize, width as usize]
    }
}

/// `key`, else the same under `size`, where newer files have it as an edge, which it is not.
fn number_of_pixels(reader: ConfigReader<'_>, key: &str, edge: &str, absent: usize) -> Result<usize, PackError> {
    let size = &reader.config["size"];
    let value = [&reader.config[key], &size[edge], &size[key]].into_iter().find(|value| !value.is_null());
    let Some(value) = value else { return Ok(absent) };
    let number = value.as_u64().filter(|pixels| (1..=MOST_PIXELS).contains(pixels));
    number.map(|number| number as usize).ok_or_else(|| {
        PackError::config(reader.file, key, "a number of pixels of the whole picture, at most 4096 × 4096", value)
    })
}
