//! Who did what when, as bars on one lane per server, link and device, as one figure with the table and a trace behind it.

mod layout;

use std::path::Path;

use self::layout::Layout;
use super::canvas::Canvas;
use super::durable_file::{ReportError, write_durably};
use super::page_format::PageFormat;
use super::table::{Column, Table};

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Denoising.
    Compute,
    /// Sending a latent.
    Transmit,
    /// Waiting for others, for a free channel or a free server.
    Wait,
    /// Turning a latent into a picture.
    Decode,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineSpan {
    /// Position in the lanes.
    pub lane: usize,
    pub activity: Activity,
    /// Simulated time [s].
    pub start_s: f64,
    pub end_s: f64,
    /// Stands in the bar where there is room.
    pub label: String,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    pub title: String,
    /// Names from the top downwards.
    pub lanes: Vec<String>,
    pub spans: Vec<TimelineSpan>,
    /// Small print: study, seed, run.
    pub footer: String,
}

impl Activity {
    /// All, in the order of a legend.
    pub const ALL: [Activity; 4] = [Activity::Compute, Activity::Transmit, Activity::Wait, Activity::Decode];

    /// As it stands in tables and legends.
    pub fn name(self) -> &'static str {
        match self {
            Activity::Compute => "compute",
            Activity::Transmit => "transmit",
            Activity::Wait => "wait",
            Activity::Decode => "decode",
        }
    }
}

impl Timeline {
    /// The table behind the figure: one row per bar.
    ///
    /// # Errors
    /// [`ReportError::Figure`] as for [`Timeline::draw`], and those of [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        self.check()?;
        let mut table = Table::new(vec![
            Column::new("lane", "who"),
            Column::new("activity", "compute, transmit, wait or decode"),
            Column::new("start_s", "simulated time [s]"),
            Column::new("end_s", "simulated time [s]"),
            Column::new("label", "what exactly"),
        ])?;
        for span in &self.spans {
            table.push(vec![
                self.lanes[span.lane].clone().into(),
                span.activity.name().into(),
                span.start_s.into(),
                span.end_s.into(),
                span.label.clone().into(),
            ])?;
        }
        Ok(table)
    }

    /// Draws the figure. Where bars of one lane overlap in time, they stand below each other.
    ///
    /// # Errors
    /// [`ReportError::Figure`] where there is nothing to draw, a bar lies in no lane, ends before it starts, or has a time
    /// that is not finite.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        self.check()?;
        let layout = Layout::of(self);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw(self, &mut canvas);
        Ok(canvas)
    }

    /// Writes `<path>.png`, `<path>.svg`, the table behind them as `<path>.csv`, and a trace as `<path>.trace.json`; see
    /// [`Timeline::to_chrome_trace`].
    ///
    /// # Errors
    /// As [`Timeline::draw`] and [`Timeline::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        let canvas = self.draw()?;
        let trace = path_without_extension.with_added_extension("trace.json");
        write_durably(&trace, self.to_chrome_trace().as_bytes())?;
        canvas.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    /// For each bar the row within its lane: the first one that is free when the bar starts. And for each lane the number
    /// of its rows, at least one.
    pub(super) fn rows(&self) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.spans.len()).collect();
        let start = |at: usize| self.spans[at].start_s;
        order.sort_by(|&one, &other| start(one).total_cmp(&start(other)));
        let mut free_from: Vec<Vec<f64>> = vec![vec![f64::NEG_INFINITY]; self.lanes.len()];
        let mut rows = vec![0; self.spans.len()];
        for at in order {
            let TimelineSpan { lane, start_s, end_s, .. } = self.spans[at];
            let of_lane = &mut free_from[lane];
            // Sums of times may differ in their last digits.
            let slack = 1e-9 * end_s.abs().max(1e-9);
            rows[at] = match of_lane.iter().position(|free| *free <= start_s + slack) {
                Some(row) => row,
                None => {
                    of_lane.push(0.0);
                    of_lane.len() - 1
                }
            };
            of_lane[rows[at]] = end_s;
        }
        (rows, free_from.iter().map(Vec::len).collect())
    }

    fn check(&self) -> Result<(), ReportError> {
        let failed = |message: String| ReportError::Figure { figure: self.title.clone(), message };
        if self.spans.is_empty() {
            return Err(failed("it has no bars".to_owned()));
        }
        for TimelineSpan { lane, start_s, end_s, label, .. } in &self.spans {
            if *lane >= self.lanes.len() {
                return Err(failed(format!("the bar `{label}` is in lane {lane} of {}", self.lanes.len())));
            }
            if !(start_s.is_finite() && end_s.is_finite() && start_s <= end_s) {
                return Err(failed(format!("the bar `{label}` goes from {start_s} s to {end_s} s")));
            }
        }
        Ok(())
    }
}
