//! Where the parts of a score distribution stand, and how they are drawn.

use super::{AgentScores, ScoreDensity, ScoreDistribution, ScoredPicture};
use crate::picture::{Enlargement, Picture};
use crate::report::axis_label::{NumberStyle, number_label};
use crate::report::axis_scale::{LinearScale, round_ticks};
use crate::report::canvas::{Align, Canvas, HAIRLINE, INK, PAPER_GRAY, PIXELS_PER_POINT, bold, faint, plain, widest};
use crate::report::colour_map::pale;
use crate::report::series_look::SeriesLook;

const MARGIN: f64 = 16.0;
const TITLE: f64 = 14.0;
const LABEL: f64 = 11.0;
const AXIS: f64 = 11.0;
const TICK: f64 = 10.0;
const FOOTER: f64 = 8.5;
/// Side of the square that a picture is fitted into.
const PICTURE: f64 = 112.0;
const SCATTER_WIDTH: f64 = 320.0;
const DENSITY_WIDTH: f64 = 110.0;
/// Distance of scatter and density.
const SEAM: f64 = 8.0;
const PANEL_HEIGHT: f64 = 168.0;
const PANEL_GAP: f64 = 22.0;

/// Where things go [points].
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    title: Vec<String>,
    footer: Vec<String>,
    /// Width of the pictures with their labels.
    picture_width: f64,
    /// Left edges of the scatters, the densities and the legends; upper edge of the first panel.
    scatter_left: f64,
    density_left: f64,
    legend_left: f64,
    top: f64,
    ticks: Vec<f64>,
    /// Answers along the x axis.
    answers: usize,
    highest_density: f64,
}

impl Layout {
    pub(super) fn of(figure: &ScoreDistribution) -> Self {
        let scores = || figure.all_agents().flat_map(|agent| &agent.scores).flatten().copied();
        let (low, high) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::NEG_INFINITY, f64::max));
        // Without a score the panels are empty, not absent.
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        // Scores live in [0, 1]; the axis ends on round ticks around them.
        let mut ticks = round_ticks(low, high, 5);
        ticks.retain(|tick| (-1e-9..=1.0 + 1e-9).contains(tick));
        let tick_labels: Vec<String> = ticks.iter().map(|&tick| number_label(tick, NumberStyle::Plain)).collect();

        let with_pictures = figure.pictures.iter().any(|picture| picture.picture.is_some());
        let labels: Vec<_> = figure.pictures.iter().map(|picture| bold(LABEL).wrap(&picture.label, PICTURE)).collect();
        let picture_width = match with_pictures {
            true => PICTURE,
            false => widest(labels.iter().flatten(), bold(LABEL)),
        };
        let scatter_left = MARGIN + picture_width + 14.0 + AXIS + 8.0 + widest(tick_labels.iter(), plain(TICK)) + 8.0;
        let density_left = scatter_left + SCATTER_WIDTH + SEAM;
        let legend_left = density_left + DENSITY_WIDTH + 12.0;
        let names = figure.all_agents().map(|agent| bold(TICK).width(&agent.agent) + 14.0);
        let spreads = figure.all_agents().map(|agent| plain(TICK).width(&spread_text(agent)) + 14.0);
        let legend_width = names.chain(spreads).fold(0.0, f64::max);
        let width = legend_left + legend_width + MARGIN;

        let title = bold(TITLE).wrap(&figure.title, width - 2.0 * MARGIN);
        let footer = faint(FOOTER).wrap(&figure.footer_with_density(), width - 2.0 * MARGIN);
        let top = MARGIN + title.len() as f64 * bold(TITLE).line_height() + 10.0;
        let panels = figure.pictures.len() as f64;
        let bottom = top + panels * PANEL_HEIGHT + (panels - 1.0) * PANEL_GAP;
        let footer_height = footer.len() as f64 * faint(FOOTER).line_height();
        let highest_density = figure
            .all_agents()
            .flat_map(|agent| match figure.density(agent) {
                ScoreDensity::Curve(densities) | ScoreDensity::Bins(densities) => densities,
            })
            .fold(0.0, f64::max);
        Self {
            width,
            height: bottom + 48.0 + footer_height + MARGIN,
            title,
            footer,
            picture_width,
            scatter_left,
            density_left,
            legend_left,
            top,
            ticks,
            answers: figure.all_agents().map(|agent| agent.scores.len()).max().unwrap_or(0),
            highest_density,
        }
    }

    pub(super) fn draw(&self, figure: &ScoreDistribution, canvas: &mut Canvas) {
        canvas.lines_down(&self.title, (self.width / 2.0, MARGIN), Align::Centre, bold(TITLE));
        let mut bottom = self.top;
        for (at, picture) in figure.pictures.iter().enumerate() {
            let top = self.top + at as f64 * (PANEL_HEIGHT + PANEL_GAP);
            bottom = top + PANEL_HEIGHT;
            draw_picture(canvas, picture, top);
            self.draw_panel(figure, picture, (top, bottom), canvas);
        }
        self.draw_answer_ticks(bottom, canvas);
        let (scatter_middle, density_middle) =
            (self.scatter_left + SCATTER_WIDTH / 2.0, self.density_left + DENSITY_WIDTH / 2.0);
        canvas.text("answer, each with a seed of its own", (scatter_middle, bottom + 32.0), Align::Centre, plain(AXIS));
        canvas.text("density", (density_middle, bottom + 32.0), Align::Centre, plain(AXIS));
        let footer_height = self.footer.len() as f64 * faint(FOOTER).line_height();
        canvas.lines_down(&self.footer, (MARGIN, self.height - MARGIN - footer_height), Align::Left, faint(FOOTER));
    }

    fn draw_panel(
        &self,
        figure: &ScoreDistribution,
        picture: &ScoredPicture,
        (top, bottom): (f64, f64),
        canvas: &mut Canvas,
    ) {
        let (from, to) = (self.ticks[0], *self.ticks.last().expect("an axis has two ends"));
        // Room at both ends, so that marks do not sit on the frame.
        let room = 0.05 * (to - from);
        let y_scale = LinearScale { from: from - room, to: to + room, start: bottom, end: top };
        let x_scale = self.answer_scale();
        let density_right = self.density_left + DENSITY_WIDTH;
        let scatter_right = self.scatter_left + SCATTER_WIDTH;
        for &tick in &self.ticks {
            let y = y_scale.position(tick);
            canvas.fill([self.scatter_left, y - 0.25, scatter_right, y + 0.25], HAIRLINE);
            canvas.fill([self.density_left, y - 0.25, density_right, y + 0.25], HAIRLINE);
            let label = number_label(tick, NumberStyle::Plain);
            canvas.text(&label, (self.scatter_left - 7.0, y + 0.36 * TICK), Align::Right, plain(TICK));
        }
        let title_baseline = MARGIN + self.picture_width + 14.0 + 0.8 * AXIS;
        canvas.text_upwards("QoE", (title_baseline, (top + bottom) / 2.0), Align::Centre, plain(AXIS));
        // Filled shapes lie below all outlines, so that none hides another's.
        let shapes: Vec<_> =
            picture.agents.iter().map(|agent| self.density_shape(&figure.density(agent), &y_scale)).collect();
        for (at, shape) in shapes.iter().enumerate() {
            canvas.polygon(shape, pale(SeriesLook::number(at).colour));
        }
        for (at, shape) in shapes.iter().enumerate() {
            // Only where there is a density, so that the lines do not pile up along the axis.
            let reaches_out = |(_, (x, _)): &(usize, &(f64, f64))| *x >= self.density_left + 0.5;
            let outside: Vec<usize> = shape.iter().enumerate().filter(reaches_out).map(|(at, _)| at).collect();
            for part in outside.chunk_by(|one, next| one + 1 == *next) {
                // With the neighbours on the axis at both ends.
                let (first, last) = (part[0].saturating_sub(1), (part[part.len() - 1] + 1).min(shape.len() - 1));
                canvas.path(&shape[first..=last], SeriesLook::number(at).colour, 1.0);
            }
        }
        for (at, agent) in picture.agents.iter().enumerate() {
            let look = SeriesLook::number(at);
            // Many answers get small marks.
            let size = if self.answers > 60 { 0.6 } else { 0.9 };
            for (answer, score) in agent.scores.iter().enumerate() {
                if let Some(score) = score {
                    let place = (x_scale.position(answer as f64), y_scale.position(*score));
                    look.mark(canvas, place, size);
                }
            }
            if let Some(spread) = agent.spread() {
                let y = y_scale.position(spread.mean);
                canvas.path(&[(self.density_left, y), (density_right - 1.0, y)], look.colour, 0.5);
            }
            let legend_top = top + 10.0 + at as f64 * 40.0;
            look.mark(canvas, (self.legend_left + 4.0, legend_top), 1.0);
            let text_left = self.legend_left + 14.0;
            canvas.text(&agent.agent, (text_left, legend_top + 0.36 * TICK), Align::Left, bold(TICK));
            canvas.text(&spread_text(agent), (text_left, legend_top + 0.36 * TICK + 14.0), Align::Left, plain(TICK));
        }
        for [left, right] in [[self.scatter_left, scatter_right], [self.density_left, density_right]] {
            canvas.outline([left, top, right, bottom], INK);
        }
    }

    /// The outline of a density from the lower end of the axis to the upper, closed along the axis; what leaves the axis
    /// is cut off.
    fn density_shape(&self, density: &ScoreDensity, y_scale: &LinearScale) -> Vec<(f64, f64)> {
        let x = |density: f64| {
            let part = if self.highest_density > 0.0 { density / self.highest_density } else { 0.0 };
            self.density_left + 0.92 * DENSITY_WIDTH * part
        };
        let y = |score: f64| y_scale.position(score.clamp(y_scale.from, y_scale.to));
        let mut shape: Vec<(f64, f64)> = match density {
            ScoreDensity::Curve(densities) => {
                let step = 1.0 / (densities.len() - 1) as f64;
                let points = densities.iter().enumerate().map(|(at, density)| (at as f64 * step, *density));
                let shown = points.filter(|(score, _)| (y_scale.from..=y_scale.to).contains(score));
                shown.map(|(score, density)| (x(density), y(score))).collect()
            }
            ScoreDensity::Bins(densities) => {
                let width = 1.0 / densities.len() as f64;
                let ends = |at: usize| (y(at as f64 * width), y((at + 1) as f64 * width));
                let steps = densities.iter().enumerate().map(|(at, density)| (ends(at), x(*density)));
                let shown = steps.filter(|((low, high), _)| low != high);
                let bars = shown.flat_map(|((low, high), x)| {
                    [(self.density_left, low), (x, low), (x, high), (self.density_left, high)]
                });
                bars.collect()
            }
        };
        // Histograms close each of their bars; a curve is closed at its ends.
        if let (Some(first), Some(last), ScoreDensity::Curve(_)) = (shape.first(), shape.last(), density) {
            let (low, high) = ((self.density_left, first.1), (self.density_left, last.1));
            shape.insert(0, low);
            shape.push(high);
        }
        shape
    }

    fn answer_scale(&self) -> LinearScale {
        let last = self.answers.saturating_sub(1).max(1) as f64;
        let room = 0.03 * last;
        LinearScale { from: -room, to: last + room, start: self.scatter_left, end: self.scatter_left + SCATTER_WIDTH }
    }

    /// Ticks under the last panel.
    fn draw_answer_ticks(&self, bottom: f64, canvas: &mut Canvas) {
        let scale = self.answer_scale();
        for tick in round_ticks(0.0, self.answers.max(2) as f64, 5) {
            if tick <= scale.to && tick.fract() == 0.0 {
                let x = scale.position(tick);
                canvas.fill([x - 0.25, bottom, x + 0.25, bottom + 4.0], INK);
                canvas.text(&number_label(tick, NumberStyle::Plain), (x, bottom + 15.0), Align::Centre, plain(TICK));
            }
        }
    }
}

/// The label, and the picture below it.
fn draw_picture(canvas: &mut Canvas, scored: &ScoredPicture, top: f64) {
    let label = bold(LABEL).wrap(&scored.label, PICTURE);
    let picture_top = canvas.lines_down(&label, (MARGIN, top), Align::Left, bold(LABEL)) + 4.0;
    let Some(picture) = &scored.picture else {
        return;
    };
    let side = PICTURE.min(top + PANEL_HEIGHT - picture_top);
    let fitted = fit(picture, side);
    let height = fitted.to_rgb8().len() / (3 * fitted.width());
    canvas.fill(
        [
            MARGIN,
            picture_top,
            MARGIN + fitted.width() as f64 / PIXELS_PER_POINT as f64,
            picture_top + height as f64 / PIXELS_PER_POINT as f64,
        ],
        PAPER_GRAY,
    );
    canvas.blit(&fitted.to_rgb8(), fitted.width(), (MARGIN, picture_top));
}

/// The picture enlarged by a whole number, or thinned to every n-th pixel where it is larger than a square of `side`
/// points.
fn fit(picture: &Picture, side: f64) -> Picture {
    let pixels = (side * PIXELS_PER_POINT as f64).floor().max(1.0) as usize;
    let longer = picture.width().max(picture.height());
    if longer <= pixels {
        return picture.enlarge(pixels / longer, Enlargement::Bilinear);
    }
    let step = longer.div_ceil(pixels);
    let (width, height) = (picture.width().div_ceil(step), picture.height().div_ceil(step));
    let rgb = picture.rgb();
    let values = (0..height)
        .flat_map(|row| (0..width).map(move |column| 3 * (row * step * picture.width() + column * step)))
        .flat_map(|at| rgb[at..at + 3].iter().copied())
        .collect();
    Picture::new(width, height, values).expect("a thinned picture has three values a pixel")
}

/// "0.91 ± 0.02".
fn spread_text(agent: &AgentScores) -> String {
    match agent.spread() {
        Some(spread) => match spread.standard_deviation {
            Some(deviation) => format!("{:.3} ± {deviation:.3}", spread.mean),
            None => format!("{:.3}", spread.mean),
        },
        None => "no score".to_owned(),
    }
}
