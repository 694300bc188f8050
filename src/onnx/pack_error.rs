//! What can be wrong with a model pack, and how to mend it.

use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde_json::Value;
use thiserror::Error;

use super::digest::FileDigest;
use super::runtime::RuntimeError;

/// What mends a model that is not what the layout says.
const EXPORT_AGAIN: &str = "\
    export the model again, with a dynamic batch size: a diffusion pack as optimum does,
  optimum-cli export onnx --model <model> --task text-to-image <folder>
a LLaVA judge with models/training/llava_from_hub.py,
  python models/training/llava_from_hub.py <model> <folder>
a sentence encoder as optimum does,
  optimum-cli export onnx --model <model> --task feature-extraction <folder>";

/// A pack that cannot be opened, loaded or run.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum PackError {
    /// The folder is not there, or is no pack.
    #[error("{} is no model pack: {why}", .path.display())]
    #[diagnostic(help("{help}"))]
    MissingPack { path: PathBuf, why: &'static str, help: String },

    /// A file that the layout asks for is not there.
    #[error("the model pack lacks {} ({role})", .file.display())]
    #[diagnostic(
        help(
            "if the pack is in a git repository, get the file back with\n  git checkout -- {}\nelse fetch or export \
             the pack again: a diffusion pack has the layout that optimum exports for Stable Diffusion, a judge pack \
             that of transformers.js for LLaVA, SmolVLM and Qwen2-VL, a sentence encoder that of sentence-transformers",
            .file.display()
        )
    )]
    MissingFile { file: PathBuf, role: &'static str },

    /// A file that the pack's `digests.json` lists is not there.
    #[error("{} is missing, which the pack's digests.json lists", .file.display())]
    #[diagnostic(
        help(
            "if the pack is in a git repository, get the file back with\n  git checkout -- {}\nelse fetch it again; if you \
             took it away on purpose, take its line out of digests.json too",
            .file.display()
        )
    )]
    ListedFileMissing { file: PathBuf },

    /// A model is there in other precisions than the one to be used.
    #[error("the model pack has no {}, but {others}", .file.display())]
    #[diagnostic(help(
        "say which is to be used with `judge.dtype`: \"fp32\" (no suffix), \"fp16\", \"q8\" (_quantized), \"int8\", \
         \"uint8\", \"q4\", \"q4f16\" or \"bnb4\"; all three models have to be there in it"
    ))]
    OtherDtypes { file: PathBuf, others: String },

    /// A file's bytes are not those that the pack's `digests.json` lists.
    #[error("{} is corrupt: its SHA-256 should be\n  {expected}\nbut is\n  {found}", .file.display())]
    #[diagnostic(
        help(
            "if the pack is in a git repository, get the file back with\n  git checkout -- {}\nelse fetch the pack \
             again; if you changed the file on purpose, write its new digest into the pack's digests.json",
            .file.display()
        )
    )]
    CorruptFile { file: PathBuf, expected: FileDigest, found: FileDigest },

    /// A model's file is there and is not what it should be.
    #[error("{} is damaged: {message}", .file.display())]
    #[diagnostic(help(
        "fetch or export the pack again (a file of about 130 bytes that begins with `version https://git-lfs` is a \
             placeholder: `git lfs pull` fetches the model)"
    ))]
    Damaged { file: PathBuf, message: String },

    /// The file that holds a model's weights is not there.
    #[error(
        "the model pack lacks {}, which holds weights of {} (the first is `{tensor}`)",
        .file.display(), .model.display()
    )]
    #[diagnostic(help(
        "a model and its external data stay in one folder under the names of the export: fetch the file too"
    ))]
    MissingWeights { file: PathBuf, model: PathBuf, tensor: String },

    /// The file that holds a model's weights ends too early.
    #[error(
        "{} is cut short: `{tensor}` of {} ends at byte {needed}, the file at {found}",
        .file.display(), .model.display()
    )]
    #[diagnostic(help("the file was not fetched or written to its end, or is of another export: get it again"))]
    ShortWeights { file: PathBuf, model: PathBuf, tensor: String, needed: u64, found: u64 },

    /// A model answers plain inputs with NaN or infinity: pictures would be black, scores without sense.
    #[error("{} gives {what} in `{tensor}` for a plain input: {}, and {so}", .file.display(), why(*.narrow))]
    #[diagnostic(help("{help}"))]
    NotFinite {
        file: PathBuf,
        tensor: Box<str>,
        what: &'static str,
        /// Whether it computes in 16 bits.
        narrow: bool,
        so: &'static str,
        help: &'static str,
    },

    /// A model that loaded cannot take what the pack's other files make of a plain input.
    #[error("{} cannot take {fed}: {reason}", .file.display())]
    #[diagnostic(help("{help}"))]
    Unworkable { file: PathBuf, fed: String, reason: String, help: String },

    /// A file is there and cannot be read.
    #[error("cannot read {}: {reason}", .file.display())]
    #[diagnostic(help("check that the file exists and that you may read it"))]
    Read { file: PathBuf, reason: std::io::Error },

    /// A file is not JSON.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Json(#[from] Box<JsonError>),

    /// A setting of a JSON file is absent or not what it should be.
    #[error("{}: `{key}` should be {expected}, found {found}", .file.display())]
    #[diagnostic(help("correct the file, or fetch or export the pack again"))]
    Config { file: PathBuf, key: String, expected: String, found: String },

    /// The tokenizer's files are there but cannot be used.
    #[error("{}: {message}", .file.display())]
    #[diagnostic(help("{help}"))]
    Tokenizer { file: PathBuf, message: String, help: String },

    /// The pack's chat template is there but cannot be used.
    #[error("the chat template in {}: {message}", .file.display())]
    #[diagnostic(help(
        "name a template of your own with a `format` in `judge.template`, which goes without the chat template: \
         docs/judge-template.md"
    ))]
    ChatTemplate { file: PathBuf, message: String },

    /// A model's input or output is not what the layout says.
    #[error("{}: tensor `{tensor}` should be {expected}, found {found}", .file.display())]
    #[diagnostic(help("{}", .help.as_deref().unwrap_or(EXPORT_AGAIN)))]
    UnfitTensor {
        file: PathBuf,
        tensor: String,
        expected: Box<str>,
        found: Box<str>,
        /// What mends it, where that isn't another export.
        help: Option<Box<str>>,
    },

    /// ONNX Runtime refuses the model.
    #[error("ONNX Runtime cannot load {}: {}", .file.display(), .reason.message())]
    #[diagnostic(help(
        "the file may be damaged, its external data may not lie beside it, or the execution provider may not be \
             usable: `latentlink doctor` tells"
    ))]
    Load { file: PathBuf, reason: ort::Error },

    /// A model was written for a newer ONNX Runtime.
    #[error("{} is of {what} {found}, and this ONNX Runtime takes {what} {most} at most", .file.display())]
    #[diagnostic(help(
        "export the model again for an older opset (optimum-cli export onnx --opset 17 …), convert it with the version \
         converter of the onnx package, or name a newer ONNX Runtime in ORT_DYLIB_PATH"
    ))]
    NewerModel { file: PathBuf, what: &'static str, found: String, most: String },

    /// A model has an operator that its execution provider does not.
    #[error("{} has the operator `{operator}`, which ONNX Runtime does not have on this execution provider", .file.display())]
    #[diagnostic(help(
        "optimizers for GPUs put such operators in: take the model as it was exported, or run it where they are there, with \
         `models.execution_provider = \"cuda\"` (`latentlink doctor PACK --execution-provider cuda`)"
    ))]
    NoKernel { file: PathBuf, operator: String },

    /// A model that loaded fails when it runs.
    #[error("{} failed on a batch of {batch}: {}", .file.display(), .reason.message())]
    #[diagnostic(help("if memory ran out, use a smaller batch or fewer threads"))]
    Run { file: PathBuf, batch: usize, reason: ort::Error },

    /// ONNX Runtime itself is not usable.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Runtime(#[from] Box<RuntimeError>),
}

impl PackError {
    /// ONNX Runtime's refusal of `file`, in words of ours where it is one that people meet.
    pub(super) fn load(file: &Path, reason: ort::Error) -> Self {
        // "Opset 99 is under development … Current official support for domain ai.onnx is till opset 25."
        // "Unsupported model IR version: 99, max supported IR version: 13"
        let said = reason.message();
        let number = |before: &str| {
            let rest = said.split_once(before)?.1.trim_start();
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            (end > 0).then(|| rest[..end].to_owned())
        };
        let limits = [
            ("opset", "Opset ", "is till opset "),
            ("IR version", "Unsupported model IR version:", "max supported IR version:"),
        ];
        for (what, found, most) in limits {
            if let Some((found, most)) = number(found).zip(number(most)) {
                return Self::NewerModel { file: file.to_owned(), what, found, most };
            }
        }
        // "Failed to find kernel for com.microsoft.NhwcConv(1) (node:'…' ep:'CPUExecutionProvider'). Kernel not found"
        // "Could not find an implementation for GroupNorm(1) node with name '…'"
        let operator =
            ["Failed to find kernel for ", "Could not find an implementation for "].into_iter().find_map(|before| {
                Some(said.split_once(before)?.1.split_once('(')?.0.trim_start_matches("com.microsoft."))
            });
        if let Some(operator) = operator {
            return Self::NoKernel { file: file.to_owned(), operator: operator.to_owned() };
        }
        Self::Load { file: file.to_owned(), reason }
    }

    /// Refuses `values` of the output `tensor` of `file` that are no numbers; `narrow`: it computes in 16 bits; `so` is what
    /// would come of them.
    pub(super) fn require_finite(
        mut values: impl Iterator<Item = f32> + Clone,
        (file, tensor): (&Path, &str),
        narrow: bool,
        so: &'static str,
        narrow_help: &'static str,
    ) -> Result<(), Self> {
        let what = if values.clone().any(f32::is_nan) {
            "NaN"
        } else if values.any(f32::is_infinite) {
            "infinity"
        } else {
            return Ok(());
        };
        let help = match narrow {
            true => narrow_help,
            false => "fetch this model again, or export it again from weights that are whole",
        };
        Err(Self::NotFinite { file: file.to_owned(), tensor: tensor.into(), what, narrow, so, help })
    }

    /// Of a tensor that does not fit: what mends it, where a setting of the pack is as likely to be wrong as the model.
    pub(super) fn advising(mut self, advice: impl FnOnce() -> String) -> Self {
        if let Self::UnfitTensor { help, .. } = &mut self {
            help.get_or_insert_with(|| advice().into());
        }
        self
    }

    /// Of a call that failed or came back in another shape: what was `fed`, and what mends it. A call for which memory
    /// lacked stays what it is, and so does all that is no call.
    pub(super) fn blaming(self, fed: impl FnOnce() -> String, help: impl FnOnce() -> String) -> Self {
        match self {
            Self::Run { file, reason, .. } if !says_no_memory(reason.message()) => {
                Self::Unworkable { file, fed: fed(), reason: reason.message().to_owned(), help: help() }
            }
            Self::UnfitTensor { file, tensor, found, .. } => {
                let reason = format!("`{tensor}` comes out as {found}");
                Self::Unworkable { file, fed: fed(), reason, help: help() }
            }
            other => other,
        }
    }

    /// The error for the setting `key` of `file`, which should have been `expected`.
    pub(super) fn config(file: &Path, key: &str, expected: impl Into<String>, found: &Value) -> Self {
        let found = super::pack::shortened(found);
        Self::Config { file: file.to_owned(), key: key.into(), expected: expected.into(), found }
    }
}

/// Why a model gives no numbers.
fn why(narrow: bool) -> &'static str {
    if narrow { "its 16-bit arithmetic overflows" } else { "its weights are broken" }
}

/// Whether ONNX Runtime wanted memory that was not there.
fn says_no_memory(message: &str) -> bool {
    ["allocate memory", "out of memory", "bad_alloc"].iter().any(|said| message.contains(said))
}

/// A file that is not JSON, with the place where it stops being so.
#[derive(Debug, Error, Diagnostic)]
#[error("{}, line {line}, column {column}: not valid JSON: {message}", .file.display())]
#[diagnostic(
    help("correct the file, or get it back with\n  git checkout -- {}", .file.display())
)]
pub struct JsonError {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
    pub message: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    place: SourceSpan,
}

impl JsonError {
    pub(super) fn new(file: PathBuf, text: String, error: &serde_json::Error) -> Box<Self> {
        let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let mut offset = (line_start + error.column().saturating_sub(1)).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or(&full).to_owned();
        Box::new(Self {
            line: error.line(),
            column: error.column(),
            message,
            source_code: NamedSource::new(file.display().to_string(), text),
            place: SourceSpan::from((offset, 0)),
            file,
        })
    }
}
