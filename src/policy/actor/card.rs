//! What an actor's file says of itself: which states it was trained on, and what its numbers mean.

use serde::{Deserialize, Serialize};

use crate::policy::{ActionSpace, ObservationLayout};

/// The key of the card among the metadata of the ONNX file.
pub const CARD_KEY: &str = "latentlink_actor";

/// The card, as JSON in the metadata of `actor.onnx`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActorCard {
    /// Of this card; what this program writes is [`ActorCard::VERSION`].
    pub version: u32,
    pub actions: ActionSpace,
    pub observations: ObservationLayout,
    /// P_max, power of an action of 1 [W].
    pub maximum_power_w: f64,
    /// Standard normal numbers that one action takes; 0 of an actor without a chain.
    pub noise_len: usize,
    pub training: TrainingManifest,
}

/// Where an actor comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingManifest {
    pub latentlink_version: String,
    pub study: String,
    /// `study.seed`
    pub study_seed: u64,
    /// Number of the training among those of its point.
    pub seed: u32,
    /// `ddpg`, `g-ddpg`, `td3`.
    pub algorithm: String,
    pub interactions: u64,
    pub updates: u64,
    /// Swept fields and their values.
    pub point: Vec<(String, String)>,
}

impl ActorCard {
    /// Of the cards that this program writes and reads.
    pub const VERSION: u32 = 1;
}
