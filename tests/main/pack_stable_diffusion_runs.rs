//! Stable Diffusion packs in the program: a scenario that names one, `models` and `doctor`.

use std::sync::Arc;

use latentlink::cli::doctor::PackCheck;
use latentlink::cli::models::{listing, pack_health};
use latentlink::cli::pack_summary::PackSummary;
use latentlink::diffusion::text::TextEmbedding;
use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::worker::{DenoiseItem, denoise, draw_noise};
use latentlink::diffusion::{DenoisingGraph, Executor, NodeId, NoiseSchedule, Operation, Sampler};
use latentlink::onnx::{ResolvedProvider, runtime};
use latentlink::random::StreamKey;

use crate::program::Workplace;
use crate::tiny_stable_diffusion::{PACKS, StableDiffusionPack};

/// As the doctor looks at a pack that is named.
const WITH_SESSIONS: PackCheck = PackCheck { sessions_on: Some(ResolvedProvider::Cpu), dtype: None };

/// One device behind a link without errors. Device and server have one prompt, so the split chain is the unsplit one. The
/// latents of random weights are large: the range keeps them from being clipped.
fn scenario(pack: &StableDiffusionPack) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"s\"\n\
         [diffusion]\nsteps = 10\nsplit = \"joint\"\nguidance = 3.0\ncodec = \"fp32\"\nlatent_range = 1000.0\nmetrics_against = [\"unshared\"]\n\
         [judge]\nkind = \"none\"\n[server]\nprompt = \"a dog, in front of the bush!\"\n\
         [radio]\nbit_error_probability = 0.0\n\
         [[device]]\nname = \"one\"\nprompt = \"a dog, in front of the bush!\"\n[policy]\nt0 = 4\ntk = 6\n",
        pack.root().display()
    )
}

#[test]
fn a_split_chain_runs_on_every_architecture_and_ends_in_the_picture_of_the_unsplit_one() {
    for name in [PACKS[0], PACKS[1], PACKS[2], PACKS[3], "sd15_fp16"] {
        let pack = StableDiffusionPack::new(name);
        let workplace = Workplace::with("s.toml", &scenario(&pack));
        workplace.run(&["run", "s.toml"]).assert_done();
        let requests = workplace.csv("results/s/requests.csv");
        assert_eq!(requests.column("picture_status"), ["ok"], "{name}");
        assert_eq!(requests.numbers("mse_unshared"), [0.0], "{name}");
        // A denoiser that is told the guidance scale needs no unconditional prediction.
        let counts = &workplace.json("results/s/manifest.json")["counts"];
        let per_step = if name == "lcm" { 1 } else { 2 };
        assert_eq!(counts["unet_evaluations_unshared"].as_u64(), Some(10 * per_step), "{name}");
        // The reference picture is without the link: its steps after that are other ones.
        assert_eq!(counts["unet_evaluations"].as_u64(), Some((10 + 6) * per_step), "{name}");
    }
}

#[test]
fn guidance_changes_the_picture_also_where_the_denoiser_is_told_it() {
    for name in ["sd15", "lcm"] {
        let pack = StableDiffusionPack::new(name);
        let workplace = Workplace::with("s.toml", &scenario(&pack));
        let pictures = ["3.0", "5.0"].map(|guidance| {
            let set = format!("diffusion.guidance={guidance}");
            workplace.run(&["run", "s.toml", "--set", &set, "--out", guidance]).assert_done();
            let requests = workplace.csv(&format!("{guidance}/requests.csv"));
            workplace.read(&format!("{guidance}/{}", requests.cell(0, "picture")))
        });
        assert_ne!(pictures[0], pictures[1], "{name}");
    }
}

#[test]
fn a_run_on_a_pack_whose_decoder_overflows_ends_with_the_file_and_advice_instead_of_black_pictures() {
    let pack = StableDiffusionPack::new("sd15_fp16");
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    // Infinite weights: what a convolution that overflows gives.
    let file = pack.path("vae_decoder/model.onnx");
    let mut bytes = std::fs::read(&file).expect("the model is there");
    let weights = longest_initializer(&bytes);
    bytes[weights].chunks_exact_mut(2).for_each(|half| half.copy_from_slice(&0x7c00_u16.to_le_bytes()));
    std::fs::write(&file, bytes).expect("the model is ours");
    workplace
        .run(&["run", "s.toml"])
        .assert_fails(3, &["vae_decoder/model.onnx", "`sample`", "16-bit arithmetic overflows", "sdxl-vae-fp16-fix"]);
}

/// Where the longest run of raw 16-bit data lies: a model of a few kilobytes has its largest weights there.
fn longest_initializer(bytes: &[u8]) -> std::ops::Range<usize> {
    // 8 × 8 × 3 × 3 weights of a convolution, two bytes each: field 9 (0x4a) of 1152 (0x80 0x09) bytes.
    let start = bytes.windows(3).position(|window| window == [0x4a, 0x80, 0x09]).expect("a convolution") + 3;
    start..start + 1152
}

#[test]
fn a_broken_pack_ends_a_run_with_the_code_of_packs_and_the_file() {
    let pack = StableDiffusionPack::new("sd21");
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    pack.cut("unet/model.onnx_data", 1000);
    workplace.run(&["run", "s.toml"]).assert_fails(3, &["unet/model.onnx_data is cut short", "the file at 1000"]);
}

#[test]
fn models_tells_what_each_pack_is() {
    for (name, parts) in [
        (
            "sd15",
            vec!["Stable Diffusion\n", "PNDMScheduler, predicts epsilon", "the denoiser: 0.01 million weights of f32"],
        ),
        ("sd21", vec!["DDIMScheduler, predicts v_prediction", "of f32, in unet/model.onnx_data"]),
        ("lcm", vec!["told the guidance (latent consistency)"]),
        (
            "sdxl",
            vec![
                "Stable Diffusion XL",
                "the second text encoder: ",
                "tokenizer/vocab.json and merges.txt; tokenizer_2/vocab.json and merges.txt",
                "EulerDiscreteScheduler",
            ],
        ),
        (
            "sd15_fp16",
            vec!["the text encoder: 0.00 million weights of f16", "the picture decoder: 0.01 million weights of f16"],
        ),
    ] {
        let pack = StableDiffusionPack::new(name);
        let text = listing(&PackSummary::of_all_in(pack.root()));
        for part in parts.into_iter().chain(["4 × 8 × 8", "16 × 16 pixels", "88 tokens known, up to 77 in a prompt"])
        {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
    let pack = StableDiffusionPack::new("sdxl");
    let said =
        Workplace::new().run(&["models", "--json", "--folder", &pack.root().display().to_string()]).assert_done();
    let packs: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(packs[0]["architecture"], "Stable Diffusion XL");
    assert_eq!(packs[0]["models"].as_array().expect("a list").len(), 4);
}

#[test]
fn the_doctor_loads_every_architecture_and_hears_of_a_model_that_overflows() {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    for name in [PACKS[0], PACKS[1], PACKS[2], PACKS[3], "sd15_fp16"] {
        let pack = StableDiffusionPack::new(name);
        let health = pack_health(pack.root(), WITH_SESSIONS);
        assert_eq!((health.sessions_load, health.problems), (Some(true), Vec::<String>::new()), "{name}");
    }
    let pack = StableDiffusionPack::new("sd15");
    pack.write("scheduler/scheduler_config.json", r#"{ "_class_name": "AbsentScheduler" }"#);
    let health = pack_health(pack.root(), PackCheck::default());
    assert!(health.problems[0].contains("AbsentScheduler"), "{:?}", health.problems);
}

/// One guided step of an executor, and the same by hand with each of these in the place of no prompt.
fn one_step(pack: &StableDiffusionPack, unconditional: [fn(TextEmbedding) -> TextEmbedding; 2]) -> [Vec<f32>; 3] {
    let (opened, mut models) = pack.load();
    let opened = Arc::new(opened);
    let (path, config) = opened.scheduler_config();
    let schedule = NoiseSchedule::from_config(path, config).expect("the schedule is understood");
    let step = schedule.chain(Sampler::Euler, 10).expect("10 steps").steps[0];
    let seed = StreamKey::new(1, 0, "start-latent", "round");

    let executor = Executor::new(Arc::clone(&opened), ResolvedProvider::Cpu, 1).expect("a thread starts");
    let mut graph = DenoisingGraph::of_pack(&opened);
    let from = graph.insert(Operation::Noise { seed, scale: 1.0 });
    let prompt = graph.prompt("the dog");
    let node = graph.insert(Operation::Denoise { from, prompt, guidance: 3.0, step, noise: None });
    let mut found = Vec::new();
    let mut sink = |_: NodeId, value: &Value| {
        if let Value::Latent(latent) = value {
            found = latent.values.clone();
        }
        Ok(())
    };
    executor.run(&graph, &[node], &|_| {}, &mut sink).expect("the step runs");

    let mut encode = |prompt: &str| {
        let ids = opened.tokenize(prompt).expect("it can be tokenized");
        TextEmbedding::sole(models.encode_prompts(&[ids]).expect("the text encoders run"))
    };
    let (text, empty) = (Arc::new(encode("the dog")), encode(""));
    let size = opened.latent_shape().iter().product();
    let by_hand = unconditional.map(|of_empty| {
        let item = DenoiseItem {
            latent: Arc::new(Latent { values: draw_noise(&seed, 1.0, size), history: Vec::new(), link_errors: None }),
            text: Arc::clone(&text),
            unconditional_text: Some(Arc::new(of_empty(empty.clone()))),
            guidance: 3.0,
            step,
            noise: None,
        };
        match denoise(&mut models, opened.latent_shape(), &[item]).expect("the denoiser runs").remove(0) {
            Value::Latent(latent) => latent.values.clone(),
            other => panic!("no latent: {other:?}"),
        }
    });
    let [first, second] = by_hand;
    [found, first, second]
}

#[test]
fn no_prompt_is_zeros_or_the_empty_prompt_as_the_index_of_a_pack_says() {
    let both: [fn(TextEmbedding) -> TextEmbedding; 2] = [|empty| empty.zeroed(), |empty| empty];
    let pack = StableDiffusionPack::new("sdxl");
    let [found, zeros, empty] = one_step(&pack, both);
    assert_eq!(found, zeros);
    assert_ne!(zeros, empty);
    pack.edit("model_index.json", "\"force_zeros_for_empty_prompt\": true", "\"force_zeros_for_empty_prompt\": false");
    let [found, zeros, empty] = one_step(&pack, both);
    assert_eq!(found, empty);
    assert_ne!(zeros, empty);
    let [found, _, empty] = one_step(&StableDiffusionPack::new("sd15"), both);
    assert_eq!(found, empty);
}
