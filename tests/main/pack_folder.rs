//! A temporary folder in which a test puts a pack together and breaks it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub struct PackFolder(TempDir);

impl Default for PackFolder {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

impl PackFolder {
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a new folder");
        std::fs::write(path, text).expect("a new file");
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).expect("the file was there");
    }
}
