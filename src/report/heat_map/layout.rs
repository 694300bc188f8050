//! Where the parts of a heat map stand, and how they are drawn.

use super::{HeatMap, HeatPanel};
use crate::report::axis_label::number_label;
use crate::report::axis_scale::{LinearScale, round_ticks};
use crate::report::canvas::{
    Align, CROSS_GRAY, Canvas, HAIRLINE, INK, PAPER_GRAY, TextLook, bold, faint, plain, widest,
};
use crate::report::colour_map::{readable_on, viridis};

const MARGIN: f64 = 16.0;
const TITLE: f64 = 14.0;
const PANEL_TITLE: f64 = 11.0;
const AXIS: f64 = 11.5;
const TICK: f64 = 10.0;
const NUMBER: f64 = 9.0;
const FOOTER: f64 = 8.5;
/// Distance of panels in a row.
const GAP: f64 = 18.0;
/// Height of cells; their width follows from their number and the labels.
const CELL_HEIGHT: f64 = 30.0;
/// Cells are no narrower than this where numbers stand in them; then numbers are left out.
const LEAST_NUMBERED_CELL: f64 = 28.0;
const BAR_WIDTH: f64 = 14.0;
/// Distance of the lines that hatch a cell without a number.
const HATCH: f64 = 6.0;

/// Where things go [points].
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    title: Vec<String>,
    footer: Vec<String>,
    /// Left edge of the first panel, and upper edges of the cells of each row of panels.
    left: f64,
    tops: Vec<f64>,
    panel_width: f64,
    panel_height: f64,
    cell_width: f64,
    cell_height: f64,
    bar_left: f64,
    /// Numbers at both ends of the colours, and ticks between them.
    ticks: Vec<f64>,
    shows_numbers: bool,
}

impl Layout {
    pub(super) fn of(map: &HeatMap, range: Option<(f64, f64)>) -> Self {
        let (columns, rows) = (map.x.labels.len() as f64, map.y.labels.len() as f64);
        let panel_columns = map.panels.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let panel_rows = map.panels.len() as f64;

        // About 420 points of cells in a row, fewer for each of several panels, but wide enough for labels and numbers.
        let numbers = map.panels.iter().flatten().flat_map(|panel| &panel.cells).filter_map(|cell| cell.value);
        let widest_number = numbers.map(|value| plain(NUMBER).width(&cell_text(map, value))).fold(0.0, f64::max) + 6.0;
        let label_width = widest(map.x.labels.iter(), plain(TICK)) + 6.0;
        let target = (if panel_columns > 1.0 { 220.0 } else { 380.0 } / columns).clamp(14.0, 56.0);
        let numbered_width = target.max(widest_number).max(LEAST_NUMBERED_CELL);
        let shows_numbers = columns * numbered_width <= 1.5 * target.max(LEAST_NUMBERED_CELL) * columns
            && columns <= 24.0
            && rows <= 40.0;
        let mut cell_width = if shows_numbers { numbered_width } else { target };
        // Labels that fit with a little more room get it; longer ones are thinned out.
        if label_width <= 1.6 * cell_width {
            cell_width = cell_width.max(label_width);
        }
        let cell_height = if shows_numbers { CELL_HEIGHT } else { (240.0 / rows).clamp(8.0, CELL_HEIGHT) };
        // The titles beside the cells need their length.
        let side_titles = [&map.y.title, &map.colour.title].map(|title| plain(AXIS).width(title));
        let needed_height = side_titles.into_iter().fold(0.0, f64::max) / panel_rows;
        let cell_height = cell_height.max(needed_height / rows);
        let panel_titles = map.panels.iter().flatten().map(|panel| bold(PANEL_TITLE).width(&panel.title));
        let panel_width = columns * cell_width;
        // A panel is at least as wide as its title.
        let cell_width = cell_width * (panel_titles.fold(0.0, f64::max) / panel_width).max(1.0);
        let (panel_width, panel_height) = (columns * cell_width, rows * cell_height);

        let y_label_width = widest(map.y.labels.iter(), plain(TICK));
        let y_title_width = if map.y.title.is_empty() { 0.0 } else { AXIS + 8.0 };
        let left = MARGIN + y_title_width + y_label_width + 8.0;
        let panels_width = panel_columns * panel_width + (panel_columns - 1.0) * GAP;
        let bar_left = left + panels_width + 20.0;
        let (low, high) = range.unwrap_or((0.0, 1.0));
        let ticks = round_ticks(low, high, 5);
        let tick_labels: Vec<String> = ticks.iter().map(|&tick| number_label(tick, map.colour.style)).collect();
        let bar_labels_width = widest(tick_labels.iter(), plain(TICK));
        let width = bar_left + BAR_WIDTH + 8.0 + bar_labels_width + 8.0 + AXIS + MARGIN;

        let title = bold(TITLE).wrap(&map.title, width - 2.0 * MARGIN);
        let footer = faint(FOOTER).wrap(&map.footer, width - 2.0 * MARGIN);
        let with_titles = map.panels.iter().flatten().any(|panel| !panel.title.is_empty());
        let panel_title_height = if with_titles { bold(PANEL_TITLE).line_height() + 5.0 } else { 4.0 };
        let first = MARGIN + title.len() as f64 * bold(TITLE).line_height() + 6.0 + panel_title_height;
        let pitch = panel_height + panel_title_height + 12.0;
        let tops: Vec<f64> = (0..map.panels.len()).map(|row| first + row as f64 * pitch).collect();
        let bottom = first + panel_rows * pitch - panel_title_height - 12.0;
        let footer_top = bottom + 48.0;
        let height = footer_top + footer.len() as f64 * faint(FOOTER).line_height() + MARGIN;
        Self {
            width,
            height,
            title,
            footer,
            left,
            tops,
            panel_width,
            panel_height,
            cell_width,
            cell_height,
            bar_left,
            ticks,
            shows_numbers,
        }
    }

    /// The upper edge of the highest cells, and the lower edge of the lowest.
    fn cells_top_and_bottom(&self) -> (f64, f64) {
        let top = self.tops.first().copied().unwrap_or(MARGIN);
        let bottom = self.tops.last().copied().unwrap_or(MARGIN) + self.panel_height;
        (top, bottom)
    }

    pub(super) fn draw_frame(&self, map: &HeatMap, canvas: &mut Canvas) {
        canvas.lines_down(&self.title, (self.width / 2.0, MARGIN), Align::Centre, bold(TITLE));
        let (top, bottom) = self.cells_top_and_bottom();
        let right = self.bar_left - 20.0;
        canvas.text(&map.x.title, ((self.left + right) / 2.0, bottom + 36.0), Align::Centre, plain(AXIS));
        canvas.text_upwards(&map.y.title, (MARGIN + 0.8 * AXIS, (top + bottom) / 2.0), Align::Centre, plain(AXIS));
        let footer_height = self.footer.len() as f64 * faint(FOOTER).line_height();
        let footer_at = (MARGIN, self.height - MARGIN - footer_height);
        canvas.lines_down(&self.footer, footer_at, Align::Left, faint(FOOTER));
    }

    /// One panel with its labels; `highest` gets a star.
    pub(super) fn draw_panel(
        &self,
        map: &HeatMap,
        panel: &HeatPanel,
        (column, row): (usize, usize),
        highest: Option<f64>,
        canvas: &mut Canvas,
    ) {
        let left = self.left + column as f64 * (self.panel_width + GAP);
        let top = self.tops[row];
        let (right, bottom) = (left + self.panel_width, top + self.panel_height);
        canvas.text(&panel.title, ((left + right) / 2.0, top - 7.0), Align::Centre, bold(PANEL_TITLE));
        for y in 0..map.y.labels.len() {
            let cell_bottom = bottom - y as f64 * self.cell_height;
            for x in 0..map.x.labels.len() {
                let cell_left = left + x as f64 * self.cell_width;
                let cell = [cell_left, cell_bottom - self.cell_height, cell_left + self.cell_width, cell_bottom];
                match panel.cell(x, y).and_then(|cell| cell.value) {
                    Some(value) => self.draw_cell(map, value, highest == Some(value), cell, canvas),
                    None => draw_hatched(canvas, cell),
                }
            }
        }
        canvas.outline([left, top, right, bottom], INK);
        if column == 0 {
            for (y, label) in map.y.labels.iter().enumerate() {
                let middle = bottom - (y as f64 + 0.5) * self.cell_height;
                canvas.text(label, (left - 6.0, middle + 0.36 * TICK), Align::Right, plain(TICK));
            }
        }
        if row + 1 == map.panels.len() {
            self.draw_x_labels(&map.x.labels, (left, bottom), canvas);
        }
    }

    fn draw_x_labels(&self, labels: &[String], (left, bottom): (f64, f64), canvas: &mut Canvas) {
        let mut free_from = f64::NEG_INFINITY;
        for (x, label) in labels.iter().enumerate() {
            let middle = left + (x as f64 + 0.5) * self.cell_width;
            let half = plain(TICK).width(label) / 2.0;
            canvas.fill([middle - 0.25, bottom, middle + 0.25, bottom + 3.0], INK);
            if middle - half >= free_from {
                canvas.text(label, (middle, bottom + 15.0), Align::Centre, plain(TICK));
                free_from = middle + half + 4.0;
            }
        }
    }

    fn draw_cell(&self, map: &HeatMap, value: f64, is_highest: bool, cell: [f64; 4], canvas: &mut Canvas) {
        let [left, top, right, bottom] = cell;
        let ground = viridis(self.part_of_range(value));
        canvas.fill(cell, ground);
        let ink = readable_on(ground);
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        if is_highest {
            let up = if self.shows_numbers { 7.0 } else { 0.0 };
            draw_star(canvas, (x, y - up), 6.0_f64.min(0.45 * self.cell_height));
        }
        if self.shows_numbers {
            let down = if is_highest { 6.0 } else { 0.0 };
            let look = TextLook { colour: ink, ..plain(NUMBER) };
            canvas.text(&cell_text(map, value), (x, y + down + 0.36 * NUMBER), Align::Centre, look);
        }
    }

    /// Where a number stands between both ends of the colours, from 0 to 1.
    fn part_of_range(&self, value: f64) -> f64 {
        let (low, high) = self.range();
        (value - low) / (high - low)
    }

    fn range(&self) -> (f64, f64) {
        (self.ticks[0], *self.ticks.last().expect("an axis has two ends"))
    }

    pub(super) fn draw_colour_bar(&self, map: &HeatMap, canvas: &mut Canvas) {
        let (top, bottom) = self.cells_top_and_bottom();
        let (left, right) = (self.bar_left, self.bar_left + BAR_WIDTH);
        let (low, high) = self.range();
        let scale = LinearScale { from: low, to: high, start: bottom, end: top };
        // Strips of half a point, one pixel each.
        let strips = (2.0 * (bottom - top)).round() as usize;
        for strip in 0..strips {
            let y = top + strip as f64 / 2.0;
            canvas.fill([left, y, right, y + 0.5], viridis(1.0 - (strip as f64 + 0.5) / strips as f64));
        }
        canvas.outline([left, top, right, bottom], INK);
        let mut labels_width: f64 = 0.0;
        for &tick in &self.ticks {
            let y = scale.position(tick);
            canvas.fill([right, y - 0.25, right + 3.0, y + 0.25], INK);
            let label = number_label(tick, map.colour.style);
            labels_width = labels_width.max(plain(TICK).width(&label));
            canvas.text(&label, (right + 6.0, y + 0.36 * TICK), Align::Left, plain(TICK));
        }
        let baseline = right + 8.0 + labels_width + 8.0 + 0.8 * AXIS;
        canvas.text_upwards(&map.colour.title, (baseline, (top + bottom) / 2.0), Align::Centre, plain(AXIS));
    }
}

/// A number as it stands in a cell: three significant digits at most, and two decimals for what lies between −1 and 1.
fn cell_text(map: &HeatMap, value: f64) -> String {
    use crate::report::axis_label::NumberStyle;
    match map.colour.style {
        NumberStyle::Plain if value.abs() < 10.0 => format!("{value:.2}").replace('-', "−"),
        style => {
            let digits = 3 - 1 - value.abs().max(f64::MIN_POSITIVE).log10().floor() as i32;
            let scale = 10f64.powi(digits.clamp(-300, 300));
            number_label((value * scale).round() / scale, style)
        }
    }
}

/// Gray with slanting lines: no number.
fn draw_hatched(canvas: &mut Canvas, cell: [f64; 4]) {
    let [left, top, right, bottom] = cell;
    canvas.fill(cell, PAPER_GRAY);
    let (width, height) = (right - left, bottom - top);
    let mut along = HATCH / 2.0;
    while along < width + height {
        // The line x + y = along inside the cell, y counted from the top.
        let (from_x, to_x) = ((along - height).max(0.0), along.min(width));
        let from = (left + from_x, top + along - from_x);
        let to = (left + to_x, top + along - to_x);
        canvas.path(&[from, to], CROSS_GRAY, 0.5);
        along += HATCH;
    }
    canvas.outline(cell, HAIRLINE);
}

/// A white five-pointed star with a dark rim.
fn draw_star(canvas: &mut Canvas, (x, y): (f64, f64), radius: f64) {
    use std::f64::consts::PI;
    let corners = |outer: f64| -> Vec<(f64, f64)> {
        (0..10)
            .map(|corner| {
                let length = if corner % 2 == 0 { outer } else { 0.42 * outer };
                let angle = PI / 5.0 * f64::from(corner) - PI / 2.0;
                (x + length * angle.cos(), y + length * angle.sin())
            })
            .collect()
    };
    canvas.polygon(&corners(radius + 1.8), INK);
    canvas.polygon(&corners(radius), plotters::style::RGBColor(255, 255, 255));
}
