//! What one transmission goes through: path loss, fading over time, noise, interference.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::network::context::RunContext;
use crate::network::messages::{HandOver, Transmitter};
use crate::network::records::Journey;
use crate::radio::fading_process::LinkFading;
use crate::radio::protection::ChannelState;
use crate::radio::{FadingProcess, LinkBudget, LinkGeometry, average_bit_error_probability, linear_to_db};
use crate::scenario::ErrorModel;

/// A link as it is at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelSample {
    pub path_loss_db: f64,
    /// Drawn power gain h; `None` where the error probability is averaged over it.
    pub fading_gain: Option<f64>,
    /// Per symbol, linear.
    pub snr: f64,
    pub state: ChannelState,
}

impl ChannelSample {
    pub fn snr_db(&self) -> f64 {
        linear_to_db(self.snr)
    }
}

/// The memory of all links: fading where it goes on over time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Channels {
    fading: HashMap<(Transmitter, u32), LinkFading>,
}

impl Channels {
    /// The link of a hand-over at a time; `None` where the scenario pins its bit error probability.
    pub fn sample(
        &mut self,
        hand_over: &HandOver,
        transmission: u64,
        (time_s, bandwidth_hz, noise_rise_db): (f64, f64, f64),
        context: &RunContext,
    ) -> Option<ChannelSample> {
        let settings = &context.scenario.radio;
        if settings.bit_error_probability.is_some() {
            return None;
        }
        let device = hand_over.member.journey.device;
        let path_loss_db = path_loss_db(hand_over, context);
        let budget = LinkBudget { bandwidth_hz, noise_figure_db: settings.noise_figure_db + noise_rise_db };
        let power_w = hand_over.member.tx_power_w;
        Some(match settings.error_model {
            ErrorModel::Average => {
                let snr = budget.snr(power_w, path_loss_db, 1.0);
                let average = average_bit_error_probability(settings.modulation, &settings.fading, snr);
                ChannelSample {
                    path_loss_db,
                    fading_gain: None,
                    snr,
                    state: ChannelState::BitErrorProbability(average),
                }
            }
            ErrorModel::Instantaneous => {
                let name = &context.scenario.devices[device].name;
                let gain = match (settings.fading_process, settings.coherence_time_s) {
                    (FadingProcess::PerLatent, _) | (_, None) => fading_gain(device, transmission, context),
                    (process, Some(coherence_time_s)) => {
                        let link = self.fading.entry((hand_over.transmitter, device as u32)).or_default();
                        let stream = || context.stream("fading", &link_name(hand_over.transmitter, name, context));
                        link.gain(process, &settings.fading, coherence_time_s, time_s, stream)
                    }
                };
                let snr = budget.snr(power_w, path_loss_db, gain);
                ChannelSample { path_loss_db, fading_gain: Some(gain), snr, state: ChannelState::Snr(snr) }
            }
        })
    }
}

/// Gain h of a latent's own draw.
fn fading_gain(device: usize, transmission: u64, context: &RunContext) -> f64 {
    let stream = context.stream("fading", &context.scenario.devices[device].name).child(transmission);
    context.scenario.radio.fading.sample(&mut stream.rng())
}

/// Path loss and fading of a cell's link to a device [dB], as a policy is told it before the latent is sent; `None` where the
/// scenario pins the bit error probability.
pub fn channel_gain_db(journey: &Journey, transmission: u64, context: &RunContext) -> Option<f64> {
    let settings = &context.scenario.radio;
    let path_gain_db = -path_loss_from_cell_db(journey.distance_m, context);
    match (settings.bit_error_probability, settings.error_model) {
        (Some(_), _) => None,
        (None, ErrorModel::Average) => Some(path_gain_db),
        (None, ErrorModel::Instantaneous) => {
            Some(path_gain_db + linear_to_db(fading_gain(journey.device, transmission, context)))
        }
    }
}

fn path_loss_from_cell_db(distance_m: f64, context: &RunContext) -> f64 {
    let settings = &context.scenario.radio;
    settings.path_loss.loss_db(&LinkGeometry {
        distance_m,
        carrier_hz: settings.carrier_hz,
        base_station_height_m: settings.base_station_height_m,
        device_height_m: settings.device_height_m,
    })
}

/// Links of the only cell are called after the device alone, as in a round.
fn link_name(transmitter: Transmitter, device: &str, context: &RunContext) -> String {
    let scenario = &context.scenario;
    match transmitter {
        Transmitter::Cell(_) if scenario.cells.len() == 1 => device.to_owned(),
        Transmitter::Cell(cell) => format!("{} to {device}", scenario.cells[cell as usize].name),
        Transmitter::Device(from) => format!("{} to {device}", scenario.devices[from as usize].name),
    }
}

fn path_loss_db(hand_over: &HandOver, context: &RunContext) -> f64 {
    let settings = &context.scenario.radio;
    let architecture = &context.scenario.architecture;
    let Some(from) = hand_over.from else {
        return path_loss_from_cell_db(hand_over.member.journey.distance_m, context);
    };
    let between_m = architecture.device_distance_m.unwrap_or_else(|| from.distance_m(hand_over.member.position));
    architecture.path_loss.loss_db(&LinkGeometry {
        distance_m: between_m.max(1.0),
        carrier_hz: settings.carrier_hz,
        base_station_height_m: settings.device_height_m,
        device_height_m: settings.device_height_m,
    })
}
