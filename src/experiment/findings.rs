//! What the runs of a study found, counted: broken budgets, failed pictures, scores, failed runs.

use std::collections::BTreeMap;

use super::budget::BudgetViolation;
use super::journal::{FinishedRun, Outcome, RequestEnds};
use super::work_order::RunId;

/// Examples that are kept of failures; the tables have all of them.
const EXAMPLES: usize = 5;

/// How often a payer broke its budget, and the worst of it.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokenBudget {
    pub runs: u64,
    pub worst: BudgetViolation,
    /// The run of the worst.
    pub worst_in: RunId,
}

/// Counts over finished runs, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    pub runs: u64,
    pub failed_runs: u64,
    /// The first runs that failed, with the reason.
    pub failed_examples: Vec<(RunId, String)>,
    /// By payer and constraint.
    pub broken_budgets: BTreeMap<(String, String), BrokenBudget>,
    pub failed_pictures: u64,
    /// Run, device and reason of the first pictures that could not be made.
    pub failed_picture_examples: Vec<(RunId, String, String)>,
    /// Requests of runs in time; `None` of rounds.
    pub ends: Option<RequestEnds>,
    pub scores: u64,
    pub failed_scores: u64,
}

impl Findings {
    /// Counts one run.
    pub fn add(&mut self, finished: &FinishedRun) {
        self.runs += 1;
        let facts = match &finished.outcome {
            Outcome::Failed(message) => {
                self.failed_runs += 1;
                if self.failed_examples.len() < EXAMPLES {
                    self.failed_examples.push((finished.run, message.clone()));
                }
                return;
            }
            Outcome::Done(rows) => &rows.facts,
        };
        if let Some(ends) = &facts.ends {
            *self.ends.get_or_insert_default() += **ends;
        }
        self.scores += facts.scores;
        self.failed_scores += facts.failed_scores;
        self.failed_pictures += facts.failed_pictures.len() as u64;
        for (device, reason) in &facts.failed_pictures {
            if self.failed_picture_examples.len() < EXAMPLES {
                self.failed_picture_examples.push((finished.run, device.clone(), reason.clone()));
            }
        }
        for violation in &facts.violations {
            self.add_violation(finished.run, violation);
        }
    }

    /// Counts one broken budget.
    pub fn add_violation(&mut self, run: RunId, violation: &BudgetViolation) {
        let key = (violation.payer.clone(), violation.constraint.clone());
        match self.broken_budgets.get_mut(&key) {
            Some(broken) => {
                broken.runs += 1;
                if violation.excess_j() > broken.worst.excess_j() {
                    (broken.worst, broken.worst_in) = (violation.clone(), run);
                }
            }
            None => {
                let broken = BrokenBudget { runs: 1, worst: violation.clone(), worst_in: run };
                self.broken_budgets.insert(key, broken);
            }
        }
    }
}
