//! Sentence encoders, on models whose embeddings are known in closed form (`tests/reference/tiny_sentence_encoders.py`): how
//! tokens become a direction, whatever the exporter called it, and what does not fit is refused by name.

use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::Executor;
use latentlink::experiment::prompt_directions::PromptDirections;
use latentlink::onnx::{DiffusionPack, PackError, ResolvedProvider, SentenceEncoder};
use latentlink::score_store::ScoreStore;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tiny_pack::{TinyPack, vectors};

/// The folder of an encoder of the words `a b c`, with ids 3, 4, 5 between 0 and 1.
struct TinyEncoder {
    folder: TempDir,
}

impl TinyEncoder {
    fn new(model: &str) -> Self {
        let encoder = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let mut tokenizer = crate::tiny_pack::word_list_tokenizer(Some("<unk>"));
        tokenizer["truncation"] = Value::Null;
        tokenizer["padding"]["strategy"]["Fixed"] = json!(16);
        encoder.write("tokenizer.json", &tokenizer.to_string());
        encoder.model(model, "onnx/model.onnx");
        encoder
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a new folder");
        std::fs::write(path, text).expect("a new file");
    }

    fn model(&self, model: &str, file: &str) {
        let bytes = std::fs::read(vectors().join("tiny_sentence_encoders").join(format!("{model}.onnx")));
        let path = self.root().join(file);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a new folder");
        std::fs::write(path, bytes.expect("the tiny model is there")).expect("a new file");
    }

    fn open(&self) -> SentenceEncoder {
        SentenceEncoder::open(self.root()).expect("the encoder is whole")
    }

    fn direction(&self, sentence: &str) -> Vec<f64> {
        let mut model = self.open().load(ResolvedProvider::Cpu, 1).expect("the model fits");
        model.direction(sentence).expect("the model runs")
    }
}

fn unit(values: &[f64]) -> Vec<f64> {
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{found:?} {expected:?}");
}

#[test]
fn the_mean_of_the_tokens_embeddings_is_taken_and_normalised() {
    // Tokens 0 3 5 1, places 0 1 2 3, mask 1 and type 0, a constant of 2; padding of the tokenizer is not applied.
    let expected = unit(&[9.0 / 4.0, 6.0 / 4.0, 1.0, 2.0]);
    assert_close(&TinyEncoder::new("tokens").direction("a c"), &expected);
    let at_the_top = TinyEncoder::new("tokens");
    std::fs::remove_file(at_the_top.root().join("onnx/model.onnx")).expect("it was there");
    at_the_top.model("tokens", "model.onnx");
    assert_close(&at_the_top.direction("a c"), &expected);
}

#[test]
fn a_model_of_one_length_gets_padding_that_does_not_count() {
    // Eight tokens, four of them padding with a mask of 0.
    let encoder = TinyEncoder::new("tokens_of_eight");
    assert_close(&encoder.direction("a c"), &unit(&[9.0 / 4.0, 6.0 / 4.0, 1.0, 2.0]));
    // 0 and seven of the ten 4s.
    assert_close(&encoder.direction(&"b ".repeat(10)), &unit(&[28.0 / 8.0, 28.0 / 8.0, 1.0, 2.0]));
}

#[test]
fn a_sentence_embedding_is_taken_as_it_is() {
    // Id of the first token, number of tokens, 3.
    assert_close(&TinyEncoder::new("sentence").direction("a b c"), &unit(&[0.0, 5.0, 3.0]));
}

#[test]
fn pooling_and_length_are_those_of_the_folder() {
    let encoder = TinyEncoder::new("tokens");
    encoder.write("sentence_bert_config.json", r#"{ "max_seq_length": 4, "do_lower_case": false }"#);
    // Cut to 0 4 5 1.
    assert_close(&encoder.direction("b c a a a"), &unit(&[10.0 / 4.0, 6.0 / 4.0, 1.0, 2.0]));
    let pooling = |first: bool, mean: bool| {
        let modes = json!({ "pooling_mode_cls_token": first, "pooling_mode_mean_tokens": mean });
        encoder.write("1_Pooling/config.json", &modes.to_string());
    };
    pooling(true, false);
    assert_close(&encoder.direction("b c"), &unit(&[0.0, 0.0, 1.0, 2.0]));
    pooling(false, true);
    assert_close(&encoder.direction("b c"), &unit(&[10.0 / 4.0, 6.0 / 4.0, 1.0, 2.0]));
    pooling(true, true);
    let error = SentenceEncoder::open(encoder.root()).expect_err("two modes at once");
    assert!(matches!(&error, PackError::Config { key, .. } if key == "pooling_mode_…"), "{error}");
}

#[test]
fn the_digest_is_of_what_decides_an_embedding() {
    let encoder = TinyEncoder::new("tokens");
    let before = encoder.open().digest();
    encoder.write("README.md", "notes");
    assert_eq!(encoder.open().digest(), before);
    encoder.write("sentence_bert_config.json", r#"{ "max_seq_length": 4 }"#);
    let after = encoder.open().digest();
    assert_ne!(after, before);
    encoder.model("sentence", "onnx/model.onnx");
    assert_ne!(encoder.open().digest(), after);
    encoder.write("digests.json", &json!({ "files": { "onnx/model.onnx": "0".repeat(64) } }).to_string());
    let error = SentenceEncoder::open(encoder.root()).expect_err("another digest is listed");
    assert!(matches!(error, PackError::CorruptFile { .. }), "{error}");
}

#[test]
fn a_folder_or_model_that_is_no_sentence_encoder_is_refused_by_name() {
    let nowhere = SentenceEncoder::open(Path::new("no/such/folder")).expect_err("it is not there");
    assert!(matches!(nowhere, PackError::MissingPack { .. }), "{nowhere}");
    let encoder = TinyEncoder::new("tokens");
    std::fs::remove_file(encoder.root().join("tokenizer.json")).expect("it was there");
    let error = SentenceEncoder::open(encoder.root()).expect_err("no tokenizer");
    assert!(matches!(&error, PackError::MissingFile { file, .. } if file.ends_with("tokenizer.json")), "{error}");
    let encoder = TinyEncoder::new("tokens");
    std::fs::remove_file(encoder.root().join("onnx/model.onnx")).expect("it was there");
    let error = SentenceEncoder::open(encoder.root()).expect_err("no model");
    assert!(matches!(&error, PackError::MissingFile { file, .. } if file.ends_with("onnx/model.onnx")), "{error}");
    let encoder = TinyEncoder::new("tokens");
    encoder.write("sentence_bert_config.json", r#"{ "max_seq_length": "long" }"#);
    let error = SentenceEncoder::open(encoder.root()).expect_err("a length is a number");
    assert!(matches!(&error, PackError::Config { key, .. } if key == "max_seq_length"), "{error}");

    let encoder = TinyEncoder::new("pixel_values");
    let error = encoder.open().load(ResolvedProvider::Cpu, 1).expect_err("it wants pictures");
    assert!(matches!(&error, PackError::UnfitTensor { tensor, .. } if tensor == "input_ids"), "{error}");
    let encoder = TinyEncoder::new("zero");
    let mut model = encoder.open().load(ResolvedProvider::Cpu, 1).expect("its names fit");
    let error = model.direction("a").expect_err("zero has no direction");
    assert!(matches!(&error, PackError::UnfitTensor { tensor, .. } if tensor == "sentence_embedding"), "{error}");
}

#[test]
fn prompts_point_where_the_named_encoder_says_and_are_kept_under_its_digest() {
    let pack = TinyPack::new();
    let opened = Arc::new(DiffusionPack::open(pack.root()).expect("the pack is whole"));
    let executor = Arc::new(Executor::new(opened, ResolvedProvider::Cpu, 1).expect("the sessions load"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(ScoreStore::open(&folder.path().join("scores")).expect("a new store"));
    let encoder = TinyEncoder::new("sentence");
    let directions = |folder: Option<&Path>| {
        PromptDirections::new(Arc::clone(&executor), Some(Arc::clone(&store)))
            .with_sentence_encoder(folder, ResolvedProvider::Cpu)
            .expect("the encoder is whole")
    };
    let of_pack = directions(None);
    assert_eq!(of_pack.sentence_encoder_digest(), None);
    // Mean of [id, 1, 2, 3] over 0 3 1 1, the pack's own four tokens.
    let by_pack = of_pack.of("a").expect("the text encoder runs");
    assert_close(&by_pack, &unit(&[5.0 / 4.0, 1.0, 2.0, 3.0]));
    let of_encoder = directions(Some(encoder.root()));
    assert_eq!(of_encoder.sentence_encoder_digest(), Some(encoder.open().digest()));
    let by_encoder = of_encoder.of("a").expect("the sentence encoder runs");
    assert_close(&by_encoder, &unit(&[0.0, 3.0, 3.0]));
    store.commit().expect("the store can be written");
    // Both from the store, each under its own key: nothing is computed once the model cannot be loaded any more.
    let again = directions(Some(encoder.root()));
    encoder.write("onnx/model.onnx", "no model");
    assert_eq!(again.of("a").expect("it is in the store"), by_encoder);
    assert!(again.of("b").is_err(), "a new prompt needs the model");
    assert_eq!(directions(None).of("a").expect("it is in the store"), by_pack);
}
