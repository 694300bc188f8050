//! From 8-bit levels to the floats that a network takes: × `rescale_factor`, then (x − mean) / standard deviation.

use super::config_reader::ConfigReader;
use crate::onnx::pack_error::PackError;

/// `OPENAI_CLIP_MEAN` and `OPENAI_CLIP_STD`.
pub(super) const CLIP: ([f32; 3], [f32; 3]) =
    ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.261_302_6, 0.275_777_1]);
/// `IMAGENET_STANDARD_MEAN` and `IMAGENET_STANDARD_STD`.
pub(super) const HALVES: ([f32; 3], [f32; 3]) = ([0.5; 3], [0.5; 3]);

/// What becomes of each level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueScaling {
    rescale_factor: Option<f64>,
    /// Mean and standard deviation by channel.
    normalize: Option<([f32; 3], [f32; 3])>,
}

impl ValueScaling {
    /// `absent`: mean and standard deviation where the file names none.
    pub fn new(reader: ConfigReader<'_>, absent: ([f32; 3], [f32; 3])) -> Result<Self, PackError> {
        let factor = &reader.config["rescale_factor"];
        let rescale_factor = match reader.flag("do_rescale", true)? {
            false => None,
            true if factor.is_null() => Some(1.0 / 255.0),
            true => Some(factor.as_f64().ok_or_else(|| reader.wrong("rescale_factor", "a number"))?),
        };
        let (mean, std) = absent;
        let normalize = match reader.flag("do_normalize", true)? {
            true => Some((reader.channels("image_mean", mean)?, reader.channels("image_std", std)?)),
            false => None,
        };
        if normalize.is_some_and(|(_, std)| std.contains(&0.0)) {
            return Err(reader.wrong("image_std", "three numbers other than zero"));
        }
        Ok(Self { rescale_factor, normalize })
    }

    pub fn value(&self, level: u8, channel: usize) -> f32 {
        let value = match self.rescale_factor {
            Some(factor) => (f64::from(level) * factor) as f32,
            None => f32::from(level),
        };
        match self.normalize {
            Some((mean, std)) => (value - mean[channel]) / std[channel],
            None => value,
        }
    }
}
