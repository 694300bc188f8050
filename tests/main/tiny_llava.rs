//! The tiny LLaVA of `tests/reference/tiny_llava.py` and what transformers makes of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use latentlink::judge::Persona;
use latentlink::judge::template::PromptTemplate;
use latentlink::onnx::{JudgePack, runtime};
use latentlink::picture::Picture;
use serde_json::Value;
use tempfile::TempDir;

use crate::vlm_vectors::{VlmVectors, numbers, usize_of};

const VECTORS: VlmVectors = VlmVectors::LLAVA;

pub fn floats(file: &str) -> Vec<f32> {
    VECTORS.floats(file)
}

pub fn bytes(file: &str) -> Vec<u8> {
    VECTORS.bytes(file)
}

pub fn expected() -> Value {
    VECTORS.expected()
}

/// The pictures, from their 8-bit rows.
pub fn pictures() -> Vec<Picture> {
    VECTORS.pictures()
}

/// One persona before one picture, and what transformers answers.
pub struct Case {
    pub picture: usize,
    pub persona: Persona,
    pub request: String,
    pub before: String,
    pub after: String,
    pub prompt_tokens: usize,
    /// Greedy answer.
    pub tokens: Vec<i64>,
    pub text: String,
    pub expectation: f64,
    /// Of every decoding step [steps][vocabulary].
    pub logits: Vec<Vec<f32>>,
}

pub fn cases() -> Vec<Case> {
    let (expected, logits) = (expected(), floats("logits.bin"));
    let (steps, vocabulary) = (usize_of(&expected["steps"]), usize_of(&expected["vocabulary"]));
    let mut of_steps = logits.chunks_exact(vocabulary).map(<[f32]>::to_vec);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let cases = expected["cases"].as_array().expect("a list of cases");
    cases
        .iter()
        .map(|case| Case {
            picture: usize_of(&case["picture"]),
            persona: Persona::new(numbers(&case["persona"]).try_into().expect("five traits")).expect("in [0, 1]"),
            request: text(&case["request"]),
            before: text(&case["before"]),
            after: text(&case["after"]),
            prompt_tokens: usize_of(&case["prompt_tokens"]),
            tokens: numbers(&case["tokens"]).into_iter().map(|id| id as i64).collect(),
            text: text(&case["text"]),
            expectation: case["expectation"].as_f64().expect("a number"),
            logits: of_steps.by_ref().take(steps).collect(),
        })
        .collect()
}

/// The folder of the pack itself.
pub fn pack_folder() -> PathBuf {
    VECTORS.path("pack")
}

/// The pack, with ONNX Runtime found or fetched.
pub fn open() -> Arc<JudgePack> {
    VECTORS.open()
}

/// The template that the pack brings: marks 0 to 9.
pub fn template(pack: &JudgePack) -> PromptTemplate {
    PromptTemplate::read(&pack.template_file().expect("the pack brings one")).expect("the template is right")
}

/// A copy of the pack to change.
pub struct CopiedPack {
    folder: TempDir,
}

impl CopiedPack {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("onnx")).expect("a new folder");
        for part in ["", "onnx"] {
            for entry in pack_folder().join(part).read_dir().expect("the pack is there") {
                let entry = entry.expect("a readable folder");
                if entry.path().is_file() {
                    let to = folder.path().join(part).join(entry.file_name());
                    std::fs::copy(entry.path(), to).expect("a new file");
                }
            }
        }
        Self { folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Changes a JSON file of the pack.
    pub fn edit(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let path = self.path(file);
        let mut json = serde_json::from_slice(&std::fs::read(&path).expect("the file is there")).expect("JSON");
        change(&mut json);
        std::fs::write(path, json.to_string()).expect("the file is writable");
    }

    pub fn open(&self) -> Arc<JudgePack> {
        runtime::environment().expect("ONNX Runtime is found or fetched");
        Arc::new(JudgePack::open(self.root()).expect("the changed pack is still one"))
    }
}
