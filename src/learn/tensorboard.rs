//! Event files that TensorBoard shows while training goes on: one scalar a tag and step.
//!
//! ```text
//!  folder/events.out.tfevents.<unix seconds>.latentlink
//!
//!  record │ length u64 │ CRC of length u32 │ Event (protocol buffer) │ CRC of Event u32 │     little-endian; CRC-32C, masked
//!
//!  first Event    wall_time, file_version "brain.Event:2"
//!  each other     wall_time, step, summary { tag, simple_value }
//! ```
//!
//! The framing is TensorFlow's TFRecord, the messages are the parts of `event.proto` and `summary.proto` that a scalar
//! needs. TensorBoard reads all event files of a folder, so a training that goes on adds another file.

mod crc32c;
mod message;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use self::crc32c::masked_crc32c;
use self::message::{Event, Summary, SummaryValue, What};
use crate::report::ReportError;

/// What TensorBoard calls the present format of its event files.
const FILE_VERSION: &str = "brain.Event:2";
/// Where TensorBoard's own writers have the name of the machine.
const WRITER: &str = "latentlink";
/// Files of the same folder that began within the same second.
const MOST_OF_ONE_SECOND: u32 = 1000;

/// An event file that is open for writing. What was written reaches the disk with [`EventWriter::flush`], or when the
/// writer is dropped.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Makes a new file in `folder`, which is made where it is missing. `wall_time_s`: now, since 1970-01-01 [s].
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn create(folder: &Path, wall_time_s: f64) -> Result<Self, ReportError> {
        fs::create_dir_all(folder).map_err(|source| ReportError::Write { path: folder.to_owned(), source })?;
        let (path, file) = new_file(folder, wall_time_s)?;
        let mut writer = Self { path, file: BufWriter::new(file) };
        writer.write(&Event { wall_time_s, step: 0, what: Some(What::FileVersion(FILE_VERSION.to_owned())) })?;
        writer.flush()?;
        Ok(writer)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a number. Tags with a `/` are shown in groups: `loss/critic`. TensorBoard keeps 32 bits, and marks what is
    /// not finite. `wall_time_s`: now, since 1970-01-01 [s].
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn scalar(&mut self, wall_time_s: f64, step: i64, tag: &str, value: f64) -> Result<(), ReportError> {
        let value = SummaryValue { tag: tag.to_owned(), simple_value: Some(value as f32) };
        self.write(&Event { wall_time_s, step, what: Some(What::Summary(Summary { values: vec![value] })) })
    }

    /// Hands all that was added to the operating system, so that TensorBoard sees it.
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn flush(&mut self) -> Result<(), ReportError> {
        self.file.flush().map_err(|source| ReportError::Write { path: self.path.clone(), source })
    }

    fn write(&mut self, event: &Event) -> Result<(), ReportError> {
        let record = record(&event.encode_to_vec());
        self.file.write_all(&record).map_err(|source| ReportError::Write { path: self.path.clone(), source })
    }
}

/// A file that was not there: a second one within the same second has a number at its end.
fn new_file(folder: &Path, wall_time_s: f64) -> Result<(PathBuf, File), ReportError> {
    let name = format!("events.out.tfevents.{:010}.{WRITER}", wall_time_s.max(0.0) as u64);
    let mut number = 0;
    loop {
        let path = folder.join(if number == 0 { name.clone() } else { format!("{name}.{number}") });
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_OF_ONE_SECOND => number += 1,
            Err(source) => return Err(ReportError::Write { path, source }),
        }
    }
}

/// Data with its length and both checksums.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| masked_crc32c(bytes).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}
