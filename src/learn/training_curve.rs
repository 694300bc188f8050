//! The curve of a training: what happened between two of its rows.

use serde::{Deserialize, Serialize};

use super::learner::UpdateLosses;
use super::reward::Outcome;

/// A row of `training.csv`: means over the decisions and updates since the row before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRow {
    pub interactions: u64,
    pub updates: u64,
    pub reward: Option<f64>,
    pub sum_qoe: Option<f64>,
    /// Part of the decisions that meant to break (24), before anything was scaled.
    pub server_violation_rate: Option<f64>,
    pub server_excess_j: Option<f64>,
    /// Part of the decisions that broke (22).
    pub device_violation_rate: Option<f64>,
    /// Part of the users below Q_th.
    pub outage_rate: Option<f64>,
    pub critic_loss: Option<f64>,
    pub actor_loss: Option<f64>,
    pub mean_q: Option<f64>,
    /// Of the evaluation, where there was one here: mean ΣQ of the projected actor without noise.
    pub evaluation_sum_qoe: Option<f64>,
    /// Time that this training has taken so far, evaluations left out [s].
    pub wall_time_s: f64,
}

/// Sums since the last row. Saved with the checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Since {
    decisions: u64,
    users: u64,
    reward: f64,
    sum_qoe: f64,
    server_violations: u64,
    server_excess_j: f64,
    device_violations: u64,
    outages: u64,
    updates: u64,
    critic_loss: f64,
    actor_updates: u64,
    actor_loss: f64,
    mean_q: f64,
}

impl Since {
    /// What came of a decision.
    pub(super) fn add_decision(&mut self, outcome: &Outcome, reward: f64) {
        self.decisions += 1;
        self.users += outcome.qualities.len() as u64;
        self.reward += reward;
        self.sum_qoe += outcome.sum_qoe();
        self.server_violations += u64::from(outcome.violations.server_excess_j > 0.0);
        self.server_excess_j += outcome.violations.server_excess_j;
        self.device_violations += u64::from(outcome.violations.device_excess_j > 0.0);
        self.outages += outcome.outages() as u64;
    }

    /// What an update saw.
    pub(super) fn add_update(&mut self, losses: &UpdateLosses) {
        self.updates += 1;
        self.critic_loss += f64::from(losses.critic_loss);
        self.mean_q += f64::from(losses.mean_q);
        if let Some(actor_loss) = losses.actor_loss {
            self.actor_updates += 1;
            self.actor_loss += f64::from(actor_loss);
        }
    }

    /// The row that ends here.
    pub(super) fn row(
        &self,
        (interactions, updates): (u64, u64),
        evaluation_sum_qoe: Option<f64>,
        wall_time_s: f64,
    ) -> TrainingRow {
        let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        let of_decisions = |sum: f64| mean(sum, self.decisions);
        TrainingRow {
            interactions,
            updates,
            reward: of_decisions(self.reward),
            sum_qoe: of_decisions(self.sum_qoe),
            server_violation_rate: of_decisions(self.server_violations as f64),
            server_excess_j: of_decisions(self.server_excess_j),
            device_violation_rate: of_decisions(self.device_violations as f64),
            outage_rate: mean(self.outages as f64, self.users),
            critic_loss: mean(self.critic_loss, self.updates),
            actor_loss: mean(self.actor_loss, self.actor_updates),
            mean_q: mean(self.mean_q, self.updates),
            evaluation_sum_qoe,
            wall_time_s,
        }
    }
}
