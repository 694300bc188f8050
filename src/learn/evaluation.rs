//! What a policy is worth: mean ΣQ on frozen replications, the same for every policy (common random numbers).
//!
//! Replications 0, 1, … are those that `latentlink run` runs with this policy: an evaluation is a run.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::environment::REPLICATIONS_PER_TRAINING;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::policy::{Actor, Allocation, AllocationProblem, AllocationRequest, Policy, PolicyError, Violations};

/// Runs whose pictures are made together.
const RUNS_TOGETHER: u32 = 64;

/// States that gains are standardised by.
const STATES_FOR_NORMALISATION: u32 = 512;

/// What a policy made of each replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub runs: Vec<EvaluatedRun>,
}

/// One replication under one policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedRun {
    pub replication: u32,
    /// Σ of all users' quality of experience; of a run in time, the mean per decision.
    pub sum_qoe: f64,
    pub users: u32,
    /// Users below Q_th.
    pub outages: u32,
    pub decisions: u32,
    /// Decisions that meant to break (22) or (24), before powers were scaled.
    pub violations: u32,
}

impl Evaluation {
    /// Mean over the replications.
    pub fn mean_sum_qoe(&self) -> f64 {
        self.mean(|run| run.sum_qoe)
    }

    /// Part of the users below Q_th.
    pub fn outage_rate(&self) -> f64 {
        let count = |select: fn(&EvaluatedRun) -> u32| self.runs.iter().map(|run| f64::from(select(run))).sum::<f64>();
        count(|run| run.outages) / count(|run| run.users)
    }

    /// Part of the decisions that break a budget.
    pub fn violation_rate(&self) -> f64 {
        let count = |select: fn(&EvaluatedRun) -> u32| self.runs.iter().map(|run| f64::from(select(run))).sum::<f64>();
        count(|run| run.violations) / count(|run| run.decisions)
    }

    fn mean(&self, select: impl Fn(&EvaluatedRun) -> f64) -> f64 {
        self.runs.iter().map(select).sum::<f64>() / self.runs.len() as f64
    }
}

/// Who is evaluated.
#[derive(Clone)]
pub enum Evaluated {
    /// A learned actor; its powers are scaled to (24), and what it meant before is counted.
    Actor(Actor),
    Policy(Arc<dyn Policy>),
}

/// Runs a policy on the first replications of a point.
///
/// # Errors
/// What the simulator, the policy or the judge says.
pub fn evaluate(
    plan: &StudyPlan,
    point: &Arc<StudyPoint>,
    policy: &Evaluated,
    replications: u32,
) -> Result<Evaluation, Error> {
    let mut runs = Vec::with_capacity(replications as usize);
    for begin in (0..replications).step_by(RUNS_TOGETHER as usize) {
        let mut simulated = Vec::new();
        let mut counts = Vec::new();
        for replication in begin..(begin + RUNS_TOGETHER).min(replications) {
            let watched = Arc::new(Watched { policy: policy.clone(), counts: Mutex::default() });
            simulated.push((replication, plan.simulate_under(point, replication, Arc::clone(&watched) as _)?));
            counts.push(*watched.counts.lock().unwrap_or_else(PoisonError::into_inner));
        }
        for (rated, (decisions, violations)) in plan.rate(point, simulated)?.iter().zip(counts) {
            let replication = rated.run.id.replication;
            if decisions == 0 {
                return Err(Error::NoDecision { replication });
            }
            let qualities: Vec<f64> = rated.qualities()?.into_iter().map(|(_, quality)| quality).collect();
            let threshold = point.scenario.judge.qoe_threshold;
            runs.push(EvaluatedRun {
                replication,
                sum_qoe: qualities.iter().sum::<f64>() / f64::from(decisions),
                users: qualities.len() as u32,
                outages: qualities.iter().filter(|quality| **quality < threshold).count() as u32,
                decisions,
                violations,
            });
        }
    }
    Ok(Evaluation { runs })
}

/// The first problem of some replications that no episode of this training reaches.
///
/// # Errors
/// What the simulator says.
pub(super) fn problems(plan: &StudyPlan, point: &StudyPoint, seed: u32) -> Result<Vec<AllocationProblem>, Error> {
    let last = (seed + 2) * REPLICATIONS_PER_TRAINING - 1;
    let mut problems = Vec::new();
    for replication in last - STATES_FOR_NORMALISATION..last {
        let looking = Arc::new(Looking::default());
        let outcome = plan.simulate_under(point, replication, Arc::clone(&looking) as _);
        let problem = looking.problem.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (problem, outcome) {
            (Some(problem), _) => problems.push(problem),
            (None, Err(error)) => return Err(error),
            (None, Ok(_)) => {}
        }
    }
    Ok(problems)
}

/// Counts the decisions of a policy.
struct Watched {
    policy: Evaluated,
    /// Decisions, and those of them that meant to break a budget.
    counts: Mutex<(u32, u32)>,
}

impl Policy for Watched {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        let problem = (request.problem)();
        let (allocation, meant) = match &self.policy {
            Evaluated::Actor(actor) => {
                let meant = actor.meant(&problem, &request.draws)?;
                (meant.clone().projected(&problem), meant)
            }
            Evaluated::Policy(policy) => {
                let allocation = policy.allocate(request)?;
                (allocation.clone(), allocation)
            }
        };
        let breaks = Violations::of(&problem, &meant).any();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts = (counts.0 + 1, counts.1 + u32::from(breaks));
        Ok(allocation)
    }
}

/// Looks at the first problem, and ends the run.
#[derive(Default)]
struct Looking {
    problem: Mutex<Option<AllocationProblem>>,
}

impl Policy for Looking {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some((request.problem)());
        Err(PolicyError::Ended)
    }
}
