//! A user's device: it finishes the chain with its own prompt, or runs all of it alone.

use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use serde::{Deserialize, Serialize};

use super::clock::{delay, seconds};
use super::context::{NetworkError, RunContext};
use super::ledger::{LedgerCause, LedgerEntry, LedgerPayer};
use super::messages::{Delivery, GenerateAlone, UserRecord};
use crate::diffusion::NodeId;
use crate::diffusion::graph::Operation;

/// Runs t_k steps and decodes.
///
/// ```text
///  receive ────────┬─► t_k steps with the own prompt ─► decode ─► finished
///  generate_alone ─┘
/// ```
#[derive(Serialize, Deserialize)]
pub struct UserDevice {
    /// Index in the scenario.
    device: usize,
    /// The picture and its story -- output port.
    pub finished: Output<UserRecord>,
    /// Energy of steps and decoding [J] -- output port.
    pub ledger: Output<LedgerEntry>,
}

impl UserDevice {
    pub fn new(device: usize) -> Self {
        Self { device, finished: Output::default(), ledger: Output::default() }
    }

    /// Records the device's part of the chain and returns the picture.
    fn make_picture(
        &self,
        context: &RunContext,
        t0: u32,
        tk: u32,
        received: Option<NodeId>,
    ) -> Result<NodeId, NetworkError> {
        if let (Some(received), false) = (received, context.records()) {
            // Nobody will see it.
            return Ok(received);
        }
        let chain = context.split_chain(t0, tk)?;
        let start = match received {
            Some(received) => received,
            None => context.start_latent(chain.start_scale)?,
        };
        let prompt = &context.scenario.devices[self.device].prompt;
        let latent = context.denoise(start, prompt, &chain.device, t0)?;
        Ok(context.insert(Operation::Decode { from: latent })?)
    }

    /// Books the energy and schedules the end of the work.
    async fn work(&mut self, mut record: UserRecord, cx: &Context<Self>, context: &RunContext) {
        let device = &context.scenario.devices[self.device];
        let steps = f64::from(record.tk);
        let duration = delay(steps * device.step_time_s + device.decode_time_s);
        record.finished_s = seconds(cx.time() + duration);
        record.device_compute_j = steps * device.step_energy_j + device.decode_energy_j;
        self.ledger
            .send(LedgerEntry {
                payer: LedgerPayer::Device(self.device),
                cause: LedgerCause::Compute,
                energy_j: record.device_compute_j,
                time_s: record.finished_s,
            })
            .await;
        cx.schedule_event(duration, schedulable!(Self::finish), record).expect("a positive delay is accepted");
    }
}

#[Model(type Env = Arc<RunContext>)]
impl UserDevice {
    /// The server's latent -- input port.
    pub async fn receive(&mut self, delivery: Delivery, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let Delivery { hand_over, received, link } = delivery;
        let picture = match self.make_picture(context, hand_over.t0, hand_over.tk, Some(received)) {
            Ok(picture) => picture,
            Err(error) => return context.fail(error),
        };
        let record = UserRecord {
            request: hand_over.request.request,
            device: self.device,
            t0: hand_over.t0,
            tk: hand_over.tk,
            arrival_s: hand_over.request.arrival_s,
            server_finished_s: Some(hand_over.server_finished_s),
            link: Some(link),
            finished_s: 0.0,
            device_compute_j: 0.0,
            sent: Some(hand_over.latent),
            received: Some(received),
            picture,
        };
        self.work(record, cx, context).await;
    }

    /// Word from the server that nothing is shared -- input port.
    pub async fn generate_alone(&mut self, order: GenerateAlone, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let picture = match self.make_picture(context, 0, order.tk, None) {
            Ok(picture) => picture,
            Err(error) => return context.fail(error),
        };
        let record = UserRecord {
            request: order.request.request,
            device: self.device,
            t0: 0,
            tk: order.tk,
            arrival_s: order.request.arrival_s,
            server_finished_s: None,
            link: None,
            finished_s: 0.0,
            device_compute_j: 0.0,
            sent: None,
            received: None,
            picture,
        };
        self.work(record, cx, context).await;
    }

    #[nexosim(schedulable)]
    async fn finish(&mut self, record: UserRecord) {
        self.finished.send(record).await;
    }
}
