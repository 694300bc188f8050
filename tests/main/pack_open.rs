//! Opening a pack: what is read, and what is said when a file is absent or wrong.

use std::path::Path;

use latentlink::onnx::{DiffusionPack, PackError};
use miette::Diagnostic;

use crate::tiny_pack::{TinyPack, shipped_pack};

fn refusal(pack: &TinyPack) -> (PackError, String) {
    let error = DiffusionPack::open(pack.root()).expect_err("the pack is broken");
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    let text = format!("{error}\n{help}");
    (error, text)
}

#[test]
fn an_opened_pack_tells_what_its_configurations_say() {
    let pack = DiffusionPack::open(TinyPack::new().root()).map(|pack| {
        assert_eq!(pack.latent_shape(), [4, 2, 2]);
        assert_eq!(pack.picture_size(), Some([4, 4]));
        assert_eq!(pack.latent_scale().scaling_factor, 0.5);
        assert_eq!(pack.latent_scale().shift_factor, 0.25);
        assert_eq!(pack.tokenizer().prompt_length(), 4);
        assert_eq!(pack.scheduler_config().1["num_train_timesteps"], 1000);
    });
    pack.expect("the tiny pack is whole");
}

#[test]
fn the_shipped_pack_opens_without_onnx_runtime() {
    let pack = DiffusionPack::open(shipped_pack()).expect("the shipped pack is whole");
    let [channels, height, width] = pack.latent_shape();
    assert_eq!(channels, 4);
    assert_eq!(height, width);
    assert!(pack.tokenizer().known_words().expect("a word list").contains(&"tiger".to_owned()));
    assert_eq!(pack.scheduler_config().0, shipped_pack().join("scheduler/scheduler_config.json"));
}

#[test]
fn a_latent_may_be_wider_than_high() {
    let pack = TinyPack::new();
    pack.write("unet/config.json", r#"{ "in_channels": 4, "sample_size": [2, 6] }"#);
    assert_eq!(DiffusionPack::open(pack.root()).expect("it is whole").latent_shape(), [4, 2, 6]);
}

#[test]
fn an_autoencoder_without_a_scaling_factor_has_that_of_diffusers() {
    let pack = TinyPack::new();
    pack.write("vae_decoder/config.json", r#"{ "sample_size": 4 }"#);
    let pack = DiffusionPack::open(pack.root()).expect("it is whole");
    assert_eq!(pack.latent_scale().scaling_factor, 0.18215);
    assert_eq!(pack.latent_scale().shift_factor, 0.0);
    assert_eq!(pack.picture_size(), Some([4, 4]));
}

#[test]
fn the_key_of_a_pack_follows_what_pictures_depend_on_and_nothing_else() {
    let pack = TinyPack::new();
    let digest = || DiffusionPack::open(pack.root()).expect("it is whole").digest();
    let first = digest();
    assert_eq!(digest(), first);
    pack.write("README.md", "# A card");
    pack.write("vae_encoder/model.onnx", "never run");
    assert_eq!(digest(), first);
    pack.write("scheduler/scheduler_config.json", r#"{ "num_train_timesteps": 999 }"#);
    let second = digest();
    assert_ne!(second, first);
    pack.model("unet", "unet_one_f32");
    assert_ne!(digest(), second);
}

#[test]
fn a_missing_pack_is_told_with_the_packs_that_are_there() {
    let packs = tempfile::tempdir().expect("a temporary folder");
    let there = packs.path().join("one-that-is-there");
    std::fs::create_dir(&there).expect("a new folder");
    std::fs::write(there.join("model_index.json"), "{}").expect("a new file");
    let error = DiffusionPack::open(&packs.path().join("absent")).expect_err("it is absent");
    assert!(matches!(error, PackError::MissingPack { .. }), "{error}");
    let help = error.help().expect("the error helps").to_string();
    assert!(help.contains("one-that-is-there"), "{help}");
    assert!(DiffusionPack::open(Path::new("")).is_err());
}

#[test]
fn a_folder_without_an_index_is_no_pack() {
    let pack = TinyPack::new();
    pack.remove("model_index.json");
    let (error, text) = refusal(&pack);
    assert!(matches!(error, PackError::MissingPack { .. }), "{text}");
    assert!(text.contains("model_index.json"), "{text}");
}

#[test]
fn every_file_that_a_run_needs_is_asked_for_by_name() {
    for file in [
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json",
        "text_encoder/model.onnx",
        "unet/model.onnx",
        "unet/config.json",
        "vae_decoder/model.onnx",
        "vae_decoder/config.json",
    ] {
        let pack = TinyPack::new();
        pack.remove(file);
        let (error, text) = refusal(&pack);
        assert!(matches!(error, PackError::MissingFile { .. }), "{text}");
        assert!(text.contains(&format!("git checkout -- {}", pack.path(file).display())), "{text}");
    }
}

#[test]
fn a_configuration_that_is_no_json_is_told_with_line_and_column() {
    for file in [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json",
        "unet/config.json",
        "vae_decoder/config.json",
    ] {
        let pack = TinyPack::new();
        pack.write(file, "{\n  \"steps\": 10,\n  \"offset\": one\n}\n");
        let (error, text) = refusal(&pack);
        let PackError::Json(json) = &error else { panic!("{text}") };
        assert_eq!((json.line, json.column), (3, 13), "{text}");
        assert!(text.contains(file), "{text}");
        let labels: Vec<_> = error.labels().expect("a label").collect();
        // The place of the `o` of `one`: 2 + 15 bytes of whole lines, then 12 of its own.
        assert_eq!(labels[0].offset(), 2 + 15 + 12);
    }
}

#[test]
fn a_setting_of_the_wrong_kind_is_told_with_its_name() {
    for (file, content, key) in [
        ("unet/config.json", r#"{ "in_channels": 4.5, "sample_size": 2 }"#, "in_channels"),
        ("unet/config.json", r#"{ "in_channels": 4, "sample_size": 0 }"#, "sample_size"),
        ("unet/config.json", r#"{ "in_channels": 4, "sample_size": 1000000000 }"#, "sample_size"),
        ("unet/config.json", r#"{ "in_channels": 4 }"#, "sample_size"),
        ("vae_decoder/config.json", r#"{ "scaling_factor": "one" }"#, "scaling_factor"),
        ("vae_decoder/config.json", r#"{ "scaling_factor": 0 }"#, "scaling_factor"),
        ("vae_decoder/config.json", r#"{ "shift_factor": [] }"#, "shift_factor"),
        ("scheduler/scheduler_config.json", "[1]", "whole file"),
    ] {
        let pack = TinyPack::new();
        pack.write(file, content);
        let (error, text) = refusal(&pack);
        assert!(matches!(error, PackError::Config { .. }), "{text}");
        assert!(text.contains(key) && text.contains(file), "{text}");
    }
}
