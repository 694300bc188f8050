//! Faults at their times: servers down, cells silent, devices away, leaders lost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use serde::{Deserialize, Serialize};

use super::clock::moment;
use super::context::RunContext;
use super::messages::FaultChange;
use crate::faults::AlternatingProcess;
use crate::scenario::{FaultKind, Scenario};

/// Strikes, and repairs.
///
/// ```text
///                             ┌─► server_outage ─► edge servers
///  start ─► next change ──────┼─► link_outage ───► radio links
///              ▲      │       ├─► away ──────────► user devices
///              └──────┘       └─► lose_leads ────► user devices
/// ```
#[derive(Serialize, Deserialize)]
pub struct FaultInjector {
    strikes: Vec<Strikes>,
    next: BinaryHeap<Reverse<Change>>,
    /// A server goes down or comes up -- output port.
    pub server_outage: Output<FaultChange>,
    /// A cell's radio falls silent or is back -- output port.
    pub link_outage: Output<FaultChange>,
    /// A device goes away or comes back -- output port.
    pub away: Output<FaultChange>,
    /// A device gives up the groups that it leads -- output port.
    pub lose_leads: Output<FaultChange>,
}

/// What one fault of the scenario does to one device or cell.
#[derive(Serialize, Deserialize)]
struct Strikes {
    fault: u32,
    target: u32,
    process: AlternatingProcess,
}

/// Ordered by time, then by the order of the scenario; times are ≥ 0, whose bits are in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Change {
    time_bits: u64,
    strikes: u32,
    is_beginning: bool,
    end_bits: u64,
}

impl FaultInjector {
    pub fn new(context: &RunContext) -> Self {
        let scenario = &context.scenario;
        let strikes = scenario.faults.iter().enumerate().flat_map(|(fault, settings)| {
            let targets = match settings.target {
                Some(target) => target..target + 1,
                None => 0..targets(scenario, settings.kind),
            };
            targets.map(move |target| {
                let entity = format!("{} of fault {}", target_name(scenario, settings.kind, target), fault + 1);
                let process = AlternatingProcess::new(context.stream("fault", &entity));
                Strikes { fault: fault as u32, target, process }
            })
        });
        Self {
            strikes: strikes.collect(),
            next: BinaryHeap::new(),
            server_outage: Output::default(),
            link_outage: Output::default(),
            away: Output::default(),
            lose_leads: Output::default(),
        }
    }

    fn plan(&mut self, strikes: u32, scenario: &Scenario) {
        let Strikes { fault, process, .. } = &mut self.strikes[strikes as usize];
        if let Some((start_s, end_s)) = process.next(&scenario.faults[*fault as usize]) {
            let (time_bits, end_bits) = (start_s.to_bits(), end_s.to_bits());
            self.next.push(Reverse(Change { time_bits, strikes, is_beginning: true, end_bits }));
        }
    }

    fn schedule(&self, cx: &Context<Self>) {
        if let Some(Reverse(change)) = self.next.peek() {
            let due = moment(f64::from_bits(change.time_bits), cx.time());
            cx.schedule_event(due, schedulable!(Self::strike), ()).expect("a moment to come is accepted");
        }
    }
}

fn targets(scenario: &Scenario, kind: FaultKind) -> u32 {
    match kind {
        FaultKind::ServerOutage | FaultKind::LinkOutage => scenario.cells.len() as u32,
        FaultKind::DeviceAway | FaultKind::LeaderLoss => scenario.devices.len() as u32,
    }
}

fn target_name(scenario: &Scenario, kind: FaultKind, target: u32) -> &str {
    match kind {
        FaultKind::ServerOutage | FaultKind::LinkOutage => &scenario.cells[target as usize].name,
        FaultKind::DeviceAway | FaultKind::LeaderLoss => &scenario.devices[target as usize].name,
    }
}

#[Model(type Env = Arc<RunContext>)]
impl FaultInjector {
    /// Begins the run -- input port.
    pub async fn start(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        (0..self.strikes.len() as u32).for_each(|strikes| self.plan(strikes, &context.scenario));
        self.schedule(cx);
    }

    #[nexosim(schedulable)]
    async fn strike(&mut self, _: (), cx: &Context<Self>, context: &mut Arc<RunContext>) {
        let Some(Reverse(change)) = self.next.pop() else { return };
        if change.is_beginning && context.state().is_over() {
            // Nobody is left whom it could strike: the run ends.
            return;
        }
        let Strikes { fault, target, .. } = self.strikes[change.strikes as usize];
        let kind = context.scenario.faults[fault as usize].kind;
        if change.is_beginning && kind != FaultKind::LeaderLoss {
            self.next.push(Reverse(Change { time_bits: change.end_bits, is_beginning: false, ..change }));
        } else {
            self.plan(change.strikes, &context.scenario);
        }
        let change = FaultChange { target, is_beginning: change.is_beginning };
        match kind {
            FaultKind::ServerOutage => self.server_outage.send(change).await,
            FaultKind::LinkOutage => self.link_outage.send(change).await,
            FaultKind::DeviceAway => self.away.send(change).await,
            FaultKind::LeaderLoss => self.lose_leads.send(change).await,
        }
        self.schedule(cx);
    }
}
