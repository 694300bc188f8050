//! The edge server: it gathers a group, asks the policy who gets what, runs the shared steps and hands latents to
//! the links.

use std::collections::BTreeMap;
use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use serde::{Deserialize, Serialize};

use super::clock::{delay, seconds};
use super::context::{NetworkError, RunContext};
use super::ledger::{LedgerCause, LedgerEntry, LedgerPayer};
use super::messages::{GenerateAlone, HandOver, PromptRequest};
use super::radio_link;
use crate::diffusion::{NodeId, SplitChain};
use crate::policy::{Allocation, AllocationRequest};
use crate::scenario::MultipleAccess;

/// Runs the first t0 steps for a group of users.
///
/// ```text
///  submit ─► gather K requests ─► policy ─► t0 steps ─┬─► link k        (TDMA: one after the other)
///                                                     └─► alone k       (t0 = 0)
/// ```
#[derive(Serialize, Deserialize)]
pub struct EdgeServer {
    /// Requests that make up the round.
    group_size: usize,
    waiting: Vec<PromptRequest>,
    /// Latents that are ready or in the making, in the order of transmission.
    outbox: Vec<HandOver>,
    /// The latent for link k -- output ports.
    pub link: Vec<Output<HandOver>>,
    /// The word to device k that it works alone -- output ports.
    pub alone: Vec<Output<GenerateAlone>>,
    /// Energy of the shared steps [J] -- output port.
    pub ledger: Output<LedgerEntry>,
}

impl EdgeServer {
    pub fn new(devices: usize) -> Self {
        Self {
            group_size: devices,
            waiting: Vec::new(),
            outbox: Vec::new(),
            link: (0..devices).map(|_| Output::default()).collect(),
            alone: (0..devices).map(|_| Output::default()).collect(),
            ledger: Output::default(),
        }
    }

    /// Records the shared steps. Devices whose chains begin with the same server steps share them: all of them when
    /// re-spaced, those with equal t_k when joint (Algorithm 1, `docs/design.md`). Returns each user's latent and
    /// the number of chains that were run.
    fn run_shared_steps(context: &RunContext, allocation: &Allocation) -> Result<(Vec<NodeId>, u32), NetworkError> {
        // One entry for each different t_k, and one for each different beginning.
        let mut by_tk: BTreeMap<u32, NodeId> = BTreeMap::new();
        let mut begun: Vec<SplitChain> = Vec::new();
        let mut latents = Vec::with_capacity(allocation.users.len());
        for user in &allocation.users {
            if let Some(&latent) = by_tk.get(&user.tk) {
                latents.push(latent);
                continue;
            }
            let chain = context.split_chain(allocation.t0, user.tk)?;
            let start = context.start_latent(chain.start_scale)?;
            let latent = context.denoise(start, &context.server_prompt, &chain.server, 0)?;
            if begun.iter().all(|other| !other.begins_as(&chain)) {
                begun.push(chain);
            }
            by_tk.insert(user.tk, latent);
            latents.push(latent);
        }
        Ok((latents, begun.len() as u32))
    }
}

#[Model(type Env = Arc<RunContext>)]
impl EdgeServer {
    /// A user's request -- input port.
    pub async fn submit(&mut self, request: PromptRequest, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        self.waiting.push(request);
        if self.waiting.len() < self.group_size {
            return;
        }
        let mut group = std::mem::take(&mut self.waiting);
        // The engine does not promise an order among simultaneous arrivals.
        group.sort_by(|a, b| a.arrival_s.total_cmp(&b.arrival_s).then(a.device.cmp(&b.device)));
        let devices: Vec<usize> = group.iter().map(|request| request.device).collect();
        let allocation = context.policy.allocate(&AllocationRequest { scenario: &context.scenario, devices: &devices });
        if allocation.t0 == 0 {
            for (request, user) in group.into_iter().zip(&allocation.users) {
                let device = request.device;
                self.alone[device].send(GenerateAlone { request, tk: user.tk }).await;
            }
            return;
        }
        let (latents, chains) = match Self::run_shared_steps(context, &allocation) {
            Ok(result) => result,
            Err(error) => return context.fail(error),
        };
        let steps = f64::from(allocation.t0 * chains);
        let server = &context.scenario.server;
        let duration = delay(steps * server.step_time_s);
        let server_finished_s = seconds(cx.time() + duration);
        self.ledger
            .send(LedgerEntry {
                payer: LedgerPayer::Server,
                cause: LedgerCause::Compute,
                energy_j: steps * server.step_energy_j,
                time_s: server_finished_s,
            })
            .await;
        self.outbox = group
            .into_iter()
            .zip(allocation.users.iter().zip(latents))
            .map(|(request, (user, latent))| HandOver {
                request,
                t0: allocation.t0,
                tk: user.tk,
                latent,
                tx_power_w: user.tx_power_w,
                server_finished_s,
            })
            .collect();
        // The queue cannot refuse a delay that is positive, and a handler of this very model.
        cx.schedule_event(duration, schedulable!(Self::transmit), ()).expect("a positive delay is accepted");
    }

    /// Gives the links what they are to send: everything at once, or the next latent.
    #[nexosim(schedulable)]
    async fn transmit(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let now = match context.scenario.radio.multiple_access {
            MultipleAccess::Ofdma => self.outbox.len(),
            MultipleAccess::Tdma => 1,
        };
        for hand_over in self.outbox.drain(..now.min(self.outbox.len())).collect::<Vec<_>>() {
            let device = hand_over.request.device;
            self.link[device].send(hand_over).await;
        }
        if !self.outbox.is_empty() {
            let slot = delay(radio_link::airtime(context).airtime_s);
            cx.schedule_event(slot, schedulable!(Self::transmit), ()).expect("a positive delay is accepted");
        }
    }
}
