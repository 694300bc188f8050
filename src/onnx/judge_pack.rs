//! A judge pack: a LLaVA in the layout and with the names that transformers.js and onnx-community use.
//!
//! ```text
//! config.json                       image_token_index, text_config.max_position_embeddings, …
//! generation_config.json            eos_token_id (optional)
//! preprocessor_config.json          how a picture becomes pixels
//! tokenizer.json
//! onnx/vision_encoder.onnx          pixel_values → image_features
//! onnx/embed_tokens.onnx            input_ids → inputs_embeds
//! onnx/decoder_model_merged.onnx    inputs_embeds, attention_mask, position_ids, past_key_values.N.key|value
//!                                   → logits, present.N.key|value
//! judge_template.toml               how the pack likes to be asked (optional)
//! digests.json                      SHA-256 of the files (optional)
//! ```
//!
//! Models also come as `vision_encoder_fp16.onnx`, `…_q4.onnx` and so on: the one without a suffix is taken, else the
//! only one there is. [`JudgePack::open`] needs no ONNX Runtime; [`JudgePack::load_worker`] makes the sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::digest::{FileDigest, digest_of_files, digests_that_hold, files_below};
use super::judge_models::JudgeModels;
use super::judge_tokenizer::JudgeTokenizer;
use super::pack::{positive, read_object, require_file};
use super::pack_error::PackError;
use super::picture_preprocessing::PicturePreprocessing;
use super::provider::ResolvedProvider;
use super::tokenizer::read_json_if_there;

/// The configuration, whose `image_token_index` makes a folder a judge pack.
pub const CONFIG_FILE: &str = "config.json";
/// The prompt template that a pack may bring.
pub const TEMPLATE_FILE: &str = "judge_template.toml";
const GENERATION_FILE: &str = "generation_config.json";
const PREPROCESSOR_FILE: &str = "preprocessor_config.json";
const TOKENIZER_FILE: &str = "tokenizer.json";

/// What transformers' `LlamaConfig` takes where its configuration is silent, as that of LLaVA-1.5 is.
const LLAMA_CONTEXT_TOKENS: usize = 2048;
const LLAMA_END_TOKEN: i64 = 2;

/// Which file each model of a pack was found in, relative to the pack, with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeModelFiles {
    pub vision_encoder: String,
    pub embed_tokens: String,
    pub decoder: String,
}

/// An opened and checked pack. No session exists yet.
#[derive(Debug)]
pub struct JudgePack {
    root: PathBuf,
    config: Value,
    files: JudgeModelFiles,
    image_token: i64,
    context_tokens: usize,
    end_tokens: Vec<i64>,
    tokenizer: JudgeTokenizer,
    preprocessing: PicturePreprocessing,
    file_digests: BTreeMap<String, FileDigest>,
}

impl JudgePack {
    /// Opens the pack in the folder `root`: the files are there, their digests hold where a `digests.json` lists
    /// them, and all configurations parse. Model files are hashed (about a second per gigabyte), not loaded.
    ///
    /// # Errors
    /// [`PackError`], with the file and the mend.
    pub fn open(root: &Path) -> Result<Self, PackError> {
        if !root.is_dir() {
            return Err(missing_pack(root, "there is no such folder"));
        }
        if !root.join(CONFIG_FILE).is_file() {
            return Err(missing_pack(root, "it has no config.json"));
        }
        require_file(root, PREPROCESSOR_FILE, "how pictures become pixels")?;
        require_file(root, TOKENIZER_FILE, "how the agent's prompt becomes tokens")?;
        let files = JudgeModelFiles {
            vision_encoder: model_file(root, "vision_encoder", "the vision tower and projector")?,
            embed_tokens: model_file(root, "embed_tokens", "the embedding of tokens")?,
            decoder: model_file(root, "decoder_model_merged", "the language model")?,
        };
        let file_digests = check_digests(root, &files)?;

        let config_file = root.join(CONFIG_FILE);
        let config = read_object(&config_file)?;
        let generation = read_json_if_there(&root.join(GENERATION_FILE))?;
        let preprocessor_file = root.join(PREPROCESSOR_FILE);
        let preprocessor = read_object(&preprocessor_file)?;
        let preprocessing = PicturePreprocessing::from_config(&preprocessor_file, &preprocessor)?;
        if preprocessing.size().is_none() {
            let expected = "{ height, width } in pixels, or a centre crop: a vision encoder takes one size";
            return Err(PackError::config(&preprocessor_file, "size", expected, &preprocessor["size"]));
        }
        Ok(Self {
            image_token: image_token(&config_file, &config)?,
            context_tokens: context_tokens(&config_file, &config)?,
            end_tokens: end_tokens(root, &config, &generation)?,
            tokenizer: JudgeTokenizer::open(&root.join(TOKENIZER_FILE))?,
            preprocessing,
            root: root.to_owned(),
            config,
            files,
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

    /// SHA-256 over the names and digests of all files that decide what an answer is. The template is not among them:
    /// a scenario may bring its own.
    pub fn digest(&self) -> [u8; 32] {
        digest_of_files(b"latentlink judge pack 1", &self.file_digests)
    }

    /// The digests of those files, by path relative to the pack, with `/`.
    pub fn file_digests(&self) -> &BTreeMap<String, FileDigest> {
        &self.file_digests
    }

    /// `config.json`.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// Which of the model files are used.
    pub fn model_files(&self) -> &JudgeModelFiles {
        &self.files
    }

    /// The template that the pack brings, if it does.
    pub fn template_file(&self) -> Option<PathBuf> {
        Some(self.root.join(TEMPLATE_FILE)).filter(|file| file.is_file())
    }

    /// The id that stands in the place of a picture (`image_token_index`).
    pub fn image_token(&self) -> i64 {
        self.image_token
    }

    /// Tokens that a picture becomes, where the configuration tells; the vision encoder's output always does.
    pub fn image_tokens(&self) -> Option<usize> {
        positive(&self.config["image_seq_length"])
    }

    /// Tokens of prompt, picture and answer together that the language model can hold (`max_position_embeddings`).
    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Ids that end an answer (`eos_token_id`).
    pub fn end_tokens(&self) -> &[i64] {
        &self.end_tokens
    }

    pub fn tokenizer(&self) -> &JudgeTokenizer {
        &self.tokenizer
    }

    pub fn preprocessing(&self) -> &PicturePreprocessing {
        &self.preprocessing
    }

    /// Makes one set of sessions: what one worker thread needs.
    ///
    /// # Errors
    /// ONNX Runtime or the provider cannot be had, a file does not load, or a model's inputs and outputs do not fit
    /// the layout or each other.
    pub fn load_worker(&self, provider: ResolvedProvider, intra_threads: usize) -> Result<JudgeModels, PackError> {
        JudgeModels::load(self, provider, intra_threads)
    }
}

/// Whether the folder `root` looks like a judge pack: a `config.json` beside an `onnx/` folder.
pub fn is_judge_pack(root: &Path) -> bool {
    root.join(CONFIG_FILE).is_file() && root.join("onnx").is_dir()
}

/// The judge packs in `folder` (say `models/`), sorted. None where there is no such folder.
pub fn judge_packs_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut packs: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| is_judge_pack(path)).collect();
    packs.sort();
    packs
}

/// `onnx/{name}.onnx`, else the only `onnx/{name}_*.onnx`.
fn model_file(root: &Path, name: &str, role: &'static str) -> Result<String, PackError> {
    let plain = format!("onnx/{name}.onnx");
    if root.join(&plain).is_file() {
        return Ok(plain);
    }
    let start = format!("onnx/{name}_");
    let mut variants = files_below(root, "onnx")?;
    variants.retain(|file| file.starts_with(&start) && file.ends_with(".onnx"));
    match variants.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(PackError::MissingFile { file: root.join(plain), role }),
        several => Err(PackError::SeveralModels { file: root.join(&plain), variants: several.join(", ") }),
    }
}

/// Hashes the files that decide what an answer is and compares them with `digests.json`, if there is one. Of the
/// models only those in use, with their external data (`{model}_data`, `{name}.data`).
fn check_digests(root: &Path, models: &JudgeModelFiles) -> Result<BTreeMap<String, FileDigest>, PackError> {
    let stems = [&models.vision_encoder, &models.embed_tokens, &models.decoder]
        .map(|file| file.strip_suffix(".onnx").unwrap_or(file).to_owned());
    let decides = |file: &str| {
        [CONFIG_FILE, GENERATION_FILE, PREPROCESSOR_FILE, TOKENIZER_FILE].contains(&file)
            || stems.iter().any(|stem| file.strip_prefix(stem.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    let mut files = files_below(root, "onnx")?;
    files.extend([CONFIG_FILE, GENERATION_FILE, PREPROCESSOR_FILE, TOKENIZER_FILE].map(str::to_owned));
    files.retain(|file| decides(file) && root.join(file).is_file());
    digests_that_hold(root, &files, decides)
}

fn image_token(file: &Path, config: &Value) -> Result<i64, PackError> {
    let key = if config["image_token_index"].is_null() && !config["image_token_id"].is_null() {
        "image_token_id"
    } else {
        "image_token_index"
    };
    let token = config[key].as_i64().filter(|&id| id >= 0);
    token.ok_or_else(|| PackError::config(file, key, "the id of the picture's token", &config[key]))
}

fn context_tokens(file: &Path, config: &Value) -> Result<usize, PackError> {
    let (key, text) = ("max_position_embeddings", &config["text_config"]);
    match &text[key] {
        Value::Null if is_llama(text) => Ok(LLAMA_CONTEXT_TOKENS),
        tokens => positive(tokens).ok_or_else(|| {
            PackError::config(file, &format!("text_config.{key}"), "the number of tokens the model can hold", tokens)
        }),
    }
}

/// One id or a list of them, from `generation_config.json`, else `config.json`, else its `text_config`.
fn end_tokens(root: &Path, config: &Value, generation: &Value) -> Result<Vec<i64>, PackError> {
    let key = "eos_token_id";
    let places = [(GENERATION_FILE, generation), (CONFIG_FILE, config), (CONFIG_FILE, &config["text_config"])];
    for (file, place) in places {
        let ids: Option<Vec<i64>> = match &place[key] {
            Value::Null => continue,
            Value::Array(ids) if !ids.is_empty() => ids.iter().map(Value::as_i64).collect(),
            id => id.as_i64().map(|id| vec![id]),
        };
        return ids.ok_or_else(|| {
            PackError::config(&root.join(file), key, "the id that ends an answer, or a list of such", &place[key])
        });
    }
    if is_llama(&config["text_config"]) {
        return Ok(vec![LLAMA_END_TOKEN]);
    }
    Err(PackError::config(&root.join(GENERATION_FILE), key, "the id that ends an answer", &Value::Null))
}

fn is_llama(text_config: &Value) -> bool {
    text_config["model_type"].as_str().is_none_or(|kind| kind == "llama")
}

fn missing_pack(root: &Path, why: &'static str) -> PackError {
    let beside = root.parent().map(judge_packs_in).unwrap_or_default();
    let packs = if beside.is_empty() { judge_packs_in(Path::new("models")) } else { beside };
    let help = if packs.is_empty() {
        "no judge packs were found under models/ either: run latentlink in the folder of the project, or give the path \
         of a pack in `judge.pack`"
            .into()
    } else {
        let names: Vec<_> = packs.iter().map(|pack| format!("  {}", pack.display())).collect();
        format!("these judge packs are there:\n{}", names.join("\n"))
    };
    PackError::MissingPack { path: root.to_owned(), why, help }
}
