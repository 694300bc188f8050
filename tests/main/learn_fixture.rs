//! Small learners and their batches, from a generator that `tests/reference/learners_torch.py` has as well.

use latentlink::learn::actor_critic::ActorNetwork;
use latentlink::learn::networks::{LayerShape, TwinCritic};
use latentlink::learn::{Batch, Learner, LearnerSettings, UpdateNoise};
use latentlink::scenario::{ActorHead, Algorithm};

pub const SIZE: usize = 8;

/// Every algorithm, both heads.
pub const KINDS: [(Algorithm, ActorHead); 4] = [
    (Algorithm::Ddpg, ActorHead::X0),
    (Algorithm::Td3, ActorHead::X0),
    (Algorithm::GDdpg, ActorHead::X0),
    (Algorithm::GDdpg, ActorHead::Epsilon),
];

/// Small networks, rates that move them far in few updates.
pub fn small(algorithm: Algorithm, head: ActorHead, discount: Option<f64>) -> LearnerSettings {
    LearnerSettings {
        hidden: 16,
        denoising_steps: 3,
        head,
        actor_learning_rate: 1e-3,
        critic_learning_rate: 1e-3,
        weight_decay: 1e-2,
        soft_update: 0.05,
        discount,
        ..LearnerSettings::new(algorithm, 5, 4)
    }
}

/// Numbers in [−1, 1) with 24 random bits.
pub struct Uniform(pub u64);

impl Uniform {
    pub fn draw(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        2.0 * (self.0 >> 40) as f32 / 16_777_216.0 - 1.0
    }

    pub fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.draw()).collect()
    }

    pub fn weights(&mut self, shapes: &[LayerShape]) -> Vec<f32> {
        let mut weights = Vec::new();
        for shape in shapes {
            let bound = (1.0 / (shape.fan_in as f64).sqrt()) as f32;
            weights.extend((0..shape.values()).map(|_| self.draw() * bound));
        }
        weights
    }

    /// A learner with weights from here, those of the actor first.
    pub fn learner(&mut self, settings: &LearnerSettings) -> Learner {
        let LearnerSettings { state_len, action_len, hidden, .. } = *settings;
        let actor = self.weights(&ActorNetwork::new(settings).shapes());
        let critic = self.weights(&TwinCritic { state_len, hidden, action_len }.shapes());
        Learner::with_weights(settings, actor, critic)
    }

    /// A batch, and noise for its update, within ±2.
    pub fn batch(&mut self, learner: &Learner) -> (Batch, UpdateNoise) {
        let settings = learner.settings();
        let mut batch = Batch {
            size: SIZE,
            states: self.values(SIZE * settings.state_len),
            actions: self.values(SIZE * settings.action_len),
            rewards: self.values(SIZE),
            next_states: self.values(SIZE * settings.state_len),
            dones: self.values(SIZE).into_iter().map(|value| f32::from(value > 0.5)).collect(),
        };
        if settings.discount.is_none() {
            batch.next_states.clear();
            batch.dones.clear();
        }
        let target_len = if settings.algorithm == Algorithm::Td3 { settings.action_len } else { learner.noise_len() };
        let mut noise = |len: usize| self.values(SIZE * len).into_iter().map(|value| 2.0 * value).collect();
        let noise = UpdateNoise { target: noise(target_len), actor: noise(learner.noise_len()) };
        (batch, noise)
    }
}
