//! Reads the values of a `preprocessor_config.json` and says what is wrong with them.

use std::path::Path;

use serde_json::Value;

use super::resampling::ResamplingFilter;
use crate::onnx::pack_error::PackError;

/// Longest side that a preprocessed picture may be asked to have.
const LONGEST_SIDE_PX: u64 = 1 << 14;

/// One file.
#[derive(Clone, Copy)]
pub(super) struct ConfigReader<'a> {
    pub file: &'a Path,
    pub config: &'a Value,
}

impl ConfigReader<'_> {
    pub fn wrong(&self, key: &str, expected: &str) -> PackError {
        PackError::config(self.file, key, expected, &self.config[key])
    }

    pub fn flag(&self, key: &str, absent: bool) -> Result<bool, PackError> {
        match &self.config[key] {
            Value::Null => Ok(absent),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(self.wrong(key, "true or false")),
        }
    }

    /// `resample`
    pub fn filter(&self, absent: ResamplingFilter) -> Result<ResamplingFilter, PackError> {
        match &self.config["resample"] {
            Value::Null => Ok(absent),
            number => number.as_u64().and_then(ResamplingFilter::from_pillow).ok_or_else(|| {
                self.wrong("resample", "1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming)")
            }),
        }
    }

    /// A number of pixels along one side.
    pub fn side(&self, key: &str, absent: usize) -> Result<usize, PackError> {
        match &self.config[key] {
            Value::Null => Ok(absent),
            value => pixels(value).ok_or_else(|| self.wrong(key, "a number of pixels, at least 1")),
        }
    }

    /// Three numbers, one for each channel.
    pub fn channels(&self, key: &str, absent: [f32; 3]) -> Result<[f32; 3], PackError> {
        let numbers = match &self.config[key] {
            Value::Null => return Ok(absent),
            Value::Array(numbers) => numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect(),
            _ => None,
        };
        let numbers: Option<Vec<f32>> = numbers;
        numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(|| self.wrong(key, "three numbers"))
    }
}

/// A side of a picture.
pub(super) fn pixels(value: &Value) -> Option<usize> {
    value.as_u64().filter(|pixels| (1..=LONGEST_SIDE_PX).contains(pixels)).map(|pixels| pixels as usize)
}
