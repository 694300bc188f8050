//! Where a long run is saved while it goes on, and how often.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nexosim::time::MonotonicTime;

use super::context::NetworkError;
use crate::diffusion::ExecutorError;
use crate::diffusion::executor::StopRequest;

/// Checkpoints of one run: one file, written beside its place and renamed.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    file: Option<PathBuf>,
    /// Simulated time between two.
    interval: Duration,
    /// Whoever sets it stops the run at its next checkpoint.
    stop: Arc<StopRequest>,
}

impl Checkpoints {
    /// None are written and none are looked for.
    pub fn none() -> Self {
        Self { file: None, interval: Duration::ZERO, stop: Arc::default() }
    }

    /// In `file`, every `interval_s` of simulated time (> 0).
    pub fn in_file(file: PathBuf, interval_s: f64) -> Self {
        let interval = Duration::from_secs_f64(interval_s).max(Duration::from_nanos(1));
        Self { file: Some(file), interval, stop: Arc::default() }
    }

    /// Until somebody sets `stop`.
    pub fn with_stop_request(self, stop: Arc<StopRequest>) -> Self {
        Self { stop, ..self }
    }

    /// The last checkpoint; `None` where there is none.
    pub(super) fn last(&self) -> Result<Option<Vec<u8>>, NetworkError> {
        let Some(file) = &self.file else { return Ok(None) };
        match fs::read(file) {
            Ok(saved) => Ok(Some(saved)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(&error.to_string())),
        }
    }

    /// When the run pauses next for a checkpoint; `None`: never.
    pub(super) fn next_after(&self, now: MonotonicTime) -> Option<MonotonicTime> {
        self.file.as_ref()?;
        let passed = now.duration_since(MonotonicTime::EPOCH);
        let intervals = passed.as_nanos() / self.interval.as_nanos() + 1;
        let nanoseconds = u64::try_from(intervals * self.interval.as_nanos()).ok()?;
        Some(MonotonicTime::EPOCH + Duration::from_nanos(nanoseconds))
    }

    pub(super) fn write(&self, saved: &[u8]) -> Result<(), NetworkError> {
        let Some(file) = &self.file else { return Ok(()) };
        let failed =
            |error: std::io::Error| NetworkError::Checkpoint { file: file.clone(), message: error.to_string() };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let draft = file.with_extension("draft");
        fs::write(&draft, saved).map_err(failed)?;
        fs::rename(&draft, file).map_err(failed)?;
        if self.stop.is_set() { Err(ExecutorError::Stopped.into()) } else { Ok(()) }
    }

    /// The run is finished: nothing is left to go on from.
    ///
    /// # Errors
    /// [`NetworkError::Checkpoint`].
    pub fn remove(&self) -> Result<(), NetworkError> {
        let Some(file) = &self.file else { return Ok(()) };
        match fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(NetworkError::Checkpoint { file: file.clone(), message: error.to_string() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn unreadable(&self, message: &str) -> NetworkError {
        NetworkError::Checkpoint { file: self.file.clone().unwrap_or_default(), message: message.to_owned() }
    }
}
