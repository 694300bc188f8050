//! CSV files whose rows have a time: traces of requests, tracks of devices.
//!
//! The first line names the columns, in any order; others are ignored. Rows are read one by one as bytes, and only what is
//! asked for is looked at. A file that is wrong is refused with the line of what is wrong.
//!
//! ```text
//!  arrival_s,device,prompt              ◄── column("arrival_s")
//!  0.25,phone-1,dog under the tree      ◄── advance(), then time_s, name, text of a column
//!  0.75,,cat at night
//! ```

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};
use miette::Diagnostic;
use thiserror::Error;

/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// What is wrong with a file of timed rows; lines count from 1.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum TraceError {
    /// It is missing, cannot be opened, or stopped being readable.
    #[error("cannot read {}: {reason}", path.display())]
    #[diagnostic(help(
        "the path is relative to the working directory; the file is a CSV whose first line is {header}"
    ))]
    Unreadable { path: PathBuf, reason: String, header: &'static str },
    /// Nothing in it, or only a header.
    #[error("{} has no rows", path.display())]
    #[diagnostic(help("write the rows below the line {header}"))]
    NoRows { path: PathBuf, header: &'static str },
    /// A column is missing or there twice.
    #[error("{}:1: {count} columns are called `{column}`, expected one", path.display())]
    #[diagnostic(help("the first line names the columns, say {header}; further ones are ignored"))]
    Header { path: PathBuf, column: &'static str, count: usize, header: &'static str },
    /// A row is shorter or longer than the header.
    #[error("{}:{line}: this row has {found} values, expected {expected}", path.display())]
    #[diagnostic(help("every row has as many values as the first line; one that may be blank still needs its comma"))]
    Width { path: PathBuf, line: u64, found: u64, expected: u64 },
    /// A value is missing.
    #[error("{}:{line}: `{column}` is blank", path.display())]
    #[diagnostic(help("write a value, or take the row out"))]
    Blank { path: PathBuf, line: u64, column: &'static str },
    /// Not a number, or one that cannot be meant.
    #[error("{}:{line}: `{column}` is `{value}`, expected {expected}", path.display())]
    #[diagnostic(help("write it with a decimal point, such as 12.5 or 1.25e1; NaN and infinities are no values"))]
    Number { path: PathBuf, line: u64, column: &'static str, value: String, expected: &'static str },
    /// Time goes back.
    #[error("{}:{line}: time {time_s} s {fault} {before_s} s of an earlier row", path.display())]
    #[diagnostic(help("sort the rows by time"))]
    Unsorted { path: PathBuf, line: u64, time_s: f64, before_s: f64, fault: &'static str },
    /// Nobody of this name is in the scenario.
    #[error("{}:{line}: there is no device `{name}`", path.display())]
    #[diagnostic(help("write the `name` of a device of the scenario; unnamed ones are device-1, device-2, …"))]
    UnknownDevice { path: PathBuf, line: u64, name: String },
    /// A prompt of nothing but white space.
    #[error("{}:{line}: the prompt is empty", path.display())]
    #[diagnostic(help("write a prompt, or leave the value out and `demand.prompts` says which"))]
    EmptyPrompt { path: PathBuf, line: u64 },
    /// The bytes are no text.
    #[error("{}:{line}: `{column}` is not UTF-8", path.display())]
    #[diagnostic(help("save the file with the encoding UTF-8"))]
    NotUtf8 { path: PathBuf, line: u64, column: &'static str },
}

/// A column that is there.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    index: usize,
    name: &'static str,
}

/// The rows of a file, one at a time.
pub struct TimedRows<'a> {
    path: &'a Path,
    /// What the first line should look like, for errors.
    header: &'static str,
    reader: Reader<File>,
    /// The row that is being read.
    row: ByteRecord,
}

impl<'a> TimedRows<'a> {
    /// Before the first row; `header` is what the first line should look like.
    pub fn open(path: &'a Path, header: &'static str) -> Result<Self, TraceError> {
        let unreadable = |error: std::io::Error| unreadable(path, header, &error);
        let file = File::open(path).map_err(unreadable)?;
        let reader = ReaderBuilder::new().buffer_capacity(BUFFER_BYTES).from_reader(file);
        Ok(Self { path, header, reader, row: ByteRecord::new() })
    }

    /// A column that has to be there.
    pub fn column(&mut self, name: &'static str) -> Result<Column, TraceError> {
        self.optional_column(name)?.ok_or(self.header_error(name, 0))
    }

    /// A column that may be there.
    pub fn optional_column(&mut self, name: &'static str) -> Result<Option<Column>, TraceError> {
        let found = match self.reader.byte_headers() {
            Ok(header) if header.is_empty() => {
                return Err(TraceError::NoRows { path: self.path.to_owned(), header: self.header });
            }
            Ok(header) => {
                let is_called = |cell: &[u8]| {
                    cell.trim_ascii()
                        .strip_prefix(b"\xef\xbb\xbf")
                        .unwrap_or(cell.trim_ascii())
                        .eq_ignore_ascii_case(name.as_bytes())
                };
                (0..header.len()).filter(|&index| is_called(&header[index])).collect::<Vec<_>>()
            }
            Err(error) => return Err(self.csv_error(&error)),
        };
        match *found {
            [] => Ok(None),
            [index] => Ok(Some(Column { index, name })),
            _ => Err(self.header_error(name, found.len())),
        }
    }

    /// Reads the next row; false when there is none.
    pub fn advance(&mut self) -> Result<bool, TraceError> {
        match self.reader.read_byte_record(&mut self.row) {
            Ok(is_there) => Ok(is_there),
            Err(error) => Err(self.csv_error(&error)),
        }
    }

    /// The trimmed text of a value, which may be blank.
    pub fn text(&self, column: Column) -> Result<&str, TraceError> {
        std::str::from_utf8(self.row[column.index].trim_ascii()).map_err(|_| TraceError::NotUtf8 {
            path: self.path.to_owned(),
            line: self.line(),
            column: column.name,
        })
    }

    /// Whether a value is left out altogether: not even a space.
    pub fn is_left_out(&self, column: Column) -> bool {
        self.row[column.index].is_empty()
    }

    /// A finite number.
    pub fn number(&self, column: Column) -> Result<f64, TraceError> {
        self.bounded(column, f64::NEG_INFINITY, "a finite number")
    }

    /// A time ≥ 0 [s].
    pub fn time_s(&self, column: Column) -> Result<f64, TraceError> {
        self.bounded(column, 0.0, "a finite number of seconds ≥ 0")
    }

    fn bounded(&self, column: Column, least: f64, expected: &'static str) -> Result<f64, TraceError> {
        let text = self.text(column)?;
        match text.parse::<f64>() {
            // The sum makes −0 a 0.
            Ok(number) if number.is_finite() && number >= least => Ok(number + 0.0),
            _ if text.is_empty() => Err(self.blank(column)),
            _ => {
                let value = text.to_owned();
                Err(TraceError::Number {
                    path: self.path.to_owned(),
                    line: self.line(),
                    column: column.name,
                    value,
                    expected,
                })
            }
        }
    }

    /// The device of a name; `None` where it is blank.
    pub fn optional_device(
        &self,
        column: Column,
        device: &dyn Fn(&str) -> Option<u32>,
    ) -> Result<Option<u32>, TraceError> {
        let name = self.text(column)?;
        if name.is_empty() {
            return Ok(None);
        }
        match device(name) {
            None => {
                Err(TraceError::UnknownDevice { path: self.path.to_owned(), line: self.line(), name: name.to_owned() })
            }
            known => Ok(known),
        }
    }

    /// The device of a name that has to be there.
    pub fn device(&self, column: Column, device: &dyn Fn(&str) -> Option<u32>) -> Result<u32, TraceError> {
        self.optional_device(column, device)?.ok_or_else(|| self.blank(column))
    }

    /// That time in this row comes too early after `before_s`.
    pub fn unsorted(&self, time_s: f64, before_s: f64, fault: &'static str) -> TraceError {
        TraceError::Unsorted { path: self.path.to_owned(), line: self.line(), time_s, before_s, fault }
    }

    /// That the prompt of this row is white space.
    pub fn empty_prompt(&self) -> TraceError {
        TraceError::EmptyPrompt { path: self.path.to_owned(), line: self.line() }
    }

    /// That there were no rows.
    pub fn no_rows(&self) -> TraceError {
        TraceError::NoRows { path: self.path.to_owned(), header: self.header }
    }

    /// Lines of the whole file, the header's among them: no fewer than its rows.
    pub fn count_lines(&self) -> Result<usize, TraceError> {
        let (lines, last) = line_ends(self.path).map_err(|error| unreadable(self.path, self.header, &error))?;
        Ok(lines as usize + usize::from(last != b'\n'))
    }

    fn blank(&self, column: Column) -> TraceError {
        TraceError::Blank { path: self.path.to_owned(), line: self.line(), column: column.name }
    }

    fn header_error(&self, column: &'static str, count: usize) -> TraceError {
        TraceError::Header { path: self.path.to_owned(), column, count, header: self.header }
    }

    fn line(&self) -> u64 {
        line_at(self.path, self.row.position())
    }

    fn csv_error(&self, error: &csv::Error) -> TraceError {
        match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => TraceError::Width {
                path: self.path.to_owned(),
                line: line_at(self.path, pos.as_ref()),
                found: *len,
                expected: *expected_len,
            },
            csv::ErrorKind::Io(error) => unreadable(self.path, self.header, error),
            _ => TraceError::Unreadable { path: self.path.to_owned(), reason: error.to_string(), header: self.header },
        }
    }
}

fn unreadable(path: &Path, header: &'static str, error: &std::io::Error) -> TraceError {
    TraceError::Unreadable { path: path.to_owned(), reason: error.to_string(), header }
}

/// The line, from 1, of a row that starts at this place. Counted in the file once something is wrong: the reader's own count
/// stands before the end of the line above (`\r\n`) and before empty lines.
fn line_at(path: &Path, position: Option<&csv::Position>) -> u64 {
    let begin = position.map_or(0, csv::Position::byte);
    // A file that has gone away meanwhile leaves line 1.
    newlines(path, begin).map_or(1, |(lines, _)| 1 + lines)
}

/// Ends of lines of a file, whichever of `\n` and `\r` they are made of, each counted, and its last byte.
fn line_ends(path: &Path) -> std::io::Result<(u64, u8)> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let (mut lines, mut last) = (0, b'\n');
    loop {
        let bytes = reader.fill_buf()?;
        let Some(&final_byte) = bytes.last() else { return Ok((lines, last)) };
        lines += bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
        last = final_byte;
        let read = bytes.len();
        reader.consume(read);
    }
}

/// Ends of lines before the text that comes at or after byte `end`, and the last byte that was looked at.
fn newlines(path: &Path, end: u64) -> std::io::Result<(u64, u8)> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let (mut lines, mut at, mut last) = (0, 0, b'\n');
    loop {
        let bytes = reader.fill_buf()?;
        let Some(&final_byte) = bytes.last() else { return Ok((lines, last)) };
        let before = bytes.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        lines += bytes[..before].iter().filter(|byte| **byte == b'\n').count() as u64;
        for byte in &bytes[before..] {
            match byte {
                b'\n' => lines += 1,
                b'\r' => {}
                _ => return Ok((lines, *byte)),
            }
        }
        last = final_byte;
        let read = bytes.len();
        // Past `end` only empty lines are skipped, byte by byte.
        at = end.min(at + read as u64);
        reader.consume(read);
    }
}
