//! Stable Diffusion packs with one file broken at a time: the message names the file, the tensor or key, what was
//! expected and what was found.

use latentlink::onnx::model_file::ModelFile;
use latentlink::onnx::{DiffusionPack, PackError, ResolvedProvider, runtime};

use crate::error_text::{says, told};
use crate::tiny_pack::vectors;
use crate::tiny_stable_diffusion::{Expected, StableDiffusionPack};

/// What is said of the pack `name` once `damage` was done.
fn refusal(name: &str, damage: impl FnOnce(&StableDiffusionPack)) -> (PackError, String) {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let pack = StableDiffusionPack::new(name);
    damage(&pack);
    let loaded = DiffusionPack::open(pack.root()).and_then(|pack| pack.load_worker(ResolvedProvider::Cpu, 1));
    let error = loaded.expect_err("the pack is broken");
    let text = told(&error, pack.root());
    (error, text)
}

#[test]
fn external_data_that_is_not_there_or_cut_short_is_told_with_the_first_weight_that_is_lost() {
    let (error, text) = refusal("sd21", |pack| pack.remove("unet/model.onnx_data"));
    assert!(matches!(error, PackError::MissingWeights { .. }), "{error}");
    says(&text, &["lacks PACK/unet/model.onnx_data", "weights of PACK/unet/model.onnx", "`v"]);

    let (error, text) = refusal("sd21", |pack| pack.cut("unet/model.onnx_data", 20_000));
    let PackError::ShortWeights { needed, found, .. } = &error else { panic!("{error}") };
    assert!((*needed, *found) > (20_000, 0) && *found == 20_000, "{error}");
    says(
        &text,
        &["PACK/unet/model.onnx_data is cut short", "of PACK/unet/model.onnx ends at byte", "the file at 20000"],
    );
}

#[test]
fn a_model_that_is_cut_short_or_none_at_all_is_told_before_it_is_loaded() {
    for file in ["text_encoder/model.onnx", "unet/model.onnx", "vae_decoder/model.onnx"] {
        let (error, text) = refusal("sd15", |pack| pack.cut(file, 12_000));
        assert!(matches!(error, PackError::Damaged { .. }), "{error}");
        says(&text, &[&format!("PACK/{file} is damaged"), "cut short, with 12000 bytes of at least"]);

        let (error, text) = refusal("sd15", |pack| pack.write(file, "version https://git-lfs.github.com/spec/v1\n"));
        assert!(matches!(error, PackError::Damaged { .. }), "{error}");
        says(&text, &[&format!("PACK/{file} is damaged"), "no ONNX model", "git lfs pull"]);
    }
}

#[test]
fn every_file_of_a_pack_with_two_text_encoders_is_asked_for() {
    for (file, asked) in [
        ("text_encoder_2/model.onnx", "text_encoder_2/model.onnx (the second text encoder)"),
        ("tokenizer_2/vocab.json", "tokenizer_2/vocab.json (the tokens of a prompt and their ids)"),
        ("tokenizer_2/merges.txt", "tokenizer_2/merges.txt (which letters of a prompt are joined)"),
        ("tokenizer/vocab.json", "tokenizer/vocab.json (the tokens of a prompt and their ids)"),
    ] {
        let (error, text) = refusal("sdxl", |pack| pack.remove(file));
        assert!(matches!(error, PackError::MissingFile { .. }), "{error}");
        says(&text, &[&format!("lacks PACK/{asked}")]);
    }
    let (_, text) = refusal("sdxl", |pack| {
        pack.edit("tokenizer_2/tokenizer_config.json", "\"model_max_length\": 77", "\"model_max_length\": 64");
    });
    says(&text, &["PACK/tokenizer_2/vocab.json", "64 tokens, and 77 in tokenizer/", "model_max_length"]);
}

#[test]
fn a_model_of_another_architecture_is_refused_with_the_tensor_that_does_not_fit() {
    for (name, file, other, tensor, expected, found) in [
        (
            "sdxl",
            "text_encoder",
            "sd15",
            "hidden_states.N",
            "an output of the model for each of its layers",
            "`last_hidden_state`, `pooler_output`",
        ),
        ("sdxl", "unet", "sd15", "encoder_hidden_states", "[batch, 77 tokens, 20]", "f32 [any, any, 8]"),
        ("sd15", "unet", "sdxl", "encoder_hidden_states", "[batch, 77 tokens, 8]", "f32 [any, any, 20]"),
        ("lcm", "unet", "sd15", "timestep_cond", "an input of the model", "`encoder_hidden_states`"),
        ("sd15", "unet", "lcm", "timestep_cond", "absent", "an input that the model wants"),
    ] {
        let file = format!("{file}/model.onnx");
        let (error, text) = refusal(name, |pack| pack.take(&file, other, &file));
        assert!(matches!(error, PackError::UnfitTensor { .. }), "{error}");
        says(
            &text,
            &[&format!("PACK/{file}: tensor `{tensor}` should be {expected}"), found, "optimum-cli export onnx"],
        );
    }
    let (_, text) = refusal("sdxl", |pack| pack.take("text_encoder_2/model.onnx", "sdxl", "text_encoder/model.onnx"));
    says(&text, &["PACK/text_encoder_2/model.onnx: tensor `text_embeds` should be an output", "`hidden_states.0`"]);
    let (_, text) = refusal("lcm", |pack| {
        pack.edit("unet/config.json", "\"time_cond_proj_dim\": 16", "\"time_cond_proj_dim\": 32");
    });
    says(&text, &["PACK/unet/model.onnx: tensor `timestep_cond` should be [batch, 32]", "f32 [any, 16]"]);
}

#[test]
fn a_model_of_the_wrong_type_or_name_is_refused_with_its_tensor() {
    let tiny = |variant: &str| vectors().join(format!("tiny_models/{variant}.onnx"));
    for (file, variant, parts) in [
        ("text_encoder", "text_encoder_float_ids", ["tensor `input_ids` should be of type i64 or i32", "f32 [any, 4]"]),
        ("text_encoder", "text_encoder", ["tensor `input_ids` should be [batch, 77 tokens]", "i64 [any, 4]"]),
        ("unet", "vae_decoder", ["tensor `sample` should be an input of the model", "`latent_sample`"]),
        ("vae_decoder", "vae_decoder", ["tensor `latent_sample` should be [batch, 4, 8, 8]", "f32 [any, 4, 2, 2]"]),
    ] {
        let (error, text) = refusal("sd15", |pack| {
            std::fs::copy(tiny(variant), pack.path(file).join("model.onnx")).expect("a copy");
        });
        assert!(matches!(error, PackError::UnfitTensor { .. }), "{error}");
        says(&text, &[&format!("PACK/{file}/model.onnx"), parts[0], parts[1]]);
    }
}

#[test]
fn configurations_of_what_is_not_supported_are_refused_by_their_key() {
    for (file, old, new, parts) in [
        ("unet/config.json", "\"in_channels\": 4", "\"in_channels\": 9", ["`in_channels` should be 4", "found 9"]),
        (
            "unet/config.json",
            "\"time_cond_proj_dim\": null",
            "\"time_cond_proj_dim\": 2",
            ["`time_cond_proj_dim`", "found 2"],
        ),
        ("vae_decoder/config.json", "\"latents_mean\": null", "\"latents_mean\": [1.0]", ["`latents_mean`", "null"]),
        (
            "tokenizer/tokenizer_config.json",
            "\"tokenizer_class\": \"CLIPTokenizer\"",
            "\"tokenizer_class\": \"T5Tokenizer\"",
            ["`tokenizer_class` should be CLIPTokenizer", "found T5Tokenizer"],
        ),
    ] {
        let (error, text) = refusal("sd15", |pack| pack.edit(file, old, new));
        assert!(matches!(error, PackError::Config { .. }), "{error}");
        says(&text, &[&format!("PACK/{file}: "), parts[0], parts[1]]);
    }
    let (error, text) = refusal("sd15", |pack| {
        pack.remove("unet/model.onnx");
        pack.write("transformer/config.json", "{}");
    });
    assert!(matches!(error, PackError::MissingPack { .. }), "{error}");
    says(&text, &["its denoiser is a transformer, as in Stable Diffusion 3 and Flux"]);
}

#[test]
fn folders_that_no_picture_depends_on_are_neither_read_nor_part_of_the_key() {
    let pack = StableDiffusionPack::new("sd15");
    let digest = pack.open().digest();
    for file in ["vae_encoder/model.onnx", "safety_checker/model.onnx", "feature_extractor/preprocessor_config.json"] {
        pack.write(file, "no model and no JSON");
    }
    assert_eq!(pack.load().0.digest(), digest);
    assert_ne!(StableDiffusionPack::new("lcm").open().digest(), digest);
}

#[test]
fn number_and_type_of_the_weights_are_those_that_the_onnx_package_reads() {
    let expected = Expected::read();
    let names = [("FLOAT", "f32"), ("FLOAT16", "f16"), ("INT64", "i64")];
    for name in ["sd15", "sd21", "lcm", "sdxl", "sd15_fp16"] {
        let pack = StableDiffusionPack::new(name);
        for (part, counts) in expected.weights(name).as_object().expect("by model") {
            let model = ModelFile::inspect(&pack.path(part).join("model.onnx")).expect("it is whole");
            let counts = counts.as_object().expect("by type");
            let count = |value: &serde_json::Value| value.as_u64().expect("a number");
            let most = counts.iter().max_by_key(|(_, number)| count(number)).expect("it has weights").0;
            let most = names.iter().find(|(theirs, _)| most == theirs).expect("a type we know").1;
            assert_eq!(model.parameters(), counts.values().map(count).sum::<u64>(), "{name} {part}");
            assert_eq!(model.weight_type(), Some(most), "{name} {part}");
            assert_eq!(model.has_16_bit_weights(), name == "sd15_fp16", "{name} {part}");
            let external: &[_] =
                if (name, part.as_str()) == ("sd21", "unet") { &["unet/model.onnx_data"] } else { &[] };
            assert_eq!(model.external_files(), external.iter().map(|file| pack.path(file)).collect::<Vec<_>>());
        }
    }
}
