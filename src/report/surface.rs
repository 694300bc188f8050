//! A number over two swept numbers as a surface in space, in one panel or several that share their axes and colours, as one
//! figure with the table behind it.

use super::number_axis::NumberAxis;

/// One of the two axes of the floor.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceAxis {
    /// In words.
    pub title: String,
    /// Where the heights stand, strictly increasing or strictly decreasing; at least two.
    pub values: Vec<f64>,
    /// One label per value.
    pub labels: Vec<String>,
}

/// A red star on a surface, say at a chosen allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceMark {
    /// In the units of the axes.
    pub x: f64,
    pub y: f64,
    pub z: f64,
    /// Its name in the legend.
    pub label: String,
}

/// One surface.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfacePanel {
    /// Above the surface. Empty for a figure of one panel.
    pub title: String,
    /// Rows along y, columns along x; `None`: no run gave a number, the surface has a hole there.
    pub heights: Vec<Vec<Option<f64>>>,
    pub mark: Option<SurfaceMark>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfacePlot {
    pub title: String,
    pub x: SurfaceAxis,
    pub y: SurfaceAxis,
    /// What the heights and the colours stand for.
    pub z: NumberAxis,
    /// Side by side.
    pub panels: Vec<SurfacePanel>,
    /// Small print: study, seed, pack, n.
    pub footer: String,
}
