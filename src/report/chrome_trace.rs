//! A timeline as a trace that can be zoomed: drop the file on <https://ui.perfetto.dev>, or open it in `chrome://tracing`.
//!
//! The format is Google's Trace Event Format: a JSON object with complete events (`"ph": "X"`) whose times are in
//! microseconds, and metadata events (`"ph": "M"`) that name the threads, which stand for lanes here.

use serde_json::{Value, json};

use super::timeline::Timeline;

/// All lanes are threads of one process.
const PROCESS: u64 = 1;
const MICROSECONDS_PER_SECOND: f64 = 1e6;

impl Timeline {
    /// The trace as JSON. Threads are numbered from 0 on, from the top downwards. Bars of a lane that overlap in time are
    /// in further threads of its name, since a viewer takes overlapping events of one thread for nested calls.
    ///
    /// # Panics
    /// Where a bar is in a lane that is not there; [`Timeline::table`] and [`Timeline::draw`] refuse such a timeline.
    pub fn to_chrome_trace(&self) -> String {
        let (rows, rows_of_lanes) = self.rows();
        let mut threads: Vec<Vec<usize>> = Vec::new();
        let mut events = vec![metadata("process_name", 0, json!({ "name": self.title }))];
        let mut next = 0;
        for (lane, count) in self.lanes.iter().zip(rows_of_lanes) {
            threads.push((next..next + count).collect());
            for (row, thread) in (next..next + count).enumerate() {
                let name = if row == 0 { lane.clone() } else { format!("{lane} ({})", row + 1) };
                events.push(metadata("thread_name", thread, json!({ "name": name })));
                events.push(metadata("thread_sort_index", thread, json!({ "sort_index": thread })));
            }
            next += count;
        }
        for (span, row) in self.spans.iter().zip(rows) {
            let activity = span.activity.name();
            events.push(json!({
                "name": if span.label.is_empty() { activity } else { &span.label },
                "cat": activity,
                "ph": "X",
                "ts": microseconds(span.start_s),
                "dur": microseconds(span.end_s - span.start_s),
                "pid": PROCESS,
                "tid": threads[span.lane][row],
            }));
        }
        let trace = json!({ "displayTimeUnit": "ms", "otherData": { "comment": self.footer }, "traceEvents": events });
        format!("{trace:#}\n")
    }
}

fn metadata(name: &str, thread: usize, arguments: Value) -> Value {
    json!({ "name": name, "ph": "M", "pid": PROCESS, "tid": thread, "args": arguments })
}

/// To the picosecond, without the digits that the multiplication adds.
fn microseconds(seconds: f64) -> f64 {
    (seconds * MICROSECONDS_PER_SECOND * 1e6).round() / 1e6
}
