//! Profiles of real hardware: how long a denoising step takes and what energy it needs, by batch size.
//!
//! ```text
//!  step time                      ╱   beyond the last row: on along the last line
//!      │                  ╱──────●
//!      │        ╱────────●            between two rows: the straight line
//!      │───────●
//!      │   ●                          a batch of 1 is always there
//!      └───┬───┬─────────┬───────┬──  batch size
//!          1   2         4       6
//! ```
//!
//! `scenarios/profiles` has some; [`read_profile`] reads them and the user's own.

mod file;

pub use file::{ProfileError, read_profile};

/// A profile, as a file of `scenarios/profiles` gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeProfile {
    /// Of the hardware and the model.
    pub name: String,
    pub provenance: Provenance,
    /// Where the numbers are from.
    pub source: String,
    /// By batch size, ascending, the first of batch size 1.
    pub batches: Vec<BatchCost>,
    /// Duration of decoding one latent [s].
    pub decode_time_s: f64,
    /// Energy of decoding one latent [J].
    pub decode_energy_j: f64,
}

/// Where a profile's numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provenance {
    Measured,
    Published,
    Assumed,
}

/// One denoising step of a whole batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchCost {
    pub batch_size: u32,
    /// Of the batch [s].
    pub step_time_s: f64,
    /// Of the batch [J].
    pub step_energy_j: f64,
}

/// What one denoising step of a batch takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepCost {
    /// Of the whole batch [s].
    pub time_s: f64,
    /// Of the whole batch [J].
    pub energy_j: f64,
}

impl ComputeProfile {
    /// One denoising step of a batch of this size, ≥ 1. With one row, time and energy are in proportion to the size: what is
    /// batched runs one after the other.
    pub fn step(&self, batch_size: u32) -> StepCost {
        let above = self.batches.partition_point(|row| row.batch_size < batch_size);
        match self.batches.get(above) {
            Some(row) if row.batch_size == batch_size || above == 0 => {
                StepCost { time_s: row.step_time_s, energy_j: row.step_energy_j }
            }
            _ => {
                let last = above.min(self.batches.len() - 1);
                // A batch of none takes nothing, and stands below a single row.
                let none = BatchCost { batch_size: 0, step_time_s: 0.0, step_energy_j: 0.0 };
                on_line(if last == 0 { none } else { self.batches[last - 1] }, self.batches[last], batch_size)
            }
        }
    }
}

/// The straight line through two rows.
fn on_line(low: BatchCost, high: BatchCost, batch_size: u32) -> StepCost {
    let part = (f64::from(batch_size) - f64::from(low.batch_size)) / f64::from(high.batch_size - low.batch_size);
    let at = |low: f64, high: f64| low + part * (high - low);
    StepCost { time_s: at(low.step_time_s, high.step_time_s), energy_j: at(low.step_energy_j, high.step_energy_j) }
}
