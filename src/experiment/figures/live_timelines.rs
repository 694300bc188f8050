//! Who does what when in a run in time, from the times in `requests.csv`.
//!
//! ```text
//!  cell-1 worker 1  ▐ t₀ steps ▌▐ t₀ steps ▌     ▐ t₀ steps ▌
//!  cell-1 worker 2         ▐ t₀ steps ▌  ▐ t₀ steps ▌
//!  cell-1 radio                ▐ transmit ▌▐ transmit ▌
//!  phone                            ▐ wait ▌▐ tₖ steps ▌ decode ▌
//! ```
//!
//! A page has 40 lanes: workers and radios first, then devices in the order in which they appear in the window.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::columns::{Columns, Wanted};
use super::timelines::{RESOLUTION_S, span};
use super::{FigureSource, base_title};
use crate::report::timeline::{Activity, TimelineSpan, TimelineWindow};
use crate::report::{ReportError, Timeline};
use crate::scenario::{FigureSettings, Scenario, TimelineSettings};

/// Lanes on a page, and those of them that workers and radios take at most.
const MOST_LANES: usize = 40;
const MOST_NETWORK_LANES: usize = 24;
/// Bars that begin in the window where its end is left out.
const MOST_BARS: usize = 1000;

/// Times in seconds; NaN where they do not apply.
const NUMBERS: &[&str] = &[
    "t0",
    "tk",
    "service_start_s",
    "server_finished_s",
    "transmit_start_s",
    "received_s",
    "device_compute_s",
    "decode_s",
    "finished_s",
];

/// The timeline of one run.
///
/// # Errors
/// [`ReportError::Figure`] where there is no such run, or it served nobody; those of [`Columns::read`].
pub(super) fn timeline(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &TimelineSettings,
) -> Result<Timeline, ReportError> {
    let TimelineSettings { point, replication, .. } = wish;
    let (at_point, at_replication) = (point.to_string(), replication.to_string());
    let only = [("point", &*at_point), ("replication", &*at_replication), ("outcome", "served")];
    let wanted = Wanted { words: &["device", "cell", "leader"], numbers: NUMBERS, only: &only };
    let run = Columns::read(&source.folder.join("requests.csv"), &wanted)?;
    let title = match &figure.title {
        Some(title) => title.clone(),
        None => format!("{}: point {point}, replication {replication}", base_title(scenario, figure)),
    };
    if run.rows() == 0 {
        let message = format!("there is no picture of point {point}, replication {replication}");
        return Err(ReportError::Figure { figure: title, message });
    }
    let mut lanes = Lanes::default();
    lanes.add_network(&run, scenario);
    let network_lanes = lanes.names.len();
    lanes.add_devices(&run);
    let (window, left_out) = window(&lanes, network_lanes, wish);
    let note = if left_out > 0 { format!(" · {left_out} more lanes in the trace") } else { String::new() };
    Ok(Timeline {
        title,
        lanes: lanes.names,
        spans: lanes.spans,
        window: Some(window),
        footer: format!("{}{note}", source.footer),
    })
}

/// Lanes in the making.
#[derive(Default)]
struct Lanes {
    names: Vec<String>,
    spans: Vec<TimelineSpan>,
}

impl Lanes {
    fn begin(&mut self, name: String) -> usize {
        self.names.push(name);
        self.names.len() - 1
    }

    fn add(&mut self, lane: usize, bar: TimelineSpan) {
        if bar.end_s > bar.start_s + RESOLUTION_S {
            self.spans.push(TimelineSpan { lane, ..bar });
        }
    }

    /// Workers and radios of each cell that has something to do.
    fn add_network(&mut self, run: &Columns, scenario: &Scenario) {
        let cells = run.words("cell");
        let prefix = |cell: &str| if scenario.cells.len() > 1 { format!("{cell} ") } else { String::new() };
        for (code, cell) in cells.words().iter().enumerate() {
            let rows = || (0..run.rows()).filter(|row| cells.code(*row) == code);
            for (number, jobs) in workers(run, rows()).into_iter().enumerate() {
                let lane = self.begin(format!("{}worker {}", prefix(cell), number + 1));
                jobs.into_iter().for_each(|job| self.add(lane, job));
            }
            let sent = |row: &usize| run.numbers("received_s")[*row].is_finite() && is_of_server(run, *row);
            let mut sent = rows().filter(sent).peekable();
            if sent.peek().is_none() {
                continue;
            }
            let lane = self.begin(format!("{}radio", prefix(cell)));
            for row in sent {
                let time_s = |name: &str| run.numbers(name)[row];
                let to = format!("to {}", run.words("device").word(row));
                self.add(lane, span(Activity::Transmit, time_s("transmit_start_s"), time_s("received_s"), to));
            }
        }
    }

    /// What devices do, for themselves and for those that they lead.
    fn add_devices(&mut self, run: &Columns) {
        let (devices, leaders) = (run.words("device"), run.words("leader"));
        let mut lane_of: HashMap<&str, usize> = HashMap::new();
        let mut led: HashSet<(&str, u64)> = HashSet::new();
        for row in 0..run.rows() {
            let time_s = |name: &str| run.numbers(name)[row];
            let mut lane =
                |lanes: &mut Self, device| *lane_of.entry(device).or_insert_with(|| lanes.begin(str::to_owned(device)));
            let (shared_start_s, shared_end_s) = (time_s("service_start_s"), time_s("server_finished_s"));
            if !is_of_server(run, row) && shared_start_s.is_finite() && shared_end_s.is_finite() {
                let leader = lane(self, leaders.word(row));
                // Everybody of the group has the same times.
                if led.insert((leaders.word(row), shared_start_s.to_bits())) {
                    let label = format!("t₀ = {}", time_s("t0"));
                    self.add(leader, span(Activity::Compute, shared_start_s, shared_end_s, label));
                }
            }
            let own = lane(self, devices.word(row));
            let finished_s = time_s("finished_s");
            let decode_start_s = finished_s - time_s("decode_s");
            let start_s = decode_start_s - time_s("device_compute_s");
            let received_s = time_s("received_s");
            if received_s.is_finite() {
                if !is_of_server(run, row) {
                    let from = format!("from {}", leaders.word(row));
                    self.add(own, span(Activity::Transmit, time_s("transmit_start_s"), received_s, from));
                }
                self.add(own, span(Activity::Wait, received_s, start_s, "wait".to_owned()));
            }
            let label = format!("tₖ = {}", time_s("tk"));
            self.add(own, span(Activity::Compute, start_s, decode_start_s, label));
            self.add(own, span(Activity::Decode, decode_start_s, finished_s, "decode".to_owned()));
        }
    }
}

/// Whether a server ran the shared steps and sent the latent.
fn is_of_server(run: &Columns, row: usize) -> bool {
    run.words("leader").word(row).is_empty()
}

/// The jobs of each worker of a cell. Which worker ran a job is not in the tables: it is the first that was free, of
/// which there are as many as jobs ran at once.
fn workers(run: &Columns, rows: impl Iterator<Item = usize>) -> Vec<Vec<TimelineSpan>> {
    // Requests of one group, and groups of one batch, begin and end together.
    let mut jobs: BTreeMap<(u64, u64), (TimelineSpan, u32)> = BTreeMap::new();
    for row in rows.filter(|row| is_of_server(run, *row)) {
        let [start_s, end_s] = ["service_start_s", "server_finished_s"].map(|name| run.numbers(name)[row]);
        if start_s.is_finite() && end_s > start_s + RESOLUTION_S {
            let job = span(Activity::Compute, start_s, end_s, format!("t₀ = {}", run.numbers("t0")[row]));
            // Times are not negative: their bits are in their order.
            jobs.entry((start_s.to_bits(), end_s.to_bits())).or_insert((job, 0)).1 += 1;
        }
    }
    let mut workers: Vec<Vec<TimelineSpan>> = Vec::new();
    for (mut job, requests) in jobs.into_values() {
        if requests > 1 {
            job.label = format!("{} for {requests}", job.label);
        }
        let is_free = |worker: &&mut Vec<TimelineSpan>| {
            worker.last().is_none_or(|last: &TimelineSpan| last.end_s <= job.start_s + RESOLUTION_S)
        };
        match workers.iter_mut().find(is_free) {
            Some(worker) => worker.push(job),
            None => workers.push(vec![job]),
        }
    }
    workers
}

/// What is drawn, and how many lanes with bars in that time are not.
fn window(lanes: &Lanes, network_lanes: usize, wish: &TimelineSettings) -> (TimelineWindow, usize) {
    let from_s = wish.from_s.unwrap_or(0.0);
    let to_s = wish.to_s.unwrap_or_else(|| end_of_window(&lanes.spans, from_s));
    let to_s = if to_s > from_s { to_s } else { from_s + 1.0 };
    let mut first_s: Vec<f64> = vec![f64::INFINITY; lanes.names.len()];
    for bar in lanes.spans.iter().filter(|bar| bar.end_s >= from_s && bar.start_s <= to_s) {
        first_s[bar.lane] = first_s[bar.lane].min(bar.start_s);
    }
    let has_bars = |lane: &usize| first_s[*lane].is_finite();
    let network: Vec<usize> = (0..network_lanes).filter(has_bars).collect();
    let mut devices: Vec<usize> = (network_lanes..lanes.names.len()).filter(has_bars).collect();
    devices.sort_by(|one, other| first_s[*one].total_cmp(&first_s[*other]));
    let all = network.len() + devices.len();
    let shown: Vec<usize> = network.into_iter().take(MOST_NETWORK_LANES).chain(devices).take(MOST_LANES).collect();
    let left_out = all - shown.len();
    (TimelineWindow { from_s, to_s, lanes: shown }, left_out)
}

/// Where the run ends, or so many bars have begun that a page is full [s].
fn end_of_window(spans: &[TimelineSpan], from_s: f64) -> f64 {
    let mut starts_s: Vec<f64> = spans.iter().filter(|bar| bar.end_s >= from_s).map(|bar| bar.start_s).collect();
    if starts_s.len() > MOST_BARS {
        return *starts_s.select_nth_unstable_by(MOST_BARS, f64::total_cmp).1;
    }
    spans.iter().map(|bar| bar.end_s).fold(from_s, f64::max)
}
