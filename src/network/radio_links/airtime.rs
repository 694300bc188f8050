//! How long one latent is on the air, before anything protects it.

use crate::network::context::RunContext;
use crate::radio;

/// Latents of one transmitter on the air at once.
pub(super) fn channel_count(context: &RunContext) -> u32 {
    context.scenario.radio.channel_count(context.scenario.devices.len())
}

/// How long and how wide one latent is on the air if nothing protects it.
pub struct Airtime {
    /// Bandwidth of one transmission: all of it, or one channel under OFDMA [Hz].
    pub bandwidth_hz: f64,
    /// [s]
    pub airtime_s: f64,
}

/// Airtime of one latent in this scenario (`spec` 3).
pub fn airtime(context: &RunContext) -> Airtime {
    let scenario = &context.scenario;
    let settings = &scenario.radio;
    let bits =
        context.latent_values as u64 * u64::from(scenario.diffusion.codec.bits_per_value()) + settings.header_bits;
    let bandwidth_hz = settings.bandwidth_hz / f64::from(channel_count(context));
    let airtime_s = radio::airtime_s(bits, bandwidth_hz, settings.modulation, settings.efficiency);
    Airtime { bandwidth_hz, airtime_s }
}

/// β: what one watt costs for the time of one latent, if nothing has to be repeated [J/W].
pub fn energy_per_watt_j(context: &RunContext) -> f64 {
    let settings = &context.scenario.radio;
    settings.energy_per_watt_j.unwrap_or_else(|| airtime(context).airtime_s / settings.amplifier_efficiency)
}

/// What sending one latent at this power costs if nothing has to be repeated, β·P [J].
pub fn expected_energy_j(tx_power_w: f64, context: &RunContext) -> f64 {
    energy_per_watt_j(context) * tx_power_w
}
