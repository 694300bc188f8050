//! Settings, books of prompts and requests for the tests of the latent cache.

use std::path::Path;

use latentlink::diffusion::{LatentCodec, NodeId, NoiseSchedule, Sampler};
use latentlink::latent_cache::{CacheRequest, NewEntry, ReuseThresholds, USUAL_DIVERGENCE};
use latentlink::network::PromptBook;
use latentlink::scenario::{CacheSettings, CacheSharing, Eviction};
use serde_json::json;

/// Everybody's latents after each step, evicted by LRU, without bounds.
pub fn settings() -> CacheSettings {
    CacheSettings {
        eviction: Eviction::Lru,
        capacity_bytes: None,
        capacity_entries: None,
        time_to_live: None,
        steps: None,
        thresholds: None,
        divergence: USUAL_DIVERGENCE,
        codec: LatentCodec::Fp32,
        sharing: CacheSharing::Everyone,
    }
}

/// What the repositories of Stable Diffusion 1.5 hold.
pub fn stable_diffusion() -> NoiseSchedule {
    let config = json!({
        "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
        "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
        "trained_betas": null, "clip_sample": false
    });
    NoiseSchedule::from_config(Path::new("scheduler_config.json"), &config).expect("the configuration is well formed")
}

/// Of the first `t0` steps of a chain of 11 of Stable Diffusion.
pub fn thresholds(settings: &CacheSettings, t0: u32) -> ReuseThresholds {
    let sampler = Sampler::Ddim { eta: 0.0 };
    ReuseThresholds::new(settings, &stable_diffusion(), sampler, 11, t0).expect("a chain of 11 steps exists")
}

/// One kept step, with this threshold.
pub fn one_step(mut settings: CacheSettings, threshold: f64) -> (CacheSettings, ReuseThresholds) {
    settings.steps = Some(vec![1]);
    settings.thresholds = Some(vec![threshold]);
    let thresholds = thresholds(&settings, 1);
    (settings, thresholds)
}

/// Some node of a graph.
pub fn node(index: u32) -> NodeId {
    serde_json::from_value(json!(index)).expect("a node id is a number")
}

/// A book of `clusters` × `members` prompts: within a cluster any two have the cosine `within`, across clusters 0. Prompt
/// `p` is of cluster `p % clusters`.
pub fn clustered_book(clusters: usize, members: usize, within: f64) -> PromptBook {
    let n = clusters * members;
    let texts: Vec<String> = (0..n).map(|prompt| format!("prompt {prompt}")).collect();
    let directions = (0..n).map(|prompt| {
        let mut direction = vec![0.0; clusters + n];
        direction[prompt % clusters] = within.sqrt();
        direction[clusters + prompt] = (1.0 - within).sqrt();
        direction
    });
    PromptBook::of_devices(texts.iter().map(String::as_str)).with_directions(directions.collect())
}

/// A book whose prompts have these directions in the plane.
pub fn plane_book(cosines: &[f64]) -> PromptBook {
    let texts: Vec<String> = (0..cosines.len()).map(|prompt| format!("prompt {prompt}")).collect();
    let directions = cosines.iter().map(|&cosine| vec![cosine, (1.0 - cosine * cosine).sqrt()]);
    PromptBook::of_devices(texts.iter().map(String::as_str)).with_directions(directions.collect())
}

/// Device 0 asks at time 0, sharing.
pub fn request(prompt: u32, at_most: u32) -> CacheRequest {
    CacheRequest { prompt, device: 0, shares: true, chain: 0, at_most, time_s: 0.0 }
}

/// Device 0 puts in latents after each of `steps` at time 0, sharing; node 100 · prompt + step.
pub fn entry(prompt: u32, steps: impl IntoIterator<Item = u32>) -> NewEntry {
    let latents: Vec<_> = steps.into_iter().map(|step| (step, node(100 * prompt + step))).collect();
    let lineage = latents.last().map(|&(step, _)| (prompt, step)).into_iter().collect();
    NewEntry { prompt, device: 0, shares: true, chain: 0, latents, lineage, time_s: 0.0 }
}
