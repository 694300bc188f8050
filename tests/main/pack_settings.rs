//! Settings of a diffusion pack that are of the wrong kind, and models that the runtime does not take.

use std::path::Path;

use latentlink::onnx::session::ModelSession;
use latentlink::onnx::{DiffusionPack, PackError, ResolvedProvider, runtime};
use miette::Diagnostic;
use serde_json::{Value, json};

use crate::onnx_bytes::model_for_gpus;
use crate::tiny_pack::TinyPack;
use crate::tiny_stable_diffusion::StableDiffusionPack;

#[test]
fn settings_of_the_wrong_kind_are_errors_and_not_taken_for_absent() {
    for (file, key, value) in [
        ("model_index.json", "force_zeros_for_empty_prompt", json!("yes")),
        ("model_index.json", "text_encoder_2", json!("CLIPTextModel")),
        ("unet/config.json", "out_channels", json!("four")),
        ("vae_decoder/config.json", "block_out_channels", json!(2)),
        ("vae_decoder/config.json", "scaling_factor", json!("0.13")),
    ] {
        let pack = StableDiffusionPack::new("sdxl");
        let mut config: Value = serde_json::from_slice(&std::fs::read(pack.path(file)).expect("there")).expect("JSON");
        config[key] = value;
        pack.write(file, &config.to_string());
        let error = DiffusionPack::open(pack.root()).expect_err("a wrong kind");
        assert!(matches!(error, PackError::Config { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(file) && text.contains(key), "{text}");
    }
    // Without a configuration of the denoiser or with none of blocks other settings count.
    for (file, text, said) in [
        ("model_index.json", r#"{ "_latent_shape": [4, 2] }"#, "`_latent_shape`"),
        ("model_index.json", r#"{ "_latent_shape": "4 x 2 x 2" }"#, "`_latent_shape`"),
        ("vae_decoder/config.json", r#"{ "sample_size": "4" }"#, "`sample_size`"),
    ] {
        let pack = TinyPack::new();
        pack.write(file, text);
        if file == "model_index.json" {
            pack.remove("unet/config.json");
        }
        let error = DiffusionPack::open(pack.root()).expect_err("a wrong kind");
        assert!(matches!(error, PackError::Config { .. }), "{error}");
        assert!(error.to_string().contains(said) && error.to_string().contains(file), "{error}");
    }
}

#[test]
fn a_number_of_training_steps_that_is_none_is_told_before_the_denoiser_runs() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let pack = TinyPack::new();
    pack.write("scheduler/scheduler_config.json", r#"{ "num_train_timesteps": "1000" }"#);
    let opened = DiffusionPack::open(pack.root()).expect("it is JSON");
    let error = opened.load_worker(ResolvedProvider::Cpu, 1).expect_err("a text").to_string();
    assert!(error.contains("scheduler_config.json: `num_train_timesteps`"), "{error}");
}

#[test]
fn an_operator_that_only_gpus_have_is_told_by_name_on_the_cpu() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let name = Path::new("unet/model.onnx");
    let error = ModelSession::from_bytes(&model_for_gpus(), name, ResolvedProvider::Cpu, 1).unwrap_err();
    let PackError::NoKernel { operator, .. } = &error else { panic!("{error}") };
    assert_eq!(operator, "NhwcConv");
    let help = error.help().expect("there is a way").to_string();
    assert!(help.contains("execution_provider = \"cuda\"") && help.contains("as it was exported"), "{help}");
}

#[test]
fn a_model_of_a_newer_opset_or_format_is_told_with_what_it_has_and_what_the_runtime_takes() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    // ModelProto: ir_version is its first field (0x08), opset_import its last (0x42), with the version (0x10) at the end.
    for (what, from_the_end) in [("opset", true), ("IR version", false)] {
        let pack = StableDiffusionPack::new("sd15");
        let file = pack.path("vae_decoder/model.onnx");
        let mut bytes = std::fs::read(&file).expect("there");
        assert!(bytes.starts_with(&[0x08]) && bytes.ends_with(&[0x42, 0x02, 0x10, 18]), "as the exporter wrote it");
        let place = if from_the_end { bytes.len() - 1 } else { 1 };
        bytes[place] = 99;
        std::fs::write(&file, bytes).expect("writable");
        let error = pack.open().load_worker(ResolvedProvider::Cpu, 1).expect_err("too new");
        let PackError::NewerModel { found, most, .. } = &error else { panic!("{error}") };
        assert_eq!(found, "99");
        assert!(most.parse::<u32>().is_ok_and(|most| (10..99).contains(&most)), "{most}");
        let text = format!("{error}\n{}", error.help().expect("it helps"));
        for part in ["vae_decoder/model.onnx is of ", what, "--opset", "ORT_DYLIB_PATH"] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
