//! A diffusion pack: a folder in the layout that optimum exports for Stable Diffusion.
//!
//! ```text
//! model_index.json
//! scheduler/scheduler_config.json
//! tokenizer/tokenizer.json            or vocab.json and merges.txt; tokenizer_config.json, special_tokens_map.json
//! text_encoder/model.onnx             input_ids → last_hidden_state
//! unet/model.onnx                     sample, timestep, encoder_hidden_states → out_sample
//! unet/config.json                    in_channels, sample_size, time_cond_proj_dim
//! vae_decoder/model.onnx              latent_sample → sample
//! vae_decoder/config.json             scaling_factor, shift_factor
//! tokenizer_2/, text_encoder_2/       Stable Diffusion XL's (input_ids → hidden_states.N, text_embeds)
//! digests.json                        SHA-256 of the files (optional)
//! ```
//!
//! A model's weights may lie beside it, in `model.onnx_data`. Other folders that optimum and diffusers write (the
//! autoencoder's encoder, a safety checker, a feature extractor) are never read.
//!
//! [`DiffusionPack::open`] reads and checks the small files and the digests and needs no ONNX Runtime, so a scenario
//! can be checked and simulated up to the pictures without one. [`DiffusionPack::load_worker`] makes the sessions.

mod architecture;
mod latent;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

pub use self::architecture::{Architecture, TextEncoders};
pub use self::latent::LatentScale;
use self::latent::{config_if_there, latent_scale, latent_shape, picture_size, vae_config};
use super::diffusion_models::DiffusionModels;
use super::digest::{FileDigest, digest_of_files, digests_that_hold, files_below, require_listed_files};
use super::model_file::ModelFile;
use super::pack_error::{JsonError, PackError};
use super::provider::ResolvedProvider;
use super::python_json::python_json;
use super::tokenizer::PromptTokenizer;

/// The file that makes a folder a diffusion pack.
pub const MODEL_INDEX_FILE: &str = "model_index.json";

const SCHEDULER_FILE: &str = "scheduler/scheduler_config.json";
pub(super) const TEXT_ENCODER_FILE: &str = "text_encoder/model.onnx";
pub(super) const SECOND_TEXT_ENCODER_FILE: &str = "text_encoder_2/model.onnx";
pub(super) const UNET_FILE: &str = "unet/model.onnx";
pub(super) const UNET_CONFIG_FILE: &str = "unet/config.json";
pub(super) const VAE_DECODER_FILE: &str = "vae_decoder/model.onnx";

/// Folders whose contents decide what a picture looks like.
const MODEL_FOLDERS: [&str; 7] =
    ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae_decoder"];

/// An opened and checked pack. No session exists yet.
#[derive(Debug)]
pub struct DiffusionPack {
    root: PathBuf,
    model_index: Value,
    scheduler_file: PathBuf,
    scheduler_config: Value,
    architecture: Architecture,
    tokenizer: PromptTokenizer,
    second_tokenizer: Option<PromptTokenizer>,
    models: Vec<PackModel>,
    /// Whether the models were seen to make a picture; held while they are tried.
    pub(super) golden_pass: Mutex<bool>,
    latent_shape: [usize; 3],
    picture_size: Option<[usize; 2]>,
    latent_scale: LatentScale,
    file_digests: BTreeMap<String, FileDigest>,
}

/// One of a pack's models, before it is loaded.
#[derive(Debug)]
pub struct PackModel {
    /// What it does, for people.
    pub role: &'static str,
    pub file: ModelFile,
}

/// One prompt as the pack's text encoders take it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PromptIds {
    /// As many as [`PromptTokenizer::prompt_length`] says.
    pub first: Vec<i64>,
    /// For the second text encoder, where the pack has one.
    pub second: Option<Vec<i64>>,
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
        if !root.join(UNET_FILE).is_file() && root.join("transformer").is_dir() {
            let why = "its denoiser is a transformer, as in Stable Diffusion 3 and Flux, and only UNets are supported";
            return Err(missing_pack(root, why));
        }
        require_listed_files(root, decides)?;
        let index_file = root.join(MODEL_INDEX_FILE);
        let model_index = read_object(&index_file)?;
        let unet_config = config_if_there(root, UNET_CONFIG_FILE)?;
        let unet_config = unet_config.as_ref().map(|(file, config)| (file.as_path(), config));
        require_file(root, SCHEDULER_FILE, "the noise schedule")?;
        let architecture = Architecture::of(root, &index_file, &model_index, unet_config)?;
        let roles = roles(&architecture);
        for (file, role) in &roles {
            require_file(root, file, role)?;
        }
        let file_digests = check_digests(root)?;
        let inspect = |(file, role): (&str, _)| Ok(PackModel { role, file: ModelFile::inspect(&root.join(file))? });
        let models = roles.into_iter().map(inspect).collect::<Result<_, PackError>>()?;

        let scheduler_file = root.join(SCHEDULER_FILE);
        let scheduler_config = read_object_as(&scheduler_file, python_json)?;
        let tokenizer = PromptTokenizer::open(&root.join("tokenizer"))?;
        let second_tokenizer = match architecture.text_encoders {
            TextEncoders::One => None,
            TextEncoders::Two { .. } => Some(PromptTokenizer::open(&root.join("tokenizer_2"))?),
        };
        let latent_shape = latent_shape(root, unet_config, &index_file, &model_index)?;
        let vae_config = vae_config(root)?;
        Ok(Self {
            latent_scale: latent_scale(&vae_config, &index_file, &model_index)?,
            picture_size: picture_size(&vae_config, &index_file, &model_index, latent_shape)?,
            root: root.to_owned(),
            model_index,
            scheduler_file,
            scheduler_config,
            architecture,
            tokenizer,
            second_tokenizer,
            models,
            golden_pass: Mutex::new(false),
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

    /// The setting that says how large a latent is, and its file, for messages.
    pub(super) fn latent_place(&self) -> String {
        match self.root.join(UNET_CONFIG_FILE) {
            file if file.is_file() => format!("`sample_size` in {}", file.display()),
            _ => format!("`_latent_shape` in {}", self.root.join(MODEL_INDEX_FILE).display()),
        }
    }

    /// What mends a latent that a model does not declare.
    pub(super) fn latent_advice(&self) -> String {
        format!(
            "correct {} and `in_channels` to what the model declares, or export the model again for latents of any size \
             and batch: optimum-cli export onnx --model <model> --task text-to-image <folder>",
            self.latent_place()
        )
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

    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The models, in the order in which a picture meets them.
    pub fn models(&self) -> &[PackModel] {
        &self.models
    }

    /// The tokenizer of the (first) text encoder.
    pub fn tokenizer(&self) -> &PromptTokenizer {
        &self.tokenizer
    }

    /// The tokenizer of the second text encoder, where the pack has one.
    pub fn second_tokenizer(&self) -> Option<&PromptTokenizer> {
        self.second_tokenizer.as_ref()
    }

    /// `prompt` as the text encoders take it.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`] where a tokenizer itself fails.
    pub fn tokenize(&self, prompt: &str) -> Result<PromptIds, PackError> {
        let second = self.second_tokenizer.as_ref().map(|tokenizer| tokenizer.encode(prompt)).transpose()?;
        Ok(PromptIds { first: self.tokenizer.encode(prompt)?.ids, second: second.map(|tokens| tokens.ids) })
    }

    /// Makes one set of sessions: what one worker thread needs. On the CPU, one worker per core with
    /// `intra_threads = 1` is faster than one worker with many threads.
    ///
    /// # Errors
    /// ONNX Runtime or the provider cannot be had, a file does not load, a model's inputs and outputs do not fit
    /// the layout, the tokenizer or each other, or (the first time, see [`super::diffusion_models`]) the pack cannot make
    /// one picture of fixed inputs, or makes it with numbers that are not finite.
    pub fn load_worker(&self, provider: ResolvedProvider, intra_threads: usize) -> Result<DiffusionModels, PackError> {
        DiffusionModels::load(self, provider, intra_threads)
    }
}

/// The models of an architecture, with what they do.
fn roles(architecture: &Architecture) -> Vec<(&'static str, &'static str)> {
    let mut roles = vec![(TEXT_ENCODER_FILE, "the text encoder")];
    if matches!(architecture.text_encoders, TextEncoders::Two { .. }) {
        roles.push((SECOND_TEXT_ENCODER_FILE, "the second text encoder"));
    }
    roles.extend([(UNET_FILE, "the denoiser"), (VAE_DECODER_FILE, "the picture decoder")]);
    roles
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
    read_json_as(file, |text| serde_json::from_str(text))
}

/// How a file begins that git-lfs has left in the place of a large one.
const LFS_PLACEHOLDER: &[u8] = b"version https://git-lfs";

/// A text file, without a byte order mark.
pub(super) fn read_text(file: &Path) -> Result<String, PackError> {
    let bytes = std::fs::read(file).map_err(|reason| PackError::Read { file: file.to_owned(), reason })?;
    if bytes.starts_with(LFS_PLACEHOLDER) {
        let message = "it is a placeholder of git-lfs, and what it stands for was not fetched".into();
        return Err(PackError::Damaged { file: file.to_owned(), message });
    }
    let text = String::from_utf8_lossy(&bytes);
    // Some editors begin a file with a mark of its encoding.
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(&text).to_owned())
}

fn read_json_as(file: &Path, parse: impl Fn(&str) -> serde_json::Result<Value>) -> Result<Value, PackError> {
    let text = read_text(file)?;
    parse(&text).map_err(|error| PackError::Json(JsonError::new(file.to_owned(), text, &error)))
}

/// The JSON `text` of `file`.
pub(super) fn parse_json(file: &Path, text: &str) -> Result<Value, PackError> {
    let error = |error| PackError::Json(JsonError::new(file.to_owned(), text.to_owned(), &error));
    serde_json::from_str(text).map_err(error)
}

pub(super) fn read_object(file: &Path) -> Result<Value, PackError> {
    read_object_as(file, |text| serde_json::from_str(text))
}

/// A JSON object; null where there is no such file.
pub(super) fn read_object_if_there(file: &Path) -> Result<Value, PackError> {
    if file.is_file() { read_object(file) } else { Ok(Value::Null) }
}

fn read_object_as(file: &Path, parse: impl Fn(&str) -> serde_json::Result<Value>) -> Result<Value, PackError> {
    let value = read_json_as(file, parse)?;
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

/// Whether what a picture looks like depends on `file`.
fn decides(file: &str) -> bool {
    file == MODEL_INDEX_FILE || MODEL_FOLDERS.iter().any(|folder| file.split('/').next() == Some(folder))
}

/// Hashes the files that decide what a picture looks like and compares them with `digests.json`, if there is one.
fn check_digests(root: &Path) -> Result<BTreeMap<String, FileDigest>, PackError> {
    let mut files = vec![MODEL_INDEX_FILE.to_owned()];
    for folder in MODEL_FOLDERS {
        files.extend(files_below(root, folder)?);
    }
    digests_that_hold(root, &files, decides)
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
