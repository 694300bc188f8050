//! Quality of experience without a picture: what optimisers and environments ask a thousand times a second.

use std::sync::Arc;

use super::measured_surface::MeasuredSurface;
use super::surface::{SurfaceInputs, noisy_quality_of_experience, quality_of_experience};
use crate::random::StreamKey;

/// Expected quality of experience as a function of steps, bit errors, prompts and person.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum QualityModel {
    /// The synthetic surface.
    #[default]
    Synthetic,
    /// What a judge of pictures said, interpolated.
    Measured(Arc<MeasuredSurface>),
}

impl QualityModel {
    /// Q in [0, 1].
    pub fn quality_of_experience(&self, inputs: &SurfaceInputs) -> f64 {
        match self {
            Self::Synthetic => quality_of_experience(inputs),
            Self::Measured(surface) => surface.quality_of_experience(inputs),
        }
    }

    /// Q with the scatter of single answers: the formula's, or the measured one.
    pub fn noisy_quality_of_experience(&self, inputs: &SurfaceInputs, seed: &StreamKey) -> f64 {
        match self {
            Self::Synthetic => noisy_quality_of_experience(inputs, seed),
            Self::Measured(surface) => surface.noisy_quality_of_experience(inputs, seed),
        }
    }
}
