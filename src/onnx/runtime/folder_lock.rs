//! One process at a time fills a folder of the cache.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::error::RuntimeError;

/// Beginning of the names of folders that hold a download under way.
pub(super) const DOWNLOAD: &str = "fetch-";

/// Creates the folder and waits until no other process fills it, saying so in the words of `waiting`. What killed processes left of
/// their downloads is swept. The lock ends with the returned file.
pub(super) fn lock_folder(folder: &Path, waiting: &str, progress: &dyn Fn(&str)) -> Result<File, RuntimeError> {
    let failed =
        |action: &'static str, source: io::Error| RuntimeError::Cache { action, path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(|source| failed("create the cache folder", source))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .map_err(|source| failed("write to the cache folder", source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(waiting);
            file.lock().map_err(|source| failed("lock the cache folder", source))?;
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock the cache folder", source)),
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(DOWNLOAD) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(file)
}
