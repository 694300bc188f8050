//! Simulated time: seconds for people, nanoseconds for the event queue.

use std::time::Duration;

use nexosim::time::MonotonicTime;

/// Simulated time since the start of the run [s].
pub fn seconds(time: MonotonicTime) -> f64 {
    time.duration_since(MonotonicTime::EPOCH).as_secs_f64()
}

/// A delay for the event queue: its resolution is a nanosecond, and it refuses a delay of zero.
pub fn delay(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds).max(Duration::from_nanos(1))
}
