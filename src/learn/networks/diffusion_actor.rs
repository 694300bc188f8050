//! The actor of G-DDPG: a reverse diffusion chain over the action, conditioned on the state.
//!
//! ```text
//! s ─► Linear ─► Mish ─► Linear ─► W_state + b ──────────────┐               once per state
//! i ─► sin, cos ─► Linear 32 ─► Mish ─► Linear 16 ─► W_time ─┤               once per step
//! x_i ─► W_action ──────────────────────────────────────────(+)─► Mish ─► Linear ─► Mish ─► Linear ─► output
//!
//! x̂_0 = tanh(output)                                              head x0
//!      = clip(x_i / √ᾱ_i − √(1 / ᾱ_i − 1) · output, ±1)            head epsilon
//! x_{i−1} = mean(x̂_0, x_i) + √variance · z_i                      (7), (8); no noise in the last step
//! ```
//!
//! The action is x̂_0 of the last step, hence within ±1 without another clip. The noise of one action is `[T, A]`: the start
//! x_T, then z of each step but the last, in the order in which the chain uses them.

use burn::tensor::Tensor;

use super::activation::mish;
use super::layers::matrix;
use super::time_embedding::{TIME_LEN, time_embeddings};
use super::{LayerShape, Layers, Linear};
use crate::learn::vp_schedule::{DenoisingStep, vp_schedule};
use crate::scenario::ActorHead;

/// The sizes of the network, and its chain.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffusionActor {
    pub state_len: usize,
    pub hidden: usize,
    pub action_len: usize,
    pub head: ActorHead,
    /// Step 0 is the last one that the chain makes.
    pub schedule: Vec<DenoisingStep>,
}

/// The places of the layers in the network's flat array.
pub(in crate::learn) struct DiffusionLayers<'l> {
    pub state_in: &'l Linear,
    pub state_out: &'l Linear,
    pub time_in: &'l Linear,
    pub time_out: &'l Linear,
    pub mid_state: &'l Linear,
    pub mid_action: &'l Linear,
    pub mid_time: &'l Linear,
    pub mid: &'l Linear,
    pub out: &'l Linear,
}

impl DiffusionActor {
    /// A chain of `steps` steps, at least one.
    pub fn new(state_len: usize, hidden: usize, action_len: usize, head: ActorHead, steps: u32) -> Self {
        assert!(steps > 0, "a chain has at least one step");
        Self { state_len, hidden, action_len, head, schedule: vp_schedule(steps) }
    }

    pub fn shapes(&self) -> Vec<LayerShape> {
        let (hidden, action_len) = (self.hidden, self.action_len);
        let mid_inputs = hidden + action_len + TIME_LEN;
        vec![
            LayerShape::whole(self.state_len, hidden),
            LayerShape::whole(hidden, hidden),
            LayerShape::whole(TIME_LEN, 2 * TIME_LEN),
            LayerShape::whole(2 * TIME_LEN, TIME_LEN),
            LayerShape::part(hidden, hidden, true, mid_inputs),
            LayerShape::part(action_len, hidden, false, mid_inputs),
            LayerShape::part(TIME_LEN, hidden, false, mid_inputs),
            LayerShape::whole(hidden, hidden),
            LayerShape::whole(hidden, action_len),
        ]
    }

    pub(in crate::learn) fn layers<'l>(&self, layers: &'l Layers) -> DiffusionLayers<'l> {
        let [state_in, state_out, time_in, time_out, mid_state, mid_action, mid_time, mid, out] = layers.each();
        DiffusionLayers { state_in, state_out, time_in, time_out, mid_state, mid_action, mid_time, mid, out }
    }

    /// Standard normal numbers that one action takes.
    pub fn noise_len(&self) -> usize {
        self.schedule.len() * self.action_len
    }

    /// Multiply-adds of one action. What depends on the step alone is a constant of a trained network.
    pub fn multiply_adds(&self) -> u64 {
        let shapes = self.shapes();
        let of = |places: &[usize]| places.iter().map(|&place| shapes[place].multiply_adds()).sum::<u64>();
        of(&[0, 1, 4]) + self.schedule.len() as u64 * of(&[5, 7, 8])
    }

    /// What the index of each step adds to the first layer of the chain, `[T, h]`.
    pub(in crate::learn) fn time_terms(&self, layers: &DiffusionLayers) -> Tensor<2> {
        let steps = self.schedule.len();
        let device = layers.time_in.weight.device().inner();
        let embeddings = matrix(time_embeddings(steps as u32), steps, TIME_LEN, &device);
        let hidden = mish(layers.time_in.forward(embeddings));
        layers.mid_time.forward(layers.time_out.forward(hidden))
    }

    /// Actions `[n, A]` in [−1, 1] for states `[n, S]` and `noise`, T tensors `[n, A]`.
    pub fn actions(&self, layers: &Layers, states: Tensor<2>, noise: &[Tensor<2>]) -> Tensor<2> {
        assert_eq!(noise.len(), self.schedule.len(), "a start, and noise for each step but the last");
        let layers = self.layers(layers);
        let hidden = mish(layers.state_in.forward(states));
        let state_term = layers.mid_state.forward(layers.state_out.forward(hidden));
        let time_terms = self.time_terms(&layers);

        let mut x = noise[0].clone();
        for (index, step) in self.schedule.iter().enumerate().rev() {
            let time_term = time_terms.clone().slice([index..index + 1, 0..self.hidden]).reshape([self.hidden]);
            let first = layers.mid_action.forward_with_bias(x.clone(), time_term) + state_term.clone();
            let output = layers.out.forward(mish(layers.mid.forward(mish(first))));
            let x0 = match self.head {
                ActorHead::X0 => output.tanh(),
                ActorHead::Epsilon => (x.clone() * step.sqrt_reciprocal_alpha
                    - output * step.sqrt_reciprocal_alpha_minus_one)
                    .clamp(-1.0, 1.0),
            };
            if index == 0 {
                return x0;
            }
            let fresh = noise[noise.len() - index].clone();
            x = x0 * step.coefficient_x0 + x * step.coefficient_xt + fresh * step.posterior_variance.sqrt();
        }
        unreachable!("a chain has at least one step, and its last one returns")
    }
}
