//! What a run writes down about its requests: every one ends as served, dropped, abandoned or failed.

use serde::{Deserialize, Serialize};

use crate::diffusion::NodeId;

/// What one transmission was like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkRecord {
    /// Transmit power [W].
    pub tx_power_w: f64,
    /// Path loss [dB]; `None` where the bit error probability is pinned.
    pub path_loss_db: Option<f64>,
    /// Drawn fading power gain h; `None` where it is not drawn.
    pub fading_gain: Option<f64>,
    /// Signal-to-noise ratio per symbol, of the drawn gain or of the mean [dB]; `None` where pinned.
    pub snr_db: Option<f64>,
    /// Probability that a bit of the latent arrives flipped: after protection, over all hops.
    pub bit_error_probability: f64,
    /// Of the bits as they crossed the air, before protection; of the last hop.
    pub raw_bit_error_probability: f64,
    /// Bits on the air: coded latent and header, repetitions included.
    pub transmitted_bits: u64,
    /// Bits of latent and header alone.
    pub payload_bits: u64,
    /// Bits of latent and header that arrived right, by the last hop alone: those of the header and of right blocks, and the
    /// expected number of others.
    pub right_bits: f64,
    /// Transmissions per block on average; 1 where nothing is repeated.
    pub attempts: f64,
    /// Blocks that were still wrong when they were delivered.
    pub residual_blocks: u64,
    /// Times the latent crossed the air from one node to another on its way.
    pub hops: u32,
    /// Time on the air [s]; waiting for acknowledgements included.
    pub airtime_s: f64,
    /// When the first symbol left [s].
    pub transmit_start_s: f64,
    /// When the last symbol arrived [s].
    pub received_s: f64,
    /// Energy of the transmitter [J].
    pub transmit_energy_j: f64,
    /// Energy of the receiver [J].
    pub receive_energy_j: f64,
}

/// One user's picture and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserRecord {
    /// What became of the request on its way.
    pub journey: Journey,
    /// Index of the prompt of the shared steps in the run's prompts; `None` where nothing was shared.
    pub shared_prompt: Option<u32>,
    /// Cosine similarity of the user's prompt to that of the shared steps; where a cached latent was made with another one, the
    /// mean over the steps. 1 where nothing was shared or nobody asks for it.
    pub similarity: f64,
    pub t0: u32,
    pub tk: u32,
    /// When the shared steps were done [s]; `None` where the device worked alone.
    pub server_finished_s: Option<f64>,
    /// `None` where nothing was sent.
    pub link: Option<LinkRecord>,
    /// When the device began [s].
    pub device_start_s: f64,
    /// When the picture was there [s].
    pub finished_s: f64,
    /// Energy of the device's denoising steps and decoding, without those it ran for others [J].
    pub device_compute_j: f64,
    /// This user's part of the energy of the shared steps, whoever paid for them [J].
    pub shared_compute_j: f64,
    /// Its part of the energy of steps that devices of its chain ran before it, under a server; in `shared_compute_j` too [J].
    pub relayed_compute_j: f64,
    /// The latent before the link; `None` where nothing was sent.
    pub sent: Option<NodeId>,
    /// The latent after the link.
    pub received: Option<NodeId>,
    pub picture: NodeId,
}

/// A request that ended without a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnservedRecord {
    pub journey: Journey,
    pub end: UnservedEnd,
    /// When it ended [s].
    pub ended_s: f64,
    /// Energy that was spent on it all the same: this request's part of the shared steps, radio and device [J].
    pub energy_j: f64,
}

/// How a request ends without a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UnservedEnd {
    /// The queue was full, and stayed so at every attempt.
    DroppedQueueFull,
    /// Too many latents waited for the radio already.
    DroppedRadioFull,
    /// Its deadline could not have been kept.
    DroppedDeadline,
    /// The user had no more patience.
    Abandoned,
    /// The device had no energy left.
    FailedBattery,
    /// The device was away.
    FailedDeviceAway,
    /// The latent was lost at every attempt.
    FailedLink,
}

impl UnservedEnd {
    /// In tables: `dropped`, `abandoned` or `failed`.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::DroppedQueueFull | Self::DroppedRadioFull | Self::DroppedDeadline => "dropped",
            Self::Abandoned => "abandoned",
            Self::FailedBattery | Self::FailedDeviceAway | Self::FailedLink => "failed",
        }
    }

    /// In tables: why.
    pub fn reason(self) -> &'static str {
        match self {
            Self::DroppedQueueFull => "queue-full",
            Self::DroppedRadioFull => "radio-queue-full",
            Self::DroppedDeadline => "deadline",
            Self::Abandoned => "patience",
            Self::FailedBattery => "battery",
            Self::FailedDeviceAway => "device-away",
            Self::FailedLink => "link",
        }
    }
}

/// The way of a request up to the server, whatever its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journey {
    /// Number of the request within the run, in the order of arrival.
    pub request: u64,
    /// Index of the device in the scenario.
    pub device: usize,
    /// Index of the prompt in the run's prompts.
    pub prompt: u32,
    /// When the user asked [s].
    pub arrival_s: f64,
    /// When the picture should be there [s].
    pub deadline_s: Option<f64>,
    /// Index of the cell whose server it was sent to.
    pub cell: u32,
    /// Whether the device's request before this one went to another cell.
    pub is_handover: bool,
    /// Ground distance to that server when the user asked [m].
    pub distance_m: f64,
    /// Times it was sent to the server: 1, and one for each retry.
    pub attempts: u32,
    /// Its group, numbered within the run; `None` where it never got into one.
    pub group: Option<u64>,
    /// Users of the group; 0 without one.
    pub group_size: u32,
    /// Index of the device that led the group; `None` under the server.
    pub leader: Option<u32>,
    /// When its group entered the queue of whoever runs the shared steps [s].
    pub queued_s: Option<f64>,
    /// When the shared steps began [s], for the last time where a fault made them begin again.
    pub service_start_s: Option<f64>,
    /// What the cache had.
    pub cache: CacheOutcome,
    /// Times that work on it began again after a fault.
    pub restarts: u32,
}

/// What the cache had for a request.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub enum CacheOutcome {
    /// It was not asked: there is none, or the request never came so far.
    #[default]
    NotAsked,
    Miss,
    Hit {
        /// Shared steps that the cached latent had behind it already: steps that nobody had to run.
        steps_avoided: u32,
        /// Cosine similarity of the prompts.
        similarity: f64,
        /// Time since the latent was put into the cache [s].
        age_s: f64,
    },
}

/// One stretch of work on shared steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    pub cell: u32,
    /// Worker of the server; `None` where a device ran it.
    pub worker: Option<u32>,
    /// Index of the device that ran it; `None` for the server.
    pub device: Option<u32>,
    pub group: u64,
    pub start_s: f64,
    pub end_s: f64,
    /// Chain steps run: of all chains together.
    pub steps: u32,
    /// False where a fault ended it before its time.
    pub is_complete: bool,
}

/// What a run in time leaves behind besides its pictures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunBooks {
    pub unserved: Vec<UnservedRecord>,
    pub jobs: Vec<JobRecord>,
    /// Requests that arrived.
    pub arrivals: u64,
    /// When the last request ended [s].
    pub end_s: f64,
    /// Integral over time of the requests in the network, kept as they came and went [s].
    pub requests_in_network_s: f64,
    /// Bytes in the caches of all cells when the run ended.
    pub cache_bytes: u64,
    /// Sum over the cells of the most bytes that each cache held.
    pub largest_cache_bytes: u64,
    /// Entries that were put into a cache, and that were evicted or ran out of time.
    pub cache_insertions: u64,
    pub cache_evictions: u64,
}
