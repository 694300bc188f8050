//! Which requests and which time the statistics are about: those after the warm-up.

use crate::experiment::simulation::Run;
use crate::experiment::statistics::warm_up::mser_5;
use crate::network::{Journey, UnservedRecord, UserRecord};
use crate::scenario::WarmUp;

/// A request and its end.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// With a picture.
    Served {
        /// Position in the run's users.
        position: usize,
        record: &'a UserRecord,
    },
    Unserved(&'a UnservedRecord),
}

/// All requests of a run, and which of them count.
pub struct Window<'a> {
    /// In the order of arrival.
    requests: Vec<Ended<'a>>,
    /// Requests of the warm-up: the first ones.
    pub warm_up_requests: usize,
    /// Whether MSER-5 leaves out as much as it may: the run is then too short for its transient. `None` where the warm-up is
    /// given.
    pub is_warm_up_at_limit: Option<bool>,
    /// When the first request arrived that counts [s]; 0 where there is no warm-up.
    pub from_s: f64,
    /// When the last request arrived [s]: what comes after it is not the steady state either.
    pub to_s: f64,
    /// Batches of the intervals.
    pub batches: u32,
}

impl<'a> Ended<'a> {
    pub fn journey(&self) -> &'a Journey {
        match self {
            Self::Served { record, .. } => &record.journey,
            Self::Unserved(record) => &record.journey,
        }
    }

    /// When it ended [s].
    pub fn ended_s(&self) -> f64 {
        match self {
            Self::Served { record, .. } => record.finished_s,
            Self::Unserved(record) => record.ended_s,
        }
    }

    pub fn served(&self) -> Option<(usize, &'a UserRecord)> {
        match self {
            Self::Served { position, record } => Some((*position, *record)),
            Self::Unserved(_) => None,
        }
    }
}

impl<'a> Window<'a> {
    /// That of a run, by `[analysis]`.
    pub fn of(run: &'a Run) -> Self {
        let settings = &run.point.scenario.analysis;
        let requests = requests_of(run);
        let (warm_up_requests, is_warm_up_at_limit) = match settings.warm_up {
            WarmUp::Mser5 => {
                let served = requests.iter().enumerate().filter_map(|(at, ended)| Some((at, ended.served()?.1)));
                let served: Vec<(usize, f64)> =
                    served.map(|(at, record)| (at, record.finished_s - record.journey.arrival_s)).collect();
                let latencies: Vec<f64> = served.iter().map(|(_, latency_s)| *latency_s).collect();
                let truncation = mser_5(&latencies);
                let requests = match truncation.observations {
                    0 => 0,
                    left_out => served[left_out].0,
                };
                (requests, Some(truncation.is_at_limit))
            }
            WarmUp::Time { time_s } => (requests.partition_point(|ended| ended.journey().arrival_s < time_s), None),
        };
        let arrival_s = |ended: &Ended<'_>| ended.journey().arrival_s;
        let from_s = match (settings.warm_up, warm_up_requests) {
            (WarmUp::Time { time_s }, _) => time_s,
            (WarmUp::Mser5, 0) => 0.0,
            (WarmUp::Mser5, first) => requests.get(first).map_or(run.books.end_s, arrival_s),
        };
        let to_s = requests.last().map_or(run.books.end_s, arrival_s);
        Self { requests, warm_up_requests, is_warm_up_at_limit, from_s, to_s, batches: settings.batches }
    }

    /// Every request of the run, in the order of arrival.
    pub fn all(&self) -> &[Ended<'a>] {
        &self.requests
    }

    /// Those after the warm-up.
    pub fn kept(&self) -> &[Ended<'a>] {
        &self.requests[self.warm_up_requests.min(self.requests.len())..]
    }
}

/// The requests of a run with their ends, in the order of their numbers, which is that of arrival.
pub(in crate::experiment) fn requests_of(run: &Run) -> Vec<Ended<'_>> {
    let served = run.users.iter().enumerate();
    let served = served.map(|(position, user)| Ended::Served { position, record: &user.record });
    let mut requests: Vec<Ended<'_>> = Vec::with_capacity(run.users.len() + run.books.unserved.len());
    requests.extend(served);
    requests.extend(run.books.unserved.iter().map(Ended::Unserved));
    // Both parts are nearly in order, which this sort makes use of.
    requests.sort_by_key(|ended| ended.journey().request);
    requests
}
