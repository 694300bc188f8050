//! The Stable Diffusion packs of `tests/reference/tiny_stable_diffusion.py`, each in a folder of its own, and what
//! diffusers makes of them.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use latentlink::onnx::{DiffusionModels, DiffusionPack, ResolvedProvider, runtime};
use ndarray::{Array1, Array2, Array4};
use serde_json::Value;

use crate::pack_folder::PackFolder;
use crate::tiny_pack::vectors;

/// Every pack whose reference there is.
pub const PACKS: [&str; 4] = ["sd15", "sd21", "lcm", "sdxl"];

pub struct StableDiffusionPack {
    folder: PackFolder,
}

impl Deref for StableDiffusionPack {
    type Target = PackFolder;

    fn deref(&self) -> &PackFolder {
        &self.folder
    }
}

impl StableDiffusionPack {
    /// `name` is `sd15`, or a folder of what differs from it.
    pub fn new(name: &str) -> Self {
        let pack = Self { folder: PackFolder::default() };
        for layer in ["sd15", name] {
            pack.lay(&folder().join(layer), Path::new(""));
        }
        pack
    }

    /// Leaves the first `length` bytes of a file.
    pub fn cut(&self, file: &str, length: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(self.path(file)).expect("the file is there");
        file.set_len(length).expect("the file is ours");
    }

    /// Puts a file of another pack in the place of one.
    pub fn take(&self, file: &str, name: &str, from: &str) {
        let other = Self::new(name);
        std::fs::copy(other.path(from), self.path(file)).expect("both are there");
    }

    /// Replaces `old`, which is there once, in a text file.
    pub fn edit(&self, file: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path(file)).expect("the file is there");
        assert_eq!(text.matches(old).count(), 1, "{old} in {file}");
        self.write(file, &text.replace(old, new));
    }

    pub fn open(&self) -> DiffusionPack {
        DiffusionPack::open(self.root()).expect("the pack is whole")
    }

    pub fn load(&self) -> (DiffusionPack, DiffusionModels) {
        runtime::environment().expect("ONNX Runtime is found or fetched");
        let pack = self.open();
        let models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the pack fits");
        (pack, models)
    }

    fn lay(&self, source: &Path, relative: &Path) {
        for entry in source.join(relative).read_dir().expect("the vectors are there").flatten() {
            let relative = relative.join(entry.file_name());
            if entry.path().is_dir() {
                std::fs::create_dir_all(self.root().join(&relative)).expect("a new folder");
                self.lay(source, &relative);
            } else {
                std::fs::copy(entry.path(), self.root().join(&relative)).expect("a copy");
            }
        }
    }
}

fn folder() -> PathBuf {
    vectors().join("tiny_stable_diffusion")
}

/// What diffusers makes of the packs.
pub struct Expected {
    index: Value,
    values: Vec<f32>,
}

impl Expected {
    pub fn read() -> Self {
        let index = std::fs::read(folder().join("expected.json")).expect("the vectors are there");
        let bytes = std::fs::read(folder().join("expected.bin")).expect("the vectors are there");
        let values = bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")));
        Self { index: serde_json::from_slice(&index).expect("the index is JSON"), values: values.collect() }
    }

    pub fn prompt(&self) -> &str {
        self.index["prompt"].as_str().expect("a text")
    }

    pub fn guidance(&self) -> f64 {
        self.index["guidance"].as_f64().expect("a number")
    }

    /// The start latent [1, channels, height, width], standard normal.
    pub fn start(&self) -> Array4<f32> {
        let values = self.array(&self.index["start"]);
        Array4::from_shape_vec((1, 4, 8, 8), values.to_vec()).expect("the latent's shape")
    }

    pub fn case(&self, pack: &str) -> &Value {
        let cases = self.index["cases"].as_array().expect("a list");
        cases.iter().find(|case| case["name"] == pack).expect("every pack has a reference")
    }

    /// Numbers of weights by model and element type, from the packs as they were exported.
    pub fn weights(&self, pack: &str) -> &Value {
        &self.index["weights"][pack]
    }

    /// The values at a place of the index.
    pub fn array(&self, place: &Value) -> &[f32] {
        let number = |value: &Value| value.as_u64().expect("a whole number") as usize;
        let size: usize = place["shape"].as_array().expect("a shape").iter().map(number).product();
        let offset = number(&place["offset"]);
        &self.values[offset..offset + size]
    }

    pub fn matrix(&self, place: &Value) -> Array2<f32> {
        let length = |axis: usize| place["shape"][axis].as_u64().expect("a whole number") as usize;
        Array2::from_shape_vec((length(0), length(1)), self.array(place).to_vec()).expect("the shape of the values")
    }

    pub fn row(&self, place: &Value) -> Array1<f32> {
        Array1::from_vec(self.array(place).to_vec())
    }
}

/// The largest difference of two values at one place.
#[track_caller]
pub fn largest_difference<'a>(
    found: impl IntoIterator<Item = &'a f32>,
    expected: impl IntoIterator<Item = &'a f32>,
) -> f32 {
    let (found, expected): (Vec<_>, Vec<_>) = (found.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().all(|value| value.is_finite()));
    found.iter().zip(expected).map(|(a, b)| (**a - b).abs()).fold(0.0, f32::max)
}

/// Standard deviation of a chain's last latent: what differences are measured by.
pub fn deviation(values: &[f32]) -> f32 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt()
}
