//! The score store: what neural networks have answered, kept on disk under the key of the question.
//!
//! A node's key says all that its content depends on, so a record is good for ever: a study that was killed, or is run
//! again with more points or personas, computes only what is missing, and one that is all there calls no session.
//!
//! ```text
//!  write ─► waiting records ──commit──► lock ─► open ─► one transaction ─► close ─► unlock
//!                             (every second, or when they are many)
//! ```
//!
//! **Killed at any moment**: a transaction is in the file or it is not; what is lost is what was computed since the last one.
//! **Two processes at once**: the file is open, and its lock held, for one transaction only.
//! **A damaged file** is renamed to `<name>.corrupt-1` and a new one begun; every record carries a checksum over its key
//! and content, so that what is read is what was written. **A full disk** ends the run with what is saved.

mod database;
mod record;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::database::StoreError;
use self::database::{Access, DatabaseFile};
pub use self::record::{Record, RecordKey};

/// Where the store is unless told otherwise, below the working directory.
pub const DEFAULT_PLACE: &str = "results/score-store.redb";

/// Waiting records are committed when the last commit is this long ago,
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// or when there are this many,
const RECORDS_PER_COMMIT: usize = 4096;
/// or when they are this large.
const BYTES_PER_COMMIT: usize = 8 << 20;

/// A score store in use. Dropping it commits what is waiting.
#[derive(Debug)]
pub struct ScoreStore {
    state: Mutex<State>,
    place: PathBuf,
}

#[derive(Debug)]
struct State {
    file: DatabaseFile,
    waiting: Vec<(RecordKey, Vec<u8>)>,
    waiting_bytes: usize,
    last_commit: Instant,
    warnings: Vec<String>,
}

impl ScoreStore {
    /// Opens the store at `place`. Every page of an existing file is checked; where there is none, the first commit or
    /// [`ScoreStore::begin`] makes one.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be used. A damaged one is no error: see [`ScoreStore::take_warnings`].
    pub fn open(place: &Path) -> Result<Self, StoreError> {
        let mut warnings = Vec::new();
        let mut file = DatabaseFile::new(place);
        if file.exists() {
            file.access(Access::Examine, &mut warnings, |_| Ok(()))?;
        }
        let state = State { file, waiting: Vec::new(), waiting_bytes: 0, last_commit: Instant::now(), warnings };
        Ok(Self { state: Mutex::new(state), place: place.to_owned() })
    }

    /// Makes the file if there is none, so that a place that takes none is found out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin(&self) -> Result<(), StoreError> {
        let State { file, warnings, .. } = &mut *self.state();
        if file.exists() { Ok(()) } else { file.access(Access::Write, warnings, |_| Ok(())) }
    }

    /// The file.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Whether there is a record under each key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn contains(&self, keys: &[RecordKey]) -> Result<Vec<bool>, StoreError> {
        let State { file, warnings, .. } = &mut *self.state();
        if !file.exists() {
            return Ok(vec![false; keys.len()]);
        }
        file.access(Access::Read, warnings, |transaction| keys.iter().map(|key| transaction.contains(*key)).collect())
    }

    /// The committed record under each key; `None` where there is none, or one of a version this program does not know.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let State { file, warnings, .. } = &mut *self.state();
        if !file.exists() {
            return Ok(vec![None; keys.len()]);
        }
        file.access(Access::Read, warnings, |transaction| keys.iter().map(|key| transaction.read(*key)).collect())
    }

    /// Puts a record under a key, in place of an earlier one. It is on disk after the next commit.
    ///
    /// # Errors
    /// [`StoreError`] where a commit was due and failed.
    pub fn write(&self, key: RecordKey, record: &Record) -> Result<(), StoreError> {
        let mut state = self.state();
        let bytes = record.to_bytes(key);
        state.waiting_bytes += bytes.len();
        state.waiting.push((key, bytes));
        state.commit_if_due()
    }

    /// Commits what is waiting if the last commit is a while ago. For moments in which something else was finished.
    ///
    /// # Errors
    /// [`StoreError`]; what was waiting still waits.
    pub fn commit_if_due(&self) -> Result<(), StoreError> {
        self.state().commit_if_due()
    }

    /// Commits what is waiting.
    ///
    /// # Errors
    /// [`StoreError`]; what was waiting still waits.
    pub fn commit(&self) -> Result<(), StoreError> {
        self.state().commit()
    }

    /// What a user should know, each once: a damaged file was set aside.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.state().warnings)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Records are whole before they are pushed: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn commit_if_due(&mut self) -> Result<(), StoreError> {
        let many = self.waiting.len() >= RECORDS_PER_COMMIT || self.waiting_bytes >= BYTES_PER_COMMIT;
        if many || self.last_commit.elapsed() >= COMMIT_INTERVAL { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let Self { file, waiting, warnings, .. } = self;
        file.access(Access::Write, warnings, |transaction| {
            waiting.iter().try_for_each(|(key, bytes)| transaction.write(*key, bytes))
        })?;
        file.count_saved(waiting.len() as u64);
        waiting.clear();
        self.waiting_bytes = 0;
        self.last_commit = Instant::now();
        Ok(())
    }
}

impl Drop for ScoreStore {
    fn drop(&mut self) {
        // Whoever wants to know commits before.
        let _ = self.commit();
    }
}
