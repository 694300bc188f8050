//! Where the parts of a surface plot stand, and how its boxes are drawn.

use plotters::style::RGBColor;

use super::faces::FacePainter;
use super::view::{Place, View};
use super::{SurfaceAxis, SurfacePanel, SurfacePlot};
use crate::report::canvas::{Align, Canvas, HAIRLINE, INK, bold, faint, plain, widest};
use crate::report::colour_scale::ColourScale;
use crate::report::legend::{Legend, LegendEntry, LegendKey};
use crate::report::star::red_star;

const MARGIN: f64 = 16.0;
const TITLE: f64 = 14.0;
const PANEL_TITLE: f64 = 11.0;
const AXIS: f64 = 11.0;
const TICK: f64 = 10.0;
const FOOTER: f64 = 8.5;
/// Side of a floor, for one panel and for several.
const ONE: f64 = 260.0;
const SEVERAL: f64 = 195.0;
/// From an edge of the floor to its labels.
const OUTWARDS: f64 = 9.0;
const WALL: RGBColor = RGBColor(248, 248, 248);
/// Labels of an axis, at most.
const MOST_LABELS: usize = 12;

/// Where things go [points].
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    title: Vec<String>,
    footer: Vec<String>,
    x_title: Vec<String>,
    y_title: Vec<String>,
    scale: f64,
    /// Left corners of the floors.
    corners: Vec<(f64, f64)>,
    colours: ColourScale,
    colours_left: f64,
    legend: Legend,
}

impl Layout {
    pub(super) fn of(plot: &SurfacePlot, range: (f64, f64)) -> Self {
        let colours = ColourScale::around(range, &plot.z.title, plot.z.style);
        let scale = if plot.panels.len() > 1 { SEVERAL } else { ONE };
        let [above, below, right] = View::extent(scale);
        let (x_labels, y_labels) =
            (widest(plot.x.labels.iter(), plain(TICK)), widest(plot.y.labels.iter(), plain(TICK)));
        let z_labels = widest(colours.tick_labels().iter(), plain(TICK));
        let left = MARGIN + AXIS + 10.0 + (z_labels + 8.0).max(x_labels + OUTWARDS);
        let pitch = right + y_labels + x_labels + 2.0 * OUTWARDS + 14.0;
        let panels_right = left + (plot.panels.len() - 1) as f64 * pitch + right + y_labels + OUTWARDS;
        let colours_left = panels_right + 16.0;
        let width = colours_left + colours.width() + MARGIN;

        // Both titles stand below the floor, on either side of its near corner.
        let near = View { scale, corner: (0.0, 0.0) }.project((1.0, 0.0, 0.0)).0;
        let x_title = plain(AXIS).wrap(&plot.x.title, near - 8.0);
        let y_title = plain(AXIS).wrap(&plot.y.title, right - near + y_labels);
        let title = bold(TITLE).wrap(&plot.title, width - 2.0 * MARGIN);
        let footer = faint(FOOTER).wrap(&plot.footer, width - 2.0 * MARGIN);
        let with_titles = plot.panels.iter().any(|panel| !panel.title.is_empty());
        let panel_title_height = if with_titles { bold(PANEL_TITLE).line_height() + 8.0 } else { 8.0 };
        let top = MARGIN + title.len() as f64 * bold(TITLE).line_height() + panel_title_height + above;
        let title_lines = x_title.len().max(y_title.len()) as f64;
        let titles_bottom = top + below + 30.0 + title_lines * plain(AXIS).line_height();
        let legend = Legend::below(&legend_entries(plot), width - 2.0 * MARGIN);
        let footer_height = footer.len() as f64 * faint(FOOTER).line_height();
        let corners = (0..plot.panels.len()).map(|at| (left + at as f64 * pitch, top)).collect();
        Self {
            width,
            height: titles_bottom + 8.0 + legend.height + 10.0 + footer_height + MARGIN,
            title,
            footer,
            x_title,
            y_title,
            scale,
            corners,
            colours,
            colours_left,
            legend,
        }
    }

    pub(super) fn draw(&self, plot: &SurfacePlot, canvas: &mut Canvas) {
        canvas.lines_down(&self.title, (self.width / 2.0, MARGIN), Align::Centre, bold(TITLE));
        for (at, (panel, &corner)) in plot.panels.iter().zip(&self.corners).enumerate() {
            let view = View { scale: self.scale, corner };
            self.draw_box(plot, &view, canvas);
            FacePainter { plot, panel, view, colours: &self.colours }.paint(canvas);
            self.draw_mark(plot, panel, &view, canvas);
            self.draw_axes(plot, &view, at == 0, canvas);
            let [above, _, right] = View::extent(self.scale);
            let title_at = (corner.0 + right / 2.0, corner.1 - above - 8.0);
            canvas.text(&panel.title, title_at, Align::Centre, bold(PANEL_TITLE));
        }
        let [above, below, _] = View::extent(self.scale);
        let top = self.corners.first().map_or(MARGIN, |corner| corner.1);
        self.colours.draw(canvas, self.colours_left, (top - 0.9 * above, top + 0.9 * below));
        let footer_top = self.height - MARGIN - self.footer.len() as f64 * faint(FOOTER).line_height();
        self.legend.draw(canvas, (MARGIN, footer_top - 10.0 - self.legend.height));
        canvas.lines_down(&self.footer, (MARGIN, footer_top), Align::Left, faint(FOOTER));
    }

    /// Where the heights of the ticks stand in the box.
    fn levels(&self) -> Vec<f64> {
        let (low, high) = self.colours.range();
        self.colours.ticks.iter().map(|tick| (tick - low) / (high - low)).collect()
    }

    /// Floor and far walls, with their grids.
    fn draw_box(&self, plot: &SurfacePlot, view: &View, canvas: &mut Canvas) {
        let mut wall = |corners: [Place; 4]| canvas.polygon(&corners.map(|place| view.project(place)), WALL);
        wall([(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 0.0)]);
        wall([(0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 1.0), (0.0, 0.0, 1.0)]);
        wall([(0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0), (0.0, 1.0, 1.0)]);
        let mut grid = |places: [Place; 3]| canvas.path(&places.map(|place| view.project(place)), HAIRLINE, 0.5);
        for (x, _) in shown_ticks(&plot.x) {
            grid([(x, 0.0, 0.0), (x, 1.0, 0.0), (x, 1.0, 1.0)]);
        }
        for (y, _) in shown_ticks(&plot.y) {
            grid([(1.0, y, 0.0), (0.0, y, 0.0), (0.0, y, 1.0)]);
        }
        for z in self.levels() {
            grid([(0.0, 0.0, z), (0.0, 1.0, z), (1.0, 1.0, z)]);
        }
    }

    fn draw_mark(&self, plot: &SurfacePlot, panel: &SurfacePanel, view: &View, canvas: &mut Canvas) {
        if let Some(mark) = &panel.mark {
            let (low, high) = self.colours.range();
            let place = (plot.x.part(mark.x), plot.y.part(mark.y), (mark.z - low) / (high - low));
            red_star(canvas, view.project(place), 8.0);
        }
    }

    /// Edges with ticks and labels; the z axis of the first panel stands for all.
    fn draw_axes(&self, plot: &SurfacePlot, view: &View, is_first: bool, canvas: &mut Canvas) {
        let mut taken = Vec::new();
        let edge = |from: Place, to: Place| [view.project(from), view.project(to)];
        let (left, near, right) = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0));
        for ends in [edge(left, near), edge(near, right), edge(left, (0.0, 0.0, 1.0))] {
            canvas.path(&ends, INK, 1.0);
        }
        for (level, label) in self.levels().into_iter().zip(self.colours.tick_labels()) {
            let (x, y) = view.project((0.0, 0.0, level));
            canvas.path(&[(x - 4.0, y), (x, y)], INK, 0.5);
            if is_first {
                label_at(canvas, &mut taken, &label, (x - 8.0, y), Align::Right);
            }
        }
        for (x, label) in shown_ticks(&plot.x) {
            let (edge, outside) = (view.project((x, 0.0, 0.0)), view.project((x, -0.018, 0.0)));
            canvas.path(&[edge, outside], INK, 0.5);
            label_at(canvas, &mut taken, label, (outside.0 - 1.0, outside.1 + 1.05 * TICK), Align::Right);
        }
        for (y, label) in shown_ticks(&plot.y) {
            let (edge, outside) = (view.project((1.0, y, 0.0)), view.project((1.018, y, 0.0)));
            canvas.path(&[edge, outside], INK, 0.5);
            label_at(canvas, &mut taken, label, (outside.0 + 1.0, outside.1 + 0.7 * TICK), Align::Left);
        }
        let [_, below, right_end] = View::extent(self.scale);
        let (corner_x, titles_top) = (view.project(near).0, view.corner.1 + below + 26.0);
        let x_middle = (view.corner.0 + corner_x) / 2.0 - 10.0;
        let x_middle = x_middle.min(corner_x - 8.0 - widest(self.x_title.iter(), plain(AXIS)) / 2.0);
        canvas.lines_down(&self.x_title, (x_middle, titles_top), Align::Centre, plain(AXIS));
        let y_middle = (corner_x + view.corner.0 + right_end) / 2.0 + 10.0;
        let y_middle = y_middle.max(corner_x + 8.0 + widest(self.y_title.iter(), plain(AXIS)) / 2.0);
        canvas.lines_down(&self.y_title, (y_middle, titles_top), Align::Centre, plain(AXIS));
        if is_first {
            let middle = view.project((0.0, 0.0, 0.5)).1;
            canvas.text_upwards(&plot.z.title, (MARGIN + 0.8 * AXIS, middle), Align::Centre, plain(AXIS));
        }
    }
}

/// Each name of red stars once.
fn legend_entries(plot: &SurfacePlot) -> Vec<LegendEntry> {
    let mut entries: Vec<LegendEntry> = Vec::new();
    for mark in plot.panels.iter().filter_map(|panel| panel.mark.as_ref()) {
        if !mark.label.is_empty() && entries.iter().all(|entry| entry.name != mark.label) {
            entries.push(LegendEntry { key: LegendKey::RedStar, name: mark.label.clone() });
        }
    }
    entries
}

/// Places from 0 to 1 and labels of an axis, every n-th where there are many.
fn shown_ticks(axis: &SurfaceAxis) -> impl Iterator<Item = (f64, &String)> {
    let step = axis.values.len().div_ceil(MOST_LABELS);
    axis.values.iter().map(|&value| axis.part(value)).zip(&axis.labels).step_by(step)
}

/// A label with its middle at the height `y`, unless it would touch one that is there.
fn label_at(canvas: &mut Canvas, taken: &mut Vec<[f64; 4]>, label: &str, (x, y): (f64, f64), align: Align) {
    let width = plain(TICK).width(label);
    let left = match align {
        Align::Left => x,
        Align::Centre => x - width / 2.0,
        Align::Right => x - width,
    };
    let area = [left - 2.0, y - 0.4 * TICK, left + width + 2.0, y + 0.4 * TICK];
    let touches =
        |other: &[f64; 4]| area[0] < other[2] && other[0] < area[2] && area[1] < other[3] && other[1] < area[3];
    if !taken.iter().any(touches) {
        canvas.text(label, (x, y + 0.36 * TICK), align, plain(TICK));
        taken.push(area);
    }
}
