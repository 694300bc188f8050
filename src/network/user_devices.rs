//! The users' devices: they finish chains with their own prompts, run whole chains alone, lead groups, and hand latents on.

mod handing_on;
mod leading;
mod work;

use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use self::handing_on::relay_steps;
use self::work::{Stretch, Task, WorkList};
use super::agenda::Agenda;
use super::clock::{delay, seconds};
use super::context::{NetworkError, RunContext};
use super::edge_servers::share_steps;
use super::ledger::{LedgerCause, LedgerPayer};
use super::messages::{Delivery, FaultChange, GenerateAlone, Group, HandOver, Member, PromptRequest};
use super::records::{LinkRecord, UnservedEnd, UserRecord};
use crate::diffusion::NodeId;
use crate::diffusion::graph::Operation;

/// All devices.
///
/// ```text
///  deliver ────────┬─► t_k steps with the own prompt ─► decode ─► served
///  generate_alone ─┤
///  lead ───────────┴─► t0 shared steps ─┬─► own t_k steps
///                                       └─► hand_over   (to the peers)
///  away ─► work is lost ─► regroup      (the others of a group whose leader is gone)
/// ```
#[derive(Serialize, Deserialize)]
pub struct UserDevices {
    work: WorkList,
    /// Numbers of work, by its end.
    agenda: Agenda<u64>,
    /// A latent for another device -- output port.
    pub hand_over: Output<Box<HandOver>>,
    /// Requests that lost whoever was to send to them, set by set. They go back all at once, in a moment: servers that wait for a
    /// device, and devices that wait for a server, would wait for ever.
    orphans: Vec<Vec<PromptRequest>>,
    /// Requests whose leader is gone -- output port.
    pub regroup: Output<Vec<Vec<PromptRequest>>>,
    /// The device of a request that ended here -- output port.
    pub ended: Output<u32>,
}

impl UserDevices {
    pub fn new(context: &RunContext) -> Self {
        Self {
            work: WorkList::new(context.scenario.devices.len(), !context.scenario.faults.is_empty()),
            agenda: Agenda::default(),
            hand_over: Output::default(),
            orphans: Vec::new(),
            regroup: Output::default(),
            ended: Output::default(),
        }
    }

    /// Notes members that need another way to their latent.
    fn orphan(&mut self, members: Vec<Member>, cx: &Context<Self>) {
        if members.is_empty() {
            return;
        }
        if self.orphans.is_empty() {
            cx.schedule_event(delay(0.0), schedulable!(Self::send_orphans), ()).expect("a positive delay is accepted");
        }
        self.orphans.push(members.into_iter().map(Member::into_restarted_request).collect());
    }

    /// Takes work on, if the battery has what it takes, and schedules its end.
    fn take_on(
        &mut self,
        device: u32,
        (duration_s, energy_j): (f64, f64),
        task: Task,
        cx: &Context<Self>,
        context: &RunContext,
    ) -> Result<(), Task> {
        let now_s = seconds(cx.time());
        let mut state = context.state();
        if !state.batteries.can_pay(device as usize, energy_j, now_s) {
            return Err(task);
        }
        let start_s = self.work.start_s(device, now_s);
        let until = delay(start_s - now_s + duration_s);
        let end_s = seconds(cx.time() + until);
        state.pay(LedgerPayer::Device(device as usize), LedgerCause::Compute, energy_j, now_s, end_s);
        let number = self.work.take_on(Stretch { device, start_s, end_s, energy_j }, task);
        drop(state);
        self.plan(cx.time() + until, number, cx);
        Ok(())
    }

    /// Notes what is to be done at a later time.
    fn plan(&mut self, due: MonotonicTime, work: u64, cx: &Context<Self>) {
        if let Some(wake) = self.agenda.add(due, work) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    /// The user's own part of the chain, from `start` on, or all of it.
    async fn make_picture(&mut self, begun: BegunPicture, cx: &Context<Self>, context: &RunContext) {
        let BegunPicture { member, t0, shared_prompt, shared_finished_s, link, sent, received } = begun;
        let picture = match self.picture(&member, t0, received.or(sent), context) {
            Ok(picture) => picture,
            Err(error) => return context.fail(error),
        };
        let device = &context.scenario.devices[member.journey.device];
        let index = member.journey.device as u32;
        let steps = f64::from(member.tk);
        let duration_s = steps * device.step_time_s + device.decode_time_s;
        let energy_j = steps * device.step_energy_j + device.decode_energy_j;
        let record = UserRecord {
            journey: *member.journey,
            shared_prompt,
            similarity: if shared_prompt.is_some() { member.similarity } else { 1.0 },
            t0,
            tk: member.tk,
            server_finished_s: shared_finished_s,
            link: link.map(|link| *link),
            device_start_s: self.work.start_s(index, seconds(cx.time())),
            finished_s: 0.0,
            device_compute_j: energy_j,
            shared_compute_j: member.shared_compute_j,
            relayed_compute_j: member.relayed_compute_j,
            sent,
            received,
            picture,
        };
        if context.state().is_away(record.journey.device) {
            return self.lose(record, UnservedEnd::FailedDeviceAway, 0.0, cx, context).await;
        }
        if let Err(Task::Picture(record)) =
            self.take_on(index, (duration_s, energy_j), Task::Picture(Box::new(record)), cx, context)
        {
            Box::pin(self.lose(*record, UnservedEnd::FailedBattery, 0.0, cx, context)).await;
        }
    }

    fn picture(
        &self,
        member: &Member,
        t0: u32,
        start: Option<NodeId>,
        context: &RunContext,
    ) -> Result<NodeId, NetworkError> {
        if let (Some(start), false) = (start, context.records()) {
            // Nobody will see it.
            return Ok(start);
        }
        let chain = context.split_chain(t0, member.tk)?;
        let request = member.journey.request;
        let start = match start {
            Some(start) => start,
            None => context.start_latent(chain.start_scale, request)?,
        };
        let latent = context.denoise(start, member.journey.prompt, &chain.device, t0, request)?;
        Ok(context.insert(Operation::Decode { from: latent })?)
    }

    async fn lose(
        &mut self,
        record: UserRecord,
        end: UnservedEnd,
        device_j: f64,
        cx: &Context<Self>,
        context: &RunContext,
    ) {
        let device = record.journey.device as u32;
        let radio_j = record.link.as_ref().map_or(0.0, |link| link.transmit_energy_j + link.receive_energy_j);
        let energy_j = record.shared_compute_j + radio_j + device_j;
        context.state().lose(record.journey, end, seconds(cx.time()), energy_j);
        self.ended.send(device).await;
    }

    async fn lose_member(&mut self, member: Member, end: UnservedEnd, cx: &Context<Self>, context: &RunContext) {
        let device = member.journey.device as u32;
        context.state().lose(*member.journey, end, seconds(cx.time()), member.shared_compute_j);
        self.ended.send(device).await;
    }

    /// Gives back what a stretch of work that stops now did not need; returns what it did [J].
    fn stop(&self, stretch: &Stretch, cx: &Context<Self>, context: &RunContext) -> f64 {
        let now_s = seconds(cx.time());
        let unspent_j = stretch.unspent_j(now_s);
        let payer = LedgerPayer::Device(stretch.device as usize);
        context.state().pay(payer, LedgerCause::Compute, -unspent_j, now_s, now_s);
        stretch.energy_j - unspent_j
    }

    /// Some work is done.
    async fn finish(&mut self, number: u64, cx: &Context<Self>, context: &RunContext) {
        // A fault may have taken it away.
        let Some((stretch, task)) = self.work.finish(number) else { return };
        match task {
            Task::Picture(mut record) => {
                record.finished_s = seconds(cx.time());
                let device = record.journey.device as u32;
                context.state().serve(record);
                self.ended.send(device).await;
            }
            // In a box: what it holds while it waits would be moved with every picture.
            Task::Lead(group, shared) => Box::pin(self.finish_lead(stretch, *group, *shared, cx, context)).await,
            Task::Relay(mut hand_over) => {
                // Whoever is next is the one whom these steps were run for.
                hand_over.member.shared_compute_j += stretch.energy_j;
                hand_over.member.relayed_compute_j += stretch.energy_j;
                self.hand_over.send(hand_over).await;
            }
        }
    }
}

/// What a picture begins with.
struct BegunPicture {
    member: Member,
    t0: u32,
    shared_prompt: Option<u32>,
    shared_finished_s: Option<f64>,
    link: Option<Box<LinkRecord>>,
    sent: Option<NodeId>,
    received: Option<NodeId>,
}

#[Model(type Env = Arc<RunContext>)]
impl UserDevices {
    /// A latent from a server or another device -- input port.
    pub async fn deliver(&mut self, delivery: Delivery, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let Delivery { mut hand_over, received, link } = delivery;
        if !hand_over.behind.is_empty() {
            let relay_steps = relay_steps(&hand_over, context);
            if relay_steps > 0 {
                Box::pin(self.relay(&hand_over, received, &link, relay_steps, cx, context)).await;
            } else {
                Box::pin(self.hand_on(&hand_over, Some((received, &link)), context)).await;
            }
            hand_over.behind.clear();
        }
        let hand_over = *hand_over;
        let begun = BegunPicture {
            member: hand_over.member,
            t0: hand_over.t0,
            shared_prompt: Some(hand_over.shared_prompt),
            shared_finished_s: Some(hand_over.shared_finished_s),
            link: Some(link),
            sent: Some(hand_over.shared_latent),
            received: Some(received),
        };
        self.make_picture(begun, cx, context).await;
    }

    /// Word from the server that nothing is shared -- input port.
    pub async fn generate_alone(&mut self, order: GenerateAlone, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let member = order.member;
        let (t0, shared_prompt, shared_finished_s, link, sent, received) = (0, None, None, None, None, None);
        let begun = BegunPicture { member, t0, shared_prompt, shared_finished_s, link, sent, received };
        self.make_picture(begun, cx, context).await;
    }

    /// A group that its first member leads -- input port.
    pub async fn lead(&mut self, group: Group, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let leader = group.members[0].journey.device;
        if context.state().is_away(leader) {
            return self.lose_leader(group, UnservedEnd::FailedDeviceAway, cx, context).await;
        }
        let shared = match share_steps(&group, None, seconds(cx.time()), context) {
            Ok(shared) => shared,
            Err(error) => return context.fail(error),
        };
        let device = &context.scenario.devices[leader];
        let steps = f64::from(shared.steps);
        let cost = (steps * device.step_time_s, steps * device.step_energy_j);
        let task = Task::Lead(Box::new(group), Box::new(shared));
        if let Err(Task::Lead(group, _)) = self.take_on(leader as u32, cost, task, cx, context) {
            self.lose_leader(*group, UnservedEnd::FailedBattery, cx, context).await;
        }
    }

    /// Does what is due.
    #[nexosim(schedulable)]
    async fn wake(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        while let Some(work) = self.agenda.take(cx.time()) {
            self.finish(work, cx, context).await;
        }
        if let Some(wake) = self.agenda.sleep(cx.time()) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    /// Sends the orphans back to their servers.
    #[nexosim(schedulable)]
    async fn send_orphans(&mut self) {
        self.regroup.send(std::mem::take(&mut self.orphans)).await;
    }

    /// A device goes away or comes back; what it is working on is lost -- input port.
    pub async fn away(&mut self, change: FaultChange, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        context.state().set_away(change.target as usize, change.is_beginning);
        if !change.is_beginning {
            return;
        }
        for (stretch, task) in self.work.lose_all(change.target, seconds(cx.time())) {
            let spent_j = self.stop(&stretch, cx, context);
            match task {
                Task::Picture(record) => {
                    self.lose(*record, UnservedEnd::FailedDeviceAway, spent_j, cx, context).await;
                }
                Task::Lead(group, shared) => {
                    let group = self.stop_lead(&stretch, *group, &shared, spent_j, cx, context);
                    self.lose_leader(group, UnservedEnd::FailedDeviceAway, cx, context).await;
                }
                Task::Relay(mut hand_over) => {
                    hand_over.member.shared_compute_j += spent_j;
                    hand_over.member.relayed_compute_j += spent_j;
                    self.cut_off(*hand_over, cx);
                }
            }
        }
    }

    /// A device gives up the groups that it leads, and asks again for itself -- input port.
    pub async fn lose_leads(&mut self, change: FaultChange, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        for (stretch, task) in self.work.lose_leads(change.target, seconds(cx.time())) {
            let Task::Lead(group, shared) = task else { continue };
            let spent_j = self.stop(&stretch, cx, context);
            let mut group = self.stop_lead(&stretch, *group, &shared, spent_j, cx, context);
            let others = group.members.split_off(1);
            self.orphan(group.members, cx);
            self.orphan(others, cx);
        }
    }
}
