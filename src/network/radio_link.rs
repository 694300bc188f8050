//! The downlink to one device: airtime, fading, and the bit errors of the latent.

use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use serde::{Deserialize, Serialize};

use super::clock::{delay, seconds};
use super::context::RunContext;
use super::ledger::{LedgerCause, LedgerEntry, LedgerPayer};
use super::messages::{Delivery, HandOver, LinkRecord};
use crate::diffusion::graph::{BitChannel, Operation};
use crate::radio::{self, LinkBudget, LinkGeometry, average_bit_error_probability, linear_to_db};
use crate::scenario::{ErrorModel, MultipleAccess};

/// Carries latents from the server to device k.
///
/// ```text
///  transmit ─► airtime ─► SNR = P·G·h / N ─► bit error probability ─► Corrupt node ─► deliver
///                              ▲
///                     h drawn once per latent (quasi-static)
/// ```
#[derive(Serialize, Deserialize)]
pub struct RadioLink {
    /// Index of the device at the far end.
    device: usize,
    /// Latents drawn so far: each takes its own stream.
    transmissions: u64,
    /// The latent at the far end -- output port.
    pub deliver: Output<Delivery>,
    /// Energy of transmitter and receiver [J] -- output port.
    pub ledger: Output<LedgerEntry>,
}

impl RadioLink {
    pub fn new(device: usize) -> Self {
        Self { device, transmissions: 0, deliver: Output::default(), ledger: Output::default() }
    }

    /// What this transmission is like; draws the fading gain.
    fn link_record(&mut self, hand_over: &HandOver, context: &RunContext, transmit_start_s: f64) -> LinkRecord {
        let settings = &context.scenario.radio;
        let device = &context.scenario.devices[self.device];
        let air = airtime(context);
        let energy_per_watt_j = settings.energy_per_watt_j.unwrap_or(air.airtime_s / settings.amplifier_efficiency);
        let drawn = if settings.bit_error_probability.is_none() {
            Some(self.draw_channel(hand_over.tx_power_w, context, air.bandwidth_hz))
        } else {
            None
        };
        LinkRecord {
            tx_power_w: hand_over.tx_power_w,
            path_loss_db: drawn.as_ref().map(|channel| channel.path_loss_db),
            fading_gain: drawn.as_ref().and_then(|channel| channel.fading_gain),
            snr_db: drawn.as_ref().map(|channel| linear_to_db(channel.snr)),
            bit_error_probability: drawn
                .as_ref()
                .map(|channel| channel.bit_error_probability)
                .or(settings.bit_error_probability)
                .expect("a link is drawn where it is not pinned"),
            transmitted_bits: air.bits,
            airtime_s: air.airtime_s,
            transmit_start_s,
            received_s: transmit_start_s + air.airtime_s,
            transmit_energy_j: energy_per_watt_j * hand_over.tx_power_w,
            receive_energy_j: device.receive_power_w * air.airtime_s,
        }
    }

    /// What the bits of this transmission go through.
    fn corruption(&self, hand_over: &HandOver, link: &LinkRecord, context: &RunContext) -> Operation {
        let settings = &context.scenario.diffusion;
        let name = &context.scenario.devices[self.device].name;
        Operation::Corrupt {
            from: hand_over.latent,
            channel: BitChannel {
                codec: settings.codec,
                latent_range: settings.latent_range,
                sanitize: settings.sanitize,
                bit_error_probability: link.bit_error_probability,
                seed: context.stream("bit-errors", name).child(self.transmissions),
            },
        }
    }

    /// SNR per symbol and bit error probability, of the drawn gain or averaged over it.
    fn draw_channel(&mut self, tx_power_w: f64, context: &RunContext, bandwidth_hz: f64) -> Channel {
        let settings = &context.scenario.radio;
        let device = &context.scenario.devices[self.device];
        let path_loss_db = settings.path_loss.loss_db(&LinkGeometry {
            distance_m: device.distance_m,
            carrier_hz: settings.carrier_hz,
            base_station_height_m: settings.base_station_height_m,
            device_height_m: settings.device_height_m,
        });
        let budget = LinkBudget { bandwidth_hz, noise_figure_db: settings.noise_figure_db };
        match settings.error_model {
            ErrorModel::Average => {
                let snr = budget.snr(tx_power_w, path_loss_db, 1.0);
                Channel {
                    path_loss_db,
                    fading_gain: None,
                    snr,
                    bit_error_probability: average_bit_error_probability(settings.modulation, &settings.fading, snr),
                }
            }
            ErrorModel::Instantaneous => {
                let stream = context.stream("fading", &device.name).child(self.transmissions);
                let gain = settings.fading.sample(&mut stream.rng());
                let snr = budget.snr(tx_power_w, path_loss_db, gain);
                Channel {
                    path_loss_db,
                    fading_gain: Some(gain),
                    snr,
                    bit_error_probability: settings.modulation.bit_error_probability(snr),
                }
            }
        }
    }
}

struct Channel {
    path_loss_db: f64,
    fading_gain: Option<f64>,
    snr: f64,
    bit_error_probability: f64,
}

#[Model(type Env = Arc<RunContext>)]
impl RadioLink {
    /// A latent to be sent now -- input port.
    pub async fn transmit(&mut self, hand_over: HandOver, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let start_s = seconds(cx.time());
        let link = self.link_record(&hand_over, context, start_s);
        let received = match context.records() {
            true => context.insert(self.corruption(&hand_over, &link, context)),
            false => Ok(hand_over.latent),
        };
        self.transmissions += 1;
        let received = match received {
            Ok(received) => received,
            Err(error) => return context.fail(error),
        };
        for (payer, energy_j) in
            [(LedgerPayer::Server, link.transmit_energy_j), (LedgerPayer::Device(self.device), link.receive_energy_j)]
        {
            self.ledger.send(LedgerEntry { payer, cause: LedgerCause::Radio, energy_j, time_s: start_s }).await;
        }
        let airtime = delay(link.airtime_s);
        cx.schedule_event(airtime, schedulable!(Self::arrive), Delivery { hand_over, received, link })
            .expect("a positive delay is accepted");
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, mut delivery: Delivery, cx: &Context<Self>) {
        delivery.link.received_s = seconds(cx.time());
        self.deliver.send(delivery).await;
    }
}

/// How long and how wide one latent is on the air.
pub struct Airtime {
    /// Latent and header.
    pub bits: u64,
    /// Bandwidth of one transmission: all of it, or one K-th under OFDMA [Hz].
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
    let bandwidth_hz = match settings.multiple_access {
        MultipleAccess::Tdma => settings.bandwidth_hz,
        MultipleAccess::Ofdma => settings.bandwidth_hz / scenario.devices.len() as f64,
    };
    let airtime_s = radio::airtime_s(bits, bandwidth_hz, settings.modulation, settings.efficiency);
    Airtime { bits, bandwidth_hz, airtime_s }
}
