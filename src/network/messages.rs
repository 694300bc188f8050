//! What models send each other. Messages carry times, numbers and node ids, never tensors.

use serde::{Deserialize, Serialize};

use crate::diffusion::NodeId;

/// A user asks for a picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromptRequest {
    /// Number of the request within the run.
    pub request: u64,
    /// Index of the device in the scenario.
    pub device: usize,
    /// When the user asked [s].
    pub arrival_s: f64,
}

/// The server tells a device to make the whole picture itself (t0 = 0): nothing is sent over the radio.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerateAlone {
    pub request: PromptRequest,
    /// Steps on the device.
    pub tk: u32,
}

/// The server gives a latent to a link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HandOver {
    pub request: PromptRequest,
    /// Shared steps behind the latent.
    pub t0: u32,
    /// Steps the device is to run.
    pub tk: u32,
    /// The latent after the server's steps.
    pub latent: NodeId,
    /// Transmit power [W].
    pub tx_power_w: f64,
    /// When the server's steps were done [s].
    pub server_finished_s: f64,
}

/// A link gives a device the latent as it arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    pub hand_over: HandOver,
    /// The latent with its bit errors.
    pub received: NodeId,
    pub link: LinkRecord,
}

/// What one transmission was like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkRecord {
    /// Transmit power [W].
    pub tx_power_w: f64,
    /// Path loss [dB]; `None` where the bit error probability is pinned.
    pub path_loss_db: Option<f64>,
    /// Drawn fading power gain h; `None` where it is not drawn.
    pub fading_gain: Option<f64>,
    /// Signal-to-noise ratio per symbol, of the drawn gain or of the mean [dB]; `None` where pinned.
    pub snr_db: Option<f64>,
    /// Probability that a bit flips.
    pub bit_error_probability: f64,
    /// Bits on the air: coded latent and header.
    pub transmitted_bits: u64,
    /// Time on the air [s].
    pub airtime_s: f64,
    /// When the first symbol left [s].
    pub transmit_start_s: f64,
    /// When the last symbol arrived [s].
    pub received_s: f64,
    /// Energy of the transmitter [J].
    pub transmit_energy_j: f64,
    /// Energy of the receiver [J].
    pub receive_energy_j: f64,
}

/// One user's picture and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserRecord {
    pub request: u64,
    /// Index of the device in the scenario.
    pub device: usize,
    pub t0: u32,
    pub tk: u32,
    pub arrival_s: f64,
    /// When the server's steps were done [s]; `None` where the device worked alone.
    pub server_finished_s: Option<f64>,
    /// `None` where nothing was sent.
    pub link: Option<LinkRecord>,
    /// When the picture was there [s].
    pub finished_s: f64,
    /// Energy of the device's denoising steps and decoding [J].
    pub device_compute_j: f64,
    /// The latent before the link; `None` where nothing was sent.
    pub sent: Option<NodeId>,
    /// The latent after the link.
    pub received: Option<NodeId>,
    pub picture: NodeId,
}
