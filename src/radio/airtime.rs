//! How long a payload occupies the channel, and what a watt of transmit power then costs.

use super::Modulation;

/// Airtime [s] = coded bits / (bandwidth × bits per symbol × efficiency).
///
/// One symbol per hertz and second; `efficiency` in (0, 1] is the part of them that carries coded bits (the rest goes to
/// cyclic prefix, pilots and control).
pub fn airtime_s(coded_bits: u64, bandwidth_hz: f64, modulation: Modulation, efficiency: f64) -> f64 {
    coded_bits as f64 / (bandwidth_hz * f64::from(modulation.bits_per_symbol()) * efficiency)
}

/// β of (24) [J per W of radiated power] = airtime / amplifier efficiency η_PA, with η_PA in (0, 1].
pub fn energy_per_watt_j(airtime_s: f64, amplifier_efficiency: f64) -> f64 {
    airtime_s / amplifier_efficiency
}
