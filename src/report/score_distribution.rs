//! How several agents' scores of a few pictures scatter over the seeds, one panel per picture, as one figure with the
//! tables behind it.
//!
//! ```text
//!                          title
//!    A: t₂ = 8   ┌─────────────────────┐┌───────┐
//!   [ picture ]  │ ●●● ●● ●●● ●● ● ●●  ││◣      │  ● GA1  0.91 ± 0.02
//!                │ ■ ■■ ■ ■■  ■ ■ ■■   ││██◣    │  ■ GA2  0.55 ± 0.06
//!                └─────────────────────┘└───────┘
//!                         seed           density
//!   footer
//! ```

mod layout;

use std::path::Path;

use self::layout::Layout;
use super::canvas::Canvas;
use super::density::{KernelDensity, distinct, histogram};
use super::durable_file::ReportError;
use super::page_format::PageFormat;
use super::table::{Cell, Column, Table};
use crate::picture::Picture;

/// The scores one agent gave one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentScores {
    /// Name of the persona.
    pub agent: String,
    /// By seed, from the first on, in [0, 1]; `None`: the agent gave no score.
    pub scores: Vec<Option<f64>>,
}

/// One picture and what the agents made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredPicture {
    /// What tells it from the others, over several lines where needed: "A: t₀ = 2".
    pub label: String,
    /// Shown small beside its panel.
    pub picture: Option<Picture>,
    pub agents: Vec<AgentScores>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreDistribution {
    pub title: String,
    pub pictures: Vec<ScoredPicture>,
    /// Small print: study, seed, packs. How densities were made is added to it.
    pub footer: String,
}

/// Series of fewer different scores than this would make a density of spikes: then all are histograms.
const LEAST_DISTINCT: usize = 8;
/// Bins of a histogram over [0, 1].
const BINS: usize = 20;
/// Points of a density's curve over [0, 1], both ends included.
const CURVE_POINTS: usize = 201;

/// Density of the scores of one series.
#[derive(Debug, Clone, PartialEq)]
enum ScoreDensity {
    /// Over [0, 1] in equal steps.
    Curve(Vec<f64>),
    /// In equal bins from 0 to 1.
    Bins(Vec<f64>),
}

/// Mean and standard deviation (n − 1 in the denominator; `None` for one) of the scores there are.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    n: usize,
    mean: f64,
    standard_deviation: Option<f64>,
}

impl AgentScores {
    fn given(&self) -> Vec<f64> {
        self.scores.iter().flatten().copied().collect()
    }

    fn spread(&self) -> Option<Spread> {
        let given = self.given();
        let n = given.len();
        let mean = given.iter().sum::<f64>() / n as f64;
        let squares: f64 = given.iter().map(|score| (score - mean).powi(2)).sum();
        let standard_deviation = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        (n > 0).then_some(Spread { n, mean, standard_deviation })
    }
}

impl ScoreDistribution {
    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is no agent, or a score lies outside [0, 1].
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        self.check()?;
        let layout = Layout::of(self);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw(self, &mut canvas);
        Ok(canvas)
    }

    /// The scores behind the figure: one row per picture, agent and seed.
    ///
    /// # Errors
    /// [`ReportError::Figure`], and those of [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        self.check()?;
        let mut table = Table::new(vec![
            Column::new("picture", "label of the panel"),
            Column::new("persona", "who rated the picture"),
            Column::new("answer", "number of the answer, counted from 0; each has a seed of its own"),
            Column::new("qoe", "score in [0, 1]; blank where the agent gave none"),
        ])?;
        for picture in &self.pictures {
            for agent in &picture.agents {
                for (answer, score) in agent.scores.iter().enumerate() {
                    let label = one_line(&picture.label);
                    table.push(vec![label.into(), agent.agent.clone().into(), answer.into(), (*score).into()])?;
                }
            }
        }
        Ok(table)
    }

    /// The densities of the figure: one row per point of a curve, or per bin with its lower end.
    ///
    /// # Errors
    /// [`ReportError::Figure`], and those of [`Table::push`].
    pub fn densities_table(&self) -> Result<Table, ReportError> {
        self.check()?;
        let what = if self.uses_histograms() { "lower end of a bin 0.05 wide" } else { "point of the curve" };
        let mut table = Table::new(vec![
            Column::new("picture", "label of the panel"),
            Column::new("persona", "who rated the picture"),
            Column::new("qoe", what),
            Column::new("density", "density of the scores; its integral over qoe is 1"),
            Column::new("mean", "mean of all scores of this picture and persona"),
            Column::new("standard_deviation", "their standard deviation, with n − 1; blank for one score"),
            Column::new("n", "scores that were given"),
        ])?;
        for picture in &self.pictures {
            for agent in &picture.agents {
                let Some(spread) = agent.spread() else { continue };
                let points: Vec<(f64, f64)> = match self.density(agent) {
                    ScoreDensity::Curve(densities) => {
                        let step = 1.0 / (densities.len() - 1) as f64;
                        densities.iter().enumerate().map(|(at, density)| (at as f64 * step, *density)).collect()
                    }
                    ScoreDensity::Bins(densities) => {
                        let width = 1.0 / densities.len() as f64;
                        densities.iter().enumerate().map(|(at, density)| (at as f64 * width, *density)).collect()
                    }
                };
                for (qoe, density) in points {
                    table.push(vec![
                        one_line(&picture.label).into(),
                        agent.agent.clone().into(),
                        // Steps of a twentieth and a two-hundredth, without the rounding errors of their sum.
                        Cell::Real((qoe * 1e6).round() / 1e6),
                        density.into(),
                        spread.mean.into(),
                        spread.standard_deviation.into(),
                        spread.n.into(),
                    ])?;
                }
            }
        }
        Ok(table)
    }

    /// Writes `<path>.png`, `<path>.svg`, the scores behind it as `<path>.csv` and the densities as `<path>_densities.csv`.
    ///
    /// # Errors
    /// As [`ScoreDistribution::draw`] and [`ScoreDistribution::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        let mut densities = path_without_extension.as_os_str().to_owned();
        densities.push("_densities.csv");
        self.densities_table()?.write_csv(Path::new(&densities))?;
        let footer = self.footer_with_density();
        self.draw()?.write_figure(path_without_extension, &self.title, &footer, &self.table()?, format)
    }

    fn check(&self) -> Result<(), ReportError> {
        let failed = |message: String| ReportError::Figure { figure: self.title.clone(), message };
        let mut agents = self.pictures.iter().flat_map(|picture| &picture.agents);
        let mut scores = agents.clone().flat_map(|agent| &agent.scores).flatten();
        if let Some(score) = scores.find(|score| !(0.0..=1.0).contains(*score)) {
            return Err(failed(format!("a score is {score}, which is outside [0, 1]")));
        }
        if agents.next().is_none() { Err(failed("it has no agents".to_owned())) } else { Ok(()) }
    }

    fn all_agents(&self) -> impl Iterator<Item = &AgentScores> {
        self.pictures.iter().flat_map(|picture| &picture.agents)
    }

    /// One kind for all series, so that they can be compared.
    fn uses_histograms(&self) -> bool {
        self.all_agents().map(AgentScores::given).any(|given| !given.is_empty() && distinct(&given) < LEAST_DISTINCT)
    }

    fn density(&self, agent: &AgentScores) -> ScoreDensity {
        let given = agent.given();
        match KernelDensity::of(&given) {
            Some(kernels) if !self.uses_histograms() => {
                let step = 1.0 / (CURVE_POINTS - 1) as f64;
                // Scores end at 0 and 1: what a kernel puts beyond is reflected, so that the integral is 1.
                let within = |qoe: f64| kernels.at(qoe) + kernels.at(-qoe) + kernels.at(2.0 - qoe);
                ScoreDensity::Curve((0..CURVE_POINTS).map(|at| within(at as f64 * step)).collect())
            }
            _ => ScoreDensity::Bins(histogram(&given, (0.0, 1.0), BINS)),
        }
    }

    fn footer_with_density(&self) -> String {
        let kind = match self.uses_histograms() {
            true => "densities: histograms with bins of 0.05",
            false => "densities: Gaussian kernels, bandwidth by Scott's rule, reflected at 0 and 1",
        };
        let failed = self.all_agents().flat_map(|agent| &agent.scores).filter(|score| score.is_none()).count();
        let failed = if failed > 0 { format!(" · {failed} answers without a score") } else { String::new() };
        format!("{} · mean ± standard deviation · {kind}{failed}", self.footer)
    }
}

fn one_line(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ")
}
