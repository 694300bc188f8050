//! Latents on their way from device to device: to every member of a star, or from one of a chain to the next.
//!
//! ```text
//!  star    leader ─┬─► a             chain   leader ─► a ─► b ─► c
//!                  ├─► b                              └ relay_steps, with the own prompt, before it hands over
//!                  └─► c
//! ```

use nexosim::model::Context;

use super::UserDevices;
use super::work::Task;
use crate::diffusion::NodeId;
use crate::network::context::{NetworkError, RunContext};
use crate::network::messages::{HandOver, Member, Transmitter};
use crate::network::records::LinkRecord;
use crate::scenario::Topology;

impl UserDevices {
    /// Hands on what a device has to those behind it: to each (star), or to the next with the rest behind it (chain). `received`
    /// is what came over the air, with its link; a leader that ran the shared steps itself has the latents untouched.
    pub(super) async fn hand_on(
        &mut self,
        had: &HandOver,
        received: Option<(NodeId, &LinkRecord)>,
        context: &RunContext,
    ) {
        let is_chain = context.scenario.architecture.topology == Topology::Chain;
        let mut behind = had.behind.clone();
        let rest = if is_chain && behind.len() > 1 { behind.split_off(1) } else { Vec::new() };
        for (member, shared_latent) in behind {
            let hand_over = HandOver {
                transmitter: Transmitter::Device(had.member.journey.device as u32),
                from: Some(had.member.position),
                member,
                shared_latent,
                latent: received.map_or(shared_latent, |(latent, _)| latent),
                before: received.map(|(_, link)| Box::new(link.clone())),
                behind: rest.clone(),
                lost: 0,
                lost_energy_j: 0.0,
                lost_receive_j: 0.0,
                ..had.clone()
            };
            self.hand_over.send(Box::new(hand_over)).await;
        }
    }

    /// Runs some steps for those behind before the latent goes on: with the own prompt, along the chain of N_ref steps.
    pub(super) async fn relay(
        &mut self,
        had: &HandOver,
        received: NodeId,
        link: &LinkRecord,
        steps: u32,
        cx: &Context<Self>,
        context: &RunContext,
    ) {
        let (prompt, request) = (had.member.journey.prompt, had.member.journey.request);
        let (before, own) = (f64::from(had.t0), f64::from(steps));
        let on = |from: NodeId, tk: u32| -> Result<NodeId, NetworkError> {
            if !context.records() {
                return Ok(from);
            }
            let chain = context.split_chain(had.t0 + steps, tk)?;
            Ok(context.denoise(from, prompt, &chain.server_from(had.t0), had.t0, request)?)
        };
        // Whatever comes after these steps has them behind it.
        let further = |(mut member, shared_latent): (Member, NodeId)| {
            let to_relay = context.similarity(&member.journey, prompt);
            member.similarity = (before * member.similarity + own * to_relay) / (before + own);
            let shared_latent = on(shared_latent, member.tk)?;
            Ok((member, shared_latent))
        };
        let behind: Result<Vec<(Member, NodeId)>, NetworkError> = had.behind.iter().cloned().map(further).collect();
        let (mut behind, latent) = match behind.and_then(|behind| Ok((on(received, behind[0].0.tk)?, behind))) {
            Ok((latent, behind)) => (behind, latent),
            Err(error) => return context.fail(error),
        };
        let rest = behind.split_off(1);
        let Some((member, shared_latent)) = behind.pop() else { return };
        let hand_over = HandOver {
            transmitter: Transmitter::Device(had.member.journey.device as u32),
            from: Some(had.member.position),
            member,
            t0: had.t0 + steps,
            shared_latent,
            latent,
            before: Some(Box::new(link.clone())),
            behind: rest,
            lost: 0,
            lost_energy_j: 0.0,
            lost_receive_j: 0.0,
            ..had.clone()
        };
        let index = had.member.journey.device as u32;
        let device = &context.scenario.devices[index as usize];
        let cost = (own * device.step_time_s, own * device.step_energy_j);
        let task = Task::Relay(Box::new(hand_over));
        let is_away = context.state().is_away(index as usize);
        let taken = if is_away { Err(task) } else { self.take_on(index, cost, task, cx, context) };
        if let Err(Task::Relay(hand_over)) = taken {
            self.cut_off(*hand_over, cx);
        }
    }

    /// Nobody hands this on: those who wait for it find another way.
    pub(super) fn cut_off(&mut self, hand_over: HandOver, cx: &Context<Self>) {
        let HandOver { member, behind, .. } = hand_over;
        self.orphan(std::iter::once(member).chain(behind.into_iter().map(|(member, _)| member)).collect(), cx);
    }
}

/// Steps that a device of a chain runs before it hands over: as many as the scenario says, as long as they leave room for those of
/// whoever is next.
pub(super) fn relay_steps(had: &HandOver, context: &RunContext) -> u32 {
    let (architecture, diffusion) = (&context.scenario.architecture, &context.scenario.diffusion);
    let (Topology::Chain, Some((next, _))) = (architecture.topology, had.behind.first()) else { return 0 };
    let most = architecture.relay_steps.min(diffusion.steps.saturating_sub(had.t0));
    (1..=most).rev().find(|steps| context.split_chain(had.t0 + steps, next.tk).is_ok()).unwrap_or(0)
}
