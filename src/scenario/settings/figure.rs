//! `[[figure]]`: what is drawn after the run.

use super::PictureReference;
use crate::scenario::Coordinate;

/// `[[figure]]`
#[derive(Debug, Clone, PartialEq)]
pub struct FigureSettings {
    /// File name without extension.
    pub name: String,
    pub title: Option<String>,
    /// Whose pictures or numbers; `None`: everybody's, in one figure or one each, as the kind has it.
    pub device: Option<String>,
    pub page: PageSettings,
    pub kind: FigureKind,
}

/// How large and how fine a figure is, whatever its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageSettings {
    /// Printed width [mm]; `None`: what the figure takes at its natural size.
    pub width_mm: Option<f64>,
    /// Pixels in an inch of print. Default 144.
    pub dots_per_inch: f64,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self { width_mm: None, dots_per_inch: 144.0 }
    }
}

/// What a figure shows.
#[derive(Debug, Clone, PartialEq)]
pub enum FigureKind {
    /// A grid of pictures over one or two swept fields.
    ImageGrid(ImageGridSettings),
    /// Numbers over two swept fields as colours, one panel for each value of the other swept fields.
    HeatMap(HeatMapSettings),
    /// How scores of the same picture scatter over answers, one panel per device and combination of swept fields, for
    /// these personas; never empty. Default: everybody in `judge.panel`.
    ScoreDistribution { scores: Vec<String> },
    /// Means over a swept number as lines, with 95 % intervals.
    Line(LineSettings),
    /// A number over two swept numbers as a surface in three dimensions.
    Surface(SurfacePlotSettings),
    /// Two numbers of each request or run against each other.
    Scatter(ScatterSettings),
    /// How a number is distributed over requests or runs.
    Cdf(CdfSettings),
    /// Medians, quartiles and outliers over a swept field.
    Box(BoxSettings),
    /// Who does what when in one run.
    Timeline(TimelineSettings),
}

/// `kind = "image_grid"`
#[derive(Debug, Clone, PartialEq)]
pub struct ImageGridSettings {
    /// Swept field along the columns, say `radio.bit_error_probability`.
    pub x: String,
    /// Swept field along the rows; left out: one row per device.
    pub y: Option<String>,
    /// Personas whose scores stand under each picture.
    pub scores: Vec<String>,
    /// Which reference's SSIM stands under each picture; `None`: none. Default: the first of `metrics_against`
    /// without `scores`, none with them.
    pub ssim_against: Option<PictureReference>,
}

/// `kind = "heat_map"`
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMapSettings {
    /// Swept field along the columns.
    pub x: String,
    /// Swept field along the rows.
    pub y: String,
    /// Columns of `requests.csv` or one of `runs.csv`, one row of panels each; several only of QoE, which share their
    /// colours. Never empty. Default `["qoe"]`.
    pub value: Vec<String>,
    /// Whether a star stands on the highest number of each row of panels. Default false.
    pub mark_maximum: bool,
    /// Whether the line along which QoE is Q_th is drawn. Default false.
    pub contour_threshold: bool,
    /// The chosen allocation; empty: none is marked. Else it holds `x` and `y`, and the panels' fields that it is for.
    pub mark: Vec<Coordinate>,
}

/// `kind = "surface"`
#[derive(Debug, Clone, PartialEq)]
pub struct SurfacePlotSettings {
    /// Swept numbers along the floor.
    pub x: String,
    pub y: String,
    /// Column of `requests.csv` or `runs.csv`, upwards. Default `qoe`.
    pub value: String,
    /// As [`HeatMapSettings::mark`].
    pub mark: Vec<Coordinate>,
}

/// How a line shows the 95 % intervals of its means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalStyle {
    /// A bar through each point (default).
    Bars,
    /// A band along the line.
    Band,
}

/// What stands for devices as a `series`: lines, points or boxes of each device.
pub const SERIES_OF_DEVICES: &str = "device";

/// `kind = "line"`
#[derive(Debug, Clone, PartialEq)]
pub struct LineSettings {
    /// Swept number along the axis.
    pub x: String,
    /// Columns of `requests.csv` or one of `runs.csv`; several only of QoE. Never empty. Default `["qoe"]`.
    pub value: Vec<String>,
    /// Swept field, or [`SERIES_OF_DEVICES`], of whose values each has its line.
    pub series: Option<String>,
    /// Values of swept fields to which the figure keeps.
    pub at: Vec<Coordinate>,
    pub intervals: IntervalStyle,
    /// Whether x is on a logarithmic axis. Default false.
    pub log_x: bool,
    /// Whether Q_th is drawn. Default false.
    pub threshold: bool,
}

/// `kind = "scatter"`
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterSettings {
    /// Columns of the same table, `requests.csv` or `runs.csv`.
    pub x: String,
    pub value: String,
    /// As [`LineSettings`].
    pub series: Option<String>,
    pub at: Vec<Coordinate>,
    pub threshold: bool,
}

/// `kind = "cdf"`
#[derive(Debug, Clone, PartialEq)]
pub struct CdfSettings {
    /// Column of `requests.csv` or `runs.csv`.
    pub value: String,
    /// As [`LineSettings`].
    pub series: Option<String>,
    pub at: Vec<Coordinate>,
}

/// `kind = "box"`
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSettings {
    /// Swept field along the axis, numbers or words.
    pub x: String,
    /// Column of `requests.csv` or `runs.csv`.
    pub value: String,
    /// As [`LineSettings`].
    pub series: Option<String>,
    pub at: Vec<Coordinate>,
    pub threshold: bool,
}

/// `kind = "timeline"`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelineSettings {
    /// Index of the point of the sweep. Default 0.
    pub point: u32,
    /// Default 0.
    pub replication: u32,
    /// Where the time axis begins [s]; `None`: where the run does.
    pub from_s: Option<f64>,
    /// Where it ends [s]; `None`: where the run does. After `from_s`.
    pub to_s: Option<f64>,
}

impl FigureSettings {
    /// The swept fields that it names, each once.
    pub fn swept_fields(&self) -> Vec<&String> {
        let mut fields: Vec<&String> = match &self.kind {
            FigureKind::ImageGrid(grid) => std::iter::once(&grid.x).chain(&grid.y).collect(),
            FigureKind::HeatMap(map) => [vec![&map.x, &map.y], paths(&map.mark)].concat(),
            FigureKind::Surface(surface) => [vec![&surface.x, &surface.y], paths(&surface.mark)].concat(),
            FigureKind::Line(line) => [vec![&line.x], Vec::from_iter(&line.series), paths(&line.at)].concat(),
            FigureKind::Scatter(scatter) => [Vec::from_iter(&scatter.series), paths(&scatter.at)].concat(),
            FigureKind::Cdf(cdf) => [Vec::from_iter(&cdf.series), paths(&cdf.at)].concat(),
            FigureKind::Box(boxes) => [vec![&boxes.x], Vec::from_iter(&boxes.series), paths(&boxes.at)].concat(),
            FigureKind::ScoreDistribution { .. } | FigureKind::Timeline(_) => Vec::new(),
        };
        fields.retain(|field| *field != SERIES_OF_DEVICES);
        let mut each_once: Vec<&String> = Vec::new();
        for field in fields {
            if !each_once.contains(&field) {
                each_once.push(field);
            }
        }
        each_once
    }
}

fn paths(coordinates: &[Coordinate]) -> Vec<&String> {
    coordinates.iter().map(|coordinate| &coordinate.path).collect()
}
