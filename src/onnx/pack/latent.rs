//! Shape and scale of a pack's latents, and the size of its pictures, from the configurations of denoiser and autoencoder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{UNET_CONFIG_FILE, positive, read_object, shortened};
use crate::onnx::pack_error::PackError;

/// What diffusers' `AutoencoderKL` takes where its configuration does not name a `scaling_factor`.
const DEFAULT_SCALING_FACTOR: f64 = 0.18215;

/// Longest side and most channels of a latent, far beyond any model: a number above is a slip, and would not fit into memory.
const LARGEST_LENGTH: usize = 4096;

/// How latents of the denoiser and of the decoder relate: decoder input = latent / `scaling_factor` + `shift_factor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatentScale {
    pub scaling_factor: f64,
    pub shift_factor: f64,
}

impl LatentScale {
    /// The decoder takes latents as the denoiser leaves them.
    pub fn is_identity(&self) -> bool {
        self.scaling_factor == 1.0 && self.shift_factor == 0.0
    }
}

/// From the denoiser's configuration, else from `_latent_shape` of the index.
pub(super) fn latent_shape(
    root: &Path,
    unet_config: Option<(&Path, &Value)>,
    index_file: &Path,
    model_index: &Value,
) -> Result<[usize; 3], PackError> {
    let length = |value: &Value| positive(value).filter(|&length| length <= LARGEST_LENGTH);
    let Some((file, config)) = unet_config else {
        let (key, expected) = ("_latent_shape", "channels, height and width of a latent, each at most 4096");
        let shape = &model_index[key];
        if shape.is_null() {
            return Err(PackError::MissingFile { file: root.join(UNET_CONFIG_FILE), role: "the shape of the latent" });
        }
        let dims: Option<Vec<_>> = shape.as_array().and_then(|dims| dims.iter().map(length).collect());
        return match dims.as_deref() {
            Some(&[channels, height, width]) => Ok([channels, height, width]),
            _ => Err(PackError::config(index_file, key, expected, shape)),
        };
    };
    let wrong = |key: &str, expected: &str| PackError::config(file, key, expected, &config[key]);
    let channels =
        length(&config["in_channels"]).ok_or_else(|| wrong("in_channels", "a whole number from 1 to 4096"))?;
    let out = match &config["out_channels"] {
        Value::Null => channels,
        out => length(out).ok_or_else(|| wrong("out_channels", "a whole number from 1 to 4096"))?,
    };
    if out != channels {
        let expected =
            format!("{out}, as many channels as come out: one that also takes a mask or a picture is not supported");
        return Err(wrong("in_channels", &expected));
    }
    let size = &config["sample_size"];
    let (height, width) = match size.as_array().map(Vec::as_slice) {
        Some([height, width]) => (length(height), length(width)),
        _ => (length(size), length(size)),
    };
    match (height, width) {
        (Some(height), Some(width)) => Ok([channels, height, width]),
        _ => Err(wrong("sample_size", "the latent's size, one number or [height, width], at most 4096")),
    }
}

/// The decoder's configuration and where it stands: optimum writes `vae_decoder/config.json`, diffusers
/// `vae/config.json`.
pub(super) fn vae_config(root: &Path) -> Result<Option<(PathBuf, Value)>, PackError> {
    for file in ["vae_decoder/config.json", "vae/config.json"] {
        if let Some((file, config)) = config_if_there(root, file)? {
            for key in ["latents_mean", "latents_std"] {
                if !config[key].is_null() {
                    let expected = "null: a scale for each channel is not supported";
                    return Err(PackError::config(&file, key, expected, &config[key]));
                }
            }
            return Ok(Some((file, config)));
        }
    }
    Ok(None)
}

/// The configuration `file` of the pack and its full path, where there is one.
pub(super) fn config_if_there(root: &Path, file: &str) -> Result<Option<(PathBuf, Value)>, PackError> {
    let file = root.join(file);
    if !file.is_file() {
        return Ok(None);
    }
    let config = read_object(&file)?;
    Ok(Some((file, config)))
}

pub(super) fn latent_scale(
    vae_config: &Option<(PathBuf, Value)>,
    index_file: &Path,
    model_index: &Value,
) -> Result<LatentScale, PackError> {
    let number = |file: &Path, key: &str, value: &Value, absent: Option<f64>| match (value, absent) {
        (Value::Null, Some(absent)) => Ok(absent),
        _ => value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| PackError::Config {
            file: file.to_owned(),
            key: key.into(),
            expected: "a number".into(),
            found: shortened(value),
        }),
    };
    let (file, key, scaling_factor, shift_factor) = match vae_config {
        Some((file, config)) => (
            file.as_path(),
            "scaling_factor",
            number(file, "scaling_factor", &config["scaling_factor"], Some(DEFAULT_SCALING_FACTOR))?,
            number(file, "shift_factor", &config["shift_factor"], Some(0.0))?,
        ),
        None => {
            let key = "_vae_scaling_factor";
            if model_index[key].is_null() {
                let file = index_file.with_file_name("vae_decoder").join("config.json");
                return Err(PackError::MissingFile { file, role: "the scale of the latent" });
            }
            (index_file, key, number(index_file, key, &model_index[key], None)?, 0.0)
        }
    };
    if scaling_factor == 0.0 {
        return Err(PackError::Config {
            file: file.to_owned(),
            key: key.into(),
            expected: "a number other than zero".into(),
            found: "0".into(),
        });
    }
    Ok(LatentScale { scaling_factor, shift_factor })
}

/// An `AutoencoderKL` halves the picture once per block but the last; others name their picture's size.
pub(super) fn picture_size(
    vae_config: &Option<(PathBuf, Value)>,
    index_file: &Path,
    model_index: &Value,
    [_, height, width]: [usize; 3],
) -> Result<Option<[usize; 2]>, PackError> {
    let nothing = Value::Null;
    let (file, config) = vae_config.as_ref().map_or((index_file, &nothing), |(file, config)| (file.as_path(), config));
    let blocks = match &config["block_out_channels"] {
        Value::Null => &Vec::new(),
        Value::Array(blocks) => blocks,
        other => {
            let expected = "a list of the channels of each block";
            return Err(PackError::config(file, "block_out_channels", expected, other));
        }
    };
    if let Some(halvings) = blocks.len().checked_sub(1) {
        let factor = u32::try_from(halvings).ok().and_then(|halvings| 1_usize.checked_shl(halvings));
        let larger = |length: usize| length.checked_mul(factor?);
        return Ok(larger(height).zip(larger(width)).map(|(height, width)| [height, width]));
    }
    for (file, key, size) in
        [(file, "sample_size", &config["sample_size"]), (index_file, "_image_size", &model_index["_image_size"])]
    {
        if !size.is_null() {
            let side =
                positive(size).ok_or_else(|| PackError::config(file, key, "the side of a picture [pixels]", size))?;
            return Ok(Some([side, side]));
        }
    }
    Ok(None)
}
