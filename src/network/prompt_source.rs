//! Users and their prompts: who asks when, for what, and from where.

mod schedule;

use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::time::MonotonicTime;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use self::schedule::{Arrival, ArrivalSchedule};
use super::agenda::Agenda;
use super::clock::{delay, moment, seconds};
use super::context::RunContext;
use super::messages::{PromptRequest, Refusal};
use super::records::{CacheOutcome, Journey, UnservedEnd};
use crate::mobility::{Places, ServingCell};
use crate::scenario::{DemandSettings, Patience};

/// All users.
///
/// ```text
///  start ───┐                                                    request
///           ├─► next arrival ─► device, prompt, place ─► cell ─────────►
///  ended ───┘ (closed loop)                               ▲
///  refused ──────────────────────────► retry delay ───────┘
/// ```
#[derive(Serialize, Deserialize)]
pub struct PromptSource {
    /// `None` in a round.
    schedule: Option<ArrivalSchedule>,
    places: Places,
    /// Cell of each device's request before; `u32::MAX` before the first.
    cells: Vec<u32>,
    whose: ChaCha8Rng,
    what: ChaCha8Rng,
    patience: ChaCha8Rng,
    /// When the next arrival is due, where one is scheduled.
    scheduled: Option<MonotonicTime>,
    agenda: Agenda<Due>,
    /// A request for the edge servers -- output port.
    pub request: Output<PromptRequest>,
}

/// What users have to do at a later time.
#[derive(Serialize, Deserialize)]
enum Due {
    /// The next arrival, unless another one came before it.
    Arrive(MonotonicTime),
    /// A request that was refused is sent again.
    Retry(Box<PromptRequest>),
}

impl PromptSource {
    pub fn new(context: &RunContext) -> Self {
        let rng = |component: &str| context.stream(component, "population").rng();
        Self {
            schedule: None,
            places: Places::new(&context.scenario, context.replication),
            cells: vec![u32::MAX; context.scenario.devices.len()],
            whose: rng("requesting-device"),
            what: rng("requested-prompt"),
            patience: rng("patience"),
            scheduled: None,
            agenda: Agenda::default(),
            request: Output::default(),
        }
    }

    /// A request of a device that asks now.
    fn request_of(&mut self, device: usize, prompt: Option<u32>, now_s: f64, context: &RunContext) -> PromptRequest {
        let position = self.places.position(&context.scenario, device, now_s);
        let ServingCell { cell, distance_m } =
            self.places.serving_cell(&context.scenario, &context.cell_map, device, now_s);
        let cell_before = std::mem::replace(&mut self.cells[device], cell);
        let demand = context.scenario.demand.as_ref();
        let patience_s = match demand.and_then(|demand| demand.patience) {
            None => None,
            Some(Patience::Fixed { time_s }) => Some(time_s),
            Some(Patience::Exponential { mean_s }) => {
                let drawn: f64 = Exp1.sample(&mut self.patience);
                Some(mean_s * drawn)
            }
        };
        let journey = Box::new(Journey {
            request: context.state().arrive(now_s),
            device,
            prompt: prompt.unwrap_or_else(|| context.prompts.of_device(device)),
            arrival_s: now_s,
            deadline_s: context.scenario.devices[device]
                .deadline_s
                .or(demand.and_then(|demand| demand.deadline_s))
                .map(|deadline_s| now_s + deadline_s),
            cell,
            is_handover: cell_before != u32::MAX && cell_before != cell,
            distance_m,
            attempts: 1,
            group: None,
            group_size: 0,
            leader: None,
            queued_s: None,
            service_start_s: None,
            cache: CacheOutcome::NotAsked,
            restarts: 0,
        });
        PromptRequest { journey, position, gives_up_s: patience_s.map(|patience_s| now_s + patience_s), spent_j: 0.0 }
    }

    /// Whose arrival it is and what for; `None` where the device is away.
    fn fill_in(&mut self, arrival: Arrival, context: &RunContext) -> Option<(usize, Option<u32>)> {
        let devices = context.scenario.devices.len();
        // Drawn even if nobody looks: what one request draws must not depend on another.
        let anyone = self.whose.random_range(0..devices);
        let drawn = context.prompt_sampler.as_ref().and_then(|sampler| sampler.draw(&mut self.what));
        let device = arrival.device.map_or(anyone, |device| device as usize);
        let asked = arrival.prompt.map(|prompt| context.trace_prompts[prompt as usize]);
        (!context.state().is_away(device)).then_some((device, asked.or(drawn)))
    }

    /// Schedules the next arrival, or ends the demand.
    fn schedule_next(&mut self, demand: &DemandSettings, cx: &Context<Self>, context: &RunContext) {
        let Some(schedule) = &self.schedule else { return };
        let all_came = demand.requests.is_some_and(|requests| context.state().books.arrivals >= requests);
        let next_s = schedule.next_s(&demand.arrivals);
        let is_late = next_s.is_some_and(|next_s| demand.duration_s.is_some_and(|duration_s| next_s > duration_s));
        // In a closed loop whoever is still in the network may ask again before those who think.
        let is_late = is_late && (!schedule.is_closed_loop() || context.state().is_empty());
        if all_came || is_late || (next_s.is_none() && !schedule.is_closed_loop()) {
            self.schedule = None;
            return context.state().end_demand();
        }
        let in_time = |next_s: &f64| demand.duration_s.is_none_or(|duration_s| *next_s <= duration_s);
        let Some(next_s) = next_s.filter(in_time) else { return };
        let due = moment(next_s, cx.time());
        // In a closed loop somebody may be due before whoever was next so far.
        if self.scheduled.is_none_or(|scheduled| due < scheduled) {
            self.scheduled = Some(due);
            self.plan(due, Due::Arrive(due), cx);
        }
    }

    /// Notes what is to be done at a later time.
    fn plan(&mut self, due: MonotonicTime, what: Due, cx: &Context<Self>) {
        if let Some(wake) = self.agenda.add(due, what) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    async fn arrive(&mut self, due: MonotonicTime, cx: &Context<Self>, context: &RunContext) {
        let (Some(demand), true) = (&context.scenario.demand, self.scheduled == Some(due)) else { return };
        self.scheduled = None;
        let arrival = self.schedule.as_mut().and_then(|schedule| schedule.take(&demand.arrivals));
        if let Some(arrival) = arrival {
            match self.fill_in(arrival, context) {
                Some((device, prompt)) => {
                    let request = self.request_of(device, prompt, seconds(cx.time()), context);
                    self.request.send(request).await;
                }
                // Whoever is away asks for nothing, and thinks again.
                None => self.think_again(arrival.device, cx, context),
            }
        }
        self.schedule_next(demand, cx, context);
    }

    async fn retry(&mut self, request: PromptRequest, cx: &Context<Self>, context: &RunContext) {
        let is_away = context.state().is_away(request.journey.device);
        match request.gives_up_s {
            _ if is_away => self.give_up(request, UnservedEnd::FailedDeviceAway, cx, context).await,
            Some(gives_up_s) if moment(gives_up_s, MonotonicTime::EPOCH) <= cx.time() => {
                self.give_up(request, UnservedEnd::Abandoned, cx, context).await;
            }
            _ => self.request.send(request).await,
        }
    }

    fn think_again(&mut self, device: Option<u32>, cx: &Context<Self>, context: &RunContext) {
        if let (Some(schedule), Some(demand), Some(device)) = (&mut self.schedule, &context.scenario.demand, device) {
            schedule.think(device, seconds(cx.time()), demand, context);
        }
    }

    async fn give_up(&mut self, request: PromptRequest, end: UnservedEnd, cx: &Context<Self>, context: &RunContext) {
        let device = request.journey.device as u32;
        context.state().lose(*request.journey, end, seconds(cx.time()), request.spent_j);
        self.think_again(Some(device), cx, context);
        if let Some(demand) = &context.scenario.demand {
            self.schedule_next(demand, cx, context);
        }
    }
}

#[Model(type Env = Arc<RunContext>)]
impl PromptSource {
    /// Begins the run -- input port.
    pub async fn start(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        match &context.scenario.demand {
            None => {
                for device in 0..context.scenario.devices.len() {
                    let request = self.request_of(device, None, seconds(cx.time()), context);
                    self.request.send(request).await;
                }
                context.state().end_demand();
            }
            Some(demand) => {
                self.schedule = Some(ArrivalSchedule::new(demand, context));
                self.schedule_next(demand, cx, context);
            }
        }
    }

    /// Does what is due.
    #[nexosim(schedulable)]
    async fn wake(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        while let Some(what) = self.agenda.take(cx.time()) {
            match what {
                Due::Arrive(due) => self.arrive(due, cx, context).await,
                Due::Retry(request) => self.retry(*request, cx, context).await,
            }
        }
        if let Some(wake) = self.agenda.sleep(cx.time()) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    /// A device whose request ended: in a closed loop its user thinks about the next -- input port.
    pub async fn ended(&mut self, device: u32, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        self.think_again(Some(device), cx, context);
        if let Some(demand) = &context.scenario.demand {
            self.schedule_next(demand, cx, context);
        }
    }

    /// A request that the server did not take: it is sent again after a while, or dropped -- input port.
    pub async fn refused(&mut self, refusal: Refusal, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let Refusal { mut request, end } = refusal;
        let demand = context.scenario.demand.as_ref();
        match demand.filter(|demand| request.journey.attempts <= demand.retries) {
            Some(demand) => {
                request.journey.attempts += 1;
                let again = cx.time() + delay(demand.retry_delay_s);
                let due = request.gives_up_s.map_or(again, |gives_up_s| again.min(moment(gives_up_s, cx.time())));
                self.plan(due, Due::Retry(Box::new(request)), cx);
            }
            None => self.give_up(request, end, cx, context).await,
        }
    }
}
