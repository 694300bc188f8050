//! Other cells as noise: the rise of the noise floor.
//!
//! What other cells send adds to the noise of a receiver. A **noise rise** says by how much, (I + N)/N in dB, at full load; with
//! less load in the other cells it is taken to shrink linearly in dB, down to nothing when they are silent.

use super::db_to_linear;

/// The SNR (linear) that is left of `snr` under a noise rise [dB] at a load in [0, 1]: `snr`/10^(`noise_rise_db`·`load`/10).
pub fn snr_under_noise_rise(snr: f64, noise_rise_db: f64, load: f64) -> f64 {
    if noise_rise_db * load == 0.0 {
        return snr;
    }
    snr / db_to_linear(noise_rise_db * load)
}
