//! One picture, as `CLIPImageProcessor` and `SiglipImageProcessor` make it:
//!
//! ```text
//! resize (shortest edge, or a size) ─► centre crop, zeros where the picture is smaller ─► values
//! ```

use ndarray::Array3;
use serde_json::Value;

use super::config_reader::{ConfigReader, pixels};
use super::resampling::{ResamplingFilter, resize_rgb8};
use super::values::{CLIP, HALVES, ValueScaling};
use crate::onnx::pack_error::PackError;
use crate::picture::Picture;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct WholePicture {
    resize: Option<(TargetSize, ResamplingFilter)>,
    /// Height and width.
    crop: Option<[usize; 2]>,
    values: ValueScaling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TargetSize {
    ShortestEdge(usize),
    /// Height and width.
    Exactly([usize; 2]),
}

impl WholePicture {
    pub fn clip(reader: ConfigReader<'_>) -> Result<Self, PackError> {
        Self::new(reader, TargetSize::ShortestEdge(224), true, CLIP)
    }

    pub fn siglip(reader: ConfigReader<'_>) -> Result<Self, PackError> {
        Self::new(reader, TargetSize::Exactly([224, 224]), false, HALVES)
    }

    /// With what holds where the file is silent.
    fn new(
        reader: ConfigReader<'_>,
        size: TargetSize,
        crops: bool,
        mean_and_std: ([f32; 3], [f32; 3]),
    ) -> Result<Self, PackError> {
        let resize = match reader.flag("do_resize", true)? {
            true => Some((target_size(reader, size)?, reader.filter(ResamplingFilter::Bicubic)?)),
            false => None,
        };
        let crop = match reader.flag("do_center_crop", crops)? {
            true => Some(crop_size(reader)?),
            false => None,
        };
        Ok(Self { resize, crop, values: ValueScaling::new(reader, mean_and_std)? })
    }

    /// Height and width of the result, where they don't depend on the picture.
    pub fn size(&self) -> Option<[usize; 2]> {
        self.crop.or(match self.resize {
            Some((TargetSize::Exactly(size), _)) => Some(size),
            _ => None,
        })
    }

    /// [3, height, width]
    pub fn pixels(&self, picture: &Picture) -> Array3<f32> {
        let mut size = [picture.height(), picture.width()];
        let mut rgb = picture.to_rgb8();
        if let Some((target, filter)) = self.resize {
            let target = target.of(size);
            rgb = resize_rgb8(&rgb, size, target, filter);
            size = target;
        }
        if let Some(target) = self.crop {
            rgb = centre_crop(&rgb, size, target);
            size = target;
        }
        let [height, width] = size;
        Array3::from_shape_fn((3, height, width), |(channel, row, column)| {
            self.values.value(rgb[3 * (row * width + column) + channel], channel)
        })
    }
}

impl TargetSize {
    fn of(self, [height, width]: [usize; 2]) -> [usize; 2] {
        match self {
            Self::Exactly(size) => size,
            Self::ShortestEdge(edge) => {
                let longer = (edge as f64 * height.max(width) as f64 / height.min(width) as f64) as usize;
                if width <= height { [longer, edge] } else { [edge, longer] }
            }
        }
    }
}

/// The middle of a picture, with zeros around it where it is smaller than `to`. Odd rests go as in transformers: a cut
/// leaves the extra pixel below and on the right, a border has it above and on the left.
fn centre_crop(rgb: &[u8], [height, width]: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    // The first pixel of the result, in the picture's own coordinates.
    let first = |from: usize, to: usize| {
        let (from, to) = (from as isize, to as isize);
        if to <= from { (from - to) / 2 } else { -((to - from + 1) / 2) }
    };
    let (top, left) = (first(height, to[0]), first(width, to[1]));
    let mut cropped = Vec::with_capacity(3 * to[0] * to[1]);
    for row in (top..).take(to[0]) {
        for column in (left..).take(to[1]) {
            let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
            let pixel = if inside {
                let at = 3 * (row as usize * width + column as usize);
                &rgb[at..at + 3]
            } else {
                &[0; 3]
            };
            cropped.extend_from_slice(pixel);
        }
    }
    cropped
}

fn target_size(reader: ConfigReader<'_>, absent: TargetSize) -> Result<TargetSize, PackError> {
    let size = &reader.config["size"];
    let height_and_width = (pixels(&size["height"]), pixels(&size["width"]));
    match (size, pixels(size), pixels(&size["shortest_edge"]), height_and_width) {
        (Value::Null, ..) => Ok(absent),
        (_, Some(edge), ..) | (_, _, Some(edge), _) => Ok(TargetSize::ShortestEdge(edge)),
        (_, _, _, (Some(height), Some(width))) => Ok(TargetSize::Exactly([height, width])),
        _ => Err(reader.wrong("size", "{ shortest_edge } or { height, width } in pixels")),
    }
}

fn crop_size(reader: ConfigReader<'_>) -> Result<[usize; 2], PackError> {
    let size = &reader.config["crop_size"];
    match (size, pixels(size), pixels(&size["height"]), pixels(&size["width"])) {
        (Value::Null, ..) => Ok([224, 224]),
        (_, Some(side), ..) => Ok([side, side]),
        (_, _, Some(height), Some(width)) => Ok([height, width]),
        _ => Err(reader.wrong("crop_size", "{ height, width } in pixels")),
    }
}
