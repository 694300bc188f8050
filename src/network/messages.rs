//! What models send each other. Messages carry times, numbers and node ids, never tensors.
//!
//! The engine moves a message several times on its way, and with it all that the handler may hold while it waits. So what is
//! large and goes the whole way with a request, its journey and its link, is in a box.

use serde::{Deserialize, Serialize};

use super::records::{Journey, LinkRecord};
use crate::diffusion::NodeId;
use crate::mobility::Position;

/// A user asks for a picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromptRequest {
    pub journey: Box<Journey>,
    /// Where the device is; it stays there until the request ends.
    pub position: Position,
    /// When the user stops waiting for the shared steps to begin [s].
    pub gives_up_s: Option<f64>,
    /// Energy that was spent on it in vain so far [J].
    pub spent_j: f64,
}

/// One user of a group, with its share of what the policy divides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    pub journey: Box<Journey>,
    pub position: Position,
    pub gives_up_s: Option<f64>,
    /// Steps on the device.
    pub tk: u32,
    /// Transmit power towards the device [W].
    pub tx_power_w: f64,
    /// Number of the transmission whose channel the policy was told; `None`: it was told of none.
    pub transmission: Option<u64>,
    /// Which chain of shared steps is its own: those of equal numbers are the same.
    pub chain: u32,
    /// Cosine similarity of its prompt to that of the shared steps.
    pub similarity: f64,
    /// Its part of the energy of the shared steps, so far [J].
    pub shared_compute_j: f64,
    /// What of it devices of its chain paid for steps that they ran before it [J].
    pub relayed_compute_j: f64,
}

impl Member {
    /// The request again, as it was before it came into a group.
    pub fn into_request(self) -> PromptRequest {
        let Self { journey, position, gives_up_s, shared_compute_j, .. } = self;
        PromptRequest { journey, position, gives_up_s, spent_j: shared_compute_j }
    }

    /// The request of a member whose work has to begin again.
    pub fn into_restarted_request(mut self) -> PromptRequest {
        self.journey.restarts += 1;
        self.into_request()
    }
}

/// Users who share their first steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    pub number: u64,
    pub cell: u32,
    /// Shared steps; at least 1.
    pub t0: u32,
    /// Their prompt: index in the run's prompts.
    pub shared_prompt: u32,
    /// In the order of their requests. Where a device leads, it is the first.
    pub members: Vec<Member>,
}

/// A device works alone (t0 = 0): nothing is sent over the radio.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerateAlone {
    pub member: Member,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transmitter {
    /// The radio of this cell.
    Cell(u32),
    /// The device with this index.
    Device(u32),
}

/// A latent is to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HandOver {
    pub transmitter: Transmitter,
    /// Where the transmitting device is; nothing of a cell.
    pub from: Option<Position>,
    /// Who gets it.
    pub member: Member,
    pub t0: u32,
    pub shared_prompt: u32,
    /// The latent after the shared steps, as nobody's link has touched it.
    pub shared_latent: NodeId,
    /// The latent that is sent.
    pub latent: NodeId,
    /// When the shared steps were done [s].
    pub shared_finished_s: f64,
    /// The link so far, where others have carried the latent before.
    pub before: Option<Box<LinkRecord>>,
    /// To whom the receiver hands on what it receives, with the shared latents of their chains.
    pub behind: Vec<(Member, NodeId)>,
    /// Transmissions that were lost before, and the energy they cost [J].
    pub lost: u32,
    pub lost_energy_j: f64,
    /// What receiving them cost [J].
    pub lost_receive_j: f64,
}

/// A device gets a latent as it arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    pub hand_over: Box<HandOver>,
    /// The latent with its bit errors.
    pub received: NodeId,
    pub link: Box<LinkRecord>,
}

/// A request was refused; it may be sent again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    pub request: PromptRequest,
    pub end: super::records::UnservedEnd,
}

/// A fault begins or ends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FaultChange {
    /// Index of the cell or device.
    pub target: u32,
    pub is_beginning: bool,
}
