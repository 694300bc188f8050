//! Users and their prompts: in the synchronous round everyone asks at once.

use std::sync::Arc;

use nexosim::model::{Context, Model};
use nexosim::ports::Output;
use serde::{Deserialize, Serialize};

use super::clock::seconds;
use super::context::RunContext;
use super::messages::PromptRequest;

/// Sends one request per device.
///
/// ```text
///  start ─► PromptSource ─► request
/// ```
#[derive(Serialize, Deserialize)]
pub struct PromptSource {
    /// Number of devices.
    devices: usize,
    /// One request per device, in the order of the scenario -- output port.
    pub request: Output<PromptRequest>,
}

impl PromptSource {
    pub fn new(devices: usize) -> Self {
        Self { devices, request: Output::default() }
    }
}

#[Model(type Env = Arc<RunContext>)]
impl PromptSource {
    /// Begins the round -- input port.
    pub async fn start(&mut self, _: (), cx: &Context<Self>) {
        for device in 0..self.devices {
            let request = PromptRequest { request: device as u64, device, arrival_s: seconds(cx.time()) };
            self.request.send(request).await;
        }
    }
}
