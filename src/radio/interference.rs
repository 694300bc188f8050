//! Other cells as noise: the rise of the noise floor.
//!
//! What other cells send adds to the noise of a receiver. A **noise rise** says by how much, (I + N)/N in dB, when all of them
//! are on the air. Powers add up, not decibels: with a part of them silent, I shrinks in proportion.

use super::{db_to_linear, linear_to_db};

/// Noise rise [dB] that is left of `noise_rise_db` when this part of the other cells is on the air, `load` in [0, 1]:
/// 10 log10(1 + load · (10^(`noise_rise_db`/10) − 1)).
pub fn noise_rise_at_load_db(noise_rise_db: f64, load: f64) -> f64 {
    linear_to_db(1.0 + load * (db_to_linear(noise_rise_db) - 1.0))
}
