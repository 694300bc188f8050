//! `[train]`: how a policy is learned.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::policy::Decoder;

/// `[train]`, for `latentlink train`; a run of the scenario has no use for it.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSettings {
    /// Default `g-ddpg`.
    pub algorithm: Algorithm,
    /// The `actor.onnx` of an earlier training, whose actor and critic (`learner.checkpoint` beside it) this one starts from.
    /// Left out: new networks.
    pub start_from: Option<PathBuf>,
    /// Independent trainings. Default 1.
    pub seeds: u32,
    /// Decisions in the environment, of one training. Default 20,000.
    pub interactions: u64,
    /// The first of them, which are drawn uniformly. Default 1,000.
    pub warm_up_interactions: u64,
    /// Updates of the networks, spread evenly over the other interactions. Default 5,000.
    pub updates: u64,
    /// Environments side by side. Default 8.
    pub environments: u32,
    /// Default 512.
    pub batch_size: u32,
    /// Neurons of a hidden layer. Default 256.
    pub hidden: u32,
    /// Steps of the actor's own denoising chain. Default 5. Of `g-ddpg` alone.
    pub denoising_steps: u32,
    /// What the actor's network predicts. Default `x0`. Of `g-ddpg` alone.
    pub head: ActorHead,
    /// Default 1e-4.
    pub actor_learning_rate: f64,
    /// Default 1e-4.
    pub critic_learning_rate: f64,
    /// Both rates fall linearly with the updates, to this part of theirs. Default 1: they do not fall.
    pub final_learning_rate_fraction: f64,
    /// Of AdamW. Default 1e-4.
    pub weight_decay: f64,
    /// τ of the target networks. Default 0.005.
    pub soft_update: f64,
    /// γ of sequential episodes. Default 0.95. In a round each decision is an episode, and nothing comes after it.
    pub discount: f64,
    /// Critic updates for each update of the actor. Default 2. Of `td3` alone.
    pub policy_delay: u32,
    /// Standard deviation of the noise on target actions. Default 0.2. Of `td3` alone.
    pub target_noise: f64,
    /// At most so much of it. Default 0.5. Of `td3` alone.
    pub target_noise_clip: f64,
    /// Transitions that are remembered. Default 1,000,000.
    pub replay_capacity: u64,
    /// Standard deviation of the Gaussian noise on actions in the environment. Default 0.1.
    pub exploration_noise: f64,
    /// What is done in training with an action that breaks (24). Default `soft`.
    pub decoder: Decoder,
    /// What the critic is told of the steps of an action. Default `scores`.
    pub critic_input: CriticInput,
    pub reward: RewardSettings,
    /// T_s, shared steps at most. Default 10.
    pub maximum_shared_steps: u32,
    /// T_e, steps on a device at most. Default 8.
    pub maximum_own_steps: u32,
    /// Evaluations along the training, evenly spaced, besides the last. Default 10.
    pub evaluations: u32,
    /// Replications that a policy is evaluated on, the same for all. Default 256.
    pub evaluation_replications: u32,
    /// Actions that the trained actor draws, of which the critic picks the best, in a second evaluation. Default 8. Of `g-ddpg`
    /// alone.
    pub best_of: u32,
}

/// The learning algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Deep deterministic policy gradient.
    Ddpg,
    /// The paper's: its actor is a diffusion model.
    #[serde(rename = "g-ddpg")]
    GDdpg,
    /// Twin delayed deep deterministic policy gradient.
    Td3,
}

impl Algorithm {
    /// The name in scenarios, tables and sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddpg => "ddpg",
            Self::GDdpg => "g-ddpg",
            Self::Td3 => "td3",
        }
    }
}

/// What the network of a diffusion actor predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorHead {
    /// The action itself, within ±1 by tanh.
    X0,
    /// The noise, as in the authors' public code; the action that follows is clipped to ±1.
    Epsilon,
}

impl ActorHead {
    /// The name in scenarios and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::X0 => "x0",
            Self::Epsilon => "epsilon",
        }
    }
}

/// What the critic is told of the steps that an action means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CriticInput {
    /// The scores that the actor gave (the paper): the critic learns that the largest wins.
    Scores,
    /// Which one won, as 0 and 1; the actor's gradient is that of a softmax (a straight-through estimate, arXiv 1308.3432).
    Choices,
}

/// Reward (27): ΣQ_k − λ1·Σ max(0, δ_k·t_k − E_k) − λ2·Σ(…) − λ3·max(0, δ_0·t0 + β·ΣP_k − E_T).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RewardSettings {
    /// λ1 [1/J]. Default 1.
    pub device_penalty: f64,
    /// λ2. Default 1.
    pub qoe_penalty: f64,
    /// λ3 [1/J]. Default 0.2.
    pub server_penalty: f64,
    /// Default `corrected`.
    pub qoe_term: QoeTerm,
}

/// The sign of the λ2 term of (27).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QoeTerm {
    /// max(0, Q_th − Q_k): whoever is below the threshold costs.
    Corrected,
    /// max(0, Q_k − Q_th), as printed: whoever is above it costs.
    AsPrinted,
}

impl Default for RewardSettings {
    fn default() -> Self {
        Self { device_penalty: 1.0, qoe_penalty: 1.0, server_penalty: 0.2, qoe_term: QoeTerm::Corrected }
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::GDdpg,
            start_from: None,
            seeds: 1,
            interactions: 20_000,
            warm_up_interactions: 1000,
            updates: 5000,
            environments: 8,
            batch_size: 512,
            hidden: 256,
            denoising_steps: 5,
            head: ActorHead::X0,
            actor_learning_rate: 1e-4,
            critic_learning_rate: 1e-4,
            final_learning_rate_fraction: 1.0,
            weight_decay: 1e-4,
            soft_update: 0.005,
            discount: 0.95,
            policy_delay: 2,
            target_noise: 0.2,
            target_noise_clip: 0.5,
            replay_capacity: 1_000_000,
            exploration_noise: 0.1,
            decoder: Decoder::Soft,
            critic_input: CriticInput::Scores,
            reward: RewardSettings::default(),
            maximum_shared_steps: 10,
            maximum_own_steps: 8,
            evaluations: 10,
            evaluation_replications: 256,
            best_of: 8,
        }
    }
}
