//! The same pack, noise, prompt and guidance in diffusers (`tests/reference/diffusers_chains.py`) and here.

use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::text::TextEmbedding;
use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::worker::{DenoiseItem, denoise};
use latentlink::diffusion::{NoiseSchedule, Sampler};
use latentlink::onnx::ResolvedProvider;

use crate::shipped_pack;

/// Largest difference of a final latent's value, whose standard deviation is about 1.
const TOLERANCE: f32 = 1e-3;

#[test]
fn final_latents_of_every_samplers_chain_are_those_of_diffusers() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(vectors.join("diffusers_chains.json")).unwrap()).unwrap();
    let values: Vec<f32> = std::fs::read(vectors.join("diffusers_chains.bin"))
        .unwrap()
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let pack = shipped_pack::open();
    let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).unwrap();
    let size: usize = pack.latent_shape().iter().product();
    let array = |offset: &serde_json::Value| {
        let offset = offset.as_u64().unwrap() as usize;
        values[offset..offset + size].to_vec()
    };
    let mut embedding = |prompt: &str| {
        let ids = pack.tokenize(prompt).unwrap();
        Arc::new(TextEmbedding::sole(models.encode_prompts(&[ids]).unwrap()))
    };
    let text = embedding(index["prompt"].as_str().unwrap());
    let empty_text = embedding("");

    let cases = index["cases"].as_array().unwrap();
    // Seven samplers with 10 and 20 steps, DDIM with 11, three with epsilon prediction.
    assert_eq!(cases.len(), 7 * 2 + 1 + 3);
    for case in cases {
        let steps = case["steps"].as_u64().unwrap() as u32;
        let (path, config) = pack.scheduler_config();
        let mut config = config.clone();
        config.as_object_mut().unwrap().extend(case["fields"].as_object().unwrap().clone());
        let schedule = NoiseSchedule::from_config(path, &config).unwrap();
        let chain = schedule.chain(sampler_of(case["sampler"].as_str().unwrap()), steps).unwrap();
        let start: Vec<f32> =
            array(&index["start_offset"]).iter().map(|value| value * chain.start_scale as f32).collect();
        let mut latent = Arc::new(Latent::new(start));
        for (number, step) in chain.steps.iter().enumerate() {
            let item = DenoiseItem {
                latent,
                text: Arc::clone(&text),
                unconditional_text: Some(Arc::clone(&empty_text)),
                guidance: index["guidance"].as_f64().unwrap(),
                step: *step,
                noise: step.is_stochastic().then(|| array(&index["step_noise_offsets"][number % 10])),
            };
            let results = denoise(&mut models, pack.latent_shape(), &[item]).unwrap();
            let Value::Latent(next) = &results[0] else { panic!("the latent stays finite") };
            latent = Arc::clone(next);
        }
        let expected = array(&case["final_offset"]);
        let worst = latent.values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < TOLERANCE, "{} {steps} steps: off by {worst:e}", case["sampler"]);
    }
}

fn sampler_of(sampler: &str) -> Sampler {
    match sampler {
        "ddim" => Sampler::Ddim { eta: 0.0 },
        "euler" => Sampler::Euler,
        "ddpm" => Sampler::Ddpm,
        "euler-ancestral" => Sampler::EulerAncestral,
        "pndm" => Sampler::Pndm,
        "dpm-solver++" => Sampler::DpmSolver,
        "lcm" => Sampler::Lcm,
        other => panic!("unknown sampler {other}"),
    }
}
