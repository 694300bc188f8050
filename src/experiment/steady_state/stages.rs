//! Where a request spends its time, from the user's wish to the picture.
//!
//! ```text
//!  arrival   queued      service   shared steps   first symbol   last     device    last
//!                         starts       done           leaves     arrives  starts    step      picture
//!     ├─────────┼────────────┼───────────┼──────────────┼──────────┼────────┼─────────┼──────────┤
//!      grouping    queue         shared      air             air     device   device    decode
//!        wait      wait         compute      wait                     wait    compute
//! ```
//!
//! The stages add up to the latency. One that a request does not go through takes no time.

use crate::network::UserRecord;

/// Times of one request [s].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stages {
    /// From the request until its group is in the queue: gathering the group, and attempts that were dropped.
    pub grouping_wait_s: f64,
    /// In the queue of whoever runs the shared steps.
    pub queue_wait_s: f64,
    /// Of the shared steps, for the last time where a fault made them begin again.
    pub shared_compute_s: f64,
    /// Until the first symbol leaves.
    pub air_wait_s: f64,
    /// On the air, repetitions included.
    pub air_s: f64,
    /// Until the device is free.
    pub device_wait_s: f64,
    /// Of the device's steps.
    pub device_compute_s: f64,
    pub decode_s: f64,
}

impl Stages {
    /// Of a request whose device takes `decode_time_s` to decode.
    pub fn of(record: &UserRecord, decode_time_s: f64) -> Self {
        let journey = &record.journey;
        let shared_end_s = match record.server_finished_s {
            Some(end_s) => end_s,
            // Nothing is shared: its device was told to work alone as soon as its group was made.
            None => journey.queued_s.unwrap_or(journey.arrival_s),
        };
        let service_start_s = journey.service_start_s.unwrap_or(shared_end_s);
        let queued_s = journey.queued_s.unwrap_or(service_start_s);
        let (transmit_start_s, received_s) = match &record.link {
            Some(link) => (link.transmit_start_s, link.received_s),
            None => (shared_end_s, shared_end_s),
        };
        let decode_s = decode_time_s.min(record.finished_s - record.device_start_s);
        Self {
            grouping_wait_s: queued_s - journey.arrival_s,
            queue_wait_s: service_start_s - queued_s,
            shared_compute_s: shared_end_s - service_start_s,
            air_wait_s: transmit_start_s - shared_end_s,
            air_s: received_s - transmit_start_s,
            device_wait_s: record.device_start_s - received_s,
            device_compute_s: record.finished_s - record.device_start_s - decode_s,
            decode_s,
        }
    }

    /// Names of quantities and columns, in the order of time.
    pub const NAMES: [&str; 8] = [
        "grouping_wait_s",
        "queue_wait_s",
        "shared_compute_s",
        "air_wait_s",
        "air_s",
        "device_wait_s",
        "device_compute_s",
        "decode_s",
    ];

    /// Names of the median, the 95 % and the 99 % quantile of each.
    pub const QUANTILE_NAMES: [[&str; 3]; 8] = [
        ["grouping_wait_p50_s", "grouping_wait_p95_s", "grouping_wait_p99_s"],
        ["queue_wait_p50_s", "queue_wait_p95_s", "queue_wait_p99_s"],
        ["shared_compute_p50_s", "shared_compute_p95_s", "shared_compute_p99_s"],
        ["air_wait_p50_s", "air_wait_p95_s", "air_wait_p99_s"],
        ["air_p50_s", "air_p95_s", "air_p99_s"],
        ["device_wait_p50_s", "device_wait_p95_s", "device_wait_p99_s"],
        ["device_compute_p50_s", "device_compute_p95_s", "device_compute_p99_s"],
        ["decode_p50_s", "decode_p95_s", "decode_p99_s"],
    ];

    /// In the order of [`Stages::NAMES`] [s].
    pub fn times_s(&self) -> [f64; 8] {
        [
            self.grouping_wait_s,
            self.queue_wait_s,
            self.shared_compute_s,
            self.air_wait_s,
            self.air_s,
            self.device_wait_s,
            self.device_compute_s,
            self.decode_s,
        ]
    }
}
