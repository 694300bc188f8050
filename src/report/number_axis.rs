//! What an axis of numbers is called and how it is divided, and lines drawn across it.

use super::axis_label::NumberStyle;

/// One axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberAxis {
    /// Column name in the table behind the figure, with its unit.
    pub name: String,
    /// In words.
    pub title: String,
    pub style: NumberStyle,
    /// Whether equal ratios, not equal differences, are equally long. Then all numbers must be positive.
    pub log: bool,
}

/// A dashed horizontal line at a number that means something, say a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceLine {
    /// In the unit of the y axis.
    pub value: f64,
    /// Its name in the legend: "Q_th = 0.6".
    pub label: String,
}
