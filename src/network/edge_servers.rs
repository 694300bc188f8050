//! The edge servers, one per cell: each gathers requests into groups, queues them, runs the shared steps and hands latents to its
//! radio.

mod batch;
mod forming;
mod group_state;
mod queue;
mod server;
mod shared_steps;
mod workers;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use self::forming::{Formed, divide, form, saves_energy};
use self::queue::QueueKey;
use self::server::Server;
use super::agenda::Agenda;
use super::clock::{delay, moment, seconds};
use super::context::RunContext;
use super::messages::{FaultChange, GenerateAlone, Group, HandOver, Member, PromptRequest, Refusal};
use super::radio_links::airtime;
use super::records::UnservedEnd;
use crate::random::StreamKey;
use crate::scenario::Admission;

pub use self::forming::put_leader_first;
pub use self::shared_steps::{SharedSteps, share_steps};

/// All edge servers.
///
/// ```text
///  submit ─► window ─► groups ─► policy ─┬─► queue ─► cache ─► worker: t0 steps ─► hand_over   (to the cell's radio)
///                                        ├─► lead        a device of the group runs them
///                                        ├─► alone       t0 = 0
///                                        └─► refused     no room, or too late
///  outage ─► jobs in service begin again
/// ```
#[derive(Serialize, Deserialize)]
pub struct EdgeServers {
    /// By cell.
    servers: Vec<Server>,
    /// By number of the job.
    running: BTreeMap<u64, RunningJob>,
    /// Where requests with impatient users wait.
    impatient: HashMap<u64, WaitingPlace>,
    groups: u64,
    jobs: u64,
    /// Of which each job has a stream of its own.
    slowness: StreamKey,
    agenda: Agenda<Due>,
    /// A latent to be sent -- output port.
    pub hand_over: Output<Box<HandOver>>,
    /// A group whose leader is to run the shared steps -- output port.
    pub lead: Output<Group>,
    /// The word to a device that it works alone -- output port.
    pub alone: Output<GenerateAlone>,
    /// A request that is not taken -- output port.
    pub refused: Output<Refusal>,
    /// The device of a request that ended here -- output port.
    pub ended: Output<u32>,
}

#[derive(Serialize, Deserialize)]
struct RunningJob {
    group: Group,
    shared: SharedSteps,
    worker: u32,
    start_s: f64,
    end_s: f64,
    energy_j: f64,
}

/// What servers have to do at a later time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Due {
    /// The time of a cell's window of that number is over.
    EndWindow { cell: u32, window: u64 },
    /// The shared steps of the job of that number are done.
    FinishJob(u64),
    /// The patience of the user of that request is at its end.
    GiveUp(u64),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct WaitingPlace {
    cell: u32,
    /// `None`: in the open window.
    key: Option<QueueKey>,
}

impl EdgeServers {
    pub fn new(context: &RunContext) -> Self {
        let server = || Server::new(&context.scenario.server, context.new_cache());
        Self {
            servers: context.scenario.cells.iter().map(|_| server()).collect(),
            running: BTreeMap::new(),
            impatient: HashMap::new(),
            groups: 0,
            jobs: 0,
            slowness: context.stream("service", "server"),
            agenda: Agenda::default(),
            hand_over: Output::default(),
            lead: Output::default(),
            alone: Output::default(),
            refused: Output::default(),
            ended: Output::default(),
        }
    }

    /// Makes groups of some requests and sends each on its way.
    async fn form_groups(&mut self, mut requests: Vec<PromptRequest>, cx: &Context<Self>, context: &RunContext) {
        // The engine does not promise an order among simultaneous arrivals.
        requests.sort_by(|a, b| {
            let (a, b) = (&a.journey, &b.journey);
            a.arrival_s.total_cmp(&b.arrival_s).then(a.request.cmp(&b.request))
        });
        let mut sets = divide(requests, context);
        sets.reverse();
        while let Some(set) = sets.pop() {
            let number = self.groups;
            self.groups += 1;
            let queue_length = self.servers[set[0].journey.cell as usize].queue_length();
            let formed = match form(number, set, queue_length, seconds(cx.time()), context) {
                Ok(formed) => formed,
                Err(error) => return context.fail(error),
            };
            match formed {
                Formed::Alone(members) => {
                    for member in members {
                        self.impatient.remove(&member.journey.request);
                        self.alone.send(GenerateAlone { member }).await;
                    }
                }
                Formed::Group(group) => match saves_energy(&group, seconds(cx.time()), context) {
                    true => self.dispatch(group, cx, context).await,
                    false => sets.extend(group.members.into_iter().rev().map(|member| vec![member.into_request()])),
                },
            }
        }
    }

    /// Notes what is to be done at a later time.
    fn plan(&mut self, due: MonotonicTime, what: Due, cx: &Context<Self>) {
        if let Some(wake) = self.agenda.add(due, what) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    /// The time of a cell's window is over.
    async fn end_window(&mut self, cell: u32, window: u64, cx: &Context<Self>, context: &RunContext) {
        // Where everybody left before, another window may be open by now.
        if self.servers[cell as usize].windows == window {
            self.close_window(cell, cx, context).await;
        }
    }

    /// Makes groups of those whom a cell has gathered.
    async fn close_window(&mut self, cell: u32, cx: &Context<Self>, context: &RunContext) {
        let gathered = std::mem::take(&mut self.servers[cell as usize].gathered);
        if !gathered.is_empty() {
            self.form_groups(gathered, cx, context).await;
        }
    }

    /// Gives a group to its leader, or to the queue of its server.
    async fn dispatch(&mut self, mut group: Group, cx: &Context<Self>, context: &RunContext) {
        if context.is_led_by_devices() {
            for member in &group.members {
                self.impatient.remove(&member.journey.request);
            }
            return self.lead.send(group).await;
        }
        let settings = &context.scenario.server;
        let server = &self.servers[group.cell as usize];
        if !server.has_room(settings) {
            return self.refuse(group.members, UnservedEnd::DroppedQueueFull).await;
        }
        if settings.admission == Admission::Deadline {
            let begins_s = seconds(cx.time()) + server.expected_wait_s(seconds(cx.time()), settings);
            let arrives_s = begins_s + server::work_s(&group, settings) + airtime(context, group.t0).airtime_s;
            let (in_time, late) = group.members.into_iter().partition(|member| {
                let device = &context.scenario.devices[member.journey.device];
                let own_s = f64::from(member.tk) * device.step_time_s + device.decode_time_s;
                member.journey.deadline_s.is_none_or(|deadline_s| arrives_s + own_s <= deadline_s)
            });
            group.members = in_time;
            self.refuse(late, UnservedEnd::DroppedDeadline).await;
        }
        if !group.members.is_empty() {
            let cell = group.cell;
            self.enqueue(group, context);
            self.start_what_can(cell, cx, context);
        }
    }

    async fn refuse(&mut self, members: Vec<Member>, end: UnservedEnd) {
        for member in members {
            self.impatient.remove(&member.journey.request);
            self.refused.send(Refusal { request: member.into_request(), end }).await;
        }
    }

    fn enqueue(&mut self, group: Group, context: &RunContext) {
        let key = QueueKey::of(&group, &context.scenario);
        for member in group.members.iter().filter(|member| member.gives_up_s.is_some()) {
            self.impatient.insert(member.journey.request, WaitingPlace { cell: group.cell, key: Some(key) });
        }
        self.servers[group.cell as usize].push(key, group, &context.scenario.server);
    }

    /// A user's patience is at its end.
    async fn give_up(&mut self, request: u64, cx: &Context<Self>, context: &RunContext) {
        let Some(WaitingPlace { cell, key }) = self.impatient.remove(&request) else { return };
        let server = &mut self.servers[cell as usize];
        if let Some(request) = server.remove(key, request, &context.scenario.server) {
            let device = request.journey.device as u32;
            context.state().lose(*request.journey, UnservedEnd::Abandoned, seconds(cx.time()), request.spent_j);
            self.ended.send(device).await;
        }
    }
}

#[Model(type Env = Arc<RunContext>)]
impl EdgeServers {
    /// A user's request -- input port.
    pub async fn submit(&mut self, request: PromptRequest, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let (cell, number) = (request.journey.cell, request.journey.request);
        if let Some(gives_up_s) = request.gives_up_s {
            self.impatient.insert(number, WaitingPlace { cell, key: None });
            self.plan(moment(gives_up_s, cx.time()), Due::GiveUp(number), cx);
        }
        let window_s = context.scenario.grouping.window_s;
        if !context.is_round() && window_s == 0.0 {
            return self.form_groups(vec![request], cx, context).await;
        }
        let server = &mut self.servers[cell as usize];
        server.gathered.push(request);
        if context.is_round() {
            // Everyone is asked for at once, whatever the cell.
            let all: usize = self.servers.iter().map(|server| server.gathered.len()).sum();
            if all == context.scenario.devices.len() {
                for cell in 0..self.servers.len() as u32 {
                    Box::pin(self.close_window(cell, cx, context)).await;
                }
            }
        } else if server.gathered.len() == 1 {
            server.windows += 1;
            let window = server.windows;
            self.plan(cx.time() + delay(window_s), Due::EndWindow { cell, window }, cx);
        }
    }

    /// Requests that lost their leader: they are grouped anew, at once -- input port.
    pub async fn regroup(&mut self, sets: Vec<Vec<PromptRequest>>, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        for requests in sets {
            self.form_groups(requests, cx, context).await;
        }
    }

    /// Does what is due.
    #[nexosim(schedulable)]
    async fn wake(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        while let Some(due) = self.agenda.take(cx.time()) {
            match due {
                Due::EndWindow { cell, window } => self.end_window(cell, window, cx, context).await,
                Due::FinishJob(job) => self.finish_job(job, cx, context).await,
                Due::GiveUp(request) => self.give_up(request, cx, context).await,
            }
        }
        if let Some(wake) = self.agenda.sleep(cx.time()) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    /// A server goes down or comes up -- input port.
    pub async fn outage(&mut self, change: FaultChange, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        if !self.servers[change.target as usize].change_outage(change.is_beginning) {
            return;
        }
        if change.is_beginning {
            let lost: Vec<u64> = self
                .running
                .iter()
                .filter(|(_, job)| job.group.cell == change.target)
                .map(|(number, _)| *number)
                .collect();
            for job in lost.into_iter().filter_map(|number| self.running.remove(&number)).collect::<Vec<_>>() {
                let (mut group, _) = self.end_job(job, seconds(cx.time()), false, context);
                group.members.iter_mut().for_each(|member| member.journey.restarts += 1);
                self.enqueue(group, context);
            }
        } else {
            self.start_what_can(change.target, cx, context);
        }
    }

    /// What the caches hold, for the books -- input port.
    pub async fn close_books(&mut self, _: (), _: &Context<Self>, context: &mut Arc<RunContext>) {
        let mut state = context.state();
        for cache in self.servers.iter().filter_map(|server| server.cache.as_ref()) {
            let books = &mut state.books;
            books.cache_bytes += cache.bytes();
            books.largest_cache_bytes += cache.largest_bytes();
            books.cache_insertions += cache.insertions();
            books.cache_evictions += cache.evictions();
        }
    }
}
