//! From a `[[figure]]` to what is drawn.

use std::path::Path;

use super::{
    FigureSource, distributions, heat_maps, image_grids, lines, live_timelines, score_distributions, surfaces,
    timelines,
};
use crate::report::{
    BoxPlot, CdfPlot, HeatMap, ImageGrid, LedgerBars, LinePlot, PageFormat, ReportError, ScatterPlot,
    ScoreDistribution, SurfacePlot, Timeline,
};
use crate::scenario::{FigureKind, FigureSettings, Scenario};

/// A figure with all its numbers.
pub(super) enum Drawing {
    ImageGrid(ImageGrid),
    HeatMap(HeatMap),
    ScoreDistribution(ScoreDistribution),
    Lines(LinePlot),
    Surface(SurfacePlot),
    Scatter(ScatterPlot),
    Cdf(CdfPlot),
    Boxes(BoxPlot),
    Timeline(Timeline),
    LedgerBars(LedgerBars),
}

impl Drawing {
    /// Writes the picture, as pixels and as vectors, and the numbers behind it.
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        match self {
            Self::ImageGrid(grid) => grid.write(path_without_extension, format),
            Self::HeatMap(map) => map.write(path_without_extension, format),
            Self::ScoreDistribution(scores) => scores.write(path_without_extension, format),
            Self::Lines(plot) => plot.write(path_without_extension, format),
            Self::Surface(plot) => plot.write(path_without_extension, format),
            Self::Scatter(plot) => plot.write(path_without_extension, format),
            Self::Cdf(plot) => plot.write(path_without_extension, format),
            Self::Boxes(plot) => plot.write(path_without_extension, format),
            Self::Timeline(timeline) => timeline.write(path_without_extension, format),
            Self::LedgerBars(bars) => bars.write(path_without_extension, format),
        }
    }
}

/// What one `[[figure]]` asks for, each with the part of its file name that tells it from the others.
pub(super) fn drawings(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
) -> Result<Vec<(String, Drawing)>, ReportError> {
    let alone = |drawing: Drawing| vec![(String::new(), drawing)];
    Ok(match &figure.kind {
        FigureKind::ImageGrid(wish) => {
            let mut drawn = named(image_grids::image_grids(source, scenario, figure, wish)?, Drawing::ImageGrid);
            if let Some(against) = wish.ssim_against
                && let Some(plot) = lines::ssim_lines(source, scenario, &wish.x, against)?
            {
                drawn.push(("_ssim".to_owned(), Drawing::Lines(plot)));
            }
            drawn
        }
        FigureKind::HeatMap(wish) => named(heat_maps::heat_maps(source, scenario, figure, wish)?, Drawing::HeatMap),
        FigureKind::ScoreDistribution { scores } => alone(Drawing::ScoreDistribution(
            score_distributions::score_distribution(source, scenario, figure, scores)?,
        )),
        FigureKind::Line(wish) => named(lines::lines(source, scenario, figure, wish)?, Drawing::Lines),
        FigureKind::Surface(wish) => named(surfaces::surfaces(source, scenario, figure, wish)?, Drawing::Surface),
        FigureKind::Scatter(wish) => alone(Drawing::Scatter(distributions::scatter(source, scenario, figure, wish)?)),
        FigureKind::Cdf(wish) => alone(Drawing::Cdf(distributions::cdf(source, scenario, figure, wish)?)),
        FigureKind::Box(wish) => alone(Drawing::Boxes(distributions::boxes(source, scenario, figure, wish)?)),
        FigureKind::Timeline(wish) => {
            let draw = if scenario.demand.is_some() { live_timelines::timeline } else { timelines::timeline };
            alone(Drawing::Timeline(draw(source, scenario, figure, wish)?))
        }
    })
}

fn named<T>(drawn: Vec<(String, T)>, wrap: fn(T) -> Drawing) -> Vec<(String, Drawing)> {
    drawn.into_iter().map(|(suffix, drawing)| (suffix, wrap(drawing))).collect()
}
