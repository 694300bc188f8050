//! The same pack, noise, prompt and guidance in diffusers (`tests/reference/diffusers_chains.py`) and here.

use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::worker::{DenoiseItem, denoise};
use latentlink::diffusion::{NoiseSchedule, Sampler};
use latentlink::onnx::ResolvedProvider;

use crate::shipped_pack;

/// Largest difference of a final latent's value, whose standard deviation is about 1.
const TOLERANCE: f32 = 1e-3;

#[test]
fn final_latents_of_ddim_euler_and_ddpm_chains_are_those_of_diffusers() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(vectors.join("diffusers_chains.json")).unwrap()).unwrap();
    let values: Vec<f32> = std::fs::read(vectors.join("diffusers_chains.bin"))
        .unwrap()
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let pack = shipped_pack::open();
    let schedule = shipped_pack::schedule(&pack);
    let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).unwrap();
    let size: usize = pack.latent_shape().iter().product();
    let array = |offset: &serde_json::Value| {
        let offset = offset.as_u64().unwrap() as usize;
        values[offset..offset + size].to_vec()
    };
    let mut embedding = |prompt: &str| {
        let tokens = pack.tokenizer().encode(prompt).unwrap();
        Arc::new(models.encode_text(&[tokens]).unwrap().index_axis_move(ndarray::Axis(0), 0))
    };
    let text = embedding(index["prompt"].as_str().unwrap());
    let empty_text = embedding("");

    let cases = index["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let steps = case["steps"].as_u64().unwrap() as u32;
        let chain = chain_of(&schedule, case["sampler"].as_str().unwrap(), steps);
        let mut latent: Vec<f32> =
            array(&index["start_offset"]).iter().map(|value| value * chain.start_scale as f32).collect();
        for (step, noise) in chain.steps.iter().enumerate().map(|(index, step)| (step, index)) {
            let item = DenoiseItem {
                latent: Arc::new(Latent { values: latent, link_errors: None }),
                text: Arc::clone(&text),
                empty_text: Arc::clone(&empty_text),
                guidance: index["guidance"].as_f64().unwrap(),
                step: *step,
                noise: step.is_stochastic().then(|| array(&index["step_noise_offsets"][noise])),
            };
            let results = denoise(&mut models, pack.latent_shape(), &[item]).unwrap();
            let Value::Latent(next) = &results[0] else { panic!("the latent stays finite") };
            latent = next.values.clone();
        }
        let expected = array(&case["final_offset"]);
        let worst = latent.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < TOLERANCE, "{} {steps} steps: off by {worst:e}", case["sampler"]);
    }
}

fn chain_of(schedule: &NoiseSchedule, sampler: &str, steps: u32) -> latentlink::diffusion::Chain {
    let sampler = match sampler {
        "ddim" => Sampler::Ddim { eta: 0.0 },
        "euler" => Sampler::Euler,
        "ddpm" => Sampler::Ddpm,
        other => panic!("unknown sampler {other}"),
    };
    schedule.chain(sampler, steps).unwrap()
}
