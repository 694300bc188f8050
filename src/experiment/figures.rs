//! Figures of a study, drawn from its CSV files and pictures alone.
//!
//! ```text
//!  requests.csv  runs.csv  scores.csv  images/      scenario: [[figure]] …, or the default figure
//!        └──────────┴─────────┴──────────┘                    │
//!                columns, rows                                ▼
//!                      └───────────────────────────────► Drawing ─► figures/NAME.png .svg .csv
//!                                                                   figures/README.md
//! ```

pub mod columns;
pub mod comparison;
mod default_figures;
mod distributions;
mod drawing;
mod energy;
mod heat_maps;
mod image_grids;
mod labels;
mod lines;
mod live_timelines;
mod plane;
mod readme;
pub mod results;
mod rows;
mod run_intervals;
mod score_distributions;
mod surfaces;
mod timelines;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::drawing::{Drawing, drawings};
use crate::report::{PageFormat, ReferenceLine, ReportError};
use crate::scenario::{Coordinate, ENERGY, FigureSettings, PageSettings, Scenario};

/// A results folder to draw from. Everything comes from its CSV files and pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureSource {
    pub folder: PathBuf,
    /// Paths of the swept fields, the last varying fastest.
    pub swept: Vec<String>,
    /// Small print under each figure.
    pub footer: String,
}

/// A figure that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnFigure {
    /// As `[[figure]]` or the program names it.
    pub name: String,
    /// Its files without extension: the name, and what tells it from others of that name.
    pub file: String,
}

/// Writes below `figures/` what a scenario asks for, or a default figure over its last two swept fields; beside each
/// picture grid the SSIM of its pictures as lines, where that is shown and the x axis is a number; the energy of all
/// points, where it has a page's length; and a list of these. Returns the PNG files below the folder.
///
/// # Errors
/// [`ReportError`]: tables or pictures that cannot be read, columns that are not there, nothing to draw.
pub fn write_figures(source: &FigureSource, scenario: &Scenario) -> Result<Vec<String>, ReportError> {
    let drawn = draw_into(&source.folder.join("figures"), source, scenario, None, &command_in_place)?;
    Ok(drawn.into_iter().map(|figure| format!("figures/{}.png", figure.file)).collect())
}

/// What draws a figure again, given in the results folder.
pub fn command_in_place(name: &str) -> String {
    format!("latentlink plot . --figure {name}")
}

/// As [`write_figures`], into `place` itself, and `only` the figure of that name. `command` says what draws a figure
/// again.
///
/// # Errors
/// Those of [`write_figures`].
pub fn draw_into(
    place: &Path,
    source: &FigureSource,
    scenario: &Scenario,
    only: Option<&str>,
    command: &dyn Fn(&str) -> String,
) -> Result<Vec<DrawnFigure>, ReportError> {
    let write = |figure: &str, suffix: &str, drawing: &Drawing, page: &PageSettings| {
        let file = format!("{figure}{suffix}");
        drawing.write(&place.join(&file), &page_format(page))?;
        Ok::<DrawnFigure, ReportError>(DrawnFigure { name: figure.to_owned(), file })
    };
    let mut drawn = Vec::new();
    let is_wanted = |name: &str| only.is_none_or(|only| only == name);
    for figure in figures_of(source, scenario)?.iter().filter(|figure| is_wanted(&figure.name)) {
        // Setting the text and packing the picture takes the time: side by side.
        let of_figure: Vec<Result<DrawnFigure, ReportError>> = drawings(source, scenario, figure)?
            .par_iter()
            .map(|(suffix, drawing)| write(&figure.name, suffix, drawing, &figure.page))
            .collect();
        drawn.extend(of_figure.into_iter().collect::<Result<Vec<_>, _>>()?);
    }
    if is_wanted(ENERGY)
        && let Some(bars) = energy::ledger_bars(source, scenario)?
    {
        drawn.push(write(ENERGY, "", &Drawing::LedgerBars(bars), &PageSettings::default())?);
    }
    readme::write_readme(place, &drawn, command)?;
    Ok(drawn)
}

/// The names of all figures that [`draw_into`] draws.
///
/// # Errors
/// Those of reading the tables.
pub fn figure_names(source: &FigureSource, scenario: &Scenario) -> Result<Vec<String>, ReportError> {
    let figures = figures_of(source, scenario)?;
    Ok(figures.into_iter().map(|figure| figure.name).chain([ENERGY.to_owned()]).collect())
}

/// What a scenario asks for, or the default.
fn figures_of(source: &FigureSource, scenario: &Scenario) -> Result<Vec<FigureSettings>, ReportError> {
    match scenario.figures.is_empty() {
        true => Ok(default_figures::default_figure(source, scenario)?.into_iter().collect()),
        false => Ok(scenario.figures.clone()),
    }
}

fn page_format(page: &PageSettings) -> PageFormat {
    PageFormat { dots_per_inch: page.dots_per_inch, width_mm: page.width_mm }
}

fn base_title(scenario: &Scenario, figure: &FigureSettings) -> String {
    figure.title.clone().unwrap_or_else(|| scenario.study.name.clone())
}

/// The small print under a figure, with the device and the values that it keeps to.
fn footer_with(source: &FigureSource, device: Option<&String>, at: &[Coordinate]) -> String {
    let settings = at.iter().map(|coordinate| labels::setting_label(&coordinate.path, &coordinate.value.to_string()));
    [source.footer.clone()].into_iter().chain(device.cloned()).chain(settings).collect::<Vec<_>>().join(" · ")
}

/// Q_th across a plot of QoE, where it is asked for.
fn threshold_line(scenario: &Scenario, is_wanted: bool) -> Vec<ReferenceLine> {
    let line = ReferenceLine { value: scenario.judge.qoe_threshold, label: threshold_label(scenario) };
    if is_wanted { vec![line] } else { Vec::new() }
}

fn threshold_label(scenario: &Scenario) -> String {
    format!("Q_th = {}", scenario.judge.qoe_threshold)
}
