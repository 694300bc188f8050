//! Workers at work: they take groups from the queue, look into the cache, and send on what they have made.

use nexosim::model::Context;
use rand_distr::{Distribution, Gamma};

use super::batch::batch_costs;
use super::{Due, EdgeServers, RunningJob, SharedSteps, put_leader_first, share_steps};
use crate::network::clock::{delay, seconds};
use crate::network::context::RunContext;
use crate::network::ledger::{LedgerCause, LedgerPayer};
use crate::network::messages::{Group, HandOver, Transmitter};
use crate::network::records::JobRecord;

impl EdgeServers {
    /// Gives the groups that wait to the workers that are free.
    pub(super) fn start_what_can(&mut self, cell: u32, cx: &Context<Self>, context: &RunContext) {
        while let Some((worker, batch)) = self.servers[cell as usize].next_batch(&context.scenario.server) {
            self.start_batch(cell, worker, batch, cx, context);
        }
    }

    pub(super) fn start_batch(
        &mut self,
        cell: u32,
        worker: u32,
        batch: Vec<Group>,
        cx: &Context<Self>,
        context: &RunContext,
    ) {
        let start_s = seconds(cx.time());
        let mut jobs = Vec::with_capacity(batch.len());
        for mut group in batch {
            close_ranks(&mut group, start_s, context);
            let cache = self.servers[cell as usize].cache.as_mut();
            let shared = match share_steps(&group, cache, start_s, context) {
                Ok(shared) => shared,
                Err(error) => return context.fail(error),
            };
            for (member, similarity) in group.members.iter_mut().zip(&shared.similarities) {
                self.impatient.remove(&member.journey.request);
                member.similarity = *similarity;
                member.journey.service_start_s = Some(start_s);
                // Nobody waits for a beginning any more.
                member.gives_up_s = None;
                member.journey.cache = shared.cache;
            }
            jobs.push((group, shared));
        }
        let steps: Vec<u32> = jobs.iter().map(|(_, shared)| shared.steps).collect();
        let costs = batch_costs(&context.scenario.server, &steps);
        for ((group, shared), cost) in jobs.into_iter().zip(costs) {
            let number = self.jobs;
            self.jobs += 1;
            let duration = delay(cost.duration_s * self.slowness(number, context));
            let end_s = seconds(cx.time() + duration);
            self.servers[cell as usize].occupy(worker, end_s);
            let job = RunningJob { group, shared, worker, start_s, end_s, energy_j: cost.energy_j };
            self.running.insert(number, job);
            self.plan(cx.time() + duration, Due::FinishJob(number), cx);
        }
    }

    /// How much longer than its mean a job takes: Gamma distributed with mean 1 (`server.step_time_cv`).
    pub(super) fn slowness(&self, job: u64, context: &RunContext) -> f64 {
        let cv = context.scenario.server.step_time_cv;
        if cv == 0.0 {
            return 1.0;
        }
        // Beyond these bounds the distribution has no numbers left.
        let cv = cv.clamp(1e-6, 1e6);
        let shape = 1.0 / (cv * cv);
        let gamma = Gamma::new(shape, 1.0 / shape).expect("a positive coefficient of variation has a shape");
        gamma.sample(&mut self.slowness.child(job).rng())
    }

    /// The shared steps of a job are done.
    pub(super) async fn finish_job(&mut self, number: u64, cx: &Context<Self>, context: &RunContext) {
        // A fault may have ended it before.
        let Some(job) = self.running.remove(&number) else { return };
        let now_s = seconds(cx.time());
        let (group, mut shared) = self.end_job(job, now_s, true, context);
        let cell = group.cell;
        let server = &mut self.servers[cell as usize];
        if let (Some(cache), Some(settings)) = (&mut server.cache, &context.scenario.cache) {
            for mut entry in std::mem::take(&mut shared.entries) {
                entry.time_s = now_s;
                cache.insert(settings, entry);
            }
        }
        for hand_over in hand_overs(group, shared, now_s, context) {
            self.hand_over.send(Box::new(hand_over)).await;
        }
        self.start_what_can(cell, cx, context);
    }

    /// Ends a job, done or not: energy, record, and each member's part of it. Returns its group, and the shared latents.
    pub(super) fn end_job(
        &mut self,
        job: RunningJob,
        now_s: f64,
        is_complete: bool,
        context: &RunContext,
    ) -> (Group, SharedSteps) {
        let RunningJob { mut group, shared, worker, start_s, end_s, energy_j } = job;
        let done = if is_complete { 1.0 } else { ((now_s - start_s) / (end_s - start_s)).clamp(0.0, 1.0) };
        let energy_j = energy_j * done;
        self.servers[group.cell as usize].release(worker);
        let mut state = context.state();
        state.pay(LedgerPayer::Server, LedgerCause::Compute, energy_j, now_s, now_s);
        state.books.jobs.push(JobRecord {
            cell: group.cell,
            worker: Some(worker),
            device: None,
            group: group.number,
            start_s,
            end_s: now_s,
            steps: shared.steps,
            is_complete,
        });
        let part_j = energy_j / group.members.len() as f64;
        group.members.iter_mut().for_each(|member| member.shared_compute_j += part_j);
        (group, shared)
    }
}

/// Some may have left while the group waited, its leader among them.
pub(super) fn close_ranks(group: &mut Group, now_s: f64, context: &RunContext) {
    let size = group.members.len() as u32;
    group.members.iter_mut().for_each(|member| member.journey.group_size = size);
    let first = &group.members[0].journey;
    if first.leader.is_some_and(|leader| leader != first.device as u32) {
        put_leader_first(group, now_s, context);
    }
}

/// The latents of a group on their way: to each member, or to the first, with those behind it.
pub(super) fn hand_overs(group: Group, shared: SharedSteps, finished_s: f64, context: &RunContext) -> Vec<HandOver> {
    let is_relayed = context.is_led();
    let Group { cell, t0, shared_prompt, members, .. } = group;
    let mut users: Vec<_> = members.into_iter().zip(shared.latents).collect();
    let hand_over = |(member, latent), behind| HandOver {
        transmitter: Transmitter::Cell(cell),
        from: None,
        member,
        t0,
        shared_prompt,
        shared_latent: latent,
        latent,
        shared_finished_s: finished_s,
        before: None,
        behind,
        lost: 0,
        lost_energy_j: 0.0,
        lost_receive_j: 0.0,
    };
    if is_relayed {
        let behind = users.split_off(1);
        return users.into_iter().map(|first| hand_over(first, behind.clone())).collect();
    }
    users.into_iter().map(|user| hand_over(user, Vec::new())).collect()
}
