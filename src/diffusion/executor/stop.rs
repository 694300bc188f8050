//! A wish to stop, from another thread: Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set once, seen by everybody who works.
#[derive(Debug, Default)]
pub struct StopRequest {
    is_set: AtomicBool,
}

impl StopRequest {
    pub fn set(&self) {
        self.is_set.store(true, Ordering::Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }
}
