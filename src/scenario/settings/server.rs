//! `[server]`, `[grouping]`, `[cache]`: what the edge server does with requests.

use std::path::PathBuf;
use std::sync::Arc;

use crate::compute_profile::ComputeProfile;
use crate::diffusion::LatentCodec;

/// Where a queue ends unless the scenario says so: long before a queue that only grows fills the memory.
pub const USUAL_QUEUE_CAPACITY: u64 = 10_000;

/// `[server]`
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSettings {
    /// Prompt of the shared steps; `None`: the medoid of the group's prompts.
    pub prompt: Option<String>,
    /// δ_0, energy of one denoising step of one chain [J]. Default 0.5; ≥ 0. Of the profile where there is one.
    pub step_energy_j: f64,
    /// Duration of one denoising step [s]. Default 0.05; ≥ 0. Of the profile where there is one.
    pub step_time_s: f64,
    /// Step time and energy by batch size; `None`: the two numbers above, whatever the batch.
    pub profile: Option<ProfileSettings>,
    /// E_T, budget for compute and radio in (24) [J]; `None`: unlimited.
    pub energy_budget_j: Option<f64>,
    /// Groups that are denoised at the same time. Default 1.
    pub workers: u32,
    /// Groups that a worker denoises as one batch at most. Default 1.
    pub maximum_batch: u32,
    /// Default `fifo`.
    pub queue: QueueDiscipline,
    /// Groups that may wait; more are dropped. Default [`USUAL_QUEUE_CAPACITY`].
    pub queue_capacity: u64,
    /// Coefficient of variation of the duration of a job, Gamma distributed about its mean; 1 is exponential. Default 0.
    pub step_time_cv: f64,
    /// Default `all`.
    pub admission: Admission,
}

/// A file of `scenarios/profiles`, or the user's own.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileSettings {
    /// Relative to the working directory.
    pub file: PathBuf,
    pub profile: Arc<ComputeProfile>,
}

/// `server.queue`: which waiting group is served first. Ties go to the earlier request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueDiscipline {
    /// First in, first out.
    Fifo,
    /// The highest `device.priority` of the group first.
    Priority,
    /// The earliest deadline of the group first; a request without one comes last.
    EarliestDeadline,
}

/// `server.admission`: which requests are taken into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// All that find room.
    All,
    /// Only those whose deadline could be kept, were nobody to overtake them.
    Deadline,
}

/// `[grouping]`: whose first steps are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupingSettings {
    /// How long the server gathers requests after the first [s]. Default 0: every request is a group of its own.
    pub window_s: f64,
    /// Users of one group at most. Default 8.
    pub maximum_size: u32,
    /// Least cosine similarity of any two prompts of a group; `None`: θ of the policy's t0 (see `[cache]`).
    pub similarity_threshold: Option<f64>,
    /// Whether groups are only made where they save energy. Default true.
    pub only_if_saving: bool,
}

/// `[cache]`: intermediate latents that the server keeps. Left out: none.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheSettings {
    /// Default `lru`.
    pub eviction: Eviction,
    /// Bytes of latents and keys; `None`: no bound.
    pub capacity_bytes: Option<u64>,
    /// Chains whose latents are kept at most; `None`: no bound.
    pub capacity_entries: Option<u64>,
    /// How long an entry lives; `None`: until it is evicted.
    pub time_to_live: Option<TimeToLive>,
    /// After which steps latents are kept; `None`: after each of the first t0.
    pub steps: Option<Vec<u32>>,
    /// Least similarity at which the latent after each of `steps` may be reused; `None`: θ_j = 1 − κ'/γ(t_j).
    pub thresholds: Option<Vec<f64>>,
    /// κ' of the thresholds, `cache.divergence`: half the squared latent diameter times the divergence of (15) that is allowed.
    pub divergence: f64,
    /// How kept latents are stored. Default `fp32`: as they are.
    pub codec: LatentCodec,
    /// Default `opt-in`.
    pub sharing: CacheSharing,
}

/// `cache.eviction`: which entry goes when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Eviction {
    /// Least recently used.
    Lru,
    /// Least frequently used; the least recently used of equals.
    Lfu,
    /// Least compute beneficial and frequently used: smallest hits × steps saved.
    Lcbfu,
    /// Oldest.
    Fifo,
}

/// `cache.time_to_live`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeToLive {
    /// > 0 [s].
    pub time_s: f64,
    /// Whether a hit starts the time anew.
    pub is_reset_by_hits: bool,
}

/// `cache.sharing`: whose latents a user may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheSharing {
    /// Their own only.
    Own,
    /// Their own, and those of others where both have `device.shares_latents`.
    OptIn,
    /// Anybody's.
    Everyone,
}

impl Default for GroupingSettings {
    fn default() -> Self {
        Self { window_s: 0.0, maximum_size: 8, similarity_threshold: None, only_if_saving: true }
    }
}
