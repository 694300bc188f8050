//! AdamW (I. Loshchilov and F. Hutter, *ICLR* 2019) and the soft target update, each one pass over a flat array.
//!
//! ```text
//! θ ← θ (1 − η λ)          m ← β1 m + (1 − β1) g          v ← β2 v + (1 − β2) g²
//! θ ← θ − η / (1 − β1^t) · m / (√v / √(1 − β2^t) + ε)
//! ```

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// The moments of one network, value by value, and how many steps they have seen.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    pub(super) first_moments: Vec<f32>,
    pub(super) second_moments: Vec<f32>,
    pub(super) steps: u64,
}

impl AdamW {
    /// Before the first step.
    pub fn new(values: usize) -> Self {
        Self { first_moments: vec![0.0; values], second_moments: vec![0.0; values], steps: 0 }
    }

    /// Moves `values` against their gradient.
    pub fn step(&mut self, values: &mut [f32], gradient: &[f32], learning_rate: f64, weight_decay: f64) {
        assert_eq!(values.len(), gradient.len(), "a gradient has a number for each value");
        self.steps += 1;
        let exponent = self.steps as f64;
        let step_size = (learning_rate / (1.0 - libm::pow(BETA_1, exponent))) as f32;
        let variance_scale = (1.0 / (1.0 - libm::pow(BETA_2, exponent)).sqrt()) as f32;
        let keep = (1.0 - learning_rate * weight_decay) as f32;
        let (keep_first, keep_second) = (BETA_1 as f32, BETA_2 as f32);
        let (take_first, take_second) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        let moments = self.first_moments.iter_mut().zip(&mut self.second_moments);
        for ((value, &slope), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
            *first = keep_first * *first + take_first * slope;
            *second = keep_second * *second + take_second * slope * slope;
            *value = keep * *value - step_size * *first / (second.sqrt() * variance_scale + EPSILON);
        }
    }
}

/// θ' ← θ' + τ (θ − θ').
pub fn soft_update(target: &mut [f32], trained: &[f32], rate: f64) {
    let rate = rate as f32;
    for (target, &trained) in target.iter_mut().zip(trained) {
        *target += rate * (trained - *target);
    }
}
