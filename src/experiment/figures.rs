//! Figures of a study, drawn from its tables and picture files alone.

mod energy;
mod heat_maps;
mod image_grids;
mod rows;
mod score_distributions;
mod ssim_lines;

use std::path::Path;

use self::heat_maps::HeatMapWish;
use self::image_grids::GridWish;
use self::score_distributions::DistributionWish;
use crate::report::{PageFormat, ReportError, Table};
use crate::scenario::{FigureSettings, JudgeKind, Scenario};

/// What every figure of a study needs.
pub struct FigureSource<'a> {
    /// `requests.csv`.
    pub requests: &'a Table,
    /// `scores.csv`; `None` where nobody rates the pictures.
    pub scores: Option<&'a Table>,
    /// `runs.csv`.
    pub runs: &'a Table,
    /// Paths of the swept fields, the last varying fastest.
    pub swept: &'a [String],
    /// Folder that holds `images/`.
    pub folder: &'a Path,
    /// Small print under each figure.
    pub footer: String,
}

/// Writes below `figures/` what a scenario asks for, or a default figure over its last two swept fields; beside each
/// picture grid the SSIM of its pictures as lines, where that is shown and the x axis is a number; and the energy of all
/// points. Returns the PNG files below the folder.
pub fn write_figures(source: &FigureSource<'_>, scenario: &Scenario) -> Result<Vec<String>, ReportError> {
    let default: Vec<FigureSettings> = default_figure(source, scenario).into_iter().collect();
    let wanted: &[FigureSettings] = if scenario.figures.is_empty() { &default } else { &scenario.figures };
    let format = PageFormat::default();
    let mut written = Vec::new();
    let place = |file: &str| source.folder.join(file);
    for figure in wanted {
        match figure {
            FigureSettings::ImageGrid { name, x, y, device, title, scores, ssim_against } => {
                let wish = GridWish { x, y, device, title, scores, ssim_against: *ssim_against };
                for (suffix, grid) in image_grids::image_grids(source, scenario, &wish)? {
                    let file = format!("figures/{name}{suffix}");
                    grid.write(&place(&file), &format)?;
                    written.push(format!("{file}.png"));
                }
                let lines = ssim_against.and_then(|against| ssim_lines::ssim_lines(source, scenario, x, against));
                if let Some(lines) = lines {
                    let file = format!("figures/{name}_ssim");
                    lines.write(&place(&file), &format)?;
                    written.push(format!("{file}.png"));
                }
            }
            FigureSettings::HeatMap { name, x, y, value, device, title, mark_maximum } => {
                let wish = HeatMapWish { x, y, value, device, title, mark_maximum: *mark_maximum };
                for (suffix, map) in heat_maps::heat_maps(source, scenario, &wish) {
                    let file = format!("figures/{name}{suffix}");
                    map.write(&place(&file), &format)?;
                    written.push(format!("{file}.png"));
                }
            }
            FigureSettings::ScoreDistribution { name, scores, device, title } => {
                let wish = DistributionWish { scores, device, title };
                let file = format!("figures/{name}");
                score_distributions::score_distribution(source, scenario, &wish)?.write(&place(&file), &format)?;
                written.push(format!("{file}.png"));
            }
        }
    }
    let bars = energy::ledger_bars(source, scenario);
    bars.write(&place("figures/energy"), &format)?;
    written.push("figures/energy.png".to_owned());
    Ok(written)
}

/// The figure of a scenario without `[[figure]]`: pictures with their users' scores; without pictures, the users' QoE as
/// a heat map where two fields are swept.
fn default_figure(source: &FigureSource<'_>, scenario: &Scenario) -> Option<FigureSettings> {
    let mut fields = source.swept.iter().rev().cloned();
    let (x, y) = (fields.next(), fields.next());
    if matches!(scenario.judge.kind, JudgeKind::Surface(_)) {
        return Some(FigureSettings::HeatMap {
            name: "qoe".to_owned(),
            x: x?,
            y: y?,
            value: vec!["qoe".to_owned()],
            device: None,
            title: None,
            mark_maximum: false,
        });
    }
    let mut scores: Vec<String> = Vec::new();
    if scenario.judge.kind != JudgeKind::None {
        // Of all points: who a user is may be swept.
        let requests = rows::Rows(source.requests);
        for row in source.requests.rows().iter().filter(|row| requests.text(row, "replication") == "0") {
            rows::position(&mut scores, requests.text(row, "persona"));
        }
    }
    Some(FigureSettings::ImageGrid {
        name: "pictures".to_owned(),
        x: x.unwrap_or_else(|| "device".to_owned()),
        y,
        device: None,
        title: None,
        scores,
        ssim_against: scenario.diffusion.metrics_against.first().copied(),
    })
}
