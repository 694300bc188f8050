//! `[[figure]]`: what is drawn after the run.

use super::PictureReference;

/// `[[figure]]`
#[derive(Debug, Clone, PartialEq)]
pub enum FigureSettings {
    /// A grid of pictures over one or two swept fields.
    ImageGrid {
        /// File name without extension.
        name: String,
        /// Swept field along the columns, say `radio.bit_error_probability`.
        x: String,
        /// Swept field along the rows; left out: one row per device.
        y: Option<String>,
        /// Whose pictures; `None`: one grid per device (or one row per device without `y`).
        device: Option<String>,
        title: Option<String>,
        /// Personas whose scores stand under each picture.
        scores: Vec<String>,
        /// Which reference's SSIM stands under each picture; `None`: none. Default: the first of `metrics_against`
        /// without `scores`, none with them.
        ssim_against: Option<PictureReference>,
    },
    /// Numbers of `requests.csv` over two swept fields as colours, one panel for each value of the other swept fields.
    HeatMap {
        /// File name without extension.
        name: String,
        /// Swept field along the columns.
        x: String,
        /// Swept field along the rows.
        y: String,
        /// Columns of `requests.csv`, one row of panels each; several only of QoE, which share their colours. Never
        /// empty. Default `["qoe"]`.
        value: Vec<String>,
        /// Whose numbers; `None`: one figure per device.
        device: Option<String>,
        title: Option<String>,
        /// Whether a star stands on the highest number of each row of panels. Default false.
        mark_maximum: bool,
    },
    /// How scores of the same picture scatter over answers, one panel per device and combination of swept fields.
    ScoreDistribution {
        /// File name without extension.
        name: String,
        /// Personas; never empty. Default: everybody in `judge.panel`.
        scores: Vec<String>,
        /// Whose pictures; `None`: every device's.
        device: Option<String>,
        title: Option<String>,
    },
}

impl FigureSettings {
    /// The swept fields along its axes.
    pub fn axes(&self) -> Vec<&String> {
        match self {
            Self::ImageGrid { x, y, .. } => std::iter::once(x).chain(y).collect(),
            Self::HeatMap { x, y, .. } => vec![x, y],
            Self::ScoreDistribution { .. } => Vec::new(),
        }
    }
}
