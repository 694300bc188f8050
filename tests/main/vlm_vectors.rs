//! The tiny vision-language models of `tests/reference/`, and what transformers makes of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use latentlink::judge::{Persona, PromptTemplate};
use latentlink::onnx::{JudgePack, runtime};
use latentlink::picture::Picture;
use serde_json::Value;
use tempfile::TempDir;

/// A folder of `tests/vectors`.
#[derive(Clone, Copy)]
pub struct VlmVectors {
    name: &'static str,
}

/// One persona before one picture, and what transformers answers.
pub struct VlmCase {
    pub picture: usize,
    pub persona: Persona,
    pub request: String,
    /// Of the whole prompt, as the processor makes them.
    pub ids: Vec<i64>,
    /// Greedy answer.
    pub tokens: Vec<i64>,
    pub answer: String,
    pub expectation: f64,
    /// Of every decoding step [steps][vocabulary].
    pub logits: Vec<Vec<f32>>,
}

impl VlmVectors {
    pub const LLAVA: Self = Self { name: "tiny_llava" };
    pub const SMOLVLM: Self = Self { name: "tiny_smolvlm" };
    pub const QWEN2_VL: Self = Self { name: "tiny_qwen2_vl" };

    pub fn name(self) -> &'static str {
        self.name
    }

    pub fn path(self, file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(self.name).join(file)
    }

    pub fn bytes(self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).expect("the vectors are there")
    }

    pub fn floats(self, file: &str) -> Vec<f32> {
        let bytes = self.bytes(file);
        bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect()
    }

    pub fn expected(self) -> Value {
        serde_json::from_slice(&self.bytes("expected.json")).expect("the vectors are JSON")
    }

    /// The pictures, from their 8-bit rows.
    pub fn pictures(self) -> Vec<Picture> {
        let (rgb, expected) = (self.bytes("pictures.bin"), self.expected());
        let mut rest = rgb.as_slice();
        let sizes = expected["pictures"].as_array().expect("a list of sizes");
        let picture = |size: &Value| {
            let (width, height) = (usize_of(&size["width"]), usize_of(&size["height"]));
            let (own, after) = rest.split_at(3 * width * height);
            rest = after;
            let values = own.iter().map(|&value| f32::from(value) / 255.0).collect();
            Picture::new(width, height, values).expect("bytes make a picture")
        };
        sizes.iter().map(picture).collect()
    }

    pub fn cases(self) -> Vec<VlmCase> {
        let (expected, logits) = (self.expected(), self.floats("logits.bin"));
        let (steps, vocabulary) = (usize_of(&expected["steps"]), usize_of(&expected["vocabulary"]));
        let mut of_steps = logits.chunks_exact(vocabulary).map(<[f32]>::to_vec);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let ids = |value: &Value| numbers(value).into_iter().map(|id| id as i64).collect();
        let cases = expected["cases"].as_array().expect("a list of cases");
        cases
            .iter()
            .map(|case| VlmCase {
                picture: usize_of(&case["picture"]),
                persona: Persona::new(numbers(&case["persona"]).try_into().expect("five traits")).expect("in [0, 1]"),
                request: text(&case["request"]),
                ids: ids(&case["ids"]),
                tokens: ids(&case["tokens"]),
                answer: text(&case["text_answer"]),
                expectation: case["expectation"].as_f64().expect("a number"),
                logits: of_steps.by_ref().take(steps).collect(),
            })
            .collect()
    }

    /// The pack, with ONNX Runtime found or fetched.
    pub fn open(self) -> Arc<JudgePack> {
        runtime::environment().expect("ONNX Runtime is found or fetched");
        Arc::new(JudgePack::open(&self.path("pack")).expect("the tiny pack is whole"))
    }

    /// What the agents of the pack are asked with.
    pub fn template(self) -> PromptTemplate {
        PromptTemplate::for_pack(&self.path("pack"), None).expect("the template is right").template
    }
}

/// A copy of a family's pack to change.
pub struct CopiedVlm {
    folder: TempDir,
}

impl CopiedVlm {
    pub fn new(family: VlmVectors) -> Self {
        let copied = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::create_dir(copied.path("onnx")).expect("a new folder");
        for part in ["", "onnx"] {
            for entry in family.path("pack").join(part).read_dir().expect("the pack is there").flatten() {
                if entry.path().is_file() {
                    std::fs::copy(entry.path(), copied.path(part).join(entry.file_name())).expect("a new file");
                }
            }
        }
        copied
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    /// Changes a JSON file of the pack.
    pub fn edit(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let path = self.path(file);
        let mut json = serde_json::from_slice(&std::fs::read(&path).expect("the file is there")).expect("JSON");
        change(&mut json);
        std::fs::write(path, json.to_string()).expect("the file is writable");
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).expect("the file was there");
    }
}

pub fn usize_of(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}
