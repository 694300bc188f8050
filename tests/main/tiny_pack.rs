//! A diffusion pack of a few kilobytes in a folder of its own, to break or vary one file at a time. Its models come
//! from `tests/reference/tiny_models.py`.

use std::ops::Deref;
use std::path::Path;

use latentlink::onnx::digest::sha256_of_file;
use serde_json::json;

use crate::pack_folder::PackFolder;

/// Where the pack that the project ships is, from the folder in which cargo runs tests.
pub fn shipped_pack() -> &'static Path {
    Path::new("models/emoji-ldm")
}

pub fn vectors() -> &'static Path {
    Path::new("tests/vectors")
}

/// Four tokens a prompt, text of width 4, latents 4 × 2 × 2, pictures 3 × 4 × 4, scaling factor 0.5, shift 0.25.
pub struct TinyPack {
    folder: PackFolder,
}

impl Deref for TinyPack {
    type Target = PackFolder;

    fn deref(&self) -> &PackFolder {
        &self.folder
    }
}

impl TinyPack {
    pub fn new() -> Self {
        let pack = Self { folder: PackFolder::default() };
        pack.write("model_index.json", r#"{ "_class_name": "OnnxStableDiffusionPipeline" }"#);
        pack.write(
            "scheduler/scheduler_config.json",
            r#"{ "_class_name": "DDIMScheduler", "num_train_timesteps": 1000 }"#,
        );
        pack.write("unet/config.json", r#"{ "in_channels": 4, "sample_size": 2 }"#);
        pack.write(
            "vae_decoder/config.json",
            r#"{ "block_out_channels": [8, 8], "scaling_factor": 0.5, "shift_factor": 0.25 }"#,
        );
        pack.write("tokenizer/tokenizer.json", &word_list_tokenizer(Some("<unk>")).to_string());
        pack.model("text_encoder", "text_encoder");
        pack.model("unet", "unet");
        pack.model("vae_decoder", "vae_decoder");
        pack
    }

    /// Puts `tests/vectors/tiny_models/{variant}.onnx` in the place of a model.
    pub fn model(&self, folder: &str, variant: &str) -> &Self {
        let model = vectors().join("tiny_models").join(format!("{variant}.onnx"));
        std::fs::create_dir_all(self.path(folder)).expect("a new folder");
        std::fs::copy(&model, self.path(folder).join("model.onnx")).expect("the tiny model is there");
        self
    }

    /// Writes `digests.json` over `files` as they are now.
    pub fn write_digests(&self, files: &[&str]) {
        let listed: serde_json::Map<_, _> = files
            .iter()
            .map(|file| {
                let digest = sha256_of_file(&self.path(file)).expect("the file is there");
                (file.to_string(), json!(digest.to_string()))
            })
            .collect();
        self.write("digests.json", &json!({ "files": listed }).to_string());
    }
}

/// A `tokenizer.json` of the words `a b c`, padded to four tokens.
pub fn word_list_tokenizer(unknown: Option<&str>) -> serde_json::Value {
    let mut vocabulary = json!({ "<s>": 0, "</s>": 1, "a": 3, "b": 4, "c": 5 });
    if let Some(unknown) = unknown {
        vocabulary[unknown] = json!(2);
    }
    json!({
        "version": "1.0",
        "truncation": { "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0 },
        "padding": {
            "strategy": { "Fixed": 4 }, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 1, "pad_type_id": 0, "pad_token": "</s>"
        },
        "added_tokens": [],
        "normalizer": { "type": "Lowercase" },
        "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                { "SpecialToken": { "id": "<s>", "type_id": 0 } },
                { "Sequence": { "id": "A", "type_id": 0 } },
                { "SpecialToken": { "id": "</s>", "type_id": 0 } }
            ],
            "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
            "special_tokens": {
                "<s>": { "id": "<s>", "ids": [0], "tokens": ["<s>"] },
                "</s>": { "id": "</s>", "ids": [1], "tokens": ["</s>"] }
            }
        },
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>" }
    })
}
