//! The synthetic surface: quality of experience as a formula, for tests, tutorials and very large networks.
//!
//! It follows the statements of section 5.2.1 of the paper (Figs. 8, 9 and 13), and is not data from people:
//!
//! ```text
//!  Q = clip(A · S · B · M · F, 0, 1)
//!      │   │   │   │   └ fusion: a device that takes over late cannot undo the server's picture
//!      │   │   │   └ how this user likes mixed pictures
//!      │   │   └ bit errors, repaired in part by the device's own steps
//!      │   └ effective denoising steps
//!      └ neurotic users mark lower
//! ```

use rand_distr::{Distribution, StandardNormal};

use super::persona::Persona;
use crate::random::StreamKey;

/// What the surface knows of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceInputs {
    /// Steps on the server.
    pub t0: u32,
    /// Steps on the device.
    pub tk: u32,
    /// Of the link, in [0, ½].
    pub bit_error_probability: f64,
    /// Cosine similarity of the device's prompt to the server's, at most 1.
    pub similarity: f64,
    pub persona: Persona,
}

/// Q in [0, 1].
pub fn quality_of_experience(inputs: &SurfaceInputs) -> f64 {
    let (t0, tk) = (f64::from(inputs.t0), f64::from(inputs.tk));
    let persona = &inputs.persona;
    // 0: the same prompt as the server's; 1: a wholly different one
    let difference = ((1.0 - inputs.similarity) / 0.2).clamp(0.0, 1.0);
    let ratio = if inputs.t0 == 0 { 0.0 } else { t0 / tk };

    let mood = 0.95 - 0.10 * persona.neuroticism();

    let shared_worth = inputs.similarity + 0.4 * (1.0 - inputs.similarity);
    let effective_steps = (tk + t0 * shared_worth).max(0.0);
    let steps = 1.0 - (-(effective_steps / 4.5).powi(2)).exp();

    // the bit error probability at which half is lost
    let half_lost = (0.09 + 0.035 * (tk / 8.0).min(1.0)) * (1.0 - 0.25 * difference);
    let errors = 1.0 / (1.0 + (inputs.bit_error_probability / half_lost).powi(6));

    let curiosity = (0.8 * (persona.openness() - persona.agreeableness()) - 0.2 * (persona.conscientiousness() - 0.5))
        .clamp(-1.0, 1.0);
    let strength = if curiosity < 0.0 { 0.35 } else { 0.15 };
    let mixed = 1.0 + strength * curiosity * difference * logistic((ratio - 0.455) / 0.025);

    let fusion = 1.0 - 0.6 * difference * logistic((ratio - 0.65) / 0.04);

    (mood * steps * errors * mixed * fusion).clamp(0.0, 1.0)
}

/// Q with the scatter of an agent's answers: N(Q, σ²) with σ = 0.02 + 0.10 (1 − Q), clipped to [0, 1].
pub fn noisy_quality_of_experience(inputs: &SurfaceInputs, seed: &StreamKey) -> f64 {
    let quality = quality_of_experience(inputs);
    let standard: f64 = StandardNormal.sample(&mut seed.rng());
    (quality + (0.02 + 0.10 * (1.0 - quality)) * standard).clamp(0.0, 1.0)
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
