//! Who pays how much energy for what: stacked horizontal bars, with budgets as marks, as one figure with the table behind it.

use std::path::Path;

use plotters::style::RGBColor;

use super::axis_label::{NumberStyle, number_label};
use super::axis_scale::{LinearScale, round_ticks};
use super::canvas::{Align, Canvas, HAIRLINE, INK, bold, faint, plain, widest};
use super::durable_file::ReportError;
use super::page_format::PageFormat;
use super::table::{Cell, Column, Table};

/// One bar: the energy of one way to serve the same users.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerBar {
    /// Say "split" or "independent".
    pub label: String,
    /// [J], not negative.
    pub server_compute_j: f64,
    pub server_radio_j: f64,
    pub device_compute_j: f64,
    pub device_radio_j: f64,
    /// Drawn as a mark across the bar [J].
    pub budget_j: Option<f64>,
}

impl LedgerBar {
    fn parts(&self) -> [f64; 4] {
        [self.server_compute_j, self.server_radio_j, self.device_compute_j, self.device_radio_j]
    }

    fn total_j(&self) -> f64 {
        self.parts().iter().sum()
    }
}

/// Bars that are compared with each other: those of one point, or of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerGroup {
    pub label: String,
    pub bars: Vec<LedgerBar>,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerBars {
    pub title: String,
    pub groups: Vec<LedgerGroup>,
    /// Small print: study, seed, n.
    pub footer: String,
}

/// One hue per payer, the lighter shade for its radio.
const PARTS: [(&str, RGBColor); 4] = [
    ("server compute", RGBColor(0, 90, 150)),
    ("server radio", RGBColor(120, 190, 235)),
    ("device compute", RGBColor(205, 85, 0)),
    ("device radio", RGBColor(245, 190, 110)),
];
const MARGIN: f64 = 16.0;
const PLOT_WIDTH: f64 = 420.0;
const BAR: f64 = 15.0;
const BAR_GAP: f64 = 4.0;
const GROUP_GAP: f64 = 12.0;
const LABEL: f64 = 10.0;

impl LedgerBars {
    /// The table behind the figure: one row per bar.
    ///
    /// # Errors
    /// Those of [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let mut table = Table::new(vec![
            Column::new("group", "bars that are compared with each other"),
            Column::new("bar", "one way to serve the same users"),
            Column::new("server_compute_j", "energy of the server's denoising steps [J]"),
            Column::new("server_radio_j", "energy of the server's transmissions [J]"),
            Column::new("device_compute_j", "energy of the devices' denoising and decoding [J]"),
            Column::new("device_radio_j", "energy of the devices' receivers [J]"),
            Column::new("budget_j", "budget marked in the figure [J]; blank: none"),
        ])?;
        for group in &self.groups {
            for bar in &group.bars {
                let mut row = vec![group.label.clone().into(), bar.label.clone().into()];
                row.extend(bar.parts().map(Cell::from));
                row.push(bar.budget_j.into());
                table.push(row)?;
            }
        }
        Ok(table)
    }

    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is no bar, or an energy is negative or not finite.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        self.check()?;
        let largest = bars().map(|bar| bar.total_j().max(bar.budget_j.unwrap_or(0.0))).fold(0.0, f64::max);
        let ticks = round_ticks(0.0, if largest > 0.0 { largest } else { 1.0 }, 6);

        let group_labels: Vec<_> = self.groups.iter().map(|group| bold(LABEL).wrap(&group.label, 150.0)).collect();
        let group_width = widest(group_labels.iter().flatten(), bold(LABEL));
        let names: Vec<String> = bars().map(|bar| bar.label.clone()).collect();
        let name_width = widest(names.iter(), plain(LABEL));
        let left = MARGIN + group_width + 12.0 + name_width + 8.0;
        let scale = LinearScale {
            from: 0.0,
            to: *ticks.last().expect("an axis has two ends"),
            start: left,
            end: left + PLOT_WIDTH,
        };
        // Totals stand behind the bars, and may stand behind the axis.
        let width = scale.end + 60.0 + MARGIN;

        let title = bold(14.0).wrap(&self.title, width - 2.0 * MARGIN);
        let footer = faint(8.5).wrap(&self.footer, width - 2.0 * MARGIN);
        let legend_top = MARGIN + title.len() as f64 * bold(14.0).line_height() + 6.0;
        let top = legend_top + 26.0;
        let heights: Vec<f64> = self
            .groups
            .iter()
            .zip(&group_labels)
            .map(|(group, label)| {
                let bars = group.bars.len() as f64;
                (bars * BAR + (bars - 1.0) * BAR_GAP).max(label.len() as f64 * bold(LABEL).line_height())
            })
            .collect();
        let bottom = top + heights.iter().sum::<f64>() + GROUP_GAP * heights.len() as f64;
        let footer_top = bottom + 48.0;
        let footer_height = footer.len() as f64 * faint(8.5).line_height();
        let mut canvas = Canvas::new(width, footer_top + footer_height + MARGIN);

        canvas.lines_down(&title, (width / 2.0, MARGIN), Align::Centre, bold(14.0));
        draw_legend(&mut canvas, (left, legend_top), bars().any(|bar| bar.budget_j.is_some()));
        for &tick in &ticks {
            let x = scale.position(tick);
            canvas.fill([x - 0.25, top - 2.0, x + 0.25, bottom], HAIRLINE);
            let label = number_label(tick, NumberStyle::Plain);
            canvas.text(&label, (x, bottom + 14.0), Align::Centre, plain(LABEL));
        }
        let axis_title_at = ((scale.start + scale.end) / 2.0, bottom + 31.0);
        canvas.text("energy [J]", axis_title_at, Align::Centre, plain(11.0));
        let mut y = top + GROUP_GAP / 2.0;
        for ((group, label), height) in self.groups.iter().zip(&group_labels).zip(&heights) {
            let label_height = label.len() as f64 * bold(LABEL).line_height();
            let label_at = (MARGIN, y + (height - label_height) / 2.0);
            canvas.lines_down(label, label_at, Align::Left, bold(LABEL));
            let mut bar_top = y;
            for bar in &group.bars {
                draw_bar(&mut canvas, bar, bar_top, &scale);
                bar_top += BAR + BAR_GAP;
            }
            y += height + GROUP_GAP;
        }
        canvas.fill([left - 0.5, top - 2.0, left + 0.5, bottom], INK);
        canvas.lines_down(&footer, (MARGIN, footer_top), Align::Left, faint(8.5));
        Ok(canvas)
    }

    fn check(&self) -> Result<(), ReportError> {
        let failed = |message: String| ReportError::Figure { figure: self.title.clone(), message };
        if self.groups.iter().all(|group| group.bars.is_empty()) {
            return Err(failed("it has no bars".to_owned()));
        }
        for bar in self.groups.iter().flat_map(|group| &group.bars) {
            let energies = bar.parts().into_iter().chain(bar.budget_j);
            if let Some(energy) = energies.into_iter().find(|energy| !(energy.is_finite() && *energy >= 0.0)) {
                return Err(failed(format!("the bar `{}` has an energy of {energy} J", bar.label)));
            }
        }
        Ok(())
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`LedgerBars::draw`] and [`LedgerBars::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }
}

fn draw_bar(canvas: &mut Canvas, bar: &LedgerBar, top: f64, scale: &LinearScale) {
    let baseline = top + BAR / 2.0 + 0.36 * LABEL;
    canvas.text(&bar.label, (scale.start - 8.0, baseline), Align::Right, plain(LABEL));
    let mut so_far = 0.0;
    for (part, (_, colour)) in bar.parts().into_iter().zip(PARTS) {
        let from = scale.position(so_far);
        so_far += part;
        canvas.fill([from, top, scale.position(so_far), top + BAR], colour);
    }
    let mut end = scale.position(so_far);
    if let Some(budget) = bar.budget_j {
        let x = scale.position(budget);
        canvas.fill([x - 0.75, top - 2.5, x + 0.75, top + BAR + 2.5], INK);
        // The total makes way for a mark right behind the bar.
        if x >= end && x < end + 50.0 {
            end = x;
        }
    }
    let total = number_label((so_far * 1000.0).round() / 1000.0, NumberStyle::Unit("J"));
    canvas.text(&total, (end + 5.0, baseline), Align::Left, faint(LABEL - 0.5));
}

fn draw_legend(canvas: &mut Canvas, (left, top): (f64, f64), with_budget: bool) {
    let mut x = left;
    for (name, colour) in PARTS {
        canvas.fill([x, top, x + 10.0, top + 10.0], colour);
        canvas.text(name, (x + 14.0, top + 8.8), Align::Left, plain(LABEL));
        x += 14.0 + plain(LABEL).width(name) + 14.0;
    }
    if with_budget {
        canvas.fill([x + 4.25, top - 2.0, x + 5.75, top + 12.0], INK);
        canvas.text("budget", (x + 12.0, top + 8.8), Align::Left, plain(LABEL));
    }
}
