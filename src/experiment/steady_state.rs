//! What one run in time is summed up to: a fixed list of quantities, each with its estimate and, where it has one, its
//! 95 % interval.
//!
//! ```text
//!  requests in order of arrival ─► warm-up ─┬─► window ─┬─► of requests    batch means, ratios, quantiles, Jain's index
//!  jobs, latents on the air ────────────────┘           └─► over time      utilisation, queue length, throughput
//!  ledger, caches ───────────────────────────────────────► of the whole run
//! ```
//!
//! A quantity has one name everywhere: it is a column of `runs.csv`, a row of `steady_state.csv`, and a value of
//! figures. Cost: O(n) for n requests, a few bytes for each at a time.

mod of_requests;
mod over_time;
mod payers;
mod quantities;
mod stages;
mod window;

use super::scores::RunScores;
use super::simulation::Run;
use super::statistics::Estimate;

pub(in crate::experiment) use of_requests::stages_of;
pub use quantities::{QUANTITIES, Quantity};
pub use stages::Stages;
pub(in crate::experiment) use window::requests_of;
pub use window::{Ended, Window};

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Of the whole run, without an interval.
    WholeRun,
    /// Student's t over the means of equal batches of requests.
    BatchMeans,
    /// The ratio estimator over equal batches of requests.
    BatchRatios,
    /// Quantiles of equal batches of requests, about that of all.
    Sectioning,
    /// Student's t over the averages of equal batches of time.
    TimeBatches,
    /// The index without each batch.
    Jackknife,
}

impl Method {
    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::WholeRun => "whole-run",
            Self::BatchMeans => "batch-means",
            Self::BatchRatios => "batch-ratios",
            Self::Sectioning => "sectioning",
            Self::TimeBatches => "time-batches",
            Self::Jackknife => "jackknife",
        }
    }
}

/// What a run says of one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    pub quantity: &'static Quantity,
    /// `None` where there is nothing to measure: no request was served, nobody judges, there is no cache.
    pub estimate: Option<Estimate>,
    pub method: Method,
}

/// What a run says of all of [`QUANTITIES`], in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures(Vec<Measure>);

impl Measures {
    /// Sums up a run in time.
    pub fn of(run: &Run, scores: &RunScores) -> Self {
        let window = Window::of(run);
        let mut found = Found::default();
        quantities::whole_run(run, &window, &mut found);
        of_requests::measure(run, scores, &window, &mut found);
        over_time::measure(run, &window, &mut found);
        let measure = |quantity: &'static Quantity| {
            let (method, estimate) = found.take(quantity.name);
            Measure { quantity, estimate: estimate.filter(|estimate| estimate.value.is_finite()), method }
        };
        Self(QUANTITIES.iter().map(measure).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Measure> {
        self.0.iter()
    }

    /// The estimate of one quantity; `None` where there is nothing to measure.
    pub fn estimate(&self, name: &str) -> Option<Estimate> {
        self.0.iter().find(|measure| measure.quantity.name == name)?.estimate
    }

    /// Its value alone.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.estimate(name).map(|estimate| estimate.value)
    }
}

/// Estimates on their way into the list.
#[derive(Default)]
struct Found(Vec<(&'static str, Method, Option<Estimate>)>);

impl Found {
    fn add(&mut self, name: &'static str, method: Method, estimate: Option<Estimate>) {
        self.0.push((name, method, estimate));
    }

    /// Of the whole run.
    fn exact(&mut self, name: &'static str, value: Option<f64>) {
        self.add(name, Method::WholeRun, value.map(Estimate::exact));
    }

    fn take(&self, name: &str) -> (Method, Option<Estimate>) {
        let found = self.0.iter().find(|(known, ..)| *known == name);
        let (_, method, estimate) = found.unwrap_or_else(|| panic!("`{name}` is measured in every run"));
        (*method, *estimate)
    }
}
