//! What must hold of every run, whatever happened in it.
//!
//! - The books of requests balance: arrived = served + dropped + abandoned + failed, each request once.
//! - Little's law, as an identity of the run: the integral of the number in the network, kept as requests come and go, is the sum
//!   of the times that they spent there.
//! - The ledger closes: what all paid together is what the requests cost, each with its part of what was shared.

use super::context::{NetworkError, RunContext};
use super::records::UserRecord;

/// Relative error that sums of so many numbers may have.
const TOLERANCE: f64 = 1e-9;

/// Holds the books of a finished run against each other. `served` are its served requests by number.
///
/// # Errors
/// [`NetworkError::Invariant`].
pub fn check(context: &RunContext, served: &[Box<UserRecord>]) -> Result<(), NetworkError> {
    let state = context.state();
    let books = &state.books;
    let ended = (served.len() + books.unserved.len()) as u64;
    if ended != books.arrivals {
        let (served, unserved) = (served.len(), books.unserved.len());
        let message = format!("{} requests arrived, {served} were served and {unserved} were not", books.arrivals);
        return Err(NetworkError::Invariant { message });
    }
    let mut numbers: Vec<u64> = served.iter().map(|record| record.journey.request).collect();
    numbers.extend(books.unserved.iter().map(|record| record.journey.request));
    numbers.sort_unstable();
    if let Some((expected, number)) = (0..).zip(&numbers).find(|(expected, number)| expected != *number) {
        return Err(NetworkError::Invariant {
            message: format!("request {expected} ended not once; request {number} did"),
        });
    }
    let times = served.iter().map(|record| record.finished_s - record.journey.arrival_s);
    let in_vain = books.unserved.iter().map(|record| record.ended_s - record.journey.arrival_s);
    let spent_s: f64 = times.chain(in_vain).sum();
    same("Little's law: requests in the network over time [s]", books.requests_in_network_s, spent_s)?;
    let costs = served.iter().map(|record| {
        let link_j = record.link.as_ref().map_or(0.0, |link| link.transmit_energy_j + link.receive_energy_j);
        record.shared_compute_j + record.device_compute_j + link_j
    });
    let costs_j: f64 = costs.chain(books.unserved.iter().map(|record| record.energy_j)).sum();
    same("the ledger: energy that was paid [J]", state.ledger.total_j(), costs_j)
}

fn same(what: &str, kept: f64, summed: f64) -> Result<(), NetworkError> {
    let scale = kept.abs().max(summed.abs());
    if (kept - summed).abs() <= TOLERANCE * scale + 1e-9 {
        return Ok(());
    }
    Err(NetworkError::Invariant { message: format!("{what} is {kept}, but the requests come to {summed}") })
}
