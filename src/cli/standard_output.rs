//! Standard output, which may be a pipe that nobody reads to its end.

use std::io::{self, ErrorKind, Write};

use crate::error::Error;

/// Prints `text`. A reader that has seen enough (`latentlink models | head`) is no failure.
///
/// # Errors
/// [`Error::File`] if standard output cannot take it, as on a full disk.
pub(super) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    done(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The outcome of writing to standard output.
///
/// # Errors
/// As [`print`].
pub(super) fn done(written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(source) => Err(Error::File { action: "write to", path: "standard output".into(), source }),
        Ok(()) => Ok(()),
    }
}
