//! The weights of an actor and of its critic, and the moves that all three algorithms are made of.

use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::adamw::{AdamW, soft_update};
use super::choices::{chosen, chosen_with_gradient};
use super::networks::layers::{initial_values, matrix, numbers, value_count};
use super::networks::{DiffusionActor, LayerShape, Layers, MlpActor, TwinCritic};
use super::replay::Batch;
use super::settings::LearnerSettings;
use crate::random::StreamKey;
use crate::scenario::Algorithm;

/// Which actor a learner has.
#[derive(Debug, Clone, PartialEq)]
pub enum ActorNetwork {
    Mlp(MlpActor),
    Diffusion(DiffusionActor),
}

impl ActorNetwork {
    /// The actor of these settings.
    pub fn new(settings: &LearnerSettings) -> Self {
        let LearnerSettings { state_len, action_len, hidden, denoising_steps, head, .. } = *settings;
        match settings.algorithm {
            Algorithm::Ddpg | Algorithm::Td3 => Self::Mlp(MlpActor { state_len, hidden, action_len }),
            Algorithm::GDdpg => {
                Self::Diffusion(DiffusionActor::new(state_len, hidden, action_len, head, denoising_steps))
            }
        }
    }

    pub fn shapes(&self) -> Vec<LayerShape> {
        match self {
            Self::Mlp(actor) => actor.shapes(),
            Self::Diffusion(actor) => actor.shapes(),
        }
    }

    /// Standard normal numbers that one action takes; 0 for an MLP.
    pub fn noise_len(&self) -> usize {
        match self {
            Self::Mlp(_) => 0,
            Self::Diffusion(actor) => actor.noise_len(),
        }
    }

    /// Multiply-adds of one action.
    pub fn multiply_adds(&self) -> u64 {
        match self {
            Self::Mlp(actor) => actor.shapes().iter().map(LayerShape::multiply_adds).sum(),
            Self::Diffusion(actor) => actor.multiply_adds(),
        }
    }

    /// Actions `[n, A]` for states `[n, S]` and noise `[n, noise_len]`, row after row.
    fn actions(&self, layers: &Layers, states: Tensor<2>, noise: &[f32]) -> Tensor<2> {
        let [n, _] = states.dims();
        assert_eq!(noise.len(), n * self.noise_len(), "each action takes `noise_len` numbers");
        match self {
            Self::Mlp(actor) => actor.actions(layers, states),
            Self::Diffusion(actor) => {
                let device = states.device().inner();
                let row_len = actor.noise_len();
                let of_step = |step: usize| {
                    let columns = step * actor.action_len..(step + 1) * actor.action_len;
                    let rows = noise.chunks_exact(row_len).flat_map(|row| &row[columns.clone()]);
                    matrix(rows.copied().collect(), n, actor.action_len, &device)
                };
                let noise: Vec<_> = (0..actor.schedule.len()).map(of_step).collect();
                actor.actions(layers, states, &noise)
            }
        }
    }
}

/// A flat array of weights, and its copy in burn.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    pub(super) values: Vec<f32>,
    layers: Layers,
}

impl Weights {
    pub(super) fn new(shapes: &[LayerShape], values: Vec<f32>, device: &Device) -> Self {
        assert_eq!(values.len(), value_count(shapes), "the network has another number of weights");
        let layers = Layers::new(shapes, &values, device);
        Self { values, layers }
    }

    /// Changes the array, and copies it again.
    fn change(&mut self, shapes: &[LayerShape], device: &Device, change: impl FnOnce(&mut [f32])) {
        change(&mut self.values);
        self.layers = Layers::new(shapes, &self.values, device);
    }
}

/// Copies of actor and critic that follow them slowly.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) actor: Weights,
    pub(super) critic: Weights,
}

/// Which value the actor climbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClimbedValue {
    /// min(Q1, Q2), (28) as it is read here.
    Lower,
    /// Q1, as TD3 has it.
    First,
}

/// The standard normal numbers of one update.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateNoise {
    /// For the actions in the next states.
    pub target: Vec<f32>,
    /// For the actions that the actor is judged by.
    pub actor: Vec<f32>,
}

impl UpdateNoise {
    /// `target` numbers, then `actor` numbers, drawn one after the other.
    pub(super) fn draw(target: usize, actor: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut normals = |count: usize| (0..count).map(|_| StandardNormal.sample(&mut *rng)).collect();
        Self { target: normals(target), actor: normals(actor) }
    }
}

/// A loss, and its gradient in the order of the network's weights.
#[derive(Debug, Clone, PartialEq)]
pub struct LossGradient {
    pub loss: f32,
    pub gradient: Vec<f32>,
}

/// An actor, its critic, and (where episodes go on) their targets.
#[derive(Debug, Clone)]
pub struct ActorCritic {
    pub(super) settings: LearnerSettings,
    device: Device,
    pub(super) actor_network: ActorNetwork,
    pub(super) critic_network: TwinCritic,
    actor_shapes: Vec<LayerShape>,
    critic_shapes: Vec<LayerShape>,
    pub(super) actor: Weights,
    pub(super) critic: Weights,
    pub(super) actor_optimiser: AdamW,
    pub(super) critic_optimiser: AdamW,
    pub(super) targets: Option<Targets>,
    /// Updates of the critic so far.
    pub(super) updates: u64,
    /// Part of the settings' learning rates that holds now.
    pub(super) rate_part: f64,
}

impl ActorCritic {
    /// Newly initialised, from the first two children of `seed`.
    pub fn new(settings: &LearnerSettings, seed: &StreamKey) -> Self {
        let actor = initial_values(&ActorNetwork::new(settings).shapes(), &mut seed.child(0).rng());
        let critic = initial_values(&critic_network(settings).shapes(), &mut seed.child(1).rng());
        Self::with_weights(settings, actor, critic)
    }

    /// With given weights, in the order of the networks' `shapes`; targets start as copies.
    pub fn with_weights(settings: &LearnerSettings, actor: Vec<f32>, critic: Vec<f32>) -> Self {
        let device = super::device();
        let (actor_network, critic_network) = (ActorNetwork::new(settings), critic_network(settings));
        let (actor_shapes, critic_shapes) = (actor_network.shapes(), critic_network.shapes());
        let actor_optimiser = AdamW::new(actor.len());
        let critic_optimiser = AdamW::new(critic.len());
        let actor = Weights::new(&actor_shapes, actor, &device);
        let critic = Weights::new(&critic_shapes, critic, &device);
        let targets = settings.discount.map(|_| Targets { actor: actor.clone(), critic: critic.clone() });
        Self {
            settings: settings.clone(),
            device,
            actor_network,
            critic_network,
            actor_shapes,
            critic_shapes,
            actor,
            critic,
            actor_optimiser,
            critic_optimiser,
            targets,
            updates: 0,
            rate_part: 1.0,
        }
    }

    /// Weights of the actor, in the order of its `shapes`.
    pub fn actor_values(&self) -> &[f32] {
        &self.actor.values
    }

    /// Weights of the critic, in the order of its `shapes`.
    pub fn critic_values(&self) -> &[f32] {
        &self.critic.values
    }

    pub(super) fn replace_targets(&mut self, actor: Vec<f32>, critic: Vec<f32>) {
        let actor = Weights::new(&self.actor_shapes, actor, &self.device);
        let critic = Weights::new(&self.critic_shapes, critic, &self.device);
        self.targets = Some(Targets { actor, critic });
    }

    /// Layers of the actor in burn.
    pub(super) fn actor_layers(&self) -> &Layers {
        &self.actor.layers
    }

    /// Actions `[n, A]` for states `[n, S]` and noise `[n, noise_len]`.
    pub fn act(&self, states: &[f32], n: usize, noise: &[f32]) -> Vec<f32> {
        let states = self.states(states, n);
        numbers(self.actor_network.actions(&self.actor.layers, states, noise))
    }

    /// min(Q1, Q2) of n pairs.
    pub fn value(&self, states: &[f32], actions: &[f32], n: usize) -> Vec<f32> {
        let (states, actions) = (self.states(states, n), self.actions(actions, n));
        numbers(self.critic_network.lower_values(&self.critic.layers, states, actions))
    }

    /// Actions of the target actor in the next states.
    pub(super) fn target_actions(&self, batch: &Batch, noise: &[f32]) -> Vec<f32> {
        let states = self.states(&batch.next_states, batch.size);
        numbers(self.actor_network.actions(&self.followers().actor.layers, states, noise))
    }

    /// r + γ (1 − done) min(Q1', Q2')(s', a').
    pub(super) fn bootstrapped_returns(&self, batch: &Batch, next_actions: &[f32], discount: f64) -> Vec<f32> {
        let states = self.states(&batch.next_states, batch.size);
        let actions = self.actions(next_actions, batch.size);
        let values = numbers(self.critic_network.lower_values(&self.followers().critic.layers, states, actions));
        let future = values.iter().zip(&batch.dones).map(|(value, done)| discount as f32 * (1.0 - done) * value);
        batch.rewards.iter().zip(future).map(|(reward, future)| reward + future).collect()
    }

    /// MSE(Q1, returns) + MSE(Q2, returns), its gradient, and the mean of min(Q1, Q2).
    pub fn critic_loss(&self, batch: &Batch, returns: &[f32]) -> (LossGradient, f32) {
        let layers = self.critic.layers.tracked();
        let (states, actions) = (self.states(&batch.states, batch.size), self.actions(&batch.actions, batch.size));
        let returns = matrix(returns.to_vec(), batch.size, 1, &self.device);
        let [first, second] = self.critic_network.values(&layers, states, actions);
        let lower = first.clone().inner().min_pair(second.clone().inner());
        let mean_square = |values: Tensor<2>| {
            let difference = values - returns.clone();
            (difference.clone() * difference).mean()
        };
        let loss = mean_square(first) + mean_square(second);
        let gradient = layers.gradient(&self.critic_shapes, loss.backward());
        (LossGradient { loss: loss.into_scalar::<f32>(), gradient }, lower.mean().into_scalar::<f32>())
    }

    /// −mean Q(s, A(s, noise)) and its gradient in the weights of the actor; those of the critic are constants.
    pub fn actor_loss(&self, batch: &Batch, noise: &[f32], climbed: ClimbedValue) -> LossGradient {
        let layers = self.actor.layers.tracked();
        let states = self.states(&batch.states, batch.size);
        let actions = self.actor_network.actions(&layers, states.clone(), noise);
        let actions = chosen_with_gradient(actions, &self.settings.choices);
        let critic = &self.critic.layers;
        let values = match climbed {
            ClimbedValue::Lower => self.critic_network.lower_values(critic, states, actions),
            ClimbedValue::First => self.critic_network.first_value(critic, states, actions),
        };
        let loss = -values.mean();
        let gradient = layers.gradient(&self.actor_shapes, loss.backward());
        LossGradient { loss: loss.into_scalar::<f32>(), gradient }
    }

    /// One step of the critic towards `returns`; its loss before, and the mean of min(Q1, Q2).
    pub(super) fn regress_critic(&mut self, batch: &Batch, returns: &[f32]) -> (f32, f32) {
        let (found, mean_q) = self.critic_loss(batch, returns);
        let LearnerSettings { critic_learning_rate, weight_decay, .. } = self.settings;
        let rate = self.rate_part * critic_learning_rate;
        let optimiser = &mut self.critic_optimiser;
        self.critic.change(&self.critic_shapes, &self.device, |values| {
            optimiser.step(values, &found.gradient, rate, weight_decay);
        });
        self.updates += 1;
        (found.loss, mean_q)
    }

    /// One step of the actor uphill; its loss before.
    pub(super) fn climb_value(&mut self, batch: &Batch, noise: &[f32], climbed: ClimbedValue) -> f32 {
        let found = self.actor_loss(batch, noise, climbed);
        let LearnerSettings { actor_learning_rate, weight_decay, .. } = self.settings;
        let rate = self.rate_part * actor_learning_rate;
        let optimiser = &mut self.actor_optimiser;
        self.actor.change(&self.actor_shapes, &self.device, |values| {
            optimiser.step(values, &found.gradient, rate, weight_decay);
        });
        found.loss
    }

    /// θ' ← θ' + τ (θ − θ') for actor and critic; nothing where there are no targets.
    pub(super) fn move_targets(&mut self) {
        let rate = self.settings.soft_update;
        if let Some(Targets { actor, critic }) = &mut self.targets {
            actor.change(&self.actor_shapes, &self.device, |target| soft_update(target, &self.actor.values, rate));
            critic.change(&self.critic_shapes, &self.device, |target| soft_update(target, &self.critic.values, rate));
        }
    }

    fn followers(&self) -> &Targets {
        self.targets.as_ref().expect("a learner with a discount has target networks")
    }

    fn states(&self, values: &[f32], n: usize) -> Tensor<2> {
        assert_eq!(values.len(), n * self.settings.state_len, "states of another length");
        matrix(values.to_vec(), n, self.settings.state_len, &self.device)
    }

    /// What the critic is told of n actions.
    fn actions(&self, values: &[f32], n: usize) -> Tensor<2> {
        let LearnerSettings { action_len, choices, .. } = &self.settings;
        assert_eq!(values.len(), n * action_len, "actions of another length");
        matrix(chosen(values, *action_len, choices), n, *action_len, &self.device)
    }
}

fn critic_network(settings: &LearnerSettings) -> TwinCritic {
    let LearnerSettings { state_len, action_len, hidden, .. } = *settings;
    TwinCritic { state_len, hidden, action_len }
}
