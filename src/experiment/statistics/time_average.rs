//! Averages over time of what is there for a while: requests in a queue, busy workers, latents on the air.
//!
//! ```text
//!  busy  ████████            ████████████          Σ overlap / (b − a), in all and in each batch of time
//!             ████████████████████
//!        ├────────┼────────┼────────┼────────┤
//!        a                                   b
//! ```

use super::batch_means::Estimate;

/// Time from a to b in batches of equal length, with what was there in each.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeBatches {
    /// [s]
    from_s: f64,
    /// Length of one batch [s].
    length_s: f64,
    /// Weight times time [s], or what happened, in each batch.
    sums: Vec<f64>,
}

impl TimeBatches {
    /// Empty batches; `None` where `to_s` is not after `from_s`.
    pub fn new(from_s: f64, to_s: f64, batches: u32) -> Option<Self> {
        let count = batches.max(1) as usize;
        let length_s = (to_s - from_s) / count as f64;
        (length_s > 0.0 && length_s.is_finite()).then(|| Self { from_s, length_s, sums: vec![0.0; count] })
    }

    /// Adds something that was there from `start_s` to `end_s`; what lies outside of the batches does not count.
    pub fn add_interval(&mut self, start_s: f64, end_s: f64) {
        let (start, end) = (self.place(start_s).max(0.0), self.place(end_s).min(self.sums.len() as f64));
        let mut at = start;
        while at < end {
            let batch = at as usize;
            let until = end.min((batch + 1) as f64);
            self.sums[batch] += (until - at) * self.length_s;
            at = until;
        }
    }

    /// Adds something that happened at a moment.
    pub fn add_event(&mut self, time_s: f64) {
        let place = self.place(time_s);
        if (0.0..self.sums.len() as f64).contains(&place) {
            self.sums[place as usize] += 1.0;
        }
    }

    /// What was there on average, or happened per second, over `capacity`.
    pub fn average(&self, capacity: f64) -> Option<Estimate> {
        let of_batches: Vec<f64> = self.sums.iter().map(|sum| sum / (self.length_s * capacity)).collect();
        Estimate::of_batches(&of_batches).filter(|_| capacity > 0.0)
    }

    /// In batches from the start.
    fn place(&self, time_s: f64) -> f64 {
        (time_s - self.from_s) / self.length_s
    }
}
