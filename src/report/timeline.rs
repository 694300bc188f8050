//! Who did what when, as bars on one lane per server, link and device, as one figure with the table and a trace behind it.
//!
//! A long run has more lanes and bars than a page: a [`TimelineWindow`] says what of it is drawn. The trace has all of
//! it.

mod layout;
mod rows;

use std::borrow::Cow;
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
    /// What is drawn and put into the table; `None`: everything, from time 0 on.
    pub window: Option<TimelineWindow>,
    /// Small print: study, seed, run.
    pub footer: String,
}

/// A part of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineWindow {
    /// Simulated time [s].
    pub from_s: f64,
    pub to_s: f64,
    /// Positions in the lanes, from the top downwards.
    pub lanes: Vec<usize>,
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
        let shown = self.shown();
        let mut table = Table::new(vec![
            Column::new("lane", "who"),
            Column::new("activity", "compute, transmit, wait or decode"),
            Column::new("start_s", "simulated time [s]"),
            Column::new("end_s", "simulated time [s]"),
            Column::new("label", "what exactly"),
        ])?;
        for span in &shown.spans {
            table.push(vec![
                shown.lanes[span.lane].clone().into(),
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
    /// that is not finite; likewise for the window.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        self.check()?;
        let shown = self.shown();
        let layout = Layout::of(&shown);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw(&shown, &mut canvas);
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

    /// The lanes of the window, and their bars as far as they lie in it.
    fn shown(&self) -> Cow<'_, Self> {
        let Some(TimelineWindow { from_s, to_s, lanes }) = &self.window else { return Cow::Borrowed(self) };
        let mut place_of_lane = vec![None; self.lanes.len()];
        lanes.iter().enumerate().for_each(|(place, &lane)| place_of_lane[lane] = Some(place));
        let clipped = |span: &TimelineSpan| {
            let lane = place_of_lane[span.lane]?;
            let is_seen = span.end_s >= *from_s && span.start_s <= *to_s;
            is_seen.then(|| TimelineSpan {
                lane,
                start_s: span.start_s.max(*from_s),
                end_s: span.end_s.min(*to_s),
                ..span.clone()
            })
        };
        Cow::Owned(Self {
            title: self.title.clone(),
            lanes: lanes.iter().map(|&lane| self.lanes[lane].clone()).collect(),
            spans: self.spans.iter().filter_map(clipped).collect(),
            window: Some(TimelineWindow { from_s: *from_s, to_s: *to_s, lanes: (0..lanes.len()).collect() }),
            footer: self.footer.clone(),
        })
    }

    fn check(&self) -> Result<(), ReportError> {
        let failed = |message: String| ReportError::Figure { figure: self.title.clone(), message };
        if self.spans.is_empty() {
            return Err(failed("it has no bars".to_owned()));
        }
        if let Some(window) = &self.window {
            let TimelineWindow { from_s, to_s, lanes } = window;
            if !(from_s.is_finite() && to_s.is_finite() && from_s < to_s) {
                return Err(failed(format!("its window goes from {from_s} s to {to_s} s")));
            }
            if let Some(lane) = lanes.iter().find(|lane| **lane >= self.lanes.len()) {
                return Err(failed(format!("its window has lane {lane} of {}", self.lanes.len())));
            }
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
