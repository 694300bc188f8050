//! Single observations of two numbers against each other, as one figure with the table behind it.

use super::number_axis::{NumberAxis, ReferenceLine};

/// Marks of one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterSeries {
    pub name: String,
    /// x and y of each observation.
    pub points: Vec<(f64, f64)>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterPlot {
    pub title: String,
    pub x: NumberAxis,
    pub y: NumberAxis,
    pub series: Vec<ScatterSeries>,
    /// Drawn across the plot, and named in the legend.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print: study, seed, pack, n.
    pub footer: String,
}
