//! A diffusion pack: a folder in the layout that optimum exports for Stable Diffusion.
//!
//! ```text
//! model_index.json
//! scheduler/scheduler_config.json
//! tokenizer/tokenizer.json            tokenizer_config.json, special_tokens_map.json where needed
//! text_encoder/model.onnx             input_ids → last_hidden_state
//! unet/model.onnx                     sample, timestep, encoder_hidden_states → out_sample
//! unet/config.json                    in_channels, sample_size
//! vae_decoder/model.onnx              latent_sample → sample
//! vae_decoder/config.json             scaling_factor, shift_factor
//! digests.json                        SHA-256 of the files (optional)
//! ```
//!
//! [`DiffusionPack::open`] reads and checks the small files and the digests and needs no ONNX Runtime, so a scenario
//! can be checked and simulated up to the pictures without one. [`DiffusionPack::load_worker`] makes the sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diffusion_models::DiffusionModels;
use super::digest::{FileDigest, digest_of_files, digests_that_hold, files_below};
use super::pack_error::{JsonError, PackError};
use super::provider::ResolvedProvider;
use super::tokenizer::PromptTokenizer;

/// The file that makes a folder a diffusion pack.
pub const MODEL_INDEX_FILE: &str = "model_index.json";

const SCHEDULER_FILE: &str = "scheduler/scheduler_config.json";
pub(super) const TEXT_ENCODER_FILE: &str = "text_encoder/model.onnx";
pub(super) const UNET_FILE: &str = "unet/model.onnx";
pub(super) const VAE_DECODER_FILE: &str = "vae_decoder/model.onnx";

/// Folders whose contents decide what a picture looks like (the autoencoder's encoder is never run).
const MODEL_FOLDERS: [&str; 5] = ["scheduler", "text_encoder", "tokenizer", "unet", "vae_decoder"];

/// What diffusers' `AutoencoderKL` takes where its configuration does not name a `scaling_factor`.
const DEFAULT_SCALING_FACTOR: f64 = 0.18215;

/// An opened and checked pack. No session exists yet.
#[derive(Debug)]
pub struct DiffusionPack {
    root: PathBuf,
    model_index: Value,
    scheduler_file: PathBuf,
    scheduler_config: Value,
    tokenizer: PromptTokenizer,
    latent_shape: [usize; 3],
    picture_size: Option<[usize; 2]>,
    latent_scale: LatentScale,
    file_digests: BTreeMap<String, FileDigest>,
}

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

impl DiffusionPack {
    /// Opens the pack in the folder `root`: the files are there, their digests hold where a `digests.json` lists
    /// them, and all configurations parse. Model files are hashed (about a second per gigabyte), not loaded.
    ///
    /// # Errors
    /// [`PackError`], with the file and the mend.
    pub fn open(root: &Path) -> Result<Self, PackError> {
        if !root.is_dir() {
            return Err(missing_pack(root, "there is no such folder"));
        }
        if !root.join(MODEL_INDEX_FILE).is_file() {
            return Err(missing_pack(root, "it has no model_index.json"));
        }
        require_file(root, SCHEDULER_FILE, "the noise schedule")?;
        require_file(root, TEXT_ENCODER_FILE, "the text encoder")?;
        require_file(root, UNET_FILE, "the denoiser")?;
        require_file(root, VAE_DECODER_FILE, "the picture decoder")?;
        let file_digests = check_digests(root)?;

        let index_file = root.join(MODEL_INDEX_FILE);
        let model_index = read_object(&index_file)?;
        let scheduler_file = root.join(SCHEDULER_FILE);
        let scheduler_config = read_object(&scheduler_file)?;
        let tokenizer = PromptTokenizer::open(&root.join("tokenizer"))?;
        let latent_shape = latent_shape(root, &model_index)?;
        let vae_config = vae_config(root)?;
        Ok(Self {
            latent_scale: latent_scale(&vae_config, &index_file, &model_index)?,
            picture_size: picture_size(&vae_config, &model_index, latent_shape),
            root: root.to_owned(),
            model_index,
            scheduler_file,
            scheduler_config,
            tokenizer,
            latent_shape,
            file_digests,
        })
    }

    /// The pack's folder, as it was given.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The pack's last folder name, for people.
    pub fn name(&self) -> String {
        self.root.file_name().map_or_else(|| self.root.display().to_string(), |name| name.to_string_lossy().into())
    }

    /// `model_index.json`.
    pub fn model_index(&self) -> &Value {
        &self.model_index
    }

    /// SHA-256 over the names and digests of all files that decide what a picture looks like: `model_index.json` and
    /// the folders of the scheduler, tokenizer, text encoder, denoiser and decoder. Part of every node's key.
    pub fn digest(&self) -> [u8; 32] {
        digest_of_files(b"latentlink pack 1", &self.file_digests)
    }

    /// The digests of those files, by path relative to the pack, with `/`.
    pub fn file_digests(&self) -> &BTreeMap<String, FileDigest> {
        &self.file_digests
    }

    /// Shape of one latent: channels, height, width.
    pub fn latent_shape(&self) -> [usize; 3] {
        self.latent_shape
    }

    /// Height and width of a picture, where a configuration tells; the decoder's output always does.
    pub fn picture_size(&self) -> Option<[usize; 2]> {
        self.picture_size
    }

    /// `scaling_factor` and `shift_factor` of the autoencoder.
    pub fn latent_scale(&self) -> LatentScale {
        self.latent_scale
    }

    /// `scheduler_config.json`: where it stands, for errors about it, and what it says.
    pub fn scheduler_config(&self) -> (&Path, &Value) {
        (&self.scheduler_file, &self.scheduler_config)
    }

    pub fn tokenizer(&self) -> &PromptTokenizer {
        &self.tokenizer
    }

    /// Makes one set of sessions: what one worker thread needs. On the CPU, one worker per core with
    /// `intra_threads = 1` is faster than one worker with many threads.
    ///
    /// # Errors
    /// ONNX Runtime or the provider cannot be had, a file does not load, or a model's inputs and outputs do not fit
    /// the layout, the tokenizer or each other.
    pub fn load_worker(&self, provider: ResolvedProvider, intra_threads: usize) -> Result<DiffusionModels, PackError> {
        DiffusionModels::load(self, provider, intra_threads)
    }
}

/// Whether the folder `root` looks like a diffusion pack: it has a `model_index.json`.
pub fn is_diffusion_pack(root: &Path) -> bool {
    root.join(MODEL_INDEX_FILE).is_file()
}

/// The packs in `folder` (say `models/`): its subfolders with a `model_index.json`, sorted. None where there is no
/// such folder.
pub fn packs_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut packs: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_diffusion_pack(path)).collect();
    packs.sort();
    packs
}

/// A JSON file.
pub(super) fn read_json(file: &Path) -> Result<Value, PackError> {
    let bytes = std::fs::read(file).map_err(|reason| PackError::Read { file: file.to_owned(), reason })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    serde_json::from_str(&text).map_err(|error| PackError::Json(JsonError::new(file.to_owned(), text, &error)))
}

pub(super) fn read_object(file: &Path) -> Result<Value, PackError> {
    let value = read_json(file)?;
    if value.is_object() {
        return Ok(value);
    }
    Err(PackError::Config {
        file: file.to_owned(),
        key: "(the whole file)".into(),
        expected: "a JSON object".into(),
        found: shortened(&value),
    })
}

pub(super) fn require_file(root: &Path, file: &str, role: &'static str) -> Result<(), PackError> {
    let file = root.join(file);
    if file.is_file() { Ok(()) } else { Err(PackError::MissingFile { file, role }) }
}

/// Hashes the files that decide what a picture looks like and compares them with `digests.json`, if there is one.
fn check_digests(root: &Path) -> Result<BTreeMap<String, FileDigest>, PackError> {
    let decides = |file: &str| {
        file == MODEL_INDEX_FILE || MODEL_FOLDERS.iter().any(|folder| file.split('/').next() == Some(folder))
    };
    let mut files = vec![MODEL_INDEX_FILE.to_owned()];
    for folder in MODEL_FOLDERS {
        files.extend(files_below(root, folder)?);
    }
    digests_that_hold(root, &files, decides)
}

/// From the denoiser's configuration, else from `_latent_shape` of the index.
fn latent_shape(root: &Path, model_index: &Value) -> Result<[usize; 3], PackError> {
    let file = root.join("unet/config.json");
    if !file.is_file() {
        let dims: Option<Vec<_>> =
            model_index["_latent_shape"].as_array().and_then(|dims| dims.iter().map(positive).collect());
        return match dims.as_deref() {
            Some(&[channels, height, width]) => Ok([channels, height, width]),
            _ => Err(PackError::MissingFile { file, role: "the shape of the latent" }),
        };
    }
    let config = read_object(&file)?;
    let wrong = |key: &str, expected: &str| PackError::Config {
        file: file.clone(),
        key: key.into(),
        expected: expected.into(),
        found: shortened(&config[key]),
    };
    let channels = positive(&config["in_channels"]).ok_or_else(|| wrong("in_channels", "a positive whole number"))?;
    let size = &config["sample_size"];
    let (height, width) = match size.as_array().map(Vec::as_slice) {
        Some([height, width]) => (positive(height), positive(width)),
        _ => (positive(size), positive(size)),
    };
    match (height, width) {
        (Some(height), Some(width)) => Ok([channels, height, width]),
        _ => Err(wrong("sample_size", "the latent's size, one number or [height, width]")),
    }
}

/// The decoder's configuration and where it stands: optimum writes `vae_decoder/config.json`, diffusers
/// `vae/config.json`.
fn vae_config(root: &Path) -> Result<Option<(PathBuf, Value)>, PackError> {
    for file in ["vae_decoder/config.json", "vae/config.json"] {
        let file = root.join(file);
        if file.is_file() {
            let config = read_object(&file)?;
            return Ok(Some((file, config)));
        }
    }
    Ok(None)
}

fn latent_scale(
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
fn picture_size(
    vae_config: &Option<(PathBuf, Value)>,
    model_index: &Value,
    [_, height, width]: [usize; 3],
) -> Option<[usize; 2]> {
    let config = vae_config.as_ref().map_or(&Value::Null, |(_, config)| config);
    if let Some(blocks) = config["block_out_channels"].as_array().filter(|blocks| !blocks.is_empty()) {
        let factor = 1_usize.checked_shl(u32::try_from(blocks.len() - 1).ok()?)?;
        return Some([height.checked_mul(factor)?, width.checked_mul(factor)?]);
    }
    let size = positive(&config["sample_size"]).or_else(|| positive(&model_index["_image_size"]))?;
    Some([size, size])
}

pub(super) fn positive(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|&number| number > 0)
}

/// A JSON value for a message: long ones are cut.
pub(super) fn shortened(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".into(),
        value => value.to_string(),
    };
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn missing_pack(root: &Path, why: &'static str) -> PackError {
    let beside = root.parent().map(packs_in).unwrap_or_default();
    let packs = if beside.is_empty() { packs_in(Path::new("models")) } else { beside };
    let help = if packs.is_empty() {
        "no diffusion packs were found under models/ either: run latentlink in the folder of the project, or give the \
         path of a pack in `models.diffusion`"
            .into()
    } else {
        let names: Vec<_> = packs.iter().map(|pack| format!("  {}", pack.display())).collect();
        format!("these diffusion packs are there:\n{}", names.join("\n"))
    };
    PackError::MissingPack { path: root.to_owned(), why, help }
}
