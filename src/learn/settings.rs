//! What a learner is: its algorithm, the sizes of its networks, its rates.

use serde::{Deserialize, Serialize};

use crate::scenario::{ActorHead, Algorithm};

/// What a learner is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnerSettings {
    pub algorithm: Algorithm,
    /// Numbers in a state.
    pub state_len: usize,
    /// Numbers in an action.
    pub action_len: usize,
    /// Lengths of the groups of scores at the end of an action, of each of which the critic is told only the largest; none: it
    /// is told the scores.
    #[serde(default)]
    pub choices: Vec<usize>,
    /// Width of all hidden layers.
    pub hidden: usize,
    /// T, the steps of the diffusion actor's chain; MLP actors have none.
    pub denoising_steps: u32,
    /// Of the diffusion actor.
    pub head: ActorHead,
    pub actor_learning_rate: f64,
    pub critic_learning_rate: f64,
    /// Of AdamW, relative to the learning rate.
    pub weight_decay: f64,
    /// τ, how far the target networks move towards the trained ones per update.
    pub soft_update: f64,
    /// Absent where an episode is a single step: the critic is regressed to r, (29), and there are no target networks. Else
    /// γ of r + γ (1 − done) min(Q1', Q2')(s', A'(s')).
    pub discount: Option<f64>,
    /// TD3: the actor is updated once in so many updates of the critic.
    pub policy_delay: u32,
    /// TD3: standard deviation of the noise on target actions.
    pub target_noise: f64,
    /// TD3: where that noise is cut off.
    pub target_noise_clip: f64,
}

impl LearnerSettings {
    /// The defaults: the hyper-parameters of the paper's public code, single-step episodes.
    pub fn new(algorithm: Algorithm, state_len: usize, action_len: usize) -> Self {
        Self {
            algorithm,
            state_len,
            action_len,
            choices: Vec::new(),
            hidden: 256,
            denoising_steps: 5,
            head: ActorHead::X0,
            actor_learning_rate: 1e-4,
            critic_learning_rate: 1e-4,
            weight_decay: 1e-4,
            soft_update: 0.005,
            discount: None,
            policy_delay: 2,
            target_noise: 0.2,
            target_noise_clip: 0.5,
        }
    }
}
