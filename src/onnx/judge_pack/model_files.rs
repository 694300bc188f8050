//! Which file each model of a judge pack is in, and whether the files are what `digests.json` says.

use std::collections::BTreeMap;
use std::path::Path;

use super::{CONFIG_FILE, GENERATION_FILE, PREPROCESSOR_FILE, PROCESSOR_FILE, TEMPLATE_FILE, TOKENIZER_FILE};
use crate::onnx::digest::{FileDigest, digests_that_hold, files_below, lists, require_listed_files};
use crate::onnx::model_file::ModelFile;
use crate::onnx::pack::PackModel;
use crate::onnx::pack_error::PackError;

const CONFIGURATIONS: [&str; 5] = [CONFIG_FILE, GENERATION_FILE, PREPROCESSOR_FILE, PROCESSOR_FILE, TOKENIZER_FILE];

/// Of which precision the files of a pack are to be: the names that transformers.js gives, and the ends of the files'
/// names that go with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelDtype {
    Fp32,
    Fp16,
    /// `_quantized`
    Q8,
    Int8,
    Uint8,
    Q4,
    Q4F16,
    Bnb4,
}

impl ModelDtype {
    /// All of them, with their names.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("fp32", Self::Fp32),
        ("fp16", Self::Fp16),
        ("q8", Self::Q8),
        ("int8", Self::Int8),
        ("uint8", Self::Uint8),
        ("q4", Self::Q4),
        ("q4f16", Self::Q4F16),
        ("bnb4", Self::Bnb4),
    ];

    fn suffix(self) -> &'static str {
        match self {
            Self::Fp32 => "",
            Self::Fp16 => "_fp16",
            Self::Q8 => "_quantized",
            Self::Int8 => "_int8",
            Self::Uint8 => "_uint8",
            Self::Q4 => "_q4",
            Self::Q4F16 => "_q4f16",
            Self::Bnb4 => "_bnb4",
        }
    }
}

/// Which file each model of a pack was found in, relative to the pack, with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeModelFiles {
    pub vision_encoder: String,
    pub embed_tokens: String,
    pub decoder: String,
}

impl JudgeModelFiles {
    /// The files of `dtype`; without one those without a suffix, and where there is no such, the only one there is.
    pub(super) fn find(root: &Path, dtype: Option<ModelDtype>) -> Result<Self, PackError> {
        Ok(Self {
            vision_encoder: model_file(root, "vision_encoder", "the vision tower and projector", dtype)?,
            embed_tokens: model_file(root, "embed_tokens", "the embedding of tokens", dtype)?,
            decoder: model_file(root, "decoder_model_merged", "the language model", dtype)?,
        })
    }

    /// What the files say of their weights, all of which must be there.
    pub(super) fn inspect(&self, root: &Path) -> Result<[PackModel; 3], PackError> {
        let model = |role, file: &str| {
            let file = ModelFile::inspect(&root.join(file))?;
            Ok::<_, PackError>(PackModel { role, file })
        };
        Ok([
            model("vision encoder", &self.vision_encoder)?,
            model("token embedding", &self.embed_tokens)?,
            model("language model", &self.decoder)?,
        ])
    }

    /// Hashes the files that decide what an answer is and compares them with `digests.json`, if there is one. Of the
    /// models only those in use, with their external data, whatever its name (`{model}_data` and `{name}.data` also where
    /// no weight names them).
    pub(super) fn digests(&self, root: &Path, models: &[PackModel]) -> Result<BTreeMap<String, FileDigest>, PackError> {
        let stems = [&self.vision_encoder, &self.embed_tokens, &self.decoder]
            .map(|file| file.strip_suffix(".onnx").unwrap_or(file).to_owned());
        let external: Vec<String> = models
            .iter()
            .flat_map(|model| model.file.external_files())
            .filter_map(|file| Some(file.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/")))
            .collect();
        let decides = |file: &str| {
            CONFIGURATIONS.contains(&file)
                || external.iter().any(|external| external == file)
                || stems.iter().any(|stem| file.strip_prefix(stem.as_str()).is_some_and(|rest| rest.starts_with('.')))
        };
        let mut files = files_below(root, "onnx")?;
        files.extend(CONFIGURATIONS.map(str::to_owned));
        files.extend(external.iter().filter(|file| !file.starts_with("onnx/")).cloned());
        files.retain(|file| decides(file) && root.join(file).is_file());
        digests_that_hold(root, &files, decides)
    }
}

/// Files without which a pack asks its agents otherwise, and says nothing of it.
const TEMPLATES: [&str; 4] = [TEMPLATE_FILE, "chat_template.jinja", "chat_template.json", "tokenizer_config.json"];

/// Refuses a pack whose `digests.json` lists a configuration or a template that is not there.
pub(super) fn require_listed(root: &Path) -> Result<(), PackError> {
    require_listed_files(root, |file| CONFIGURATIONS.contains(&file) || TEMPLATES.contains(&file))
}

fn model_file(root: &Path, name: &str, role: &'static str, dtype: Option<ModelDtype>) -> Result<String, PackError> {
    let wanted = format!("onnx/{name}{}.onnx", dtype.map_or("", ModelDtype::suffix));
    if root.join(&wanted).is_file() {
        return Ok(wanted);
    }
    let start = format!("onnx/{name}");
    let mut variants = files_below(root, "onnx")?;
    variants.retain(|file| {
        file.strip_prefix(&start).is_some_and(|rest| rest.starts_with(['.', '_'])) && file.ends_with(".onnx")
    });
    match (dtype, variants.as_slice()) {
        (None, [only]) => Ok(only.clone()),
        (_, []) if lists(root, &wanted)? => Err(PackError::ListedFileMissing { file: root.join(wanted) }),
        (_, []) => Err(PackError::MissingFile { file: root.join(wanted), role }),
        (_, others) => Err(PackError::OtherDtypes { file: root.join(&wanted), others: others.join(", ") }),
    }
}
