//! Which part of the observations is at most so large: empirical distribution functions, as one figure with the table
//! behind it.

use super::number_axis::NumberAxis;

/// The observations behind one step function.
#[derive(Debug, Clone, PartialEq)]
pub struct CdfSeries {
    pub name: String,
    /// In any order.
    pub observations: Vec<f64>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct CdfPlot {
    pub title: String,
    pub x: NumberAxis,
    pub series: Vec<CdfSeries>,
    /// Small print: study, seed, pack.
    pub footer: String,
}
