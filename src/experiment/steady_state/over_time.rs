//! Quantities that are averages over time: how busy servers and radio are, how long the queue is, how many pictures
//! come out.

use super::payers::Payers;
use super::window::{Ended, Window};
use super::{Found, Method};
use crate::experiment::simulation::Run;
use crate::experiment::statistics::TimeBatches;
use crate::network::JobRecord;

pub(super) fn measure(run: &Run, window: &Window<'_>, found: &mut Found) {
    let scenario = &run.point.scenario;
    let cells = scenario.cells.len() as f64;
    let empty = TimeBatches::new(window.from_s, window.to_s, window.batches);
    let mut add = |name: &'static str, capacity: f64, fill: &dyn Fn(&mut TimeBatches)| {
        let average = empty.clone().and_then(|mut batches| {
            fill(&mut batches);
            batches.average(capacity)
        });
        found.add(name, Method::TimeBatches, average);
    };
    // What began in the warm-up may reach into the window: all requests are looked at.
    add("throughput_hz", 1.0, &|batches| {
        run.users.iter().for_each(|user| batches.add_event(user.record.finished_s));
    });
    add("server_utilisation", cells * f64::from(scenario.server.workers), &|batches| {
        busy_stretches(&run.books.jobs).for_each(|(start_s, end_s)| batches.add_interval(start_s, end_s));
    });
    let channels = f64::from(scenario.radio.channel_count(scenario.devices.len()));
    let payers = Payers::of(scenario);
    add("radio_utilisation", cells * channels, &|batches| {
        let links = run.users.iter().filter(|user| payers.server_sends(&user.record));
        let links = links.filter_map(|user| user.record.link.as_ref());
        links.for_each(|link| batches.add_interval(link.transmit_start_s, link.received_s));
    });
    add("queue_length", 1.0, &|batches| {
        // Where nothing is shared, nobody queues.
        let is_shared = scenario.policy.shared_steps() > 0;
        for ended in window.all().iter().filter(|_| is_shared) {
            if let Some((from_s, to_s)) = in_queue(ended) {
                batches.add_interval(from_s, to_s);
            }
        }
    });
}

/// When workers were busy, without overlaps: the groups of one batch are jobs of the same worker [s]. O(n log n) for n jobs.
///
/// ```text
///  jobs of a worker   ├── group 1 ──┤              ├── 4 ──┤
///                     ├───── group 2 ─────┤        ├───── 5 ─────┤
///                     ├─ 3 ─┤
///  busy               ├─────────┼─────────┤        ├───────┼─────┤
/// ```
fn busy_stretches(jobs: &[JobRecord]) -> impl Iterator<Item = (f64, f64)> {
    let of_worker = |job: &JobRecord| Some(((job.cell, job.worker?), job.start_s, job.end_s));
    let mut jobs: Vec<((u32, u32), f64, f64)> = jobs.iter().filter_map(of_worker).collect();
    jobs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut last = None;
    jobs.into_iter().filter_map(move |(worker, start_s, end_s)| {
        let busy_until_s = last.filter(|(other, _)| *other == worker).map_or(f64::NEG_INFINITY, |(_, end_s)| end_s);
        last = Some((worker, end_s.max(busy_until_s)));
        (end_s > busy_until_s).then_some((start_s.max(busy_until_s), end_s))
    })
}

/// When a request came into the queue and left it [s]; `None` where it never was in one.
fn in_queue(ended: &Ended<'_>) -> Option<(f64, f64)> {
    let journey = ended.journey();
    let from_s = journey.queued_s?;
    let to_s = match (journey.service_start_s, ended) {
        (Some(start_s), _) => start_s,
        // It ended while it waited.
        (None, Ended::Unserved(record)) => record.ended_s,
        // Nothing was shared: its device worked alone.
        (None, Ended::Served { .. }) => return None,
    };
    Some((from_s, to_s))
}
