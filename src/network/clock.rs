//! Simulated time: seconds for people, nanoseconds for the event queue.

use std::time::Duration;

use nexosim::time::MonotonicTime;

/// Simulated time since the start of the run [s].
pub fn seconds(time: MonotonicTime) -> f64 {
    time.duration_since(MonotonicTime::EPOCH).as_secs_f64()
}

/// What is later than this many seconds from now (30 million years) never comes: the event queue counts to a hundred times as much.
const NEVER_S: f64 = 1e15;

/// A delay for the event queue: its resolution is a nanosecond, and it refuses a delay of zero.
pub fn delay(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.min(NEVER_S)).max(Duration::from_nanos(1))
}

/// The moment that many seconds after the start of the run, or the next nanosecond where that is past.
pub fn moment(time_s: f64, now: MonotonicTime) -> MonotonicTime {
    (MonotonicTime::EPOCH + Duration::from_secs_f64(time_s.min(NEVER_S))).max(now + Duration::from_nanos(1))
}
