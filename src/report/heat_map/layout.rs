//! Where the parts of a heat map stand, and how they are drawn.

use super::{HeatMap, HeatPanel};
use crate::report::axis_label::{NumberStyle, number_label};
use crate::report::canvas::{
    Align, CROSS_GRAY, Canvas, HAIRLINE, INK, PAPER_GRAY, TextLook, WHITE, bold, faint, plain, widest,
};
use crate::report::colour_map::readable_on;
use crate::report::colour_scale::ColourScale;
use crate::report::contour::contour_lines;
use crate::report::hatching::{Hatching, hatched};
use crate::report::legend::{Legend, LegendEntry, LegendKey};
use crate::report::star::{red_star, white_star};

const MARGIN: f64 = 16.0;
const TITLE: f64 = 14.0;
const PANEL_TITLE: f64 = 11.0;
const AXIS: f64 = 11.5;
const TICK: f64 = 10.0;
const NUMBER: f64 = 9.0;
const FOOTER: f64 = 8.5;
/// Radius of a star.
const STAR: f64 = 6.0;
/// Distance of panels in a row.
const GAP: f64 = 18.0;
/// Height of cells; their width follows from their number and the labels.
const CELL_HEIGHT: f64 = 30.0;
/// Cells are no narrower than this where numbers stand in them; then numbers are left out.
const LEAST_NUMBERED_CELL: f64 = 28.0;
/// Between the cells and the bar of colours.
const BAR_GAP: f64 = 20.0;

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
    colours: ColourScale,
    /// Below the title of the x axis.
    legend: Legend,
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
        let colours = ColourScale::around(range.unwrap_or((0.0, 1.0)), &map.colour.title, map.colour.style);
        let needed_height = plain(AXIS).width(&map.y.title).max(colours.least_height()) / panel_rows;
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
        let bar_left = left + panels_width + BAR_GAP;
        let width = bar_left + colours.width() + MARGIN;

        let title = bold(TITLE).wrap(&map.title, width - 2.0 * MARGIN);
        let footer = faint(FOOTER).wrap(&map.footer, width - 2.0 * MARGIN);
        let with_titles = map.panels.iter().flatten().any(|panel| !panel.title.is_empty());
        let panel_title_height = if with_titles { bold(PANEL_TITLE).line_height() + 5.0 } else { 4.0 };
        let first = MARGIN + title.len() as f64 * bold(TITLE).line_height() + 6.0 + panel_title_height;
        let pitch = panel_height + panel_title_height + 12.0;
        let tops: Vec<f64> = (0..map.panels.len()).map(|row| first + row as f64 * pitch).collect();
        let bottom = first + panel_rows * pitch - panel_title_height - 12.0;
        let legend = Legend::below(&legend_entries(map), width - left - MARGIN);
        let legend_height = if legend.height > 0.0 { legend.height + 6.0 } else { 0.0 };
        let footer_top = bottom + 48.0 + legend_height;
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
            colours,
            legend,
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
        let right = self.bar_left - BAR_GAP;
        canvas.text(&map.x.title, ((self.left + right) / 2.0, bottom + 36.0), Align::Centre, plain(AXIS));
        canvas.text_upwards(&map.y.title, (MARGIN + 0.8 * AXIS, (top + bottom) / 2.0), Align::Centre, plain(AXIS));
        self.colours.draw(canvas, self.bar_left, (top, bottom));
        self.legend.draw(canvas, (self.left, bottom + 44.0));
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
        let columns = map.x.labels.len();
        let places = || (0..map.y.labels.len()).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let value = |(x, y)| panel.cell(x, y).and_then(|cell| cell.value);
        for (x, y) in places() {
            let (cell_left, cell_bottom) = (left + x as f64 * self.cell_width, bottom - y as f64 * self.cell_height);
            let cell = [cell_left, cell_bottom - self.cell_height, cell_left + self.cell_width, cell_bottom];
            match value((x, y)) {
                Some(value) => canvas.fill(cell, self.colours.colour(value)),
                None => {
                    hatched(canvas, cell, PAPER_GRAY, Hatching::Rising(CROSS_GRAY));
                    canvas.outline(cell, HAIRLINE);
                }
            }
        }
        self.draw_contour(map, panel, (left, bottom), canvas);
        for (x, y) in places() {
            if let Some(value) = value((x, y)) {
                let stars = Stars { highest: highest == Some(value), marked: is_marked(panel, (x, y)) };
                let middle = self.place((left, bottom), (x as f64, y as f64));
                self.draw_number(map, value, stars, middle, canvas);
            }
        }
        if let Some(mark) = &panel.mark {
            let place = self.place((left, bottom), (mark.column, mark.row));
            red_star(canvas, place, STAR.min(0.45 * self.cell_height));
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

    /// Where a place among the cells is on the page; cells have their centres at whole numbers.
    fn place(&self, (left, bottom): (f64, f64), (column, row): (f64, f64)) -> (f64, f64) {
        (left + (column + 0.5) * self.cell_width, bottom - (row + 0.5) * self.cell_height)
    }

    /// The line of one level, dark with a light rim.
    fn draw_contour(&self, map: &HeatMap, panel: &HeatPanel, corner: (f64, f64), canvas: &mut Canvas) {
        if let Some(contour) = &map.contour {
            let value = |column, row| panel.cell(column, row).and_then(|cell| cell.value);
            let row = |row| (0..map.x.labels.len()).map(|column| value(column, row)).collect();
            let numbers: Vec<Vec<Option<f64>>> = (0..map.y.labels.len()).map(row).collect();
            let lines = contour_lines(&numbers, contour.level);
            let lines: Vec<Vec<(f64, f64)>> =
                lines.iter().map(|line| line.iter().map(|&place| self.place(corner, place)).collect()).collect();
            for (colour, width) in [(WHITE, 3.5), (INK, 1.5)] {
                for line in &lines {
                    canvas.path(line, colour, width);
                }
            }
        }
    }

    /// The number of a cell around (`x`, `y`), and the star where it is the highest.
    fn draw_number(&self, map: &HeatMap, value: f64, stars: Stars, (x, y): (f64, f64), canvas: &mut Canvas) {
        let ground = self.colours.colour(value);
        if stars.highest {
            let up = if self.shows_numbers { 7.0 } else { 0.0 };
            white_star(canvas, (x, y - up), STAR.min(0.45 * self.cell_height));
        }
        if self.shows_numbers {
            // The number makes way for a star.
            let down = match stars {
                Stars { marked: true, .. } => 10.0,
                Stars { highest: true, .. } => 6.0,
                _ => 0.0,
            };
            let look = TextLook { colour: readable_on(ground), ..plain(NUMBER) };
            let text = cell_text(map, value);
            if map.contour.is_some() {
                // The line is interrupted where it would run through the number.
                let (half, y) = (look.width(&text) / 2.0 + 1.0, y + down);
                canvas.fill([x - half, y - 0.5 * NUMBER, x + half, y + 0.5 * NUMBER], ground);
            }
            canvas.text(&text, (x, y + down + 0.36 * NUMBER), Align::Centre, look);
        }
    }
}

/// Which stars stand on a cell.
#[derive(Debug, Clone, Copy)]
struct Stars {
    highest: bool,
    marked: bool,
}

fn is_marked(panel: &HeatPanel, (column, row): (usize, usize)) -> bool {
    panel
        .mark
        .as_ref()
        .is_some_and(|mark| (mark.column - column as f64).abs() <= 0.5 && (mark.row - row as f64).abs() <= 0.5)
}

/// The line of one level, and each name of red stars once.
fn legend_entries(map: &HeatMap) -> Vec<LegendEntry> {
    let mut entries: Vec<LegendEntry> = Vec::new();
    let contour = map.contour.iter().map(|contour| (LegendKey::Contour, &contour.label));
    let marks = map.panels.iter().flatten().filter_map(|panel| panel.mark.as_ref());
    for (key, name) in contour.chain(marks.map(|mark| (LegendKey::RedStar, &mark.label))) {
        if !name.is_empty() && entries.iter().all(|entry| entry.name != *name) {
            entries.push(LegendEntry { key, name: name.clone() });
        }
    }
    entries
}

/// A number as it stands in a cell: three significant digits at most, and two decimals for what lies between −1 and 1.
fn cell_text(map: &HeatMap, value: f64) -> String {
    match map.colour.style {
        NumberStyle::Plain if value.abs() < 10.0 => format!("{value:.2}").replace('-', "−"),
        style => {
            let digits = 3 - 1 - value.abs().max(f64::MIN_POSITIVE).log10().floor() as i32;
            let scale = 10f64.powi(digits.clamp(-300, 300));
            number_label((value * scale).round() / scale, style)
        }
    }
}
