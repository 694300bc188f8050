//! The file of the store: locked, opened, used for one transaction, closed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::{Database, ReadTransaction, ReadableDatabase, TableDefinition, WriteTransaction};

use super::record::{Record, RecordKey};

const RECORDS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("records");
/// The first bytes of every redb file.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// Memory for pages of the file.
const CACHE_BYTES: usize = 16 << 20;
/// How long another process may hold the store: it does so for one transaction at a time.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE_BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Why the score store cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// There is no room left.
    #[error("the disk is full: the score store {} cannot grow", place.display())]
    #[diagnostic(help(
        "{saved} results of this run are saved there and none of them is computed again: make room and give the same \
         command once more, and it goes on from there. --store FILE keeps the store on another disk"
    ))]
    Full { place: PathBuf, saved: u64, source: io::Error },
    /// The file, its folder or its lock cannot be used.
    #[error("cannot {action} the score store {}", place.display())]
    #[diagnostic(help(
        "check that its folder exists or can be made and that both can be written; --store FILE chooses another place. \
         {saved} results of this run are saved there"
    ))]
    File { action: &'static str, place: PathBuf, saved: u64, source: io::Error },
    /// Another process has held it for minutes.
    #[error("another process has been using the score store {} for {waited_s} s", place.display())]
    #[diagnostic(help(
        "a run holds the store for a moment at a time: look for one that is stopped, or choose another place with \
         --store FILE"
    ))]
    Held { place: PathBuf, waited_s: u64 },
    /// Something else is there.
    #[error("{} is no score store, and is left as it is", place.display())]
    #[diagnostic(help("choose another place with --store FILE; a store is called something.redb"))]
    NotAStore { place: PathBuf },
    /// A new file does not work either.
    #[error("the score store {} cannot be used: {message}", place.display())]
    #[diagnostic(help("choose another place with --store FILE; this is a defect of latentlink or of the disk"))]
    Unusable { place: PathBuf, message: String },
}

/// What an access does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Checks every page of the file.
    Examine,
    Read,
    Write,
}

/// Why one access failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The file is not what was written.
    Damaged(String),
    Io(io::Error),
    /// Another program than ours has it open.
    Held,
    /// The file was never a store.
    NotAStore,
}

/// The records within one access.
pub(super) enum Transaction {
    Reading(ReadTransaction),
    Writing(Box<WriteTransaction>),
}

/// The file at a place, and how many records were saved to it.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    place: PathBuf,
    saved: u64,
}

impl DatabaseFile {
    pub(super) fn new(place: &Path) -> Self {
        Self { place: place.to_owned(), saved: 0 }
    }

    /// Whether there is anything at the place. What cannot be told is found out when it is used.
    pub(super) fn exists(&self) -> bool {
        self.place.try_exists().unwrap_or(true)
    }

    pub(super) fn count_saved(&mut self, records: u64) {
        self.saved += records;
    }

    /// Runs `work` on the records while no other process can. A damaged file is set aside and a new one begun, with a
    /// warning.
    pub(super) fn access<T>(
        &mut self,
        access: Access,
        warnings: &mut Vec<String>,
        mut work: impl FnMut(&mut Transaction) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let _lock = self.lock()?;
        let first = self.access_locked(access, &mut work);
        let Err(Trouble::Damaged(message)) = first else {
            return first.map_err(|trouble| self.error("use", trouble));
        };
        let aside = self.set_aside().map_err(|source| self.error("set aside", Trouble::Io(source)))?;
        warnings.push(format!(
            "the score store {} is damaged ({message}): it is kept as {} and a new one is begun; what it held is \
             computed again",
            self.place.display(),
            aside.display()
        ));
        self.access_locked(access, &mut work).map_err(|trouble| self.error("use", trouble))
    }

    fn access_locked<T>(
        &self,
        access: Access,
        work: &mut impl FnMut(&mut Transaction) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        if !self.place.try_exists().map_err(Trouble::Io)? {
            self.begin()?;
        } else if !self.is_called_a_store() && !self.begins_as_a_store()? {
            return Err(Trouble::NotAStore);
        }
        // On a damaged file redb may panic as well as answer with an error.
        guarded(|| {
            let database = Database::builder()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(access == Access::Examine)
                .open(&self.place)?;
            let result = transact(&database, access, work);
            match (result, guarded(|| Ok(database.close()?))) {
                (Ok(value), closed) => closed.map(|()| value),
                (Err(trouble), _) => Err(trouble),
            }
        })
    }

    fn is_called_a_store(&self) -> bool {
        self.place.extension().is_some_and(|extension| extension == "redb")
    }

    /// Whether the file has a database's first bytes. One under another name that has not is somebody's own.
    fn begins_as_a_store(&self) -> Result<bool, Trouble> {
        let mut first = [0; MAGIC.len()];
        match File::open(&self.place).and_then(|mut file| file.read_exact(&mut first)) {
            Ok(()) => Ok(first == MAGIC),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(Trouble::Io(error)),
        }
    }

    /// Makes an empty database beside the place and renames it: a file at the place is always a whole one.
    fn begin(&self) -> Result<(), Trouble> {
        let beside = self.beside(&format!(".{}.partial", std::process::id()));
        let made = guarded(|| {
            let database = Database::builder().set_cache_size(CACHE_BYTES).create(&beside)?;
            transact(&database, Access::Write, &mut |_| Ok(()))?;
            Ok(database.close()?)
        });
        let made = made.and_then(|()| fs::rename(&beside, &self.place).map_err(Trouble::Io));
        if made.is_err() {
            // The first error is the one worth telling.
            let _ = fs::remove_file(&beside);
        }
        made
    }

    /// Renames the file to the first free `<name>.corrupt-1`, `-2`, ….
    fn set_aside(&self) -> io::Result<PathBuf> {
        let mut number = 1;
        loop {
            let aside = self.beside(&format!(".corrupt-{number}"));
            if !aside.try_exists()? {
                fs::rename(&self.place, &aside)?;
                return Ok(aside);
            }
            number += 1;
        }
    }

    /// Waits until no other process uses the store. The lock is a file of its own, which stays where it is while the
    /// store is renamed, and which the system lets go of when a process ends, however it ends.
    fn lock(&self) -> Result<File, StoreError> {
        let failed = |source| self.error("lock", Trouble::Io(source));
        if let Some(folder) = self.place.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| self.error("make the folder of", Trouble::Io(source)))?;
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.hidden_beside(".lock"))
            .map_err(failed)?;
        let begin = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                // Redb's own lock is left, where there is one.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(lock),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if begin.elapsed() > PATIENCE => {
                    return Err(StoreError::Held { place: self.place.clone(), waited_s: PATIENCE.as_secs() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE_BETWEEN_TRIES),
            }
        }
    }

    fn error(&self, action: &'static str, trouble: Trouble) -> StoreError {
        let (place, saved) = (self.place.clone(), self.saved);
        match trouble {
            Trouble::Io(source) if is_out_of_room(&source) => StoreError::Full { place, saved, source },
            Trouble::Io(source) => StoreError::File { action, place, saved, source },
            Trouble::Held => StoreError::Held { place, waited_s: 0 },
            Trouble::NotAStore => StoreError::NotAStore { place },
            Trouble::Damaged(message) => StoreError::Unusable { place, message },
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.place.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        self.place.with_file_name(name)
    }

    fn hidden_beside(&self, suffix: &str) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.place.file_name().unwrap_or_default());
        name.push(suffix);
        self.place.with_file_name(name)
    }
}

/// One transaction, in the file whole or not at all.
fn transact<T>(
    database: &Database,
    access: Access,
    work: &mut impl FnMut(&mut Transaction) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    if access != Access::Write {
        return work(&mut Transaction::Reading(database.begin_read()?));
    }
    let mut writing = database.begin_write()?;
    // A process that was killed leaves a file that opens at once, without a walk over all of it.
    writing.set_quick_repair(true);
    writing.open_table(RECORDS)?;
    let mut transaction = Transaction::Writing(Box::new(writing));
    let value = work(&mut transaction)?;
    if let Transaction::Writing(writing) = transaction {
        writing.commit()?;
    }
    Ok(value)
}

impl Transaction {
    pub(super) fn contains(&self, key: RecordKey) -> Result<bool, Trouble> {
        self.get(key, |bytes| Ok(bytes.is_some()))
    }

    pub(super) fn read(&self, key: RecordKey) -> Result<Option<Record>, Trouble> {
        self.get(key, |bytes| match bytes.map(|bytes| Record::from_bytes(key, bytes)) {
            None => Ok(None),
            Some(Ok(record)) => Ok(record),
            Some(Err(_)) => Err(Trouble::Damaged("a record does not fit its checksum".to_owned())),
        })
    }

    fn get<T>(&self, key: RecordKey, make: impl FnOnce(Option<&[u8]>) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let Self::Reading(reading) = self else { unreachable!("only a reading access reads") };
        let table = reading.open_table(RECORDS)?;
        let value = table.get(key.as_bytes())?;
        make(value.as_ref().map(|guard| guard.value()))
    }

    pub(super) fn write(&mut self, key: RecordKey, bytes: &[u8]) -> Result<(), Trouble> {
        let Self::Writing(writing) = self else { unreachable!("only a writing access writes") };
        writing.open_table(RECORDS)?.insert(key.as_bytes(), bytes)?;
        Ok(())
    }
}

/// A panic on the way is a damaged file.
fn guarded<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Trouble::Damaged("the database stopped while reading it".to_owned())))
}

fn is_out_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        match error {
            // Too short, or not a database.
            redb::Error::Io(source)
                if matches!(source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Damaged(source.to_string())
            }
            redb::Error::Io(source) => Self::Io(source),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Held,
            other => Self::Damaged(other.to_string()),
        }
    }
}

macro_rules! through_redb_error {
    ($($error:ty),*) => {$(
        impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self::from(redb::Error::from(error))
            }
        }
    )*};
}
through_redb_error!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError
);
