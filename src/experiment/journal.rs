//! The journal of a study: every finished run, on disk as soon as it is finished.
//!
//! One file, only ever appended to. A frame is whole or is cut off when the file is opened again, so a process may be killed
//! at any moment; what was in flight is computed again.
//!
//! ```text
//!  latentlink journal 1⏎ │ length, checksum │ run, rows of each table │ length, checksum │ … │ ✂ half a frame
//! ```
//!
//! Frames stand in the order in which runs finished; an index in memory finds them by point and replication. The file is
//! locked while a process works on the study.

mod frame;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::frame::PREFIX_BYTES;
pub use self::frame::{FinishedRun, Frame, Outcome, RequestEnds, RunFacts, RunRows, TABLES};
use super::work_order::RunId;
use crate::error::Error;

/// The first bytes of the file.
const HEADER: &[u8] = b"latentlink journal 1\n";
/// Frames are flushed to the disk this often. A killed process loses none of them, a machine without power those since.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Where a frame is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u32,
    is_failed: bool,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    index: BTreeMap<RunId, Place>,
    last_sync: Instant,
}

impl Journal {
    /// Opens the journal at `path`, or begins one. Half a frame at its end is cut off; one that is damaged counts as not
    /// there.
    ///
    /// # Errors
    /// [`Error::StudyInUse`] where another process has it open; [`Error::File`]; [`Error::NotAJournal`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |action| move |source| Error::File { action, path: path.to_owned(), source };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut journal = Self::open_with(path, &options, File::try_lock)?;
        journal.file.set_len(journal.end).map_err(failed("repair the journal"))?;
        if journal.end == 0 {
            journal.write(HEADER)?;
        }
        Ok(journal)
    }

    /// Opens the journal at `path` to read it: nothing of it is changed.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_to_read(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, OpenOptions::new().read(true), File::try_lock_shared)
    }

    fn open_with(
        path: &Path,
        options: &OpenOptions,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self, Error> {
        let failed = |action| move |source| Error::File { action, path: path.to_owned(), source };
        let file = options.open(path).map_err(failed("open the journal"))?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = path.parent().unwrap_or(path).to_owned();
                return Err(Error::StudyInUse { folder });
            }
            // A file system without locks: two processes at once are then the user's concern.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(source)) => return Err(failed("lock the journal")(source)),
        }
        let (index, end) = read_index(&file, path)?;
        Ok(Self { path: path.to_owned(), file, end, index, last_sync: Instant::now() })
    }

    /// Whether a run is in the journal, finished or failed.
    pub fn contains(&self, run: RunId) -> bool {
        self.index.contains_key(&run)
    }

    /// Runs in the journal.
    pub fn len(&self) -> u64 {
        self.index.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The runs, in the order of point and replication.
    pub fn runs(&self) -> impl Iterator<Item = RunId> {
        self.index.keys().copied()
    }

    /// Forgets the runs that failed, so that they are tried again, and says how many there were.
    pub fn forget_failed(&mut self) -> u64 {
        let before = self.index.len();
        self.index.retain(|_, place| !place.is_failed);
        (before - self.index.len()) as u64
    }

    /// Forgets the runs that are not to be kept. Their frames stay in the file.
    pub fn retain(&mut self, keep: impl Fn(RunId) -> bool) {
        self.index.retain(|run, _| keep(*run));
    }

    /// Appends finished runs. They survive a kill of the process from now on.
    ///
    /// # Errors
    /// [`Error::ResultsMoved`], [`Error::DiskFull`], [`Error::File`].
    pub fn append(&mut self, frames: &[Frame]) -> Result<(), Error> {
        let mut places = Vec::with_capacity(frames.len());
        let mut end = self.end;
        for Frame { run, is_failed, bytes } in frames {
            let length = (bytes.len() as u64 - PREFIX_BYTES) as u32;
            places.push((*run, Place { offset: end + PREFIX_BYTES, length, is_failed: *is_failed }));
            end += bytes.len() as u64;
        }
        // One frame may be of half a gigabyte, and is not copied; many small ones go in one write.
        let written = match frames {
            [one] => self.write(&one.bytes),
            _ => self.write(&frames.iter().map(|frame| &frame.bytes[..]).collect::<Vec<_>>().concat()),
        };
        if written.is_err() {
            // A full disk took the first of them: these are finished.
            let whole = self.file.metadata().map_or(self.end, |data| data.len());
            places.retain(|(_, place)| place.offset + u64::from(place.length) <= whole);
            self.end = places.last().map_or(self.end, |(_, place)| place.offset + u64::from(place.length));
        }
        self.index.extend(places);
        written?;
        if self.last_sync.elapsed() >= SYNC_INTERVAL { self.sync() } else { Ok(()) }
    }

    /// Flushes what was appended to the disk.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn sync(&mut self) -> Result<(), Error> {
        // An open file follows its folder when that is moved: nobody would look for the results there.
        if !self.path.exists() {
            let folder = self.path.parent().unwrap_or(&self.path).to_owned();
            return Err(Error::ResultsMoved { folder });
        }
        self.file.sync_data().map_err(|source| self.failed(source))?;
        self.last_sync = Instant::now();
        Ok(())
    }

    /// Reads one run.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::NotAJournal`] where somebody has changed the file.
    ///
    /// # Panics
    /// If the run is not in the journal.
    pub fn read(&self, run: RunId) -> Result<FinishedRun, Error> {
        let place = self.index[&run];
        let failed = |source| Error::File { action: "read the journal", path: self.path.clone(), source };
        let mut payload = vec![0; place.length as usize];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(place.offset)).map_err(failed)?;
        file.read_exact(&mut payload).map_err(failed)?;
        FinishedRun::from_bytes(&payload).ok_or_else(|| Error::NotAJournal { path: self.path.clone() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        // Reading has moved the position.
        let written = self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|source| self.failed(source))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::DiskFull { path, source }
            }
            _ => Error::File { action: "write the journal", path, source },
        }
    }
}

/// Where each whole frame is, and where the last one ends. A later frame of the same run takes the earlier one's place.
fn read_index(file: &File, path: &Path) -> Result<(BTreeMap<RunId, Place>, u64), Error> {
    let failed = |source| Error::File { action: "read the journal", path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER.len()];
    match reader.read_exact(&mut header) {
        Ok(()) if header == *HEADER => {}
        Ok(()) => return Err(Error::NotAJournal { path: path.to_owned() }),
        // New, or killed while it was begun.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((BTreeMap::new(), 0)),
        Err(error) => return Err(failed(error)),
    }
    let length_of_file = file.metadata().map_err(failed)?.len();
    let mut index = BTreeMap::new();
    let mut end = HEADER.len() as u64;
    let mut payload = Vec::new();
    loop {
        let mut prefix = [0; PREFIX_BYTES as usize];
        match reader.read_exact(&mut prefix) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((index, end)),
            Err(error) => return Err(failed(error)),
        }
        let [length, checksum] = [&prefix[..4], &prefix[4..]]
            .map(|word| u32::from_le_bytes(word.try_into().expect("half of eight bytes are four")));
        let offset = end + PREFIX_BYTES;
        if offset + u64::from(length) > length_of_file {
            return Ok((index, end));
        }
        payload.resize(length as usize, 0);
        reader.read_exact(&mut payload).map_err(failed)?;
        let after = offset + u64::from(length);
        let is_whole = crc32fast::hash(&payload) == checksum;
        match FinishedRun::head(&payload).filter(|_| is_whole) {
            Some((run, is_failed)) => {
                index.insert(run, Place { offset, length, is_failed });
            }
            // The last frame was not finished; another one was damaged later, and its run is computed again.
            None if after == length_of_file => return Ok((index, end)),
            None => {}
        }
        end = after;
    }
}
