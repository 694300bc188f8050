//! The critic: two values of a state-action pair; the lower one is believed.
//!
//! ```text
//!                                  ┌─ W1 + b1 ─(+)─► ReLU ─► Linear ─► ReLU ─► Linear ─► Q1
//! s ─► Linear ─► ReLU ─► Linear ───┤            └──── V1 ─┐
//!                                  │               a ─────┤
//!                                  │            ┌──── V2 ─┘
//!                                  └─ W2 + b2 ─(+)─► ReLU ─► Linear ─► ReLU ─► Linear ─► Q2
//! ```

use burn::tensor::Tensor;

use super::activation::relu;
use super::{LayerShape, Layers, Linear};

/// The sizes of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwinCritic {
    pub state_len: usize,
    pub hidden: usize,
    pub action_len: usize,
}

impl TwinCritic {
    /// The state's layers; then of each head the part for the state, the part for the action, and two more.
    pub fn shapes(&self) -> Vec<LayerShape> {
        let hidden = self.hidden;
        let inputs = hidden + self.action_len;
        let mut shapes = vec![LayerShape::whole(self.state_len, hidden), LayerShape::whole(hidden, hidden)];
        for _head in 0..2 {
            shapes.extend([
                LayerShape::part(hidden, hidden, true, inputs),
                LayerShape::part(self.action_len, hidden, false, inputs),
                LayerShape::whole(hidden, hidden),
                LayerShape::whole(hidden, 1),
            ]);
        }
        shapes
    }

    /// Q1 and Q2, `[n, 1]` each, of states `[n, S]` and actions `[n, A]`.
    pub fn values(&self, layers: &Layers, states: Tensor<2>, actions: Tensor<2>) -> [Tensor<2>; 2] {
        let layers = layers.each::<10>();
        let state = state_vector(&layers, states);
        [head(&layers[2..6], state.clone(), actions.clone()), head(&layers[6..10], state, actions)]
    }

    /// min(Q1, Q2), `[n, 1]`.
    pub fn lower_values(&self, layers: &Layers, states: Tensor<2>, actions: Tensor<2>) -> Tensor<2> {
        let [first, second] = self.values(layers, states, actions);
        first.min_pair(second)
    }

    /// Q1, `[n, 1]`.
    pub fn first_value(&self, layers: &Layers, states: Tensor<2>, actions: Tensor<2>) -> Tensor<2> {
        let layers = layers.each::<10>();
        head(&layers[2..6], state_vector(&layers, states), actions)
    }
}

fn state_vector(layers: &[&Linear; 10], states: Tensor<2>) -> Tensor<2> {
    layers[1].forward(relu(layers[0].forward(states)))
}

fn head(layers: &[&Linear], state: Tensor<2>, actions: Tensor<2>) -> Tensor<2> {
    let hidden = relu(layers[0].forward(state) + layers[1].forward(actions));
    layers[3].forward(relu(layers[2].forward(hidden)))
}
