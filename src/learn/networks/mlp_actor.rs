//! The actor of DDPG and TD3.
//!
//! ```text
//! s [S] ─► Linear ─► Mish ─► Linear ─► Mish ─► Linear ─► Mish ─► Linear ─► tanh ─► a [A]
//!             h                 h                 h                 A
//! ```

use burn::tensor::Tensor;

use super::activation::mish;
use super::{LayerShape, Layers};

/// The sizes of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MlpActor {
    pub state_len: usize,
    pub hidden: usize,
    pub action_len: usize,
}

impl MlpActor {
    pub fn shapes(&self) -> Vec<LayerShape> {
        let hidden = self.hidden;
        vec![
            LayerShape::whole(self.state_len, hidden),
            LayerShape::whole(hidden, hidden),
            LayerShape::whole(hidden, hidden),
            LayerShape::whole(hidden, self.action_len),
        ]
    }

    /// Actions `[n, A]` in [−1, 1] for states `[n, S]`.
    pub fn actions(&self, layers: &Layers, states: Tensor<2>) -> Tensor<2> {
        let [first, second, third, last] = layers.each();
        let hidden = mish(first.forward(states));
        let hidden = mish(second.forward(hidden));
        let hidden = mish(third.forward(hidden));
        last.forward(hidden).tanh()
    }
}
