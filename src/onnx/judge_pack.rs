//! A judge pack: a LLaVA, SmolVLM or Qwen2-VL in the layout and with the names that transformers.js and onnx-community
//! use.
//!
//! ```text
//! config.json                       image_token_index, text_config.max_position_embeddings, …
//! generation_config.json            eos_token_id (optional)
//! preprocessor_config.json          how a picture becomes pixels
//! processor_config.json             how many tokens a tile becomes (SmolVLM)
//! tokenizer.json
//! chat_template.jinja               or in chat_template.json or tokenizer_config.json (optional)
//! onnx/vision_encoder.onnx          pixel_values (pixel_attention_mask | image_grid_thw) → image_features
//! onnx/embed_tokens.onnx            input_ids → inputs_embeds
//! onnx/decoder_model_merged.onnx    inputs_embeds, attention_mask, position_ids, past_key_values.N.key|value
//!                                   → logits, present.N.key|value
//! judge_template.toml               how the pack likes to be asked (optional)
//! digests.json                      SHA-256 of the files (optional)
//! ```
//!
//! Models also come as `vision_encoder_fp16.onnx`, `…_q4.onnx` and so on: [`ModelDtype`]. [`JudgePack::open`] needs no ONNX
//! Runtime; [`JudgePack::load_worker`] makes the sessions.

mod chat_template;
mod misfit;
mod model_files;
mod picture_place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use self::chat_template::PictureToken;
use self::picture_place::PictureTokens;
use super::digest::{FileDigest, digest_of_files};
use super::judge_models::JudgeModels;
use super::pack::{PackModel, positive, read_object, read_object_if_there, require_file};
use super::pack_error::PackError;
use super::picture_preprocessing::{PictureLayout, PicturePreprocessing};
use super::provider::ResolvedProvider;
use super::tokenizer::JudgeTokenizer;

pub use self::chat_template::ChatTemplate;
pub use self::model_files::{JudgeModelFiles, ModelDtype};
pub use self::picture_place::PicturePlace;

/// The configuration, whose `image_token_index` makes a folder a judge pack.
pub const CONFIG_FILE: &str = "config.json";
/// The prompt template that a pack may bring.
pub const TEMPLATE_FILE: &str = "judge_template.toml";
const GENERATION_FILE: &str = "generation_config.json";
const PREPROCESSOR_FILE: &str = "preprocessor_config.json";
const PROCESSOR_FILE: &str = "processor_config.json";
const TOKENIZER_FILE: &str = "tokenizer.json";

/// What transformers' `LlamaConfig` takes where its configuration is silent, as that of LLaVA-1.5 is.
const LLAMA_CONTEXT_TOKENS: usize = 2048;
const LLAMA_END_TOKEN: i64 = 2;

/// An opened and checked pack. No session exists yet.
#[derive(Debug)]
pub struct JudgePack {
    root: PathBuf,
    config: Value,
    files: JudgeModelFiles,
    models: [PackModel; 3],
    picture_tokens: PictureTokens,
    chat_template: Option<ChatTemplate>,
    context_tokens: usize,
    end_tokens: Vec<i64>,
    tokenizer: JudgeTokenizer,
    preprocessing: PicturePreprocessing,
    file_digests: BTreeMap<String, FileDigest>,
    /// Whether the models were seen to answer a question; held while they are tried.
    pub(super) golden_pass: Mutex<bool>,
}

impl JudgePack {
    /// Opens the pack in the folder `root`, with the models as [`JudgePack::open_as`] takes them without a `dtype`.
    ///
    /// # Errors
    /// [`PackError`], with the file and the mend.
    pub fn open(root: &Path) -> Result<Self, PackError> {
        Self::open_as(root, None)
    }

    /// Opens the pack in the folder `root` with the models of `dtype`, without one those whose names have no suffix, and
    /// where there are no such, the only ones there are. Files are there, their digests hold where a `digests.json` lists
    /// them, all configurations parse. Model files are hashed (about a second per gigabyte), not loaded.
    ///
    /// # Errors
    /// [`PackError`], with the file and the mend.
    pub fn open_as(root: &Path, dtype: Option<ModelDtype>) -> Result<Self, PackError> {
        if !root.is_dir() {
            return Err(missing_pack(root, "there is no such folder"));
        }
        if !root.join(CONFIG_FILE).is_file() {
            return Err(missing_pack(root, "it has no config.json"));
        }
        model_files::require_listed(root)?;
        require_file(root, PREPROCESSOR_FILE, "how pictures become pixels")?;
        require_file(root, TOKENIZER_FILE, "how the agent's prompt becomes tokens")?;
        let files = JudgeModelFiles::find(root, dtype)?;
        let models = files.inspect(root)?;
        let file_digests = files.digests(root, &models)?;

        let config_file = root.join(CONFIG_FILE);
        let config = read_object(&config_file)?;
        let generation = read_object_if_there(&root.join(GENERATION_FILE))?;
        let preprocessor_file = root.join(PREPROCESSOR_FILE);
        let preprocessor = read_object(&preprocessor_file)?;
        let preprocessing = PicturePreprocessing::from_config(&preprocessor_file, &preprocessor)?;
        if preprocessing.size().is_none() && preprocessing.layout([1, 1]) == PictureLayout::Whole {
            let expected = "{ height, width } in pixels, or a centre crop: this vision encoder takes one size";
            return Err(PackError::config(&preprocessor_file, "size", expected, &preprocessor["size"]));
        }
        check_kinds(&config_file, &config)?;
        let (tokenizer, picture_tokens) = picture_tokens(root, &config, &preprocessing)?;
        Ok(Self {
            context_tokens: context_tokens(&config_file, &config)?,
            end_tokens: end_tokens(root, &config, &generation)?,
            chat_template: ChatTemplate::find(root, || {
                let (key, id) = picture_token(&config_file, &config)?;
                Ok(PictureToken { text: picture_tokens.text().to_owned(), id, key, file: config_file.clone() })
            })?,
            tokenizer,
            picture_tokens,
            preprocessing,
            root: root.to_owned(),
            config,
            files,
            models,
            file_digests,
            golden_pass: Mutex::new(false),
        })
    }

    /// The chat template of the pack in `root`, if it brings one, without a look at the models.
    ///
    /// # Errors
    /// As [`JudgePack::open`], of the files that are read.
    pub fn chat_template_of(root: &Path) -> Result<Option<ChatTemplate>, PackError> {
        ChatTemplate::find(root, || {
            let config_file = root.join(CONFIG_FILE);
            let (key, id) = picture_token(&config_file, &read_object(&config_file)?)?;
            let text = JudgeTokenizer::open(&root.join(TOKENIZER_FILE))?.picture_token_text(&config_file, key, id)?;
            Ok(PictureToken { text, id, key, file: config_file })
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

    /// What the configuration says of the language model: its own part of it, or all where the parts aren't parted.
    pub fn text_config(&self) -> &Value {
        text_config(&self.config)
    }

    /// The models in use: vision encoder, token embedding, language model.
    pub fn models(&self) -> &[PackModel; 3] {
        &self.models
    }

    /// Which of the model files are used.
    pub fn model_files(&self) -> &JudgeModelFiles {
        &self.files
    }

    /// The template that the pack brings, if it does.
    pub fn template_file(&self) -> Option<PathBuf> {
        Some(self.root.join(TEMPLATE_FILE)).filter(|file| file.is_file())
    }

    /// The form of a conversation that the pack's model was trained on, if the pack brings it.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.chat_template.as_ref()
    }

    /// The id of a picture's token (`image_token_index`).
    pub fn image_token(&self) -> i64 {
        self.picture_tokens.token()
    }

    /// The text of a picture's token.
    pub fn image_token_text(&self) -> &str {
        self.picture_tokens.text()
    }

    /// Features of a picture that is not cut, where the configuration tells; the vision encoder's output always does.
    pub fn image_tokens(&self) -> Option<usize> {
        positive(&self.config["image_seq_length"])
    }

    /// The tokens in the place of a picture of `size`, height and width; `whole` is the number of features of one that
    /// is not cut.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`].
    pub fn picture_place(&self, size: [usize; 2], whole: usize) -> Result<PicturePlace, PackError> {
        self.picture_tokens.place(self.preprocessing.layout(size), whole, &self.tokenizer)
    }

    /// The file that says how pictures become pixels.
    pub(super) fn preprocessor_file(&self) -> PathBuf {
        self.root.join(PREPROCESSOR_FILE)
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
    /// ONNX Runtime or the provider cannot be had, a file does not load, a model's inputs and outputs do not fit the layout
    /// or each other, or (the first time, see [`super::judge_models`]) the pack cannot answer one fixed question, or answers
    /// it with numbers that are not finite.
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

fn picture_tokens(
    root: &Path,
    config: &Value,
    preprocessing: &PicturePreprocessing,
) -> Result<(JudgeTokenizer, PictureTokens), PackError> {
    let tokenizer = JudgeTokenizer::open(&root.join(TOKENIZER_FILE))?;
    let token = picture_token(&root.join(CONFIG_FILE), config)?;
    let tokens = PictureTokens::new(root, token, config, preprocessing, &tokenizer)?;
    Ok((tokenizer, tokens))
}

/// The setting that names the picture's token, and the token.
fn picture_token(file: &Path, config: &Value) -> Result<(&'static str, i64), PackError> {
    let key = if config["image_token_index"].is_null() && !config["image_token_id"].is_null() {
        "image_token_id"
    } else {
        "image_token_index"
    };
    let token = config[key].as_i64().filter(|&id| id >= 0);
    let token = token.ok_or_else(|| PackError::config(file, key, "the id of the picture's token", &config[key]))?;
    Ok((key, token))
}

/// Refuses optional settings of the wrong kind, which would else be taken for absent.
fn check_kinds(file: &Path, config: &Value) -> Result<(), PackError> {
    let part = &config["text_config"];
    if !part.is_null() && !part.is_object() {
        return Err(PackError::config(file, "text_config", "an object", part));
    }
    let features = &config["image_seq_length"];
    if !features.is_null() && positive(features).is_none() {
        return Err(PackError::config(
            file,
            "image_seq_length",
            "the number of tokens that a picture becomes",
            features,
        ));
    }
    let kind = &text_config(config)["model_type"];
    if !kind.is_null() && !kind.is_string() {
        return Err(PackError::config(file, "text_config.model_type", "the name of a kind of model", kind));
    }
    Ok(())
}

/// Newer files have a part for the language model, older ones of Qwen2-VL have its keys among the others.
fn text_config(config: &Value) -> &Value {
    if config["text_config"].is_object() { &config["text_config"] } else { config }
}

fn context_tokens(file: &Path, config: &Value) -> Result<usize, PackError> {
    let (key, text) = ("max_position_embeddings", text_config(config));
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
    let places = [(GENERATION_FILE, generation), (CONFIG_FILE, config), (CONFIG_FILE, text_config(config))];
    for (file, place) in places {
        let id = |id: &Value| id.as_i64().filter(|&id| id >= 0);
        let ids: Option<Vec<i64>> = match &place[key] {
            Value::Null => continue,
            Value::Array(ids) if !ids.is_empty() => ids.iter().map(id).collect(),
            sole => id(sole).map(|id| vec![id]),
        };
        return ids.ok_or_else(|| {
            let expected = "the id that ends an answer, or a list of such, each at least 0";
            PackError::config(&root.join(file), key, expected, &place[key])
        });
    }
    if is_llama(text_config(config)) {
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
