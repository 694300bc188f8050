//! How far a surface is from what was measured, where it is not told: each value is predicted from its neighbours.
//!
//! Along an axis the neighbours are twice as far away as those that the surface uses between two values: the error of a smooth
//! surface there is about a quarter of this. The errors hold the scatter of the scores as well.

use serde::Serialize;

use super::{MeasuredSurface, weighted};

/// Errors of prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PredictionError {
    /// Values that were predicted.
    pub cells: u64,
    pub root_mean_square: f64,
    pub largest: f64,
}

/// By what was left out. `None` where there is too little to leave anything out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LeaveOneOut {
    /// Inner values of t0, from their neighbours in t0.
    pub t0: Option<PredictionError>,
    /// The same of t_k.
    pub tk: Option<PredictionError>,
    /// The same of the bit error probability.
    pub bit_error_probability: Option<PredictionError>,
    /// The same of the similarity.
    pub similarity: Option<PredictionError>,
    /// Each persona from all others.
    pub persona: Option<PredictionError>,
}

impl LeaveOneOut {
    pub fn of(surface: &MeasuredSurface) -> Self {
        let [similarity, t0, tk, bit_error_probability] = std::array::from_fn(|axis| along(surface, axis));
        Self { t0, tk, bit_error_probability, similarity, persona: persona(surface) }
    }
}

/// Inner values of an axis from their neighbours on it.
fn along(surface: &MeasuredSurface, axis: usize) -> Option<PredictionError> {
    let values = surface.axes[axis].values();
    let error = |cell: usize| {
        let (persona, at) = surface.places(cell);
        let here = at[axis];
        if here == 0 || here + 1 == values.len() {
            return None;
        }
        let neighbour = |index: usize| {
            let mut there = at;
            there[axis] = index;
            surface.qualities[surface.cell(persona, there)]
        };
        let part = (values[here] - values[here - 1]) / (values[here + 1] - values[here - 1]);
        let predicted = (1.0 - part) * neighbour(here - 1) + part * neighbour(here + 1);
        Some(predicted - surface.qualities[cell])
    };
    summed((0..surface.qualities.len()).filter_map(error))
}

/// Each persona from the others.
fn persona(surface: &MeasuredSurface) -> Option<PredictionError> {
    let error = |cell: usize| {
        let (persona, at) = surface.places(cell);
        let others: Vec<usize> = (0..surface.personas.len()).filter(|&other| other != persona).collect();
        if others.is_empty() {
            return None;
        }
        let traits = others.iter().map(|&other| &surface.personas[other].persona);
        let of_other = |index: usize| surface.qualities[surface.cell(others[index], at)];
        Some(weighted(&surface.personas[persona].persona, traits, of_other) - surface.qualities[cell])
    };
    summed((0..surface.qualities.len()).filter_map(error))
}

fn summed(errors: impl Iterator<Item = f64>) -> Option<PredictionError> {
    let none = (0_u64, 0.0_f64, 0.0_f64);
    let (cells, squares, largest) = errors
        .fold(none, |(cells, squares, largest), error| (cells + 1, squares + error * error, largest.max(error.abs())));
    (cells > 0).then(|| PredictionError { cells, root_mean_square: (squares / cells as f64).sqrt(), largest })
}
