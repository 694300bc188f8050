//! Devices that lead: they run the shared steps of a group, and lose them where a fault comes in between.

use nexosim::model::Context;

use super::work::Stretch;
use super::{BegunPicture, UserDevices};
use crate::diffusion::NodeId;
use crate::network::clock::seconds;
use crate::network::context::RunContext;
use crate::network::edge_servers::SharedSteps;
use crate::network::messages::{Group, HandOver, Member, Transmitter};
use crate::network::records::{JobRecord, UnservedEnd};

impl UserDevices {
    /// The steps of a group's leader are done: its own picture, and the latents for the others.
    pub(super) async fn finish_lead(
        &mut self,
        stretch: Stretch,
        mut group: Group,
        shared: SharedSteps,
        cx: &Context<Self>,
        context: &RunContext,
    ) {
        let part_j = stretch.energy_j / group.members.len() as f64;
        book_lead(&stretch, &group, shared.steps, seconds(cx.time()), true, context);
        for (member, similarity) in group.members.iter_mut().zip(shared.similarities) {
            member.shared_compute_j += part_j;
            member.similarity = similarity;
            member.journey.service_start_s = Some(stretch.start_s);
        }
        let mut users = group.members.into_iter().zip(shared.latents);
        let Some((leader, latent)) = users.next() else { return };
        let finished_s = seconds(cx.time());
        let behind: Vec<(Member, NodeId)> = users.collect();
        let first = HandOver {
            transmitter: Transmitter::Device(stretch.device),
            from: Some(leader.position),
            member: leader,
            t0: group.t0,
            shared_prompt: group.shared_prompt,
            shared_latent: latent,
            latent,
            shared_finished_s: finished_s,
            before: None,
            behind,
            lost: 0,
            lost_energy_j: 0.0,
            lost_receive_j: 0.0,
        };
        self.hand_on(&first, None, context).await;
        let begun = BegunPicture {
            member: first.member,
            t0: group.t0,
            shared_prompt: Some(group.shared_prompt),
            shared_finished_s: Some(finished_s),
            link: None,
            sent: Some(latent),
            received: None,
        };
        self.make_picture(begun, cx, context).await;
    }

    /// Shared steps that stopped before they were done: what they cost is everybody's.
    pub(super) fn stop_lead(
        &self,
        stretch: &Stretch,
        mut group: Group,
        shared: &SharedSteps,
        spent_j: f64,
        cx: &Context<Self>,
        context: &RunContext,
    ) -> Group {
        book_lead(stretch, &group, shared.steps, seconds(cx.time()), false, context);
        let part_j = spent_j / group.members.len() as f64;
        group.members.iter_mut().for_each(|member| member.shared_compute_j += part_j);
        group
    }

    /// The request of a group's leader ends; the others find another leader.
    pub(super) async fn lose_leader(
        &mut self,
        mut group: Group,
        end: UnservedEnd,
        cx: &Context<Self>,
        context: &RunContext,
    ) {
        let others = group.members.split_off(1);
        for leader in group.members {
            self.lose_member(leader, end, cx, context).await;
        }
        self.orphan(others, cx);
    }
}

pub(super) fn book_lead(
    stretch: &Stretch,
    group: &Group,
    steps: u32,
    now_s: f64,
    is_complete: bool,
    context: &RunContext,
) {
    context.state().books.jobs.push(JobRecord {
        cell: group.cell,
        worker: None,
        device: Some(stretch.device),
        group: group.number,
        start_s: stretch.start_s,
        // What was lost before it began took no time.
        end_s: now_s.max(stretch.start_s),
        steps,
        is_complete,
    });
}
