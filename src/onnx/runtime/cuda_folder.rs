//! The GPU build of ONNX Runtime in the cache, and the CUDA and cuDNN libraries that it needs.
//!
//! ```text
//! <cache>/onnxruntime-cuda-1.31.1/
//!     libonnxruntime.so.1.31.1  libonnxruntime_providers_cuda.so  libcublasLt.so.13  libcudnn.so.9  …      all in one folder
//!     onnxruntime-gpu.ok  nvidia-cublas.ok  …     digest of each wheel, written last: an installation goes on after the last one
//!     environment                                 or: the Python environment whose libraries are taken where they are
//!     lock, fetch-…/                              as in the folder of the CPU build
//! ```
//!
//! The CUDA libraries are loaded by their full paths before a session asks for them by name, so that no `LD_LIBRARY_PATH` has to be set.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::cache::sha256_of_file;
use super::error::RuntimeError;
use super::folder_lock::{DOWNLOAD, lock_folder};
use super::pip::PipCommand;
use crate::onnx::cuda_wheels::CudaWheel;
use crate::onnx::wheels::ONNX_RUNTIME_VERSION;

/// The names of what is loaded beforehand begin so, each after those that it needs. What cuDNN loads by itself lies beside it.
const LOADED_FIRST: [&str; 8] =
    ["libcudart", "libnvJitLink", "libnvrtc.", "libcublasLt", "libcublas.", "libcurand", "libcufft.", "libcudnn.so"];

/// The file that says which Python environment is used.
const ENVIRONMENT: &str = "environment";

/// The folder of the GPU build inside the cache.
#[derive(Debug, Clone)]
pub(super) struct CudaFolder {
    folder: PathBuf,
    wheels: Vec<CudaWheel>,
}

/// What is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CudaInstallation {
    /// The pinned wheels, unpacked.
    Wheels { library: PathBuf },
    /// A Python environment of the user's.
    Environment { library: PathBuf, environment: PathBuf },
}

impl CudaFolder {
    pub(super) fn new(cache: &Path, wheels: Vec<CudaWheel>) -> Self {
        Self { folder: cache.join(format!("onnxruntime-cuda-{ONNX_RUNTIME_VERSION}")), wheels }
    }

    /// What is there; `None` where nothing, or not all of it, is.
    ///
    /// # Errors
    /// [`RuntimeError::PythonEnvironment`] where the environment that was named has gone.
    pub(super) fn installation(&self) -> Result<Option<CudaInstallation>, RuntimeError> {
        if let Ok(text) = fs::read_to_string(self.folder.join(ENVIRONMENT)) {
            let environment = PathBuf::from(text.trim());
            let library = library_of(&environment)?;
            return Ok(Some(CudaInstallation::Environment { library, environment }));
        }
        let library = self.folder.join(format!("libonnxruntime.so.{ONNX_RUNTIME_VERSION}"));
        let is_whole = library.is_file() && self.wheels.iter().all(|wheel| self.has(wheel));
        Ok(is_whole.then_some(CudaInstallation::Wheels { library }))
    }

    /// Fetches and unpacks what is missing of the pinned wheels.
    ///
    /// # Errors
    /// [`RuntimeError`], each with its mend. What was unpacked before stays.
    pub(super) fn install(&self, pips: &[PipCommand], progress: &dyn Fn(&str)) -> Result<(), RuntimeError> {
        if self.wheels.is_empty() {
            return Err(RuntimeError::UnsupportedPlatform {
                operating_system: std::env::consts::OS,
                architecture: std::env::consts::ARCH,
            });
        }
        let waiting = "another latentlink is installing the CUDA libraries: waiting for it";
        let _lock = lock_folder(&self.folder, waiting, progress)?;
        let missing: Vec<&CudaWheel> = self.wheels.iter().filter(|wheel| !self.has(wheel)).collect();
        let megabytes = |wheels: &[&CudaWheel]| wheels.iter().map(|wheel| wheel.wheel_bytes).sum::<u64>() / 1_000_000;
        progress(&format!("{} of {} wheels to fetch, {} MB", missing.len(), self.wheels.len(), megabytes(&missing)));
        for wheel in missing {
            progress(&format!("fetching {}, {} MB", wheel.requirement, megabytes(&[wheel])));
            self.install_one(wheel, pips)?;
        }
        // Whoever installs the wheels wants them, not the environment that was named before.
        match fs::remove_file(self.folder.join(ENVIRONMENT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("write to the cache folder", error))
            }
            _ => Ok(()),
        }
    }

    /// From now on the libraries of a Python environment are taken.
    ///
    /// # Errors
    /// [`RuntimeError::PythonEnvironment`] where it has no GPU build.
    pub(super) fn use_environment(&self, environment: &Path) -> Result<PathBuf, RuntimeError> {
        let environment = super::absolute(environment);
        let library = library_of(&environment)?;
        fs::create_dir_all(&self.folder).map_err(|source| self.failed("create the cache folder", source))?;
        fs::write(self.folder.join(ENVIRONMENT), environment.to_string_lossy().as_bytes())
            .map_err(|source| self.failed("write to the cache folder", source))?;
        Ok(library)
    }

    fn has(&self, wheel: &CudaWheel) -> bool {
        fs::read_to_string(self.mark(wheel)).is_ok_and(|text| text.trim() == wheel.wheel_sha256)
    }

    fn mark(&self, wheel: &CudaWheel) -> PathBuf {
        self.folder.join(format!("{}.ok", wheel.name()))
    }

    fn install_one(&self, wheel: &CudaWheel, pips: &[PipCommand]) -> Result<(), RuntimeError> {
        let download = self.folder.join(format!("{DOWNLOAD}{}", wheel.name()));
        fs::create_dir_all(&download).map_err(|source| self.failed("write to the cache folder", source))?;
        let mut attempts = Vec::new();
        let fetched = pips.iter().find_map(|pip| {
            let file = pip.download(&wheel.hashed_requirement(), &CudaWheel::pip_selection(), &download);
            file.map_err(|attempt| attempts.push(attempt)).ok()
        });
        let Some(file) = fetched else {
            return Err(RuntimeError::CudaUnobtainable { requirement: wheel.requirement, attempts });
        };
        let found = sha256_of_file(&file).map_err(|source| self.failed("read back from the cache folder", source))?;
        if found != wheel.wheel_sha256 {
            let what = format!("`{}`", file.display());
            return Err(RuntimeError::Digest { what, expected: wheel.wheel_sha256.to_owned(), found });
        }
        self.unpack(wheel, &file, &download)?;
        fs::write(self.mark(wheel), wheel.wheel_sha256)
            .map_err(|source| self.failed("write to the cache folder", source))?;
        let _ = fs::remove_dir_all(&download);
        Ok(())
    }

    fn unpack(&self, wheel: &CudaWheel, file: &Path, download: &Path) -> Result<(), RuntimeError> {
        let unusable = |reason: String| RuntimeError::WheelFile { path: file.to_owned(), reason };
        let opened = File::open(file).map_err(|error| unusable(error.to_string()))?;
        let mut archive = zip::ZipArchive::new(opened).map_err(|error| unusable(error.to_string()))?;
        let mut unpacked = 0;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| unusable(error.to_string()))?;
            let name = entry.name().map_err(|error| unusable(error.to_string()))?.into_owned();
            let Some(name) = name.strip_prefix(wheel.library_folder).filter(|name| is_library(name)) else {
                continue;
            };
            let (fresh, place) = (download.join(name), self.folder.join(name));
            let mut target = File::create(&fresh).map_err(|source| self.failed("write to the cache folder", source))?;
            io::copy(&mut entry, &mut target).map_err(|source| self.failed("unpack libraries into", source))?;
            fs::rename(&fresh, &place).map_err(|source| self.failed("replace a library in", source))?;
            unpacked += 1;
        }
        if unpacked == 0 {
            return Err(unusable(format!("no library lies in its folder `{}`", wheel.library_folder)));
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> RuntimeError {
        RuntimeError::Cache { action, path: self.folder.clone(), source }
    }
}

impl CudaInstallation {
    pub(super) fn library(&self) -> &Path {
        match self {
            Self::Wheels { library } | Self::Environment { library, .. } => library,
        }
    }

    /// The CUDA and cuDNN libraries, in the order in which they are loaded.
    pub(super) fn loaded_first(&self) -> Vec<PathBuf> {
        let folders = match self {
            Self::Wheels { library } => library.parent().map(Path::to_owned).into_iter().collect(),
            Self::Environment { library, .. } => {
                // …/site-packages/onnxruntime/capi/libonnxruntime.so: the wheels of NVIDIA lie in …/site-packages/nvidia/*/lib
                let packages = library.ancestors().nth(3).map(|packages| packages.join("nvidia"));
                let found = packages.into_iter().filter_map(|packages| fs::read_dir(packages).ok());
                let mut folders: Vec<PathBuf> =
                    found.flatten().flatten().map(|entry| entry.path().join("lib")).collect();
                folders.sort();
                folders
            }
        };
        let names = |folder: &PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = folders.iter().flat_map(names).collect();
        files.sort();
        let begins =
            |file: &Path, prefix: &str| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        LOADED_FIRST
            .iter()
            .flat_map(|prefix| files.iter().filter(|file| begins(file, prefix)).cloned().collect::<Vec<_>>())
            .collect()
    }
}

/// ONNX Runtime's GPU build in a Python environment (a `venv`, a conda prefix, or a `site-packages` itself).
fn library_of(environment: &Path) -> Result<PathBuf, RuntimeError> {
    let unfit =
        |reason: &str| RuntimeError::PythonEnvironment { path: environment.to_owned(), reason: reason.to_owned() };
    if !environment.is_dir() {
        return Err(unfit("there is no such folder"));
    }
    let pythons = fs::read_dir(environment.join("lib")).into_iter().flatten().flatten();
    let mut packages: Vec<PathBuf> = pythons.map(|entry| entry.path().join("site-packages")).collect();
    packages.push(environment.to_owned());
    let capi = packages.iter().map(|folder| folder.join("onnxruntime/capi")).find(|folder| folder.is_dir());
    let capi = capi.ok_or_else(|| unfit("it has no package onnxruntime"))?;
    if !capi.join("libonnxruntime_providers_cuda.so").is_file() {
        return Err(unfit("its onnxruntime is built for the CPU only"));
    }
    let files = fs::read_dir(&capi).into_iter().flatten().flatten().map(|entry| entry.path());
    files
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so")))
        .min()
        .ok_or_else(|| unfit("its onnxruntime has no libonnxruntime.so"))
}

fn is_library(name: &str) -> bool {
    !name.contains('/') && name.starts_with("lib") && name.contains(".so") && !name.contains("tensorrt")
}
