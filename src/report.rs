//! What a study leaves behind: tables, a manifest and figures.
//!
//! Everything here takes plain data: numbers, labels and pictures. It knows nothing of simulations, so that every figure
//! can be drawn again from the table behind it.

pub mod axis_label;
pub mod axis_scale;
pub mod box_plot;
pub mod canvas;
pub mod chrome_trace;
pub mod colour_map;
mod colour_scale;
pub mod contour;
pub mod density;
pub mod durable_file;
pub mod empirical_cdf;
pub mod fonts;
mod hatching;
pub mod heat_map;
pub mod image_grid;
pub mod interval_plot;
pub mod learning_curves;
pub mod ledger_bars;
mod legend;
pub mod line_plot;
pub mod manifest;
pub mod number_axis;
pub mod page_format;
mod plot_frame;
pub mod scatter;
pub mod score_distribution;
pub mod series_look;
mod star;
pub mod surface;
pub mod table;
pub mod text_look;
pub mod timeline;

pub use box_plot::BoxPlot;
pub use durable_file::ReportError;
pub use empirical_cdf::CdfPlot;
pub use heat_map::HeatMap;
pub use image_grid::ImageGrid;
pub use interval_plot::IntervalPlot;
pub use learning_curves::LearningCurves;
pub use ledger_bars::LedgerBars;
pub use line_plot::LinePlot;
pub use manifest::Manifest;
pub use number_axis::{NumberAxis, ReferenceLine};
pub use page_format::PageFormat;
pub use scatter::ScatterPlot;
pub use score_distribution::ScoreDistribution;
pub use surface::SurfacePlot;
pub use table::{Cell, Column, Table};
pub use timeline::Timeline;
