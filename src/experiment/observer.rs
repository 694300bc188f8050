//! Who is told what happens during a run; the command line prints it.

use crate::diffusion::executor::WorkCounts;

/// How far a study is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StudyProgress {
    /// Runs that are finished and on the disk, earlier processes' included.
    pub runs_done: u64,
    pub runs_total: u64,
    /// What networks have computed, and will in all as far as it is known.
    pub done: WorkCounts,
    pub total: WorkCounts,
    /// Values that were in the score store.
    pub from_store: u64,
}

/// Is told what happens.
pub trait Observer {
    /// Something takes a while: fetching the runtime, say.
    fn stage(&self, text: &str);
    /// Something the user should know that stops nothing.
    fn warn(&self, text: &str);
    /// Work was done.
    fn progress(&self, progress: StudyProgress);
}
