//! The cache folder of one pinned build: is what lies there whole, and how does it get there.
//!
//! ```text
//! <cache>/onnxruntime-1.31.1-manylinux_2_28_x86_64/
//!     libonnxruntime.so.1.31.1     renamed into place only after its digest was checked
//!     ok                           the digest, written last: what stands here was checked in full once
//!     lock                         held by whoever repairs or fills the folder
//!     fetch-<process>-<count>/     a download under way; left-overs of a killed one are swept by the next
//! ```

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};

use super::error::RuntimeError;
use super::folder_lock::{DOWNLOAD, lock_folder};
use crate::onnx::wheels::{ONNX_RUNTIME_VERSION, RuntimeWheel};

/// The folder of one pinned build inside the cache.
#[derive(Debug, Clone)]
pub(super) struct CacheFolder {
    folder: PathBuf,
    wheel: RuntimeWheel,
}

/// How closely a cached library is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheCheck {
    /// Size and the mark of an earlier full check; the full digest only where either is missing or wrong. A few microseconds.
    #[default]
    Quick,
    /// Always the full digest.
    Full,
}

impl CacheFolder {
    pub(super) fn new(cache: &Path, wheel: RuntimeWheel) -> Self {
        let folder = cache.join(format!("onnxruntime-{ONNX_RUNTIME_VERSION}-{}", wheel.platform_tag));
        Self { folder, wheel }
    }

    pub(super) fn library(&self) -> PathBuf {
        self.folder.join(self.wheel.library_file_name())
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("ok")
    }

    /// Whether the library is there and whole. Writes the mark after a full check that held, if the folder can be written.
    pub(super) fn holds(&self, check: CacheCheck) -> bool {
        let size_fits =
            fs::metadata(self.library()).is_ok_and(|file| file.is_file() && file.len() == self.wheel.library_bytes);
        if !size_fits {
            return false;
        }
        let marked = fs::read_to_string(self.mark()).is_ok_and(|text| text.trim() == self.wheel.library_sha256);
        if marked && check == CacheCheck::Quick {
            return true;
        }
        let whole = sha256_of_file(&self.library()).is_ok_and(|digest| digest == self.wheel.library_sha256);
        if whole && !marked {
            // a read-only cache shared by many users stays usable without its mark: it only costs a digest each start
            let _ = fs::write(self.mark(), self.wheel.library_sha256);
        }
        whole
    }

    /// Whether something lies where the library belongs.
    pub(super) fn is_occupied(&self) -> bool {
        self.library().exists()
    }

    /// Waits until no other process fills the folder. The lock ends with the returned file.
    pub(super) fn lock(&self, progress: &dyn Fn(&str)) -> Result<File, RuntimeError> {
        lock_folder(&self.folder, "another latentlink is fetching ONNX Runtime: waiting for it", progress)
    }

    /// A fresh folder for one download. Call with the lock held.
    pub(super) fn download_folder(&self) -> Result<DownloadFolder, RuntimeError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{DOWNLOAD}{}-{count}", std::process::id()));
        fs::create_dir(&path).map_err(|source| self.failed("write to the cache folder", source))?;
        Ok(DownloadFolder { path })
    }

    /// Takes the library out of the wheel file, checks its digest and moves it into place. Call with the lock held.
    pub(super) fn install(&self, wheel_file: &Path, download: &DownloadFolder) -> Result<(), RuntimeError> {
        let unusable = |reason: String| RuntimeError::WheelFile { path: wheel_file.to_owned(), reason };
        let file = File::open(wheel_file).map_err(|error| unusable(error.to_string()))?;
        let mut archive =
            zip::ZipArchive::new(file).map_err(|error| unusable(format!("not a whole zip file ({error})")))?;
        let mut entry = archive.by_name(self.wheel.library_in_wheel).map_err(|error| {
            unusable(format!(
                "no `{}` in it ({error}); expected {}",
                self.wheel.library_in_wheel, self.wheel.wheel_file_name
            ))
        })?;

        let unpacked = download.path.join(self.wheel.library_file_name());
        let mut library = File::create(&unpacked).map_err(|source| self.failed("write to the cache folder", source))?;
        // the pinned size bounds what a forged archive could unpack
        let mut bounded = (&mut entry).take(self.wheel.library_bytes + 1);
        io::copy(&mut bounded, &mut library).map_err(|source| self.failed("unpack ONNX Runtime into", source))?;
        library.sync_all().map_err(|source| self.failed("write to the cache folder", source))?;
        drop(library);

        let found =
            sha256_of_file(&unpacked).map_err(|source| self.failed("read back from the cache folder", source))?;
        if found != self.wheel.library_sha256 {
            return Err(RuntimeError::Digest {
                what: format!("`{}` in `{}`", self.wheel.library_in_wheel, wheel_file.display()),
                expected: self.wheel.library_sha256.to_owned(),
                found,
            });
        }
        // the mark goes first and comes back last, so that it never vouches for a library it has not seen
        let _ = fs::remove_file(self.mark());
        fs::rename(&unpacked, self.library()).map_err(|source| self.failed("replace the library in", source))?;
        sync_folder(&self.folder).map_err(|source| self.failed("write to the cache folder", source))?;
        fs::write(self.mark(), self.wheel.library_sha256)
            .map_err(|source| self.failed("write to the cache folder", source))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> RuntimeError {
        RuntimeError::Cache { action, path: self.folder.clone(), source }
    }
}

/// Holds one download; removed when dropped.
pub(super) struct DownloadFolder {
    path: PathBuf,
}

impl DownloadFolder {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DownloadFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// SHA-256 of a file's content, lower-case hexadecimal.
pub(super) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A rename is durable once its folder is synced; only Unix can open a folder to say so.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
