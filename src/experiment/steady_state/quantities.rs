//! The list of quantities: names, units and what they mean.

use super::Found;
use super::window::Window;
use crate::experiment::simulation::Run;
use crate::experiment::statistics::batch_means::jain_index;
use crate::network::LedgerPayer;

/// One quantity of a run in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    /// Column of `runs.csv`, row of `steady_state.csv`, value of figures.
    pub name: &'static str,
    /// Empty for counts, parts and indices.
    pub unit: &'static str,
    /// For the data dictionary.
    pub meaning: &'static str,
    /// Whether it is there only where somebody judges.
    pub is_of_judges: bool,
}

const fn quantity(name: &'static str, unit: &'static str, meaning: &'static str) -> Quantity {
    Quantity { name, unit, meaning, is_of_judges: false }
}

const fn judged(name: &'static str, unit: &'static str, meaning: &'static str) -> Quantity {
    Quantity { name, unit, meaning, is_of_judges: true }
}

/// All quantities, in the order of the tables. Counts are of the whole run; means are over what comes after the
/// warm-up.
pub const QUANTITIES: &[Quantity] = &[
    quantity("requests", "", "requests that arrived, in the whole run"),
    quantity("served", "", "requests that ended with a picture, in the whole run"),
    quantity(
        "dropped",
        "",
        "requests that were dropped: a full queue of a server or the radio, or a deadline that could not be kept; in the whole run",
    ),
    quantity("abandoned", "", "requests whose user lost patience, in the whole run"),
    quantity("failed", "", "requests that failed: battery, device away, or link; in the whole run"),
    quantity("warm_up_requests", "", "first requests that are left out of all means"),
    quantity("warm_up_s", "s", "simulated time that is left out of all averages over time [s]"),
    quantity(
        "warm_up_is_at_limit",
        "",
        "1 where the run is too short for its transient: MSER-5 would leave out half of the pictures, as much as it may; else \
         0, blank where the warm-up is given",
    ),
    quantity("latency_s", "s", "mean time from the request to the picture [s]"),
    quantity(
        "grouping_wait_s",
        "s",
        "mean time until the request's group was in the queue: gathering the group, and attempts that were dropped [s]",
    ),
    quantity("queue_wait_s", "s", "mean time in the queue of whoever runs the shared steps [s]"),
    quantity("shared_compute_s", "s", "mean time of the shared steps [s]"),
    quantity("air_wait_s", "s", "mean time that a finished latent waited for the radio [s]"),
    quantity("air_s", "s", "mean time on the air, repetitions included [s]"),
    quantity("device_wait_s", "s", "mean time that a latent waited for its device [s]"),
    quantity("device_compute_s", "s", "mean time of the device's own steps [s]"),
    quantity("decode_s", "s", "mean time of decoding [s]"),
    quantity("latency_p50_s", "s", "median of the latency [s]"),
    quantity("latency_p95_s", "s", "95 % quantile of the latency [s]"),
    quantity("latency_p99_s", "s", "99 % quantile of the latency [s]"),
    quantity("grouping_wait_p50_s", "s", "median of the wait until the request's group was in the queue [s]"),
    quantity("grouping_wait_p95_s", "s", "95 % quantile of the wait until the request's group was in the queue [s]"),
    quantity("grouping_wait_p99_s", "s", "99 % quantile of the wait until the request's group was in the queue [s]"),
    quantity("queue_wait_p50_s", "s", "median of the wait in the queue of whoever runs the shared steps [s]"),
    quantity("queue_wait_p95_s", "s", "95 % quantile of the wait in the queue of whoever runs the shared steps [s]"),
    quantity("queue_wait_p99_s", "s", "99 % quantile of the wait in the queue of whoever runs the shared steps [s]"),
    quantity("shared_compute_p50_s", "s", "median of the time of the shared steps [s]"),
    quantity("shared_compute_p95_s", "s", "95 % quantile of the time of the shared steps [s]"),
    quantity("shared_compute_p99_s", "s", "99 % quantile of the time of the shared steps [s]"),
    quantity("air_wait_p50_s", "s", "median of the wait of a finished latent for the radio [s]"),
    quantity("air_wait_p95_s", "s", "95 % quantile of the wait of a finished latent for the radio [s]"),
    quantity("air_wait_p99_s", "s", "99 % quantile of the wait of a finished latent for the radio [s]"),
    quantity("air_p50_s", "s", "median of the time on the air [s]"),
    quantity("air_p95_s", "s", "95 % quantile of the time on the air [s]"),
    quantity("air_p99_s", "s", "99 % quantile of the time on the air [s]"),
    quantity("device_wait_p50_s", "s", "median of the wait of a latent for its device [s]"),
    quantity("device_wait_p95_s", "s", "95 % quantile of the wait of a latent for its device [s]"),
    quantity("device_wait_p99_s", "s", "99 % quantile of the wait of a latent for its device [s]"),
    quantity("device_compute_p50_s", "s", "median of the time of the device's own steps [s]"),
    quantity("device_compute_p95_s", "s", "95 % quantile of the time of the device's own steps [s]"),
    quantity("device_compute_p99_s", "s", "99 % quantile of the time of the device's own steps [s]"),
    quantity("decode_p50_s", "s", "median of the time of decoding [s]"),
    quantity("decode_p95_s", "s", "95 % quantile of the time of decoding [s]"),
    quantity("decode_p99_s", "s", "99 % quantile of the time of decoding [s]"),
    quantity(
        "deadline_miss_rate",
        "",
        "part of the requests with a deadline whose picture was late or never came; blank where there are no deadlines",
    ),
    quantity("throughput_hz", "Hz", "pictures per second [Hz]"),
    quantity(
        "server_utilisation",
        "",
        "part of the time that a server's worker is busy, the mean over workers and cells",
    ),
    quantity(
        "radio_utilisation",
        "",
        "part of the time that a channel of a cell is on the air with latents that became pictures, the mean over cells",
    ),
    quantity("queue_length", "", "mean number of requests in the queues, all together"),
    quantity("hit_rate", "", "part of the requests that asked the cache and got a latent; blank where none asked"),
    quantity(
        "full_hit_rate",
        "",
        "part of the requests that asked the cache and got a latent with all shared steps behind it",
    ),
    quantity(
        "steps_avoided",
        "",
        "mean number of shared steps that the cache saved a request that asked it; 0 for a miss",
    ),
    quantity("group_size", "", "mean number of requests in a group"),
    quantity(
        "energy_per_picture_j",
        "J",
        "energy of all requests, whoever paid and whatever their end, over the number of pictures [J]",
    ),
    quantity("energy_per_picture_server_j", "J", "mean energy that servers paid for a picture [J]"),
    quantity(
        "energy_per_picture_device_j",
        "J",
        "mean energy that devices paid for a picture, their user's or another's [J]",
    ),
    judged("mean_qoe", "", "mean quality of experience of the pictures, each by its own user, in [0, 1]"),
    judged(
        "qoe_below_threshold",
        "",
        "part of the pictures below judge.qoe_threshold, constraint (23), or whose score failed",
    ),
    judged("qoe_per_joule", "1/J", "sum of the quality of experience over the energy of all requests [1/J]"),
    quantity(
        "goodput_bps",
        "bit/s",
        "bits of latents and headers that arrived right, over the time on the air; of the last hop [bit/s]",
    ),
    quantity("transmission_attempts", "", "mean number of transmissions of a block; 1 where nothing is repeated"),
    quantity(
        "residual_bit_error_probability",
        "",
        "mean probability that a bit of a delivered latent is flipped, after protection and over all hops",
    ),
    quantity(
        "jain_index",
        "",
        "Jain's index of the devices' mean quality of experience, without a judge of their mean latency: 1 where all are \
         equal",
    ),
    quantity("drop_rate", "", "part of the requests that were dropped"),
    quantity("abandonment_rate", "", "part of the requests whose user lost patience"),
    quantity("failure_rate", "", "part of the requests that failed"),
    quantity(
        "handover_rate",
        "",
        "part of the requests that went to another cell than the one before of the same device",
    ),
    quantity("restarts", "", "mean number of times that work on a request began again after a fault"),
    quantity("cache_bytes", "B", "bytes in the caches of all cells at the end of the run [B]"),
    quantity("largest_cache_bytes", "B", "sum over the cells of the most bytes that each cache held [B]"),
    quantity("evictions", "", "cache entries that were evicted or ran out of time, in the whole run"),
    quantity(
        "device_energy_jain_index",
        "",
        "Jain's index of the energy that each device paid in the whole run: 1 where all pay the same; blank where none \
         pays",
    ),
];

/// Counts, caches and batteries: what needs no window.
pub(super) fn whole_run(run: &Run, window: &Window<'_>, found: &mut Found) {
    let books = &run.books;
    let ended = |outcome: &str| books.unserved.iter().filter(|record| record.end.outcome() == outcome).count() as f64;
    found.exact("requests", Some(books.arrivals as f64));
    found.exact("served", Some(run.users.len() as f64));
    for (name, outcome) in [("dropped", "dropped"), ("abandoned", "abandoned"), ("failed", "failed")] {
        found.exact(name, Some(ended(outcome)));
    }
    found.exact("warm_up_requests", Some(window.warm_up_requests as f64));
    found.exact("warm_up_s", Some(window.from_s));
    found.exact("warm_up_is_at_limit", window.is_warm_up_at_limit.map(f64::from));
    let cache = run.point.scenario.cache.as_ref();
    found.exact("cache_bytes", cache.map(|_| books.cache_bytes as f64));
    found.exact("largest_cache_bytes", cache.map(|_| books.largest_cache_bytes as f64));
    found.exact("evictions", cache.map(|_| books.cache_evictions as f64));
    let mut drained_j = vec![0.0; run.point.scenario.devices.len()];
    for (payer, _, energy_j) in run.ledger.totals() {
        if let LedgerPayer::Device(index) = payer {
            drained_j[index] += energy_j;
        }
    }
    found.exact("device_energy_jain_index", jain_index(drained_j));
}
