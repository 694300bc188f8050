//! From watts at the antenna to SNR per symbol, and back from a wanted error probability to the SNR it takes.

use miette::Diagnostic;
use thiserror::Error;

use super::{Fading, Modulation, average_bit_error_probability};

/// Thermal noise density kT at 290 K, as the link budgets of the field round it [dBW/Hz].
pub const NOISE_DENSITY_DBW_PER_HZ: f64 = -204.0;

/// The receiver's side of a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkBudget {
    /// Bandwidth over which noise is collected [Hz].
    pub bandwidth_hz: f64,
    /// Receiver noise figure [dB].
    pub noise_figure_db: f64,
}

impl LinkBudget {
    /// Noise power in the bandwidth [dBW]: −204 + 10·log10(B) + NF.
    pub fn noise_power_dbw(&self) -> f64 {
        NOISE_DENSITY_DBW_PER_HZ + linear_to_db(self.bandwidth_hz) + self.noise_figure_db
    }

    /// SNR per symbol (linear) = P·10^(−loss/10)·h / N; `power_gain` is the fading gain h (1 for the mean).
    pub fn snr(&self, tx_power_w: f64, loss_db: f64, power_gain: f64) -> f64 {
        tx_power_w * power_gain * db_to_linear(-loss_db - self.noise_power_dbw())
    }

    /// Transmit power [W] at which [`LinkBudget::snr`] is `snr`: its inverse.
    pub fn tx_power_w(&self, snr: f64, loss_db: f64, power_gain: f64) -> f64 {
        snr / (power_gain * db_to_linear(-loss_db - self.noise_power_dbw()))
    }
}

/// 10^(x/10).
pub fn db_to_linear(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// 10·log10(x).
pub fn linear_to_db(linear: f64) -> f64 {
    10.0 * linear.log10()
}

/// Probability that the SNR `mean_snr`·h stays below `threshold_snr` (both linear): the CDF of the gain.
pub fn outage_probability(fading: &Fading, mean_snr: f64, threshold_snr: f64) -> f64 {
    if *fading == Fading::None {
        // The gain is 1, not below 1: at the threshold there is no outage.
        return if mean_snr < threshold_snr { 1.0 } else { 0.0 };
    }
    if mean_snr <= 0.0 {
        return if threshold_snr > 0.0 { 1.0 } else { 0.0 };
    }
    fading.cdf(threshold_snr / mean_snr)
}

/// Why no SNR has the wanted average bit error probability.
#[derive(Debug, Clone, Copy, PartialEq, Error, Diagnostic)]
pub enum RequiredSnrError {
    /// No SNR gives it: the probability runs from ½ at no signal towards 0.
    #[error("a target bit error probability must lie between 0 and 0.5 (both excluded), not {target}")]
    #[diagnostic(help("give a probability, not a percentage: 3 % is 0.03"))]
    TargetOutOfRange { target: f64 },
    /// The target is reached only beyond the SNRs that make sense.
    #[error("an average bit error probability of {target} is not reached between {lowest_db} and {highest_db} dB")]
    #[diagnostic(help("choose a target closer to 0.5 or 0.01, or a fading that is less severe (larger m)"))]
    OutOfReach { target: f64, lowest_db: f64, highest_db: f64 },
}

/// Mean SNR per symbol (linear) at which the average bit error probability is `target`, by bisection between −100 and
/// 200 dB down to the last digit. With [`Fading::None`]: the SNR of the Gaussian channel.
pub fn required_mean_snr(modulation: Modulation, fading: &Fading, target: f64) -> Result<f64, RequiredSnrError> {
    const LOWEST_DB: f64 = -100.0;
    const HIGHEST_DB: f64 = 200.0;
    if !(target > 0.0 && target < 0.5) {
        return Err(RequiredSnrError::TargetOutOfRange { target });
    }
    let too_many_errors = |db: f64| average_bit_error_probability(modulation, fading, db_to_linear(db)) > target;
    if !too_many_errors(LOWEST_DB) || too_many_errors(HIGHEST_DB) {
        return Err(RequiredSnrError::OutOfReach { target, lowest_db: LOWEST_DB, highest_db: HIGHEST_DB });
    }
    let (mut low, mut high) = (LOWEST_DB, HIGHEST_DB);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return Ok(db_to_linear(middle));
        }
        if too_many_errors(middle) { low = middle } else { high = middle }
    }
}
