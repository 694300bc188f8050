//! Every sampler on Stable Diffusion packs: in 16 bits against 32, whose chains are held against diffusers'
//! (`pack_stable_diffusion`, `diffusers_chains`), and split at every step against unsplit.

use std::sync::Arc;

use latentlink::diffusion::text::TextEmbedding;
use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::worker::{DenoiseItem, denoise};
use latentlink::diffusion::{NoiseSchedule, Sampler};

use crate::program::Workplace;
use crate::tiny_stable_diffusion::StableDiffusionPack;

const SAMPLERS: [(&str, Sampler); 7] = [
    ("ddim", Sampler::Ddim { eta: 0.0 }),
    ("ddpm", Sampler::Ddpm),
    ("euler", Sampler::Euler),
    ("euler-ancestral", Sampler::EulerAncestral),
    ("pndm", Sampler::Pndm),
    ("dpm-solver++", Sampler::DpmSolver),
    ("lcm", Sampler::Lcm),
];
/// Of the standard deviation of a final latent.
const TOLERANCE_IN_16_BITS: f32 = 2e-2;

/// Numbers with about the spread of noise, the same every time.
fn noise(size: usize, number: usize) -> Vec<f32> {
    (0..size).map(|place| 1.4 * ((7 * place * place + 13 * place + 101 * number) as f32).sin()).collect()
}

fn last_latent(pack: &StableDiffusionPack, sampler: Sampler, steps: u32) -> Vec<f32> {
    let (pack, mut models) = pack.load();
    let (path, config) = pack.scheduler_config();
    let chain = NoiseSchedule::from_config(path, config).expect("a schedule").chain(sampler, steps).expect("a chain");
    let mut embedding = |prompt: &str| {
        let ids = pack.tokenize(prompt).expect("the words are known");
        Arc::new(TextEmbedding::sole(models.encode_prompts(&[ids]).expect("the encoder runs")))
    };
    let (text, none) = (embedding("a dog, in front of the bush!"), embedding(""));
    let size = pack.latent_shape().iter().product();
    let start = noise(size, 0).iter().map(|value| value * chain.start_scale as f32).collect();
    let mut latent = Arc::new(Latent::new(start));
    for (number, step) in chain.steps.iter().enumerate() {
        let item = DenoiseItem {
            latent,
            text: Arc::clone(&text),
            unconditional_text: Some(Arc::clone(&none)),
            guidance: 3.0,
            step: *step,
            noise: step.is_stochastic().then(|| noise(size, number + 1)),
        };
        let results = denoise(&mut models, pack.latent_shape(), &[item]).expect("the denoiser runs");
        let Value::Latent(next) = &results[0] else { panic!("the latent stays finite") };
        latent = Arc::clone(next);
    }
    latent.values.clone()
}

#[test]
fn every_samplers_chain_in_16_bits_ends_where_it_ends_in_32() {
    let packs = ["sd15", "sd15_fp16"].map(StableDiffusionPack::new);
    for (name, sampler) in SAMPLERS {
        for steps in [10, 20] {
            let [wide, narrow] = packs.each_ref().map(|pack| last_latent(pack, sampler, steps));
            let mean = wide.iter().sum::<f32>() / wide.len() as f32;
            let deviation = (wide.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / wide.len() as f32).sqrt();
            let off = wide.iter().zip(&narrow).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / deviation;
            assert!(off > 0.0 && off < TOLERANCE_IN_16_BITS, "{name} {steps}: off by {off:e} standard deviations");
        }
    }
}

#[test]
fn a_chain_split_at_any_step_ends_in_the_picture_of_the_unsplit_one_with_every_sampler() {
    for (pack, steps) in [("sd15", 10), ("sdxl", 4), ("sd15_fp16", 4)] {
        let pack = StableDiffusionPack::new(pack);
        let shared: Vec<u32> = (1..steps).collect();
        let own: Vec<u32> = shared.iter().map(|t0| steps - t0).collect();
        for (sampler, _) in SAMPLERS {
            let history = if ["pndm", "dpm-solver++"].contains(&sampler) { "history = \"send\"\n" } else { "" };
            let scenario = format!(
                "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"s\"\n\
                 [diffusion]\nsampler = \"{sampler}\"\n{history}steps = {steps}\nsplit = \"joint\"\nguidance = 3.0\n\
                 codec = \"fp32\"\nlatent_range = 1000.0\nmetrics_against = [\"unshared\"]\n\
                 [judge]\nkind = \"none\"\n[server]\nprompt = \"a dog\"\n[radio]\nbit_error_probability = 0.0\n\
                 [[device]]\nname = \"one\"\nprompt = \"a dog\"\n[policy]\nt0 = 1\ntk = {}\n\
                 [sweep]\nzip = [{{ \"policy.t0\" = {shared:?}, \"policy.tk\" = {own:?} }}]\n",
                pack.root().display(),
                steps - 1,
            );
            let workplace = Workplace::with("s.toml", &scenario);
            workplace.run(&["run", "s.toml"]).assert_done();
            let requests = workplace.csv("results/s/requests.csv");
            let apart = requests.numbers("mse_unshared");
            assert_eq!(apart, vec![0.0; shared.len()], "{sampler}, {steps} steps");
        }
    }
}
