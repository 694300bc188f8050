//! When the next request arrives, and whose it is, whatever kind of arrivals the scenario has.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::demand::arrivals::{ArrivalProcess, think_time_s};
use crate::network::context::RunContext;
use crate::scenario::{ArrivalStream, Arrivals, DemandSettings};

/// One request that is to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// `None`: of any device.
    pub device: Option<u32>,
    /// `None`: as `demand.prompts` says.
    pub prompt: Option<u32>,
}

/// What is still to come. The next arrival costs O(1), or O(log devices) where each device has a stream of its own.
#[derive(Debug, Serialize, Deserialize)]
pub enum ArrivalSchedule {
    /// One stream for all devices.
    Population { process: ArrivalProcess, next_s: f64 },
    /// One stream per device.
    Devices { processes: Vec<ArrivalProcess>, next: BinaryHeap<Reverse<Due>> },
    /// Users who ask again some time after their last request ended.
    ClosedLoop { thoughts: Vec<u64>, next: BinaryHeap<Reverse<Due>> },
    /// The rows of a trace from this one on.
    Trace { next_row: usize },
}

/// A device and when it asks next; times are ≥ 0, whose bits are in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Due {
    time_bits: u64,
    device: u32,
}

impl Due {
    fn new(time_s: f64, device: u32) -> Self {
        Self { time_bits: time_s.to_bits(), device }
    }

    fn time_s(self) -> f64 {
        f64::from_bits(self.time_bits)
    }
}

impl ArrivalSchedule {
    pub fn new(demand: &DemandSettings, context: &RunContext) -> Self {
        let devices = &context.scenario.devices;
        match (&demand.arrivals, demand.stream) {
            (Arrivals::Trace { .. }, _) => Self::Trace { next_row: 0 },
            (Arrivals::ClosedLoop { .. }, _) => {
                let mut schedule = Self::ClosedLoop {
                    thoughts: vec![0; devices.len()],
                    next: BinaryHeap::with_capacity(devices.len()),
                };
                (0..devices.len() as u32).for_each(|device| schedule.think(device, 0.0, demand, context));
                schedule
            }
            (arrivals, ArrivalStream::Population) => {
                let mut process = ArrivalProcess::new(arrivals, context.stream("arrivals", "population"));
                let next_s = process.next_s(arrivals);
                Self::Population { process, next_s }
            }
            (arrivals, ArrivalStream::Device) => {
                let stream = |name: &str| ArrivalProcess::new(arrivals, context.stream("arrivals", name));
                let mut processes: Vec<ArrivalProcess> = devices.iter().map(|device| stream(&device.name)).collect();
                let due = |(device, process): (usize, &mut ArrivalProcess)| {
                    Reverse(Due::new(process.next_s(arrivals), device as u32))
                };
                let next = processes.iter_mut().enumerate().map(due).collect();
                Self::Devices { processes, next }
            }
        }
    }

    /// When the next request arrives [s]; `None` where none is known of.
    pub fn next_s(&self, arrivals: &Arrivals) -> Option<f64> {
        match self {
            Self::Population { next_s, .. } => Some(*next_s),
            Self::Devices { next, .. } | Self::ClosedLoop { next, .. } => next.peek().map(|due| due.0.time_s()),
            Self::Trace { next_row } => match arrivals {
                Arrivals::Trace { rows, .. } => rows.get(*next_row).map(|row| row.arrival_s),
                _ => None,
            },
        }
    }

    /// Takes the next request out; `None` where there is none.
    pub fn take(&mut self, arrivals: &Arrivals) -> Option<Arrival> {
        match self {
            Self::Population { process, next_s } => {
                *next_s = process.next_s(arrivals);
                Some(Arrival { device: None, prompt: None })
            }
            Self::Devices { processes, next } => {
                let device = next.pop()?.0.device;
                next.push(Reverse(Due::new(processes[device as usize].next_s(arrivals), device)));
                Some(Arrival { device: Some(device), prompt: None })
            }
            Self::ClosedLoop { next, .. } => Some(Arrival { device: Some(next.pop()?.0.device), prompt: None }),
            Self::Trace { next_row } => {
                let Arrivals::Trace { rows, .. } = arrivals else { return None };
                let row = rows.get(*next_row)?;
                *next_row += 1;
                Some(Arrival { device: row.device, prompt: row.prompt })
            }
        }
    }

    /// The user of a device begins to think about its next request; of a closed loop only.
    pub fn think(&mut self, device: u32, now_s: f64, demand: &DemandSettings, context: &RunContext) {
        if let Self::ClosedLoop { thoughts, next } = self {
            let thought = &mut thoughts[device as usize];
            let stream = context.stream("think-time", &context.scenario.devices[device as usize].name).child(*thought);
            *thought += 1;
            next.push(Reverse(Due::new(now_s + think_time_s(&demand.arrivals, &mut stream.rng()), device)));
        }
    }

    /// Whether requests come back when they end.
    pub fn is_closed_loop(&self) -> bool {
        matches!(self, Self::ClosedLoop { .. })
    }
}
