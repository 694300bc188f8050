//! Figures of a study, drawn from its tables and picture files alone.

mod energy;
mod image_grids;
mod ssim_lines;

use std::path::Path;

use self::image_grids::GridWish;
use crate::report::{ReportError, Table};
use crate::scenario::{FigureSettings, PictureReference, Scenario};

/// What every figure of a study needs.
pub struct FigureSource<'a> {
    /// `requests.csv`.
    pub requests: &'a Table,
    /// `runs.csv`.
    pub runs: &'a Table,
    /// Paths of the swept fields, the last varying fastest.
    pub swept: &'a [String],
    /// Folder that holds `images/`.
    pub folder: &'a Path,
    /// Small print under each figure.
    pub footer: String,
}

/// Writes below `figures/` the picture grids that a scenario asks for, or one over its last two swept fields; beside
/// each, the SSIM of its pictures as lines where the x axis is a number; and the energy of all points. Returns the PNG
/// files below the folder.
pub fn write_figures(source: &FigureSource<'_>, scenario: &Scenario) -> Result<Vec<String>, ReportError> {
    let default = [default_grid(source, scenario)];
    let wanted: &[FigureSettings] = if scenario.figures.is_empty() { &default } else { &scenario.figures };
    let mut written = Vec::new();
    for FigureSettings::ImageGrid { name, x, y, device, title, ssim_against } in wanted {
        for (suffix, grid) in
            image_grids::image_grids(source, scenario, &GridWish { x, y, device, title, ssim_against: *ssim_against })?
        {
            let file = format!("figures/{name}{suffix}");
            grid.write(&source.folder.join(&file))?;
            written.push(format!("{file}.png"));
        }
        if let Some(lines) = ssim_lines::ssim_lines(source, scenario, x, *ssim_against) {
            let file = format!("figures/{name}_ssim");
            lines.write(&source.folder.join(&file))?;
            written.push(format!("{file}.png"));
        }
    }
    let bars = energy::ledger_bars(source, scenario);
    bars.write(&source.folder.join("figures/energy"))?;
    written.push("figures/energy.png".to_owned());
    Ok(written)
}

/// The picture grid of a scenario without `[[figure]]`.
fn default_grid(source: &FigureSource<'_>, scenario: &Scenario) -> FigureSettings {
    let mut fields = source.swept.iter().rev().cloned();
    FigureSettings::ImageGrid {
        name: "pictures".to_owned(),
        x: fields.next().unwrap_or_else(|| "device".to_owned()),
        y: fields.next(),
        device: None,
        title: None,
        ssim_against: scenario.diffusion.metrics_against.first().copied().unwrap_or(PictureReference::ErrorFree),
    }
}
