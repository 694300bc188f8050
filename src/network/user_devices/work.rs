//! What devices are busy with: one thing after the other on each, in the order in which it came.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::network::edge_servers::SharedSteps;
use crate::network::messages::{Group, HandOver};
use crate::network::records::UserRecord;

/// One stretch of work: who, when, and what it takes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stretch {
    pub device: u32,
    pub start_s: f64,
    pub end_s: f64,
    /// Paid when it was taken on [J].
    pub energy_j: f64,
}

/// What for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// The user's own steps and decoding.
    Picture(Box<UserRecord>),
    /// The shared steps of a group that the device leads.
    Lead(Box<Group>, Box<SharedSteps>),
    /// Steps with its own prompt before the latent goes on to the next of a chain.
    Relay(Box<HandOver>),
}

impl Stretch {
    /// The part of its energy that was not needed, if it stops now [J].
    pub fn unspent_j(&self, now_s: f64) -> f64 {
        let length_s = self.end_s - self.start_s;
        let left = if length_s > 0.0 { ((self.end_s - now_s) / length_s).clamp(0.0, 1.0) } else { 0.0 };
        self.energy_j * left
    }
}

/// All work that is not done.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WorkList {
    /// When each device is free [s].
    free_s: Vec<f64>,
    open: BTreeMap<u64, (Stretch, Task)>,
    /// Work by device, where faults may take it away.
    of_device: Option<HashMap<u32, BTreeSet<u64>>>,
    taken: u64,
}

impl WorkList {
    /// `is_indexed`: whether [`WorkList::lose_all`] will be asked.
    pub fn new(devices: usize, is_indexed: bool) -> Self {
        let of_device = is_indexed.then(HashMap::new);
        Self { free_s: vec![0.0; devices], open: BTreeMap::new(), of_device, taken: 0 }
    }

    /// When a device could begin something that came now [s].
    pub fn start_s(&self, device: u32, now_s: f64) -> f64 {
        self.free_s[device as usize].max(now_s)
    }

    /// Takes work on; returns its number.
    pub fn take_on(&mut self, stretch: Stretch, task: Task) -> u64 {
        let number = self.taken;
        self.taken += 1;
        self.free_s[stretch.device as usize] = stretch.end_s;
        if let Some(of_device) = &mut self.of_device {
            of_device.entry(stretch.device).or_default().insert(number);
        }
        self.open.insert(number, (stretch, task));
        number
    }

    /// The work is done; `None` where a fault has taken it away.
    pub fn finish(&mut self, number: u64) -> Option<(Stretch, Task)> {
        let work = self.open.remove(&number)?;
        self.forget(work.0.device, number);
        Some(work)
    }

    /// Takes everything away from a device, in the order in which it came.
    pub fn lose_all(&mut self, device: u32, now_s: f64) -> Vec<(Stretch, Task)> {
        let numbers = self.of_device.as_mut().and_then(|of_device| of_device.remove(&device)).unwrap_or_default();
        self.free_s[device as usize] = now_s;
        numbers.into_iter().filter_map(|number| self.open.remove(&number)).collect()
    }

    /// Takes the groups away that a device leads; its other work stays where it is.
    pub fn lose_leads(&mut self, device: u32, now_s: f64) -> Vec<(Stretch, Task)> {
        let numbers: Vec<u64> = match &self.of_device {
            Some(of_device) => of_device.get(&device).into_iter().flat_map(|numbers| numbers.iter().copied()).collect(),
            None => Vec::new(),
        };
        let is_lead = |number: &u64| matches!(self.open.get(number), Some((_, Task::Lead(..))));
        let (leads, others): (Vec<u64>, Vec<u64>) = numbers.into_iter().partition(is_lead);
        if !leads.is_empty() {
            // What was to come after a lead keeps its time.
            let ends_s = others.iter().filter_map(|number| self.open.get(number)).map(|(stretch, _)| stretch.end_s);
            self.free_s[device as usize] = ends_s.fold(now_s, f64::max);
        }
        leads.into_iter().filter_map(|number| self.finish(number)).collect()
    }

    fn forget(&mut self, device: u32, number: u64) {
        if let Some(of_device) = &mut self.of_device
            && let Some(numbers) = of_device.get_mut(&device)
        {
            numbers.remove(&number);
            if numbers.is_empty() {
                of_device.remove(&device);
            }
        }
    }
}
