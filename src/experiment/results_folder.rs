//! The folder of a study's results: written beside its place and renamed when everything is there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The file that tells a results folder from any other.
pub(super) const MANIFEST: &str = "manifest.json";

/// A results folder in the making. Dropped before [`ResultsFolder::publish`], it leaves nothing behind.
#[derive(Debug)]
pub struct ResultsFolder {
    /// Where the results will be.
    place: PathBuf,
    /// Where they are written.
    draft: PathBuf,
    /// Where earlier results wait until the new ones are in place.
    earlier: PathBuf,
    replace: bool,
    published: bool,
    /// Folders above the place that had to be made, the outermost first.
    made: Vec<PathBuf>,
    /// The draft, locked while this process writes to it; the system unlocks it when the process ends, however it ends.
    /// `None` where folders cannot be locked.
    lock: Option<File>,
}

impl ResultsFolder {
    /// Opens a draft for the results at `place`. An empty folder there counts as nothing.
    ///
    /// # Errors
    /// [`Error::ResultsExist`] if results are there and `force` is not set; [`Error::NotResults`] if something else is
    /// there, which is never replaced; [`Error::File`] if nothing can be written there.
    pub fn create(place: &Path, force: bool) -> Result<Self, Error> {
        let Some(name) = place.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return Err(Error::NotResults { place: place.to_owned() });
        };
        let replace = fs::symlink_metadata(place).is_ok();
        if replace && !is_empty_folder(place) {
            if !place.join(MANIFEST).is_file() {
                return Err(Error::NotResults { place: place.to_owned() });
            }
            if !force {
                return Err(Error::ResultsExist { folder: place.to_owned() });
            }
        }
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let process = std::process::id();
        let drafts = format!(".{name}.draft-");
        remove_abandoned(&parent, &drafts);
        let draft = parent.join(format!("{drafts}{process}"));
        let mut made: Vec<_> = parent.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        made.retain(|folder| !folder.as_os_str().is_empty());
        made.reverse();
        // From here on, dropping takes away what was made.
        let mut folder = Self {
            place: place.to_owned(),
            earlier: parent.join(format!(".{name}.replaced-{process}")),
            replace,
            published: false,
            made,
            draft,
            lock: None,
        };
        for path in [&folder.draft, &folder.draft.join("images"), &folder.draft.join("figures")] {
            fs::create_dir_all(path).map_err(|source| Error::File {
                action: "create the results folder",
                path: place.to_owned(),
                source,
            })?;
        }
        folder.lock = locked(&folder.draft);
        Ok(folder)
    }

    /// Where files are written until the folder is published.
    pub fn draft(&self) -> &Path {
        &self.draft
    }

    /// Writes a file under the draft.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.draft.join(relative);
        fs::write(&path, bytes).map_err(|source| Error::File { action: "write", path, source })
    }

    /// Moves the draft to its place and returns it.
    ///
    /// # Errors
    /// [`Error::File`]; an earlier result that was to be replaced is put back.
    pub fn publish(mut self) -> Result<PathBuf, Error> {
        let file_error = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        self.lock = None;
        if self.replace {
            fs::rename(&self.place, &self.earlier).map_err(file_error("set aside the earlier", &self.place))?;
        }
        if let Err(source) = fs::rename(&self.draft, &self.place) {
            if self.replace {
                fs::rename(&self.earlier, &self.place).map_err(file_error("put back the earlier", &self.place))?;
            }
            return Err(file_error("put in place", &self.place)(source));
        }
        self.published = true;
        if self.replace {
            fs::remove_dir_all(&self.earlier).map_err(file_error("remove the replaced", &self.earlier))?;
        }
        Ok(self.place.clone())
    }
}

impl Drop for ResultsFolder {
    fn drop(&mut self) {
        self.lock = None;
        if !self.published {
            // Nothing can be done about a draft that cannot be removed; it is hidden and named after this process.
            let _ = fs::remove_dir_all(&self.draft);
            for folder in self.made.iter().rev() {
                // One that somebody else has filled in the meantime stays.
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// Removes drafts of runs that were killed: nobody holds their locks.
fn remove_abandoned(parent: &Path, drafts: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_draft = entry.file_name().to_str().is_some_and(|name| name.starts_with(drafts));
        if is_draft && locked(&entry.path()).is_some() {
            // One that cannot be removed does no harm: it is hidden.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The folder, if it can be locked and nobody else has locked it.
fn locked(folder: &Path) -> Option<File> {
    File::open(folder).ok().filter(|file| file.try_lock().is_ok())
}

pub(super) fn is_empty_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| data.is_dir())
        && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}
