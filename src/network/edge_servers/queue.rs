//! Groups that wait for a worker of one edge server.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::network::messages::{Group, Member};
use crate::scenario::{QueueDiscipline, Scenario};

/// Where a group stands in the queue: by rank, then by arrival, then by number, so that no two are equal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct QueueKey {
    /// The lower, the sooner: 0 (first in, first out), minus the priority, or the deadline.
    rank: f64,
    arrival_s: f64,
    group: u64,
}

impl QueueKey {
    pub fn of(group: &Group, scenario: &Scenario) -> Self {
        let journeys = || group.members.iter().map(|member| &member.journey);
        let rank = match scenario.server.queue {
            QueueDiscipline::Fifo => 0.0,
            QueueDiscipline::Priority => {
                let highest = journeys().map(|journey| scenario.devices[journey.device].priority).max();
                -f64::from(highest.unwrap_or(0))
            }
            QueueDiscipline::EarliestDeadline => {
                journeys().filter_map(|journey| journey.deadline_s).fold(f64::INFINITY, f64::min)
            }
        };
        let arrival_s = journeys().map(|journey| journey.arrival_s).fold(f64::INFINITY, f64::min);
        Self { rank, arrival_s, group: group.number }
    }
}

impl Ord for QueueKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_rank = self.rank.total_cmp(&other.rank);
        by_rank.then(self.arrival_s.total_cmp(&other.arrival_s)).then(self.group.cmp(&other.group))
    }
}

impl PartialOrd for QueueKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for QueueKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for QueueKey {}

/// The queue. Whoever comes and goes costs O(log n).
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct GroupQueue {
    waiting: BTreeMap<QueueKey, Group>,
}

impl GroupQueue {
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn push(&mut self, key: QueueKey, group: Group) {
        self.waiting.insert(key, group);
    }

    pub fn get(&self, key: QueueKey) -> Option<&Group> {
        self.waiting.get(&key)
    }

    /// Takes out whoever is next.
    pub fn pop(&mut self) -> Option<Group> {
        self.waiting.pop_first().map(|(_, group)| group)
    }

    /// Takes one request out of a waiting group, and the group out of the queue where it was the last.
    pub fn remove(&mut self, key: QueueKey, request: u64) -> Option<Member> {
        let group = self.waiting.get_mut(&key)?;
        let position = group.members.iter().position(|member| member.journey.request == request)?;
        let member = group.members.remove(position);
        if group.members.is_empty() {
            self.waiting.remove(&key);
        }
        Some(member)
    }
}
