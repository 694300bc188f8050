//! The radio: every cell, and every device that sends to others, puts latents on the air one after the other or side by side.

mod airtime;
mod channel;
mod transmission;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use self::airtime::channel_count;
use self::channel::Channels;
use self::transmission::{corruption, payer, take_back};
use super::agenda::Agenda;
use super::clock::{delay, seconds};
use super::context::{NetworkError, RunContext};
use super::ledger::{LedgerCause, LedgerPayer};
use super::messages::{Delivery, FaultChange, HandOver, Member, PromptRequest, Transmitter};
use super::records::{LinkRecord, UnservedEnd};
use crate::diffusion::NodeId;

pub use self::airtime::{Airtime, airtime, energy_per_watt_j, expected_energy_j, history_part};
pub use self::channel::channel_gain_db;

/// All radio links.
///
/// ```text
///  send ─► queue of the transmitter ─► free channel ─► SNR = P·G·h / N ─► protection ─► bit errors ─► deliver
///                   ▲                                       ▲
///                   └── timeout ◄── outage        h over time, noise rise
/// ```
#[derive(Serialize, Deserialize)]
pub struct RadioLinks {
    /// By transmitter; cells from the beginning, devices when they first send.
    stations: BTreeMap<Transmitter, Station>,
    channels: Channels,
    /// By number of the transmission within the run.
    on_air: BTreeMap<u64, OnAir>,
    begun: u64,
    agenda: Agenda<Due>,
    /// A latent at the far end -- output port.
    pub deliver: Output<Delivery>,
    /// Requests that a lost link cut off from their group -- output port.
    pub regroup: Output<Vec<Vec<PromptRequest>>>,
    /// The device of a request that ended here -- output port.
    pub ended: Output<u32>,
}

#[derive(Default, Serialize, Deserialize)]
struct Station {
    queue: VecDeque<Box<HandOver>>,
    /// Latents on the air.
    busy: u32,
    /// Faults that silence it.
    outages: u32,
}

#[derive(Serialize, Deserialize)]
struct OnAir {
    hand_over: Box<HandOver>,
    received: NodeId,
    link: Box<LinkRecord>,
}

/// What the radio has to do at a later time.
#[derive(Serialize, Deserialize)]
enum Due {
    /// The transmission of that number is at the far end.
    Land(u64),
    /// The sender of a lost latent knows by now that it was lost.
    SendAgain(Box<HandOver>),
}

/// Why a hand-over cannot begin.
enum Refused {
    /// The receiver is not there, or cannot pay.
    Receiver(UnservedEnd),
    /// The transmitting device is not there, or cannot pay.
    Transmitter,
}

impl RadioLinks {
    pub fn new(context: &RunContext) -> Self {
        let cells = 0..context.scenario.cells.len() as u32;
        Self {
            stations: cells.map(|cell| (Transmitter::Cell(cell), Station::default())).collect(),
            channels: Channels::default(),
            on_air: BTreeMap::new(),
            begun: 0,
            agenda: Agenda::default(),
            deliver: Output::default(),
            regroup: Output::default(),
            ended: Output::default(),
        }
    }

    /// Puts latents on the air as long as a channel is free.
    async fn start_what_can(&mut self, transmitter: Transmitter, cx: &Context<Self>, context: &RunContext) {
        let channels = channel_count(context);
        loop {
            let station = self.stations.entry(transmitter).or_default();
            if station.outages > 0 || station.busy >= channels {
                return;
            }
            let Some(hand_over) = station.queue.pop_front() else { return };
            match self.can_begin(&hand_over, cx, context) {
                Ok(()) => self.begin(hand_over, cx, context),
                Err(Refused::Receiver(end)) => self.lose(hand_over, end, cx, context).await,
                Err(Refused::Transmitter) => {
                    let HandOver { member, behind, .. } = *hand_over;
                    let all = std::iter::once(member).chain(behind.into_iter().map(|(next, _)| next));
                    self.cut_off(all.collect()).await;
                }
            }
        }
    }

    /// Notes what is to be done at a later time.
    fn plan(&mut self, due: MonotonicTime, what: Due, cx: &Context<Self>) {
        if let Some(wake) = self.agenda.add(due, what) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }

    fn can_begin(&self, hand_over: &HandOver, cx: &Context<Self>, context: &RunContext) -> Result<(), Refused> {
        let (state, now_s) = (context.state(), seconds(cx.time()));
        let receiver = hand_over.member.journey.device;
        if let Transmitter::Device(device) = hand_over.transmitter {
            let energy_j = expected_energy_j(hand_over.member.tx_power_w, hand_over.t0, context);
            if state.is_away(device as usize) || !state.batteries.can_pay(device as usize, energy_j, now_s) {
                return Err(Refused::Transmitter);
            }
        }
        if state.is_away(receiver) {
            return Err(Refused::Receiver(UnservedEnd::FailedDeviceAway));
        }
        let listening_j = context.scenario.devices[receiver].receive_power_w * airtime(context, hand_over.t0).airtime_s;
        match state.batteries.can_pay(receiver, listening_j, now_s) {
            true => Ok(()),
            false => Err(Refused::Receiver(UnservedEnd::FailedBattery)),
        }
    }

    fn begin(&mut self, mut hand_over: Box<HandOver>, cx: &Context<Self>, context: &RunContext) {
        let now_s = seconds(cx.time());
        let promised = hand_over.member.transmission.take();
        let transmission =
            promised.unwrap_or_else(|| context.state().begin_transmission(hand_over.member.journey.device));
        let (link, sent) = self.transmit(&hand_over, transmission, now_s, context);
        let received = match context.records() {
            true => context.insert(corruption(&hand_over, &sent, transmission, context)),
            false => Ok(hand_over.latent),
        };
        let received = match received {
            Ok(received) => received,
            Err(error) => return context.fail(NetworkError::from(error)),
        };
        {
            let mut state = context.state();
            let payer = payer(hand_over.transmitter);
            state.pay(payer, LedgerCause::Radio, link.transmit_energy_j - hand_over.lost_energy_j, now_s, now_s);
            let receiver = LedgerPayer::Device(hand_over.member.journey.device);
            state.pay(receiver, LedgerCause::Radio, link.receive_energy_j - hand_over.lost_receive_j, now_s, now_s);
        }
        let number = self.begun;
        self.begun += 1;
        let duration = delay(sent.duration_s);
        let station = self.stations.entry(hand_over.transmitter).or_default();
        station.busy += 1;
        self.on_air.insert(number, OnAir { hand_over, received, link: Box::new(link) });
        self.plan(cx.time() + duration, Due::Land(number), cx);
    }

    /// A latent is at the far end.
    async fn land(&mut self, number: u64, cx: &Context<Self>, context: &RunContext) {
        // A fault may have taken it off the air.
        let Some(OnAir { hand_over, received, mut link }) = self.on_air.remove(&number) else { return };
        link.received_s = seconds(cx.time());
        let transmitter = hand_over.transmitter;
        self.stations.entry(transmitter).or_default().busy -= 1;
        self.deliver.send(Delivery { hand_over, received, link }).await;
        self.start_what_can(transmitter, cx, context).await;
    }

    /// The request of a hand-over ends here; those behind it look for another way.
    async fn lose(&mut self, hand_over: Box<HandOver>, end: UnservedEnd, cx: &Context<Self>, context: &RunContext) {
        let HandOver { member, behind, lost_energy_j, lost_receive_j, .. } = *hand_over;
        let device = member.journey.device as u32;
        let energy_j = member.shared_compute_j + lost_energy_j + lost_receive_j;
        context.state().lose(*member.journey, end, seconds(cx.time()), energy_j);
        self.ended.send(device).await;
        self.cut_off(behind.into_iter().map(|(next, _)| next).collect()).await;
    }

    async fn cut_off(&mut self, members: Vec<Member>) {
        if !members.is_empty() {
            self.regroup.send(vec![members.into_iter().map(Member::into_restarted_request).collect()]).await;
        }
    }
}

#[Model(type Env = Arc<RunContext>)]
impl RadioLinks {
    /// A latent to be sent -- input port.
    pub async fn send(&mut self, hand_over: Box<HandOver>, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let transmitter = hand_over.transmitter;
        let station = self.stations.entry(transmitter).or_default();
        let is_sent_at_once = station.outages == 0 && station.queue.is_empty() && station.busy < channel_count(context);
        let has_room = (station.queue.len() as u64) < context.scenario.radio.queue_capacity;
        if !is_sent_at_once && !has_room && !context.is_round() {
            return self.lose(hand_over, UnservedEnd::DroppedRadioFull, cx, context).await;
        }
        station.queue.push_back(hand_over);
        self.start_what_can(transmitter, cx, context).await;
    }

    /// A cell falls silent or is back -- input port.
    pub async fn outage(&mut self, change: FaultChange, cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let transmitter = Transmitter::Cell(change.target);
        let station = self.stations.entry(transmitter).or_default();
        if !change.is_beginning {
            station.outages -= 1;
            return self.start_what_can(transmitter, cx, context).await;
        }
        station.outages += 1;
        station.busy = 0;
        let lost: Vec<u64> = self
            .on_air
            .iter()
            .filter(|(_, on_air)| on_air.hand_over.transmitter == transmitter)
            .map(|(number, _)| *number)
            .collect();
        let now_s = seconds(cx.time());
        for on_air in lost.into_iter().filter_map(|number| self.on_air.remove(&number)).collect::<Vec<_>>() {
            let OnAir { mut hand_over, link, .. } = on_air;
            take_back(&mut hand_over, &link, now_s, context);
            hand_over.lost += 1;
            if hand_over.lost > context.scenario.recovery.retransmissions {
                self.lose(hand_over, UnservedEnd::FailedLink, cx, context).await;
            } else {
                let knows = cx.time() + delay(context.scenario.recovery.timeout_s);
                self.plan(knows, Due::SendAgain(hand_over), cx);
            }
        }
    }

    /// Does what is due.
    #[nexosim(schedulable)]
    async fn wake(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        while let Some(due) = self.agenda.take(cx.time()) {
            match due {
                Due::Land(number) => self.land(number, cx, context).await,
                Due::SendAgain(hand_over) => self.send(hand_over, cx, context).await,
            }
        }
        if let Some(wake) = self.agenda.sleep(cx.time()) {
            cx.schedule_event(wake, schedulable!(Self::wake), ()).expect("a moment to come is accepted");
        }
    }
}
