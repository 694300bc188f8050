//! A timeline as a trace that can be zoomed: drop the file on <https://ui.perfetto.dev>, or open it in `chrome://tracing`.
//!
//! The format is Google's Trace Event Format: a JSON object with complete events (`"ph": "X"`) whose times are in
//! microseconds, and metadata events (`"ph": "M"`) that name the threads, which stand for lanes here.

use serde::Serialize;

use super::timeline::Timeline;

/// All lanes are threads of one process.
const PROCESS: u64 = 1;
const MICROSECONDS_PER_SECOND: f64 = 1e6;

/// The file. Its keys are in the order of the alphabet, here and below.
#[derive(Serialize)]
struct Trace<'a> {
    #[serde(rename = "displayTimeUnit")]
    display_time_unit: &'static str,
    #[serde(rename = "otherData")]
    other_data: Comment<'a>,
    #[serde(rename = "traceEvents")]
    events: Vec<Event<'a>>,
}

#[derive(Serialize)]
struct Comment<'a> {
    comment: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Event<'a> {
    Metadata { args: Arguments<'a>, name: &'static str, ph: &'static str, pid: u64, tid: usize },
    Complete { cat: &'static str, dur: f64, name: &'a str, ph: &'static str, pid: u64, tid: usize, ts: f64 },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Arguments<'a> {
    Name { name: &'a str },
    SortIndex { sort_index: usize },
}

impl Timeline {
    /// The trace as JSON, of all bars, whatever the window. Threads are numbered from 0 on, from the top downwards.
    /// Bars of a lane that overlap in time are in further threads of its name, since a viewer takes overlapping events
    /// of one thread for nested calls.
    ///
    /// # Panics
    /// Where a bar is in a lane that is not there; [`Timeline::table`] and [`Timeline::draw`] refuse such a timeline.
    pub fn to_chrome_trace(&self) -> String {
        let (rows, rows_of_lanes) = self.rows();
        let names: Vec<String> = self.lanes.iter().zip(&rows_of_lanes).flat_map(thread_names).collect();
        let first_threads: Vec<usize> =
            rows_of_lanes.iter().scan(0, |next, count| Some(std::mem::replace(next, *next + count))).collect();
        let mut events = Vec::with_capacity(1 + 2 * names.len() + self.spans.len());
        events.push(metadata("process_name", 0, Arguments::Name { name: &self.title }));
        for (thread, name) in names.iter().enumerate() {
            events.push(metadata("thread_name", thread, Arguments::Name { name }));
            events.push(metadata("thread_sort_index", thread, Arguments::SortIndex { sort_index: thread }));
        }
        for (span, row) in self.spans.iter().zip(rows) {
            let activity = span.activity.name();
            events.push(Event::Complete {
                cat: activity,
                dur: microseconds(span.end_s - span.start_s),
                name: if span.label.is_empty() { activity } else { &span.label },
                ph: "X",
                pid: PROCESS,
                tid: first_threads[span.lane] + row,
                ts: microseconds(span.start_s),
            });
        }
        let other_data = Comment { comment: &self.footer };
        let trace = Trace { display_time_unit: "ms", other_data, events };
        serde_json::to_string_pretty(&trace).expect("a trace is plain numbers and texts") + "\n"
    }
}

/// The lane's own name, then that with the number of the row.
fn thread_names((lane, rows): (&String, &usize)) -> impl Iterator<Item = String> {
    (0..*rows).map(move |row| if row == 0 { lane.clone() } else { format!("{lane} ({})", row + 1) })
}

fn metadata<'a>(name: &'static str, thread: usize, arguments: Arguments<'a>) -> Event<'a> {
    Event::Metadata { args: arguments, name, ph: "M", pid: PROCESS, tid: thread }
}

/// To the picosecond, without the digits that the multiplication adds.
fn microseconds(seconds: f64) -> f64 {
    (seconds * MICROSECONDS_PER_SECOND * 1e6).round() / 1e6
}
