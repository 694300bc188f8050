//! How observations spread, as boxes from quartile to quartile, side by side in groups, as one figure with the table
//! behind it.

use super::number_axis::{NumberAxis, ReferenceLine};

/// The observations behind one box.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSeries {
    /// Boxes of one name have one colour in all groups.
    pub name: String,
    /// In any order.
    pub observations: Vec<f64>,
}

/// Boxes over one label of the x axis.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxGroup {
    pub label: String,
    pub boxes: Vec<BoxSeries>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxPlot {
    pub title: String,
    pub x_title: String,
    pub y: NumberAxis,
    pub groups: Vec<BoxGroup>,
    /// Drawn across the plot, and named in the legend.
    pub reference_lines: Vec<ReferenceLine>,
    /// Small print: study, seed, pack.
    pub footer: String,
}
