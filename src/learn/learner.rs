//! What a trainer calls: update, act, value, save, load, export.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::actor_critic::{ActorCritic, UpdateNoise};
use super::checkpoint::{self, LearnerError};
use super::replay::Batch;
use super::settings::LearnerSettings;
use super::{ddpg, gddpg, onnx_export, td3};
use crate::random::StreamKey;
use crate::scenario::Algorithm;

/// What one update saw, before its steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UpdateLosses {
    /// MSE(Q1, y) + MSE(Q2, y)
    pub critic_loss: f32,
    /// −mean of the value that the actor climbs; absent where TD3 leaves the actor as it is
    pub actor_loss: Option<f32>,
    /// mean of min(Q1, Q2) over the batch's own actions
    pub mean_q: f32,
}

impl UpdateLosses {
    /// Whether all of them are numbers; if not, the training has diverged.
    pub fn are_finite(&self) -> bool {
        self.critic_loss.is_finite() && self.mean_q.is_finite() && self.actor_loss.is_none_or(f32::is_finite)
    }
}

/// An actor and its critic, learning by one of the algorithms.
#[derive(Debug, Clone)]
pub struct Learner(ActorCritic);

impl Learner {
    /// Newly initialised from `seed`.
    pub fn new(settings: &LearnerSettings, seed: &StreamKey) -> Self {
        Self(ActorCritic::new(settings, seed))
    }

    /// With given weights, in the order of the networks' `shapes`.
    pub fn with_weights(settings: &LearnerSettings, actor: Vec<f32>, critic: Vec<f32>) -> Self {
        Self(ActorCritic::with_weights(settings, actor, critic))
    }

    /// What it was made from.
    pub fn settings(&self) -> &LearnerSettings {
        &self.0.settings
    }

    /// Weights and losses.
    pub fn actor_critic(&self) -> &ActorCritic {
        &self.0
    }

    /// Learning rates are this part of those of the settings from now on.
    pub fn scale_learning_rates(&mut self, part: f64) {
        self.0.rate_part = part;
    }

    /// One update from `batch`; what it draws comes from `rng`.
    pub fn update(&mut self, batch: &Batch, rng: &mut ChaCha8Rng) -> UpdateLosses {
        let noise = self.draw_noise(batch.size, rng);
        self.update_with_noise(batch, &noise)
    }

    /// The noise of one update with a batch of `size`.
    pub fn draw_noise(&self, size: usize, rng: &mut ChaCha8Rng) -> UpdateNoise {
        match self.0.settings.algorithm {
            Algorithm::Ddpg => ddpg::noise(),
            Algorithm::GDdpg => gddpg::noise(&self.0, size, rng),
            Algorithm::Td3 => td3::noise(&self.0, size, rng),
        }
    }

    /// One update from `batch` with given noise.
    pub fn update_with_noise(&mut self, batch: &Batch, noise: &UpdateNoise) -> UpdateLosses {
        match self.0.settings.algorithm {
            Algorithm::Ddpg => ddpg::update(&mut self.0, batch),
            Algorithm::GDdpg => gddpg::update(&mut self.0, batch, noise),
            Algorithm::Td3 => td3::update(&mut self.0, batch, noise),
        }
    }

    /// Actions `[n, A]` in [−1, 1] for states `[n, S]`, without exploration. `noise` is `[n, noise_len]`, standard normal.
    pub fn act(&self, states: &[f32], n: usize, noise: &[f32]) -> Vec<f32> {
        self.0.act(states, n, noise)
    }

    /// Standard normal numbers that one action takes: T·A for a chain (its start, then one vector per step but the last),
    /// 0 for an MLP.
    pub fn noise_len(&self) -> usize {
        self.0.actor_network.noise_len()
    }

    /// min(Q1, Q2) of n state-action pairs.
    pub fn value(&self, states: &[f32], actions: &[f32], n: usize) -> Vec<f32> {
        self.0.value(states, actions, n)
    }

    /// Weights of the actor.
    pub fn parameter_count(&self) -> usize {
        self.0.actor_values().len()
    }

    /// Multiply-adds of one action.
    pub fn actor_flops(&self) -> u64 {
        self.0.actor_network.multiply_adds()
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.0.updates
    }

    /// Everything that the next update depends on, but for batch and noise.
    pub fn save(&self) -> Vec<u8> {
        checkpoint::save(&self.0)
    }

    /// What [`save`](Self::save) wrote. Rates may have changed since; the networks may not.
    ///
    /// # Errors
    /// [`LearnerError`], where `bytes` are not a learner, are damaged, or hold other networks than those of `settings`.
    pub fn load(settings: &LearnerSettings, bytes: &[u8]) -> Result<Self, LearnerError> {
        checkpoint::load(settings, bytes).map(Self)
    }

    /// With the actor and the critic of what [`save`](Self::save) wrote, and everything else new.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn starting_from(settings: &LearnerSettings, bytes: &[u8]) -> Result<Self, LearnerError> {
        let saved = checkpoint::load(settings, bytes)?;
        Ok(Self::with_weights(settings, saved.actor_values().to_vec(), saved.critic_values().to_vec()))
    }

    /// The actor as an ONNX model: see [`onnx_export`].
    pub fn export_onnx(&self, metadata: &[(String, String)]) -> Vec<u8> {
        onnx_export::export(&self.0, metadata)
    }
}
