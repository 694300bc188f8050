//! What the critic is told of the steps of an action: which of the scores won.
//!
//! ```text
//!  action   a_1 … a_K │  0.2 −0.7  0.9  0.1 │ … │ −0.3 −0.8
//!  critic   a_1 … a_K │  0    0    1    0   │ … │  1    0         first of equals
//! ```
//!
//! A critic that sees the scores has to learn that the largest of them decides and that the others say nothing. One that sees the
//! choice knows it. The choice has no gradient; that of softmax(5·scores) stands in for it (straight-through estimate of
//! Bengio et al., arXiv 1308.3432).

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

use super::networks::layers::{matrix, numbers};
use crate::policy::first_largest;

/// Sharpness of the softmax whose gradient is taken: scores are in ±1.
const SHARPNESS: f64 = 5.0;

/// Actions, row after row, with 0 and 1 in the place of scores. `lengths` are those of the groups at the end of an action.
pub fn chosen(actions: &[f32], action_len: usize, lengths: &[usize]) -> Vec<f32> {
    let mut told = actions.to_vec();
    for action in told.chunks_exact_mut(action_len) {
        let mut rest = &mut action[action_len - lengths.iter().sum::<usize>()..];
        for &length in lengths {
            let (scores, others) = rest.split_at_mut(length);
            let winner = first_largest(scores) as usize;
            scores.iter_mut().enumerate().for_each(|(index, score)| *score = f32::from(u8::from(index == winner)));
            rest = others;
        }
    }
    told
}

/// The same for actions `[n, A]` through which a gradient is to run.
pub fn chosen_with_gradient(actions: Tensor<2>, lengths: &[usize]) -> Tensor<2> {
    if lengths.is_empty() {
        return actions;
    }
    let [n, action_len] = actions.dims();
    let device = actions.device().inner();
    let hard = matrix(chosen(&numbers(actions.clone().inner()), action_len, lengths), n, action_len, &device);
    let mut start = action_len - lengths.iter().sum::<usize>();
    let mut parts = vec![actions.clone().slice([0..n, 0..start])];
    for &length in lengths {
        let scores = actions.clone().slice([0..n, start..start + length]);
        parts.push(softmax(scores * SHARPNESS, 1));
        start += length;
    }
    let soft = Tensor::cat(parts, 1);
    let correction = hard - soft.clone().inner();
    soft + correction
}
