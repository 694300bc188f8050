//! A population of users: Big Five vectors drawn from a normal distribution that is cut off at [0, 1]⁵, or people
//! listed in a file.

mod people_file;
mod symmetric_eigen;

use miette::Diagnostic;
use rand_distr::{Distribution, StandardNormal};
use thiserror::Error;

use self::symmetric_eigen::eigen_of_symmetric;
use super::persona::{Persona, TRAIT_NAMES};
use crate::random::StreamKey;

pub use people_file::{PeopleFileError, read_people};

/// How far the traits of a population spread about their means, before they are cut off.
#[derive(Debug, Clone, PartialEq)]
pub enum Spread {
    /// Of each trait, in the order of [`TRAIT_NAMES`]; the traits are independent.
    StandardDeviation([f64; 5]),
    /// Rows and columns in the order of [`TRAIT_NAMES`].
    Covariance([[f64; 5]; 5]),
}

/// Traits from N(mean, covariance), given that all five lie in [0, 1].
///
/// Mean and covariance are those of the whole normal distribution; what is left inside [0, 1]⁵ has a mean nearer to
/// the middle and spreads less.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalPopulation {
    mean: [f64; 5],
    spread: Spread,
    /// F with F·Fᵀ = covariance; row after row.
    factor: [[f64; 5]; 5],
}

/// Why a population cannot be drawn from.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum PopulationError {
    /// A mean outside [0, 1], or not a number.
    #[error("the mean of {trait_name} is {value}, which is outside [0, 1]")]
    #[diagnostic(help("a trait is a number from 0 (absent) to 1 (as strong as it gets)"))]
    Mean { trait_name: &'static str, value: f64 },
    /// A standard deviation that is negative or not finite.
    #[error("the standard deviation of {trait_name} is {value}")]
    #[diagnostic(help("a standard deviation is a number of at least 0"))]
    StandardDeviation { trait_name: &'static str, value: f64 },
    /// An entry that is not finite.
    #[error("the covariance of {row} and {column} is {value}")]
    #[diagnostic(help("a covariance is a finite number"))]
    CovarianceEntry { row: &'static str, column: &'static str, value: f64 },
    /// An entry that differs from its mirror image.
    #[error("the covariance is not symmetric: {row} with {column} is {value}, {column} with {row} is {mirrored}")]
    #[diagnostic(help("write the same number above and below the diagonal"))]
    NotSymmetric { row: &'static str, column: &'static str, value: f64, mirrored: f64 },
    /// No random vector has this covariance.
    #[error("the covariance is not positive semi-definite: its smallest eigenvalue is {eigenvalue:.3e}")]
    #[diagnostic(help(
        "no five traits vary like this: a covariance is at most the product of the two standard deviations, and what \
         correlates strongly with one and the same trait correlates with each other; make the entries off the diagonal \
         smaller"
    ))]
    NotPositiveSemiDefinite { eigenvalue: f64 },
    /// Drawing and rejecting would take forever.
    #[error("fewer than one draw in {TRIES_PER_ACCEPTED} has all five traits in [0, 1]")]
    #[diagnostic(help("make the spread smaller: a standard deviation of 0.2 covers most of the range"))]
    HardlyAnyoneInside,
}

/// Draws that are tried before a population is refused, for each that must be inside.
const TRIES_PER_ACCEPTED: u32 = 10_000;
/// Draws that must be inside before a population is accepted.
const ACCEPTED: u32 = 5;
/// Part of the largest eigenvalue by which rounding may push others below zero.
const ROUNDING: f64 = 1e-12;

impl NormalPopulation {
    /// # Errors
    /// A mean outside [0, 1], a spread that is none, or one so wide that hardly any draw falls into [0, 1]⁵.
    pub fn new(mean: [f64; 5], spread: Spread) -> Result<Self, PopulationError> {
        if let Some(index) = mean.iter().position(|value| !(0.0..=1.0).contains(value)) {
            return Err(PopulationError::Mean { trait_name: TRAIT_NAMES[index], value: mean[index] });
        }
        let factor = match &spread {
            Spread::StandardDeviation(deviations) => diagonal(deviations)?,
            Spread::Covariance(covariance) => factor_of(covariance)?,
        };
        let population = Self { mean, spread, factor };
        let probe = StreamKey::new(0, 0, "population", "probe");
        let mut normals = Normals::of(&probe);
        let tries = TRIES_PER_ACCEPTED * ACCEPTED;
        let inside = (0..tries).filter_map(|_| population.attempt(&mut normals)).take(ACCEPTED as usize).count();
        if inside < ACCEPTED as usize {
            return Err(PopulationError::HardlyAnyoneInside);
        }
        Ok(population)
    }

    /// Mean of each trait before the cut, in the order of [`TRAIT_NAMES`].
    pub fn mean(&self) -> [f64; 5] {
        self.mean
    }

    /// Spread before the cut.
    pub fn spread(&self) -> &Spread {
        &self.spread
    }

    /// One person, by rejection: the first draw of the stream whose traits all lie in [0, 1].
    pub fn draw(&self, stream: &StreamKey) -> Persona {
        let mut normals = Normals::of(stream);
        // `new` has seen several draws inside among 50,000, so that this many in a row outside do not happen
        (0..10_000 * TRIES_PER_ACCEPTED)
            .find_map(|_| self.attempt(&mut normals))
            .expect("a population that was accepted has people in it")
    }

    /// The next draw, if it lies inside.
    fn attempt(&self, normals: &mut Normals) -> Option<Persona> {
        let standard: [f64; 5] = std::array::from_fn(|_| normals.next());
        let traits = std::array::from_fn(|row| {
            let deviation: f64 = self.factor[row].iter().zip(standard).map(|(factor, value)| factor * value).sum();
            settled(self.mean[row] + deviation)
        });
        Persona::new(traits).ok()
    }
}

/// A value that rounding alone has pushed past a bound lies on it.
fn settled(value: f64) -> f64 {
    let inside = value.clamp(0.0, 1.0);
    if (inside - value).abs() < 1e-12 { inside } else { value }
}

struct Normals(rand_chacha::ChaCha8Rng);

impl Normals {
    fn of(stream: &StreamKey) -> Self {
        Self(stream.rng())
    }

    fn next(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }
}

fn diagonal(deviations: &[f64; 5]) -> Result<[[f64; 5]; 5], PopulationError> {
    let mut factor = [[0.0; 5]; 5];
    for (index, &value) in deviations.iter().enumerate() {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(PopulationError::StandardDeviation { trait_name: TRAIT_NAMES[index], value });
        }
        factor[index][index] = value;
    }
    Ok(factor)
}

/// V·√Λ of covariance = V·Λ·Vᵀ; it also exists where a trait does not vary or follows from others, unlike Cholesky's.
fn factor_of(covariance: &[[f64; 5]; 5]) -> Result<[[f64; 5]; 5], PopulationError> {
    for row in 0..5 {
        for column in 0..5 {
            let (value, mirrored) = (covariance[row][column], covariance[column][row]);
            let (row_name, column_name) = (TRAIT_NAMES[row], TRAIT_NAMES[column]);
            if !value.is_finite() {
                return Err(PopulationError::CovarianceEntry { row: row_name, column: column_name, value });
            }
            if column < row && (value - mirrored).abs() > 1e-12 * value.abs().max(mirrored.abs()) {
                return Err(PopulationError::NotSymmetric { row: row_name, column: column_name, value, mirrored });
            }
        }
    }
    let (eigenvalues, vectors) = eigen_of_symmetric(covariance);
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    let smallest = eigenvalues.iter().copied().fold(f64::INFINITY, f64::min);
    if smallest < -ROUNDING * largest.max(f64::MIN_POSITIVE) {
        return Err(PopulationError::NotPositiveSemiDefinite { eigenvalue: smallest });
    }
    Ok(std::array::from_fn(|row| {
        std::array::from_fn(|column| vectors[row][column] * eigenvalues[column].max(0.0).sqrt())
    }))
}
