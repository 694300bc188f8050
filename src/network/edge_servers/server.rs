//! One edge server: its open window, its queue, its workers and its cache.

use serde::{Deserialize, Serialize};

use super::queue::{GroupQueue, QueueKey};
use crate::latent_cache::LatentCache;
use crate::network::messages::{Group, Member, PromptRequest};
use crate::scenario::ServerSettings;

#[derive(Serialize, Deserialize)]
pub struct Server {
    /// Requests of the window that is open.
    pub gathered: Vec<PromptRequest>,
    /// Windows opened so far.
    pub windows: u64,
    queue: GroupQueue,
    /// Time that the groups of the queue take on one worker [s].
    queued_work_s: f64,
    /// By worker, jobs of the batch that it runs, and when the last of them ends [s].
    workers: Vec<(u32, f64)>,
    pub cache: Option<LatentCache>,
    /// Faults that keep it down.
    outages: u32,
}

impl Server {
    pub fn new(settings: &ServerSettings, cache: Option<LatentCache>) -> Self {
        Self {
            gathered: Vec::new(),
            windows: 0,
            queue: GroupQueue::default(),
            queued_work_s: 0.0,
            workers: vec![(0, 0.0); settings.workers as usize],
            cache,
            outages: 0,
        }
    }

    /// Groups that wait.
    pub fn queue_length(&self) -> u32 {
        self.queue.len() as u32
    }

    /// Whether one more group may come in: somebody is free, or there is room to wait.
    pub fn has_room(&self, settings: &ServerSettings) -> bool {
        let is_served_at_once = self.queue.len() == 0 && self.idle_worker().is_some();
        is_served_at_once || (self.queue.len() as u64) < settings.queue_capacity
    }

    /// How long a group that came in now would wait, were nobody to overtake it [s].
    pub fn expected_wait_s(&self, now_s: f64, settings: &ServerSettings) -> f64 {
        if self.queue.len() == 0 && self.idle_worker().is_some() {
            return 0.0;
        }
        if self.queue.len() == 0 && self.outages == 0 {
            return self.workers.iter().map(|(_, end_s)| (end_s - now_s).max(0.0)).fold(f64::INFINITY, f64::min);
        }
        let running_s: f64 = self.workers.iter().map(|(_, end_s)| (end_s - now_s).max(0.0)).sum();
        (running_s + self.queued_work_s / f64::from(settings.maximum_batch)) / self.workers.len() as f64
    }

    pub fn push(&mut self, key: QueueKey, group: Group, settings: &ServerSettings) {
        self.queued_work_s += work_s(&group, settings);
        self.queue.push(key, group);
    }

    /// The groups that a free worker takes now; `None` where nobody is free or waits.
    pub fn next_batch(&mut self, settings: &ServerSettings) -> Option<(u32, Vec<Group>)> {
        let worker = self.idle_worker()?;
        let mut batch = Vec::with_capacity(1);
        while batch.len() < settings.maximum_batch as usize {
            let Some(group) = self.queue.pop() else { break };
            self.queued_work_s -= work_s(&group, settings);
            batch.push(group);
        }
        if self.queue.len() == 0 {
            // What rounding has left.
            self.queued_work_s = 0.0;
        }
        (!batch.is_empty()).then_some((worker, batch))
    }

    /// A worker runs one more job until then [s].
    pub fn occupy(&mut self, worker: u32, end_s: f64) {
        let (jobs, last_s) = &mut self.workers[worker as usize];
        *jobs += 1;
        *last_s = last_s.max(end_s);
    }

    /// A worker is done with a job.
    pub fn release(&mut self, worker: u32) {
        let (jobs, last_s) = &mut self.workers[worker as usize];
        *jobs -= 1;
        if *jobs == 0 {
            *last_s = 0.0;
        }
    }

    /// Takes a request out of the window or the queue.
    pub fn remove(&mut self, key: Option<QueueKey>, request: u64, settings: &ServerSettings) -> Option<PromptRequest> {
        match key {
            None => {
                let position = self.gathered.iter().position(|waiting| waiting.journey.request == request)?;
                Some(self.gathered.remove(position))
            }
            Some(key) => {
                let before_s = self.queue.get(key).map_or(0.0, |group| work_s(group, settings));
                let member = self.queue.remove(key, request)?;
                let after_s = self.queue.get(key).map_or(0.0, |group| work_s(group, settings));
                self.queued_work_s += after_s - before_s;
                Some(member.into_request())
            }
        }
    }

    /// A fault begins or ends; returns whether the server just went down or came up.
    pub fn change_outage(&mut self, is_beginning: bool) -> bool {
        match is_beginning {
            true => self.outages += 1,
            false => self.outages -= 1,
        }
        self.outages == u32::from(is_beginning)
    }

    fn idle_worker(&self) -> Option<u32> {
        if self.outages > 0 {
            return None;
        }
        self.workers.iter().position(|(jobs, _)| *jobs == 0).map(|worker| worker as u32)
    }
}

/// Time that a group takes on one worker if the cache has nothing for it [s].
pub fn work_s(group: &Group, settings: &ServerSettings) -> f64 {
    let mut chains: Vec<u32> = group.members.iter().map(|member: &Member| member.chain).collect();
    chains.sort_unstable();
    chains.dedup();
    let step_time_s = match &settings.profile {
        Some(profile) => profile.profile.step(settings.maximum_batch).time_s,
        None => settings.step_time_s,
    };
    f64::from(group.t0) * chains.len() as f64 * step_time_s
}
