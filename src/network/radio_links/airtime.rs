//! How long one latent is on the air, before anything protects it.

use crate::network::context::RunContext;
use crate::radio;

/// Latents of one transmitter on the air at once.
pub(super) fn channel_count(context: &RunContext) -> u32 {
    context.scenario.radio.channel_count(context.scenario.devices.len())
}

/// How long and how wide one latent, with what goes along, is on the air if nothing protects it.
pub struct Airtime {
    /// Bandwidth of one transmission: all of it, or one channel under OFDMA [Hz].
    pub bandwidth_hz: f64,
    /// [s]
    pub airtime_s: f64,
}

/// Airtime in this scenario of one latent after `t0` steps (`spec` 3).
pub fn airtime(context: &RunContext, t0: u32) -> Airtime {
    let scenario = &context.scenario;
    let settings = &scenario.radio;
    let bits = context.sent_values(t0) * u64::from(scenario.diffusion.codec.bits_per_value()) + settings.header_bits;
    let bandwidth_hz = settings.bandwidth_hz / f64::from(channel_count(context));
    let airtime_s = radio::airtime_s(bits, bandwidth_hz, settings.modulation, settings.efficiency);
    Airtime { bandwidth_hz, airtime_s }
}

/// β: what one watt costs for the time of one latent without a history, if nothing has to be repeated [J/W].
pub fn energy_per_watt_j(context: &RunContext) -> f64 {
    let settings = &context.scenario.radio;
    settings.energy_per_watt_j.unwrap_or_else(|| airtime(context, 0).airtime_s / settings.amplifier_efficiency)
}

/// What sending one latent after `t0` steps at this power costs if nothing has to be repeated: β·P, and as much more as what
/// goes along takes longer [J].
pub fn expected_energy_j(tx_power_w: f64, t0: u32, context: &RunContext) -> f64 {
    let longer = airtime(context, t0).airtime_s / airtime(context, 0).airtime_s;
    energy_per_watt_j(context) * longer * tx_power_w
}

/// What the first tensor of a history adds to the energy of its latent, and each further one, as a part of it.
pub fn history_part(context: &RunContext) -> f64 {
    let settings = &context.scenario.diffusion;
    if settings.history.sent_after(settings.sampler, 1) == 0 {
        return 0.0;
    }
    airtime(context, 1).airtime_s / airtime(context, 0).airtime_s - 1.0
}
