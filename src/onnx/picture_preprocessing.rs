//! From a picture to the pixels that a vision tower takes, after `preprocessor_config.json`, as transformers'
//! `CLIPImageProcessor` (and `SiglipImageProcessor`) does it on 8-bit RGB pictures:
//!
//! ```text
//! resize (shortest edge, or a size) ─► centre crop, zeros where the picture is smaller ─► × rescale_factor ─► (x − mean) / std
//! ```

use std::path::Path;

use ndarray::Array3;
use serde_json::Value;

use super::pack_error::PackError;
use super::picture_resampling::{ResamplingFilter, resize_rgb8};
use crate::picture::Picture;

/// `OPENAI_CLIP_MEAN` and `OPENAI_CLIP_STD`: what CLIP's processor takes where its file says nothing.
const CLIP_MEAN: [f32; 3] = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: [f32; 3] = [0.26862954, 0.261_302_6, 0.275_777_1];

/// Longest side that a preprocessed picture may be asked to have.
const LONGEST_SIDE_PX: u64 = 1 << 14;

/// The steps from a picture to a vision tower's pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct PicturePreprocessing {
    resize: Option<(TargetSize, ResamplingFilter)>,
    /// Height and width.
    crop: Option<[usize; 2]>,
    rescale_factor: Option<f64>,
    /// Mean and standard deviation by channel.
    normalize: Option<([f32; 3], [f32; 3])>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TargetSize {
    ShortestEdge(usize),
    /// Height and width.
    Exactly([usize; 2]),
}

/// Reads one file and says what is wrong with it.
struct Reader<'a> {
    file: &'a Path,
    config: &'a Value,
}

impl PicturePreprocessing {
    /// From the contents `config` of `preprocessor_config.json`, which is `file` in messages.
    ///
    /// # Errors
    /// [`PackError::Config`] for a processor, a filter or a size that isn't understood.
    pub fn from_config(file: &Path, config: &Value) -> Result<Self, PackError> {
        let reader = Reader { file, config };
        let kind = config["image_processor_type"].as_str().or_else(|| config["feature_extractor_type"].as_str());
        let siglip = match kind {
            None => false,
            Some(kind) if kind.starts_with("CLIP") => false,
            Some(kind) if kind.starts_with("Siglip") => true,
            Some(_) => {
                return Err(reader.wrong("image_processor_type", "CLIPImageProcessor or SiglipImageProcessor"));
            }
        };
        let default_size = match siglip {
            true => TargetSize::Exactly([224, 224]),
            false => TargetSize::ShortestEdge(224),
        };
        let resize = match reader.flag("do_resize", true)? {
            true => Some((reader.target_size(default_size)?, reader.filter()?)),
            false => None,
        };
        let crop = match reader.flag("do_center_crop", !siglip)? {
            true => Some(reader.crop_size()?),
            false => None,
        };
        let rescale_factor = match (reader.flag("do_rescale", true)?, &config["rescale_factor"]) {
            (false, _) => None,
            (true, Value::Null) => Some(1.0 / 255.0),
            (true, factor) => Some(factor.as_f64().ok_or_else(|| reader.wrong("rescale_factor", "a number"))?),
        };
        let (mean, std) = if siglip { ([0.5; 3], [0.5; 3]) } else { (CLIP_MEAN, CLIP_STD) };
        let normalize = match reader.flag("do_normalize", true)? {
            true => Some((reader.channels("image_mean", mean)?, reader.channels("image_std", std)?)),
            false => None,
        };
        if normalize.is_some_and(|(_, std)| std.contains(&0.0)) {
            return Err(reader.wrong("image_std", "three numbers other than zero"));
        }
        Ok(Self { resize, crop, rescale_factor, normalize })
    }

    /// Height and width of every picture's pixels, where they don't depend on the picture.
    pub fn size(&self) -> Option<[usize; 2]> {
        self.crop.or(match self.resize {
            Some((TargetSize::Exactly(size), _)) => Some(size),
            _ => None,
        })
    }

    /// The pixels [3, height, width] of `picture`, which is taken with 8 bits a channel, as a PNG file would hold it.
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
            let value = rgb[3 * (row * width + column) + channel];
            let value = match self.rescale_factor {
                Some(factor) => (f64::from(value) * factor) as f32,
                None => f32::from(value),
            };
            match self.normalize {
                Some((mean, std)) => (value - mean[channel]) / std[channel],
                None => value,
            }
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

impl Reader<'_> {
    fn wrong(&self, key: &str, expected: &str) -> PackError {
        PackError::config(self.file, key, expected, &self.config[key])
    }

    fn flag(&self, key: &str, absent: bool) -> Result<bool, PackError> {
        match &self.config[key] {
            Value::Null => Ok(absent),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(self.wrong(key, "true or false")),
        }
    }

    fn filter(&self) -> Result<ResamplingFilter, PackError> {
        match &self.config["resample"] {
            Value::Null => Ok(ResamplingFilter::Bicubic),
            number => number.as_u64().and_then(ResamplingFilter::from_pillow).ok_or_else(|| {
                self.wrong("resample", "1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming)")
            }),
        }
    }

    fn target_size(&self, absent: TargetSize) -> Result<TargetSize, PackError> {
        let size = &self.config["size"];
        let height_and_width = (pixels(&size["height"]), pixels(&size["width"]));
        match (size, pixels(size), pixels(&size["shortest_edge"]), height_and_width) {
            (Value::Null, ..) => Ok(absent),
            (_, Some(edge), ..) | (_, _, Some(edge), _) => Ok(TargetSize::ShortestEdge(edge)),
            (_, _, _, (Some(height), Some(width))) => Ok(TargetSize::Exactly([height, width])),
            _ => Err(self.wrong("size", "{ shortest_edge } or { height, width } in pixels")),
        }
    }

    fn crop_size(&self) -> Result<[usize; 2], PackError> {
        let size = &self.config["crop_size"];
        match (size, pixels(size), pixels(&size["height"]), pixels(&size["width"])) {
            (Value::Null, ..) => Ok([224, 224]),
            (_, Some(side), ..) => Ok([side, side]),
            (_, _, Some(height), Some(width)) => Ok([height, width]),
            _ => Err(self.wrong("crop_size", "{ height, width } in pixels")),
        }
    }

    fn channels(&self, key: &str, absent: [f32; 3]) -> Result<[f32; 3], PackError> {
        let numbers = match &self.config[key] {
            Value::Null => return Ok(absent),
            Value::Array(numbers) => numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect(),
            _ => None,
        };
        let numbers: Option<Vec<f32>> = numbers;
        numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(|| self.wrong(key, "three numbers"))
    }
}

fn pixels(value: &Value) -> Option<usize> {
    value.as_u64().filter(|pixels| (1..=LONGEST_SIDE_PX).contains(pixels)).map(|pixels| pixels as usize)
}
