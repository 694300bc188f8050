//! A measured surface: quality of experience as a judge of pictures gave it at the points of a sweep, and in between.
//!
//! ```text
//!  inputs ─┬─ similarity ───────────► the measured ones on either side, linear in between
//!          ├─ persona ──────────────► each measured persona, weighted by 1 / distance² in the five traits
//!          ├─ t0 ─┐
//!          ├─ t_k ├─────────────────► the eight corners of their cell, multilinear
//!          └─ p ──┘
//! ```
//!
//! Beyond the measured range the nearest measured value holds. Every weight is at least 0 and all add up to 1: what is between
//! measured values is between them in quality, and nothing rises where they fall. The bit error probability is interpolated as
//! it is, not in its logarithm: the bits that flip are proportional to it, and 0 is one of its values.

pub mod axis;
pub mod file;
pub mod leave_one_out;

use std::collections::HashMap;

use rand_distr::{Distribution, StandardNormal};

use super::persona::{NamedPersona, Persona};
use super::surface::SurfaceInputs;
use crate::random::StreamKey;
use axis::Axis;

/// One cell of a surface: what a persona gave pictures of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceRow {
    /// Cosine similarity of the device's prompt to that of the shared steps.
    pub similarity: f64,
    pub persona: NamedPersona,
    /// Steps on the server, at least 1.
    pub t0: u32,
    /// Steps on the device.
    pub tk: u32,
    /// In [0, ½].
    pub bit_error_probability: f64,
    /// Mean quality of experience over pictures, in [0, 1].
    pub quality: f64,
    /// Of that mean; `None` where there is but one picture.
    pub standard_error: Option<f64>,
    /// Pictures.
    pub pictures: u32,
}

/// Why rows are no surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SurfaceFault {
    /// There are none.
    Nothing,
    /// The grid has a cell that no row is of, which is named.
    Missing { cell: String },
    /// The row with this index is of a cell that an earlier one is of.
    Twice { row: usize, cell: String },
}

/// Mean quality of experience on a whole grid.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredSurface {
    personas: Vec<NamedPersona>,
    /// Similarity, t0, t_k and bit error probability.
    axes: [Axis; 4],
    /// By similarity, persona, t0, t_k and bit error probability, the last fastest.
    qualities: Vec<f64>,
    /// Standard deviation over pictures, in the same order; `None` where a cell has but one.
    deviations: Option<Vec<f64>>,
}

impl MeasuredSurface {
    /// The surface through all rows, which come in any order.
    ///
    /// # Errors
    /// [`SurfaceFault`] where a cell of the grid that they span lacks, or is there twice.
    pub fn new(rows: &[SurfaceRow]) -> Result<Self, SurfaceFault> {
        let mut personas: Vec<NamedPersona> = Vec::new();
        for row in rows {
            if personas.iter().all(|known| known.persona != row.persona.persona) {
                personas.push(row.persona.clone());
            }
        }
        let axes = [
            Axis::of(rows.iter().map(|row| row.similarity)),
            Axis::of(rows.iter().map(|row| row.t0.into())),
            Axis::of(rows.iter().map(|row| row.tk.into())),
            Axis::of(rows.iter().map(|row| row.bit_error_probability)),
        ];
        let count = personas.len() * axes.iter().map(Axis::len).product::<usize>();
        if count == 0 {
            return Err(SurfaceFault::Nothing);
        }
        let mut surface = Self { personas, axes, qualities: Vec::new(), deviations: None };
        let places: HashMap<[u64; 5], usize> =
            surface.personas.iter().enumerate().map(|(place, known)| (bits(&known.persona), place)).collect();
        let mut cells: Vec<Option<&SurfaceRow>> = vec![None; count];
        for (index, row) in rows.iter().enumerate() {
            let numbers = [row.similarity, row.t0.into(), row.tk.into(), row.bit_error_probability];
            let mut at = [0; 4];
            for ((place, axis), number) in at.iter_mut().zip(&surface.axes).zip(numbers) {
                *place = axis.index(number).expect("the axis is made of the rows");
            }
            let cell = surface.cell(places[&bits(&row.persona.persona)], at);
            if cells[cell].replace(row).is_some() {
                return Err(SurfaceFault::Twice { row: index, cell: surface.name(cell) });
            }
        }
        if let Some(missing) = cells.iter().position(Option::is_none) {
            return Err(SurfaceFault::Missing { cell: surface.name(missing) });
        }
        let cells = || cells.iter().flatten();
        surface.qualities = cells().map(|row| row.quality).collect();
        surface.deviations = cells().map(|row| Some(row.standard_error? * f64::from(row.pictures).sqrt())).collect();
        Ok(surface)
    }

    /// Q in [0, 1].
    pub fn quality_of_experience(&self, inputs: &SurfaceInputs) -> f64 {
        self.between(&self.qualities, inputs).clamp(0.0, 1.0)
    }

    /// Q with the scatter that was measured between pictures: N(Q, σ²), clipped to [0, 1]; σ is interpolated as Q is. The
    /// expectation where there is no scatter.
    pub fn noisy_quality_of_experience(&self, inputs: &SurfaceInputs, seed: &StreamKey) -> f64 {
        let quality = self.quality_of_experience(inputs);
        let Some(deviations) = &self.deviations else { return quality };
        let standard: f64 = StandardNormal.sample(&mut seed.rng());
        (quality + self.between(deviations, inputs) * standard).clamp(0.0, 1.0)
    }

    /// Whether the scatter between pictures is known in every cell.
    pub fn has_scatter(&self) -> bool {
        self.deviations.is_some()
    }

    /// Who rated, in the order of the rows.
    pub fn personas(&self) -> &[NamedPersona] {
        &self.personas
    }

    /// Similarities, t0, t_k and bit error probabilities, each ascending.
    pub fn axes(&self) -> [&[f64]; 4] {
        self.axes.each_ref().map(Axis::values)
    }

    /// Q of all cells, and their scatter, for whoever compares two surfaces.
    pub fn values(&self) -> (&[f64], Option<&[f64]>) {
        (&self.qualities, self.deviations.as_deref())
    }

    fn between(&self, values: &[f64], inputs: &SurfaceInputs) -> f64 {
        let numbers = [inputs.similarity, inputs.t0.into(), inputs.tk.into(), inputs.bit_error_probability];
        let mut places = [axis::Place::default(); 4];
        for ((place, axis), number) in places.iter_mut().zip(&self.axes).zip(numbers) {
            *place = axis.place(number);
        }
        let of_persona = |persona: usize| {
            let mut sum = 0.0;
            for corner in 0..16_usize {
                let ends: [(usize, f64); 4] = std::array::from_fn(|axis| places[axis].end(corner >> axis & 1 == 1));
                let weight: f64 = ends.iter().map(|end| end.1).product();
                if weight > 0.0 {
                    sum += weight * values[self.cell(persona, ends.map(|end| end.0))];
                }
            }
            sum
        };
        weighted(&inputs.persona, self.personas.iter().map(|known| &known.persona), of_persona)
    }

    /// Index of a cell: of a persona, and of similarity, t0, t_k and bit error probability.
    fn cell(&self, persona: usize, [similarity, t0, tk, errors]: [usize; 4]) -> usize {
        let [_, t0s, tks, probabilities] = self.axes.each_ref().map(Axis::len);
        (((similarity * self.personas.len() + persona) * t0s + t0) * tks + tk) * probabilities + errors
    }

    /// The reverse of [`MeasuredSurface::cell`].
    fn places(&self, cell: usize) -> (usize, [usize; 4]) {
        let [_, t0s, tks, probabilities] = self.axes.each_ref().map(Axis::len);
        let (rest, errors) = (cell / probabilities, cell % probabilities);
        let (rest, tk) = (rest / tks, rest % tks);
        let (rest, t0) = (rest / t0s, rest % t0s);
        (rest % self.personas.len(), [rest / self.personas.len(), t0, tk, errors])
    }

    /// A cell in words.
    fn name(&self, cell: usize) -> String {
        let (persona, at) = self.places(cell);
        let [similarity, t0, tk, errors] = std::array::from_fn(|axis| self.axes[axis].values()[at[axis]]);
        format!(
            "similarity {similarity}, {}, t0 = {t0}, t_k = {tk}, bit error probability {errors}",
            self.personas[persona].name
        )
    }
}

/// The mean of what measured personas say, by the inverse square of their distance; of somebody who was measured, what they say.
fn weighted<'p>(
    asked: &Persona,
    measured: impl Iterator<Item = &'p Persona>,
    mut value: impl FnMut(usize) -> f64,
) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (index, persona) in measured.enumerate() {
        let differences = asked.traits().into_iter().zip(persona.traits()).map(|(one, other)| (one - other).powi(2));
        let squared: f64 = differences.sum();
        if squared == 0.0 {
            return value(index);
        }
        sum += value(index) / squared;
        weights += 1.0 / squared;
    }
    sum / weights
}

/// Traits are never −0 or NaN: equal ones have equal bits.
fn bits(persona: &Persona) -> [u64; 5] {
    persona.traits().map(f64::to_bits)
}
