//! What one simulation said, and whether several said the same.

use std::fmt;

use latentlink::experiment::statistics::{Estimate, batch_means};

const BATCHES: u32 = 20;

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    pub is_hit: bool,
    /// In the server's queue [s].
    pub wait_s: f64,
    /// From the request to the picture [s].
    pub latency_s: f64,
}

/// One simulation. Numbers are batch means with their 95 % intervals, over all but the first twentieth of the requests.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub name: &'static str,
    pub requests: u64,
    /// Of the simulation, on the clock on the wall [s].
    pub elapsed_s: f64,
    /// Hit rate, wait [s], latency [s].
    pub numbers: [Number; 3],
}

/// A mean and half of its 95 % interval.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub struct Number {
    pub mean: f64,
    pub half_width: f64,
}

const NAMES: [&str; 3] = ["hit rate", "wait [s]", "latency [s]"];

impl Outcome {
    /// From the requests in the order of arrival.
    pub fn of(name: &'static str, observations: &[Observation], elapsed_s: f64) -> Self {
        let kept = &observations[observations.len() / 20..];
        let number = |of: fn(&Observation) -> f64| {
            let estimate = batch_means::mean(&kept.iter().map(of).collect::<Vec<_>>(), BATCHES);
            let Estimate { value, half_width_95, .. } = estimate.expect("there are requests");
            Number { mean: value, half_width: half_width_95.expect("there are enough for batches") }
        };
        let numbers =
            [number(|one| f64::from(u8::from(one.is_hit))), number(|one| one.wait_s), number(|one| one.latency_s)];
        Self { name, requests: observations.len() as u64, elapsed_s, numbers }
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed_s
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<10}  {:>7} requests", self.name, self.requests)?;
        for (name, number) in NAMES.iter().zip(&self.numbers) {
            write!(formatter, "   {name} {:.4} ± {:.4}", number.mean, number.half_width)?;
        }
        Ok(())
    }
}

/// Independent estimates a ± h and b ± k of one number differ by at most √(h² + k²), with 95 %; nine comparisons are made, so
/// half as much again is allowed.
pub fn check_agreement(outcomes: &[&Outcome]) -> miette::Result<()> {
    for (at, one) in outcomes.iter().enumerate() {
        for other in &outcomes[at + 1..] {
            for (name, (a, b)) in NAMES.iter().zip(one.numbers.iter().zip(&other.numbers)) {
                let allowed = 1.5 * a.half_width.hypot(b.half_width);
                if (a.mean - b.mean).abs() > allowed {
                    miette::bail!("{name} of {} and {} differ by more than {allowed:.4}", one.name, other.name);
                }
            }
        }
    }
    Ok(())
}
