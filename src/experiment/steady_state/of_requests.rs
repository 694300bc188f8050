//! Quantities that are averages over requests: latency and its stages, quality, energy, cache hits, lost requests.

use super::payers::Payers;
use super::stages::Stages;
use super::window::{Ended, Window};
use super::{Found, Method};
use crate::experiment::scores::{PersonaScores, RunScores};
use crate::experiment::simulation::Run;
use crate::experiment::statistics::batch_means;
use crate::network::{CacheOutcome, LinkRecord, UnservedEnd, UserRecord};
use crate::scenario::Scenario;

pub(super) fn measure(run: &Run, scores: &RunScores, window: &Window<'_>, found: &mut Found) {
    let mut series = RequestSeries { run, window, found };
    series.times();
    series.cache_and_groups();
    series.radio();
    series.ends();
    let own_qoe = own_qoe(run, scores);
    series.energy(own_qoe.as_deref());
    series.quality(own_qoe.as_deref());
}

/// Each user's own score; `None` where nobody judges.
fn own_qoe(run: &Run, scores: &RunScores) -> Option<Vec<Option<f64>>> {
    let is_judged = scores.by_user().first().is_some_and(|personas| !personas.is_empty());
    let own = |personas: &Vec<PersonaScores>| personas.first().and_then(PersonaScores::quality_of_experience);
    (is_judged && run.users.len() == scores.by_user().len()).then(|| scores.by_user().iter().map(own).collect())
}

/// Makes series of the requests in the window, and puts down what they say.
struct RequestSeries<'a> {
    run: &'a Run,
    window: &'a Window<'a>,
    found: &'a mut Found,
}

impl RequestSeries<'_> {
    fn scenario(&self) -> &Scenario {
        &self.run.point.scenario
    }

    /// The mean over requests that have such a number.
    fn mean(&mut self, name: &'static str, number: impl Fn(&Ended<'_>) -> Option<f64>) {
        let series: Vec<f64> = self.window.kept().iter().filter_map(number).collect();
        self.found.add(name, Method::BatchMeans, batch_means::mean(&series, self.window.batches));
    }

    /// The mean over pictures.
    fn mean_of_served(&mut self, name: &'static str, number: impl Fn(&UserRecord) -> Option<f64>) {
        self.mean(name, |ended| number(ended.served()?.1));
    }

    /// A sum over a sum.
    fn ratio(&mut self, name: &'static str, pair: impl Fn(&Ended<'_>) -> Option<(f64, f64)>) {
        let pairs: Vec<(f64, f64)> = self.window.kept().iter().filter_map(pair).collect();
        self.found.add(name, Method::BatchRatios, batch_means::ratio(&pairs, self.window.batches));
    }

    /// The median, the 95 % and the 99 % quantile.
    fn quantiles(&mut self, names: [&'static str; 3], series: &[f64]) {
        let quantiles = batch_means::quantiles(series, [0.5, 0.95, 0.99], self.window.batches);
        for (name, quantile) in names.into_iter().zip(quantiles) {
            self.found.add(name, Method::Sectioning, quantile);
        }
    }

    fn times(&mut self) {
        let latency_s = |record: &UserRecord| record.finished_s - record.journey.arrival_s;
        self.mean_of_served("latency_s", |record| Some(latency_s(record)));
        let times_s = |ended: &Ended<'_>| Some(stages_of(self.run, ended.served()?.1).times_s());
        let stages: Vec<[f64; Stages::NAMES.len()]> = self.window.kept().iter().filter_map(times_s).collect();
        for (at, name) in Stages::NAMES.into_iter().enumerate() {
            let series: Vec<f64> = stages.iter().map(|times_s| times_s[at]).collect();
            self.found.add(name, Method::BatchMeans, batch_means::mean(&series, self.window.batches));
            self.quantiles(Stages::QUANTILE_NAMES[at], &series);
        }
        let latencies: Vec<f64> =
            self.window.kept().iter().filter_map(|ended| Some(latency_s(ended.served()?.1))).collect();
        self.quantiles(["latency_p50_s", "latency_p95_s", "latency_p99_s"], &latencies);
        self.mean("deadline_miss_rate", |ended| {
            let deadline_s = ended.journey().deadline_s?;
            Some(indicator(ended.served().is_none_or(|(_, record)| record.finished_s > deadline_s)))
        });
    }

    fn cache_and_groups(&mut self) {
        let most = self.scenario().policy.shared_steps();
        self.mean("hit_rate", |ended| Some(indicator(steps_avoided(ended)?.is_some())));
        self.mean("full_hit_rate", |ended| {
            let t0 = ended.served().map_or(most, |(_, record)| record.t0);
            Some(indicator(steps_avoided(ended)?.is_some_and(|avoided| avoided >= t0)))
        });
        self.mean("steps_avoided", |ended| Some(steps_avoided(ended)?.map_or(0.0, f64::from)));
        // Each request is a part of its group.
        self.ratio("group_size", |ended| {
            let size = ended.journey().group_size;
            (size > 0).then(|| (1.0, 1.0 / f64::from(size)))
        });
    }

    fn radio(&mut self) {
        self.ratio("goodput_bps", |ended| {
            let link = ended.served()?.1.link.as_ref()?;
            Some((link.right_bits, link.airtime_s))
        });
        let of_link = |select: fn(&LinkRecord) -> f64| move |record: &UserRecord| record.link.as_ref().map(select);
        self.mean_of_served("transmission_attempts", of_link(|link| link.attempts));
        self.mean_of_served("residual_bit_error_probability", of_link(|link| link.bit_error_probability));
        self.mean("handover_rate", |ended| Some(indicator(ended.journey().is_handover)));
        self.mean("restarts", |ended| Some(f64::from(ended.journey().restarts)));
    }

    /// How requests end without a picture.
    fn ends(&mut self) {
        for (name, outcome) in [("drop_rate", "dropped"), ("abandonment_rate", "abandoned"), ("failure_rate", "failed")]
        {
            self.mean(name, |ended| {
                let end = match ended {
                    Ended::Served { .. } => None,
                    Ended::Unserved(record) => Some(UnservedEnd::outcome(record.end)),
                };
                Some(indicator(end == Some(outcome)))
            });
        }
    }

    /// Energy of all requests over the pictures, and what the pictures are worth for it.
    fn energy(&mut self, own_qoe: Option<&[Option<f64>]>) {
        let payers = Payers::of(self.scenario());
        self.ratio("energy_per_picture_j", |ended| match ended {
            Ended::Served { record, .. } => Some((payers.server_j(record) + payers.device_j(record), 1.0)),
            Ended::Unserved(record) => Some((record.energy_j, 0.0)),
        });
        self.mean_of_served("energy_per_picture_server_j", |record| Some(payers.server_j(record)));
        self.mean_of_served("energy_per_picture_device_j", |record| Some(payers.device_j(record)));
        self.ratio("qoe_per_joule", |ended| {
            let own_qoe = own_qoe?;
            Some(match ended {
                Ended::Served { position, record } => {
                    (own_qoe[*position].unwrap_or(0.0), payers.server_j(record) + payers.device_j(record))
                }
                Ended::Unserved(record) => (0.0, record.energy_j),
            })
        });
    }

    fn quality(&mut self, own_qoe: Option<&[Option<f64>]>) {
        let threshold = self.scenario().judge.qoe_threshold;
        self.mean("mean_qoe", |ended| own_qoe?[ended.served()?.0]);
        self.mean("qoe_below_threshold", |ended| {
            let qoe = own_qoe?[ended.served()?.0];
            Some(indicator(qoe.is_none_or(|qoe| qoe < threshold)))
        });
        let satisfaction = |ended: &Ended<'_>| {
            let (position, record) = ended.served()?;
            let number = match own_qoe {
                Some(own_qoe) => own_qoe[position]?,
                None => record.finished_s - record.journey.arrival_s,
            };
            Some((record.journey.device, number))
        };
        let observations: Vec<(usize, f64)> = self.window.kept().iter().filter_map(satisfaction).collect();
        let index = batch_means::jain_index_of_means(&observations, self.window.batches);
        self.found.add("jain_index", Method::Jackknife, index);
    }
}

/// The stages of one request of a run.
pub(in crate::experiment) fn stages_of(run: &Run, record: &UserRecord) -> Stages {
    let device = &run.point.scenario.devices[record.journey.device];
    let decode_time_s = device.profile.as_ref().map_or(device.decode_time_s, |file| file.profile.decode_time_s);
    Stages::of(record, decode_time_s)
}

/// Of a request that asked the cache: the steps that a hit saved, `None` for a miss.
fn steps_avoided(ended: &Ended<'_>) -> Option<Option<u32>> {
    match ended.journey().cache {
        CacheOutcome::NotAsked => None,
        CacheOutcome::Miss => Some(None),
        CacheOutcome::Hit { steps_avoided, .. } => Some(Some(steps_avoided)),
    }
}

fn indicator(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}
