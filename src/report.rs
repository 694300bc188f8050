//! What a study leaves behind: tables, a manifest and figures.
//!
//! Everything here takes plain data: numbers, labels and pictures. It knows nothing of simulations, so that every figure
//! can be drawn again from the table behind it.

pub mod axis_label;
pub mod axis_scale;
pub mod canvas;
pub mod durable_file;
pub mod fonts;
pub mod image_grid;
pub mod ledger_bars;
pub mod line_plot;
pub mod manifest;
pub mod table;

pub use durable_file::ReportError;
pub use image_grid::ImageGrid;
pub use ledger_bars::LedgerBars;
pub use line_plot::LinePlot;
pub use manifest::Manifest;
pub use table::{Cell, Column, Table};
