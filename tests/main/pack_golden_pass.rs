//! A diffusion pack makes one picture when it is loaded: files that do not fit each other are told by the setting at fault.

use latentlink::onnx::{DiffusionPack, PackError, ResolvedProvider, runtime};
use miette::Diagnostic;
use serde_json::{Value, json};

use crate::error_text::{says, told};
use crate::program::Workplace;
use crate::tiny_stable_diffusion::StableDiffusionPack;

/// What is said of `name` once its `file` was changed; it opens.
fn refusal(name: &str, file: &str, change: impl FnOnce(&mut Value)) -> String {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    let pack = StableDiffusionPack::new(name);
    edit(&pack, file, change);
    let opened = DiffusionPack::open(pack.root()).expect("each file is right by itself");
    let error = opened.load_worker(ResolvedProvider::Cpu, 1).expect_err("they do not fit each other");
    assert!(matches!(error, PackError::Unworkable { .. }), "{error}");
    let text = told(&error, pack.root());
    assert!(!text.contains("xport the model again"), "{text}");
    text
}

fn edit(pack: &StableDiffusionPack, file: &str, change: impl FnOnce(&mut Value)) {
    let mut json = serde_json::from_slice(&std::fs::read(pack.path(file)).expect("there")).expect("JSON");
    change(&mut json);
    pack.write(file, &json.to_string());
}

#[test]
fn a_latent_that_the_denoiser_cannot_halve_is_told_by_sample_size_with_one_that_it_takes() {
    for (size, taken) in [(1, "8 × 8 it takes"), (7, "8 × 8 it takes"), (9, "16 × 16 it takes")] {
        let text = refusal("sd15", "unet/config.json", |config| config["sample_size"] = size.into());
        let fed = format!("PACK/unet/model.onnx cannot take a latent of 4 × {size} × {size}");
        says(&text, &[&fed, taken, "`sample_size` in PACK/unet/config.json"]);
    }
}

#[test]
fn more_tokens_than_the_text_encoder_has_positions_are_told_by_model_max_length() {
    for (name, folder, encoder) in [
        ("sd15", "tokenizer", "text_encoder"),
        ("sd21", "tokenizer", "text_encoder"),
        ("sdxl", "tokenizer", "text_encoder"),
    ] {
        let text = {
            let pack = StableDiffusionPack::new(name);
            if name == "sdxl" {
                edit(&pack, "tokenizer_2/tokenizer_config.json", |config| config["model_max_length"] = 78.into());
            }
            edit(&pack, "tokenizer/tokenizer_config.json", |config| config["model_max_length"] = 78.into());
            runtime::environment().expect("ONNX Runtime is found or fetched");
            let opened = DiffusionPack::open(pack.root()).expect("each file is right by itself");
            let error = opened.load_worker(ResolvedProvider::Cpu, 1).expect_err("a token too many");
            format!("{error}\n{}", error.help().expect("it helps")).replace(&pack.root().display().to_string(), "PACK")
        };
        says(
            &text,
            &[
                &format!("PACK/{encoder}/model.onnx cannot take a prompt of 78 tokens"),
                &format!("`model_max_length` in PACK/{folder}/tokenizer_config.json"),
            ],
        );
    }
}

#[test]
fn a_token_beyond_the_embedding_is_told_with_its_id() {
    let text = refusal("sd15", "tokenizer/tokenizer_config.json", |config| {
        config["added_tokens_decoder"]["88"] = json!({ "content": "<mine>", "special": true });
    });
    says(
        &text,
        &[
            "PACK/text_encoder/model.onnx cannot take a prompt with the token 88, the highest of PACK/tokenizer/vocab.json",
            "the tokenizer has ids up to 88, the model fewer",
        ],
    );
    let text = refusal("sdxl", "tokenizer_2/tokenizer_config.json", |config| {
        config["added_tokens_decoder"]["88"] = json!({ "content": "<mine>", "special": true });
    });
    says(&text, &["PACK/text_encoder_2/model.onnx", "the token 88, the highest of PACK/tokenizer_2/vocab.json"]);
}

#[test]
fn a_run_with_such_a_pack_ends_with_3_before_it_has_made_anything_and_so_does_the_doctor() {
    let pack = StableDiffusionPack::new("sd15");
    edit(&pack, "unet/config.json", |config| config["sample_size"] = 9.into());
    let scenario = format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"s\"\n[diffusion]\nsteps = 4\n\
         metrics_against = []\n[judge]\nkind = \"none\"\n[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 2\ntk = 2\n",
        pack.root().display()
    );
    let workplace = Workplace::with("s.toml", &scenario);
    let said = ["unet/model.onnx cannot take a latent of 4 × 9 × 9", "`sample_size`"];
    workplace.run(&["run", "s.toml"]).assert_fails(3, &said);
    let doctor = workplace.run(&["doctor", &pack.root().display().to_string()]);
    assert_eq!(doctor.code, 3);
    says(&doctor.stdout, &said);
    says(&doctor.stdout, &["to mend it: 16 × 16 it takes", "A pack that was named cannot be used"]);
}
