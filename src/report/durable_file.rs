//! Files that are either whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::picture::PictureError;

/// Why a table, manifest or figure could not be made, written or read.
#[derive(Debug, Error, Diagnostic)]
pub enum ReportError {
    /// The file or its folder cannot be written; nothing was left at its place.
    #[error("cannot write {}", path.display())]
    #[diagnostic(help(
        "check that the folder exists, can be written and has free space, or choose another with --out"
    ))]
    Write { path: PathBuf, source: io::Error },
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    #[diagnostic(help("check the path; `latentlink run` makes this file"))]
    Read { path: PathBuf, source: io::Error },
    /// The file is there, but its content is not what this version writes.
    #[error("{} is not understood: {message}", path.display())]
    #[diagnostic(help("the file was changed by hand or made by another version: run the scenario again"))]
    Content { path: PathBuf, message: String },
    /// A row of another width than the header.
    #[error("a row of {got} cells does not fit a table of {expected} columns")]
    #[diagnostic(help("give one cell per column, `Cell::Blank` where there is no value"))]
    RowWidth { expected: usize, got: usize },
    /// Two columns of one name.
    #[error("two columns are named `{name}`")]
    #[diagnostic(help("name each column once, with its unit"))]
    DuplicateColumn { name: String },
    /// A NaN, which readers of CSV take for many things.
    #[error("column `{column}` got a value that is not a number")]
    #[diagnostic(help("use `Cell::Blank` where there is no value"))]
    NotANumber { column: String },
    /// A figure was given data that it cannot draw.
    #[error("the figure `{figure}` cannot be drawn: {message}")]
    #[diagnostic(help("check the coordinates of its tiles, bars or points"))]
    Figure { figure: String, message: String },
    /// A resolution or width that no page has.
    #[error("a figure cannot be drawn in this format: {message}")]
    #[diagnostic(help("choose dots per inch and a width in mm that are greater than 0, or leave both out"))]
    PageFormat { message: String },
    /// A picture inside a figure, or the figure itself, could not be encoded.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Picture(#[from] PictureError),
}

/// Writes a file beside its place, flushes it to the disk and renames it, so that a reader, or a crash, never meets half
/// of it. Makes missing folders.
///
/// # Errors
/// [`ReportError::Write`]; then an older file of that name is untouched.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = path
        .file_name()
        .ok_or_else(|| failed(io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name")))?;
    fs::create_dir_all(folder).map_err(failed)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.partial", std::process::id()));
    let beside = folder.join(beside);
    let written = write_and_rename(&beside, path, bytes);
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)?;
    // The rename itself is durable once the folder is; folders cannot be opened as files everywhere.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn write_and_rename(beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(beside, path)
}
