//! When a training updates, evaluates and saves.

use crate::scenario::TrainSettings;

/// Rows of the training curve, besides those of evaluations.
const ROWS: u64 = 100;

impl TrainSettings {
    /// Updates that should have been made after so many interactions.
    pub(super) fn updates_due(&self, interactions: u64) -> u64 {
        let learning = self.interactions - self.warm_up_interactions;
        let done = interactions.saturating_sub(self.warm_up_interactions).min(learning);
        (u128::from(self.updates) * u128::from(done) / u128::from(learning)) as u64
    }

    /// Part of the learning rates in the update after so many.
    pub(super) fn learning_rate_part(&self, updates: u64) -> f64 {
        1.0 - (1.0 - self.final_learning_rate_fraction) * updates as f64 / self.updates as f64
    }

    /// Whether the policy is evaluated after so many updates; the last one has an evaluation of its own.
    pub(super) fn evaluates_at(&self, updates: u64) -> bool {
        let evaluations = u64::from(self.evaluations);
        evaluations > 0 && updates < self.updates && is_share(updates, self.updates, evaluations)
    }

    pub(super) fn has_row_at(&self, updates: u64) -> bool {
        updates < self.updates && is_share(updates, self.updates, ROWS)
    }

    /// Interactions between two checkpoints.
    pub(super) fn checkpoint_interval(&self) -> u64 {
        (self.interactions / 20).max(u64::from(self.environments))
    }
}

/// Whether `number` of `all` is where one of `shares` equal shares ends.
fn is_share(number: u64, all: u64, shares: u64) -> bool {
    let share = |number: u64| number * shares / all;
    number > 0 && share(number) > share(number - 1)
}
