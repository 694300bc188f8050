//! The shared steps of one group as nodes of the graph: from noise, or from what the cache has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diffusion::graph::{BitChannel, NodeId, Operation};
use crate::diffusion::{LatentCodec, Split, SplitChain};
use crate::latent_cache::{CacheRequest, LatentCache, NewEntry};
use crate::network::context::{NetworkError, RunContext};
use crate::network::messages::Group;
use crate::network::records::{CacheOutcome, Journey};
use crate::random::StreamKey;
use crate::scenario::{CacheSettings, CacheSharing};

/// What a group's shared steps come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedSteps {
    /// Each member's latent after the last shared step.
    pub latents: Vec<NodeId>,
    /// Chain steps that have to be run.
    pub steps: u32,
    /// What the cache had, the same for all members.
    pub cache: CacheOutcome,
    /// Similarity of each member's prompt to the prompts of its shared steps, weighted by steps.
    pub similarities: Vec<f64>,
    /// What the cache gets when the steps are done.
    pub entries: Vec<NewEntry>,
}

/// Which chain of shared steps a device's own steps follow: under joint splitting it depends on how many there are.
pub fn chain_number(split: Split, tk: u32) -> u32 {
    match split {
        Split::Respaced => 0,
        Split::Joint => tk,
    }
}

/// Writes the shared steps down. Members whose chains begin with the same steps share them: all of them when re-spaced, those
/// with equal t_k when joint (Algorithm 1, `docs/design.md`).
pub fn share_steps(
    group: &Group,
    mut cache: Option<&mut LatentCache>,
    now_s: f64,
    context: &RunContext,
) -> Result<SharedSteps, NetworkError> {
    let mut shared = SharedSteps {
        latents: Vec::with_capacity(group.members.len()),
        steps: 0,
        cache: CacheOutcome::NotAsked,
        similarities: Vec::with_capacity(group.members.len()),
        entries: Vec::new(),
    };
    // By number of the chain: its latent, and with which prompts its steps were run.
    let mut by_chain: BTreeMap<u32, (NodeId, Vec<(u32, u32)>)> = BTreeMap::new();
    let mut begun: Vec<std::sync::Arc<SplitChain>> = Vec::new();
    for member in &group.members {
        if !by_chain.contains_key(&member.chain) {
            let chain = context.split_chain(group.t0, member.tk)?;
            // Two chains of different lengths may still begin with the same steps.
            let is_new = begun.iter().all(|other| !other.begins_as(&chain));
            let cache = if is_new { cache.as_deref_mut() } else { None };
            let run = run_chain(group, member.chain, &chain, cache, now_s, context)?;
            if is_new {
                shared.steps += group.t0 - run.steps_from_cache;
                begun.push(chain);
            }
            if run.outcome != CacheOutcome::NotAsked && by_chain.is_empty() {
                shared.cache = run.outcome;
            }
            shared.entries.extend(run.entry);
            by_chain.insert(member.chain, (run.latent, run.lineage));
        }
        let (latent, lineage) = &by_chain[&member.chain];
        shared.latents.push(*latent);
        shared.similarities.push(mean_similarity(&member.journey, lineage, context));
    }
    Ok(shared)
}

struct ChainRun {
    latent: NodeId,
    outcome: CacheOutcome,
    /// Steps that nobody had to run.
    steps_from_cache: u32,
    /// With which prompts its steps were run: see [`NewEntry::lineage`].
    lineage: Vec<(u32, u32)>,
    entry: Option<NewEntry>,
}

fn run_chain(
    group: &Group,
    number: u32,
    chain: &SplitChain,
    cache: Option<&mut LatentCache>,
    now_s: f64,
    context: &RunContext,
) -> Result<ChainRun, NetworkError> {
    let first = &group.members[0].journey;
    let shares = group.members.iter().all(|member| context.scenario.devices[member.journey.device].shares_latents);
    let settings = context.scenario.cache.as_ref();
    // What is somebody's own is no business of a group of several devices.
    let is_one = group.members.iter().all(|member| member.journey.device == first.device);
    let may_use = |settings: &CacheSettings| match settings.sharing {
        CacheSharing::Everyone => true,
        CacheSharing::OptIn => shares || is_one,
        CacheSharing::Own => is_one,
    };
    let cache = cache.filter(|_| settings.is_some_and(may_use));
    let mut outcome = CacheOutcome::NotAsked;
    let mut found = None;
    let is_cached = cache.is_some();
    if let (Some(cache), Some(settings)) = (cache, settings) {
        let request = CacheRequest {
            prompt: group.shared_prompt,
            device: first.device as u32,
            shares,
            chain: number,
            at_most: group.t0,
            time_s: now_s,
        };
        found = cache.look_up(settings, &request, &context.prompts);
        outcome = found.as_ref().map_or(CacheOutcome::Miss, |hit| CacheOutcome::Hit {
            steps_avoided: hit.step,
            similarity: hit.similarity,
            age_s: hit.age_s,
        });
    }
    let done = found.as_ref().map_or(0, |hit| hit.step);
    let mut latent = match &found {
        Some(hit) => hit.latent,
        None => context.start_latent(chain.start_scale, first.request)?,
    };
    let mut kept = Vec::new();
    for (before, step) in (done..).zip(&*chain.server_from(done)) {
        let steps = std::slice::from_ref(step);
        latent = context.denoise(latent, group.shared_prompt, steps, before, first.request)?;
        let behind = before + 1;
        if let Some(settings) = settings.filter(|settings| is_cached && keeps(settings, behind)) {
            kept.push((behind, stored(latent, behind, settings, context)?));
        }
    }
    let mut lineage = found.map_or_else(Vec::new, |hit| hit.lineage);
    if done < group.t0 {
        lineage.push((group.shared_prompt, group.t0));
    }
    let entry = (!kept.is_empty()).then_some(NewEntry {
        prompt: group.shared_prompt,
        device: first.device as u32,
        shares,
        chain: number,
        latents: kept,
        lineage: lineage.clone(),
        time_s: now_s,
    });
    Ok(ChainRun { latent, outcome, steps_from_cache: done, lineage, entry })
}

/// Similarity of a request's prompt to those of some steps, the mean over the steps.
fn mean_similarity(journey: &Journey, lineage: &[(u32, u32)], context: &RunContext) -> f64 {
    if let [(prompt, _)] = lineage {
        return context.similarity(journey, *prompt);
    }
    let (mut sum, mut done) = (0.0, 0);
    for &(prompt, end) in lineage {
        sum += f64::from(end - done) * context.similarity(journey, prompt);
        done = end;
    }
    sum / f64::from(done)
}

/// Whether the latent after that many steps is kept.
fn keeps(settings: &CacheSettings, step: u32) -> bool {
    settings.steps.as_ref().is_none_or(|steps| steps.contains(&step))
}

/// The latent after that many steps as the cache stores it, with its history where that is sent: written down by its codec
/// and read back, without a link in between.
fn stored(latent: NodeId, steps: u32, settings: &CacheSettings, context: &RunContext) -> Result<NodeId, NetworkError> {
    if settings.codec == LatentCodec::Fp32 {
        return Ok(latent);
    }
    let diffusion = &context.scenario.diffusion;
    Ok(context.insert(Operation::Corrupt {
        from: latent,
        channel: BitChannel {
            codec: settings.codec,
            latent_range: diffusion.latent_range,
            sanitize: diffusion.sanitize,
            bit_error_probability: 0.0,
            protected: None,
            history: context.sent_history(steps),
            seed: StreamKey::NOTHING,
        },
    })?)
}
