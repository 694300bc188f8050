//! One latent on the air: what it goes through, how long it takes, and what that costs.

use super::{RadioLinks, Station, airtime};
use crate::diffusion::graph::{BitChannel, Operation};
use crate::network::context::RunContext;
use crate::network::ledger::{LedgerCause, LedgerPayer};
use crate::network::messages::{HandOver, Transmitter};
use crate::network::records::LinkRecord;
use crate::radio;
use crate::radio::FadingProcess;
use crate::radio::multi_hop::multi_hop_bit_error_probability;
use crate::radio::protection::{AirInterface, ChannelState, Payload, ProtectedTransmission, Protection};
use crate::random::StreamKey;

impl RadioLinks {
    /// What this transmission is like; draws fading and repetitions.
    pub(super) fn transmit(
        &mut self,
        hand_over: &HandOver,
        transmission: u64,
        start_s: f64,
        context: &RunContext,
    ) -> (LinkRecord, ProtectedTransmission) {
        let settings = &context.scenario.radio;
        let device = &context.scenario.devices[hand_over.member.journey.device];
        let raw = airtime(context, 0);
        let noise_rise_db = self.noise_rise_db(hand_over.transmitter, context);
        let mut first = None;
        let pinned = settings.bit_error_probability;
        let channels = &mut self.channels;
        let mut channel = |offset_s: f64| {
            let at = (start_s + offset_s, raw.bandwidth_hz, noise_rise_db);
            let sample = channels.sample(hand_over, transmission, at, context);
            first = first.or(sample);
            match (sample, pinned) {
                (Some(sample), _) => sample.state,
                (None, pinned) => {
                    ChannelState::BitErrorProbability(pinned.expect("a link is drawn where it is not pinned"))
                }
            }
        };
        let payload = Payload {
            latent_values: context.sent_values(hand_over.t0),
            bits_per_value: context.scenario.diffusion.codec.bits_per_value(),
            header_bits: settings.header_bits,
        };
        let air = AirInterface {
            bandwidth_hz: raw.bandwidth_hz,
            modulation: settings.modulation,
            efficiency: settings.efficiency,
            coherence_time_s: settings.coherence_time_s,
            coherence_elapsed_s: match (settings.fading_process, settings.coherence_time_s) {
                (FadingProcess::Block, Some(coherence_time_s)) => start_s % coherence_time_s,
                _ => 0.0,
            },
        };
        let mut rng = match settings.protection {
            // Nothing is drawn, so the stream need not be looked for.
            Protection::None => StreamKey::NOTHING.rng(),
            _ => context.stream("retransmissions", &device.name).child(transmission).rng(),
        };
        let sent = settings.protection.transmit(&payload, &air, &mut channel, &mut rng);
        let power_w = hand_over.member.tx_power_w;
        let energy_per_watt_j = match settings.energy_per_watt_j {
            // β is of a latent without protection, and without a history.
            Some(energy_per_watt_j) => energy_per_watt_j * (sent.on_air_s / raw.airtime_s),
            None => sent.on_air_s / settings.amplifier_efficiency,
        };
        let before = hand_over.before.as_ref().map(|link| link.bit_error_probability);
        let hops = before.into_iter().chain([mean_bit_error_probability(&sent, payload.bits_per_value)]);
        let link = LinkRecord {
            tx_power_w: power_w,
            path_loss_db: first.map(|sample| sample.path_loss_db),
            fading_gain: first.and_then(|sample| sample.fading_gain),
            snr_db: first.map(|sample| sample.snr_db()),
            bit_error_probability: multi_hop_bit_error_probability(hops),
            raw_bit_error_probability: sent.raw_bit_error_probability,
            transmitted_bits: sent.transmitted_bits,
            payload_bits: sent.payload_bits,
            right_bits: sent.right_bits,
            attempts: sent.attempts,
            residual_blocks: sent.residual_blocks,
            hops: 1 + hand_over.before.as_ref().map_or(0, |link| link.hops),
            airtime_s: sent.duration_s,
            transmit_start_s: start_s,
            received_s: start_s + sent.duration_s,
            transmit_energy_j: energy_per_watt_j * power_w + hand_over.lost_energy_j,
            receive_energy_j: device.receive_power_w * sent.on_air_s + hand_over.lost_receive_j,
        };
        (link, sent)
    }

    /// How much the other cells raise the noise [dB].
    pub(super) fn noise_rise_db(&self, transmitter: Transmitter, context: &RunContext) -> f64 {
        let settings = &context.scenario.radio;
        let others = context.scenario.cells.len() - 1;
        if settings.noise_rise_db == 0.0 || !settings.noise_rise_follows_load || others == 0 {
            return settings.noise_rise_db;
        }
        let is_sending = |(other, station): &(&Transmitter, &Station)| {
            **other != transmitter && matches!(other, Transmitter::Cell(_)) && station.busy > 0
        };
        let load = self.stations.iter().filter(is_sending).count().min(others) as f64 / others as f64;
        radio::noise_rise_at_load_db(settings.noise_rise_db, load)
    }
}

/// Gives back the energy of a transmission that was cut off; its repetition carries on what it did cost.
pub(super) fn take_back(hand_over: &mut HandOver, link: &LinkRecord, now_s: f64, context: &RunContext) {
    let left = ((link.received_s - now_s) / link.airtime_s.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    let sending_j = link.transmit_energy_j - hand_over.lost_energy_j;
    let receiving_j = link.receive_energy_j - hand_over.lost_receive_j;
    let mut state = context.state();
    state.pay(payer(hand_over.transmitter), LedgerCause::Radio, -sending_j * left, now_s, now_s);
    let receiver = LedgerPayer::Device(hand_over.member.journey.device);
    state.pay(receiver, LedgerCause::Radio, -receiving_j * left, now_s, now_s);
    hand_over.lost_energy_j += sending_j * (1.0 - left);
    hand_over.lost_receive_j += receiving_j * (1.0 - left);
}

/// Of all bits of a value, protected or not.
pub(super) fn mean_bit_error_probability(sent: &ProtectedTransmission, bits_per_value: u32) -> f64 {
    match sent.protected {
        None => sent.bit_error_probability,
        Some(protected) => {
            let part = f64::from(protected.bits.min(bits_per_value)) / f64::from(bits_per_value);
            part * protected.bit_error_probability + (1.0 - part) * sent.bit_error_probability
        }
    }
}

pub(super) fn payer(transmitter: Transmitter) -> LedgerPayer {
    match transmitter {
        Transmitter::Cell(_) => LedgerPayer::Server,
        Transmitter::Device(device) => LedgerPayer::Device(device as usize),
    }
}

/// What the bits of this transmission go through.
pub(super) fn corruption(
    hand_over: &HandOver,
    sent: &ProtectedTransmission,
    transmission: u64,
    context: &RunContext,
) -> Operation {
    let settings = &context.scenario.diffusion;
    let name = &context.scenario.devices[hand_over.member.journey.device].name;
    Operation::Corrupt {
        from: hand_over.latent,
        channel: BitChannel {
            codec: settings.codec,
            latent_range: settings.latent_range,
            sanitize: settings.sanitize,
            bit_error_probability: sent.bit_error_probability,
            protected: sent.protected,
            history: context.sent_history(hand_over.t0),
            seed: context.stream("bit-errors", name).child(transmission),
        },
    }
}
