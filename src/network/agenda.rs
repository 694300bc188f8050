//! What a model has to do, and when.
//!
//! ```text
//!  add ─► (due, number) ─► entries ─► take, while something is due
//!                             │
//!                             └─► the engine wakes the model at the first of them
//! ```
//!
//! The engine (nexosim 1.0) saves its calendar in the order of its heap: events of one model at the same nanosecond come back in another
//! order than the one they were scheduled in. A restored run would be another run. So each model keeps what is due itself, in order, and
//! asks the engine for nothing but to be woken, which it may be once too often.
//!
//! Cost: O(log n) for each entry.

use std::collections::BTreeMap;

use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

/// Entries by the time at which they are due; those of equal times in the order in which they were added.
#[derive(Debug, Serialize, Deserialize)]
pub struct Agenda<T> {
    entries: BTreeMap<(MonotonicTime, u64), T>,
    added: u64,
    /// When the engine wakes the model first.
    wake: Option<MonotonicTime>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), added: 0, wake: None }
    }
}

impl<T> Agenda<T> {
    /// Adds an entry; returns when the model has to be woken, where that is sooner than it was known.
    #[must_use = "somebody has to wake the model"]
    pub fn add(&mut self, due: MonotonicTime, entry: T) -> Option<MonotonicTime> {
        self.entries.insert((due, self.added), entry);
        self.added += 1;
        let is_sooner = self.wake.is_none_or(|wake| due < wake);
        is_sooner.then(|| *self.wake.insert(due))
    }

    /// Takes the next entry that is due.
    pub fn take(&mut self, now: MonotonicTime) -> Option<T> {
        let first = self.entries.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// The model was woken and has nothing left to do; returns when it has to be woken again, where nobody has seen to it yet.
    #[must_use = "somebody has to wake the model"]
    pub fn sleep(&mut self, now: MonotonicTime) -> Option<MonotonicTime> {
        self.wake = self.wake.filter(|wake| *wake > now);
        let (&(due, _), _) = self.entries.first_key_value()?;
        let is_sooner = self.wake.is_none_or(|wake| due < wake);
        is_sooner.then(|| *self.wake.insert(due))
    }
}
