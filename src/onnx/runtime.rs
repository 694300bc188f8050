//! ONNX Runtime, found or fetched.
//!
//! The inference library is not linked and not downloaded when the program is built. The first start that needs it goes
//! through these doors, and the first one that opens wins:
//!
//! 1. `ORT_DYLIB_PATH` names a library file. It is taken as it is; if it is not there, that is an error, not a reason to go on.
//! 2. The cache folder (the platform's own, or `LATENTLINK_CACHE`) holds the pinned GPU build, which
//!    `latentlink doctor --install-runtime cuda` put there, or else the pinned CPU build.
//! 3. `LATENTLINK_ORT_WHEEL` names a wheel file someone brought here: its library is unpacked into the cache.
//! 4. pip downloads the pinned wheel into the cache: `python3`, then `python`, then `uv`.
//!
//! What enters the cache must have the pinned SHA-256 ([`crate::onnx::wheels`]), under a file lock, renamed into place whole. A
//! cache that was damaged or half-written is noticed and filled again.
//!
//! The doors are a value, [`RuntimeResolver`], so that tests (and doctors) can set them without touching the process's environment.

mod cache;
mod cuda_folder;
mod error;
mod folder_lock;
mod pip;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use etcetera::BaseStrategy;
use ort::environment::Environment;
use serde::Serialize;

use self::cache::CacheFolder;
use self::cuda_folder::{CudaFolder, CudaInstallation};
use super::cuda_wheels::CudaWheel;
use super::wheels::{OLDEST_MINOR_VERSION, ONNX_RUNTIME_VERSION, RuntimeWheel};

pub use self::{cache::CacheCheck, error::RuntimeError, pip::PipCommand};

/// Where a library came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RuntimeOrigin {
    /// `ORT_DYLIB_PATH`: the user's own build, whose digest nobody pinned.
    LibraryVariable,
    /// The cache already held it.
    Cache,
    /// The GPU build in the cache, from the pinned wheels.
    CudaCache,
    /// The GPU build of a Python environment that `latentlink doctor --install-runtime cuda` was told of; nobody pinned its digest.
    PythonEnvironment { environment: PathBuf },
    /// Unpacked just now from the wheel that `LATENTLINK_ORT_WHEEL` names.
    WheelFile { wheel: PathBuf },
    /// Downloaded just now.
    Fetched { command: String },
}

impl RuntimeOrigin {
    /// The name used in manifests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LibraryVariable => "environment variable",
            Self::Cache => "cache",
            Self::CudaCache => "cache, GPU build",
            Self::PythonEnvironment { .. } => "Python environment",
            Self::WheelFile { .. } => "wheel file",
            Self::Fetched { .. } => "pip",
        }
    }
}

/// A library file that exists, and is the pinned build unless its origin is the user's own variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuntimeLibrary {
    /// Absolute path.
    pub path: PathBuf,
    pub origin: RuntimeOrigin,
    /// The cache held something under the library's name that was not the pinned build, and it was replaced.
    pub repaired: bool,
}

impl RuntimeLibrary {
    /// Whether the file's digest is pinned (and held when it was last checked).
    pub fn is_pinned(&self) -> bool {
        !matches!(self.origin, RuntimeOrigin::LibraryVariable | RuntimeOrigin::PythonEnvironment { .. })
    }

    /// The version the library says it is, such as `1.31.1`. Loads the library for that.
    ///
    /// # Errors
    /// [`RuntimeError::Load`] where the file is no ONNX Runtime that this machine can load.
    pub fn version(&self) -> Result<String, RuntimeError> {
        if self.is_pinned() {
            return Ok(ONNX_RUNTIME_VERSION.to_owned());
        }
        version_of_library(&self.path)
    }
}

/// The doors a library can come through. [`RuntimeResolver::from_environment`] gives the program's.
#[derive(Debug, Clone)]
pub struct RuntimeResolver {
    /// `ORT_DYLIB_PATH`.
    pub library_variable: Option<PathBuf>,
    /// The cache folder of this program; `None` where the user has no home folder.
    pub cache: Option<PathBuf>,
    /// `LATENTLINK_ORT_WHEEL`.
    pub wheel_file: Option<PathBuf>,
    /// What is asked to download, in this order.
    pub pip_commands: Vec<PipCommand>,
    /// The pinned build; `None` on a platform that has none.
    pub wheel: Option<RuntimeWheel>,
    /// The pinned wheels of the GPU build; none on a platform that has none.
    pub cuda_wheels: Vec<CudaWheel>,
    /// How closely a library in the cache is looked at.
    pub cache_check: CacheCheck,
}

impl RuntimeResolver {
    /// The doors of this process: its environment variables, its user's cache folder, this machine's pinned build.
    pub fn from_environment() -> Self {
        let path_variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            library_variable: path_variable("ORT_DYLIB_PATH"),
            cache: cache_folder(),
            wheel_file: path_variable("LATENTLINK_ORT_WHEEL"),
            pip_commands: PipCommand::candidates(),
            wheel: RuntimeWheel::for_this_machine(),
            cuda_wheels: CudaWheel::for_this_machine(),
            cache_check: CacheCheck::default(),
        }
    }

    /// Finds the library, or fetches it. `progress` is told, in one line each, of what takes longer than a moment.
    ///
    /// # Errors
    /// Every variant of [`RuntimeError`] up to `Unobtainable`; each says how to mend it.
    pub fn locate(&self, progress: &dyn Fn(&str)) -> Result<RuntimeLibrary, RuntimeError> {
        if let Some(path) = &self.library_variable {
            let path = absolute(path);
            if !path.is_file() {
                return Err(RuntimeError::LibraryVariable { path });
            }
            return Ok(RuntimeLibrary { path, origin: RuntimeOrigin::LibraryVariable, repaired: false });
        }
        if let Some(installed) = self.cuda_installation()? {
            let path = installed.library().to_owned();
            let origin = match installed {
                CudaInstallation::Wheels { .. } => RuntimeOrigin::CudaCache,
                CudaInstallation::Environment { environment, .. } => RuntimeOrigin::PythonEnvironment { environment },
            };
            return Ok(RuntimeLibrary { path, origin, repaired: false });
        }
        let wheel = self.wheel.ok_or(RuntimeError::UnsupportedPlatform {
            operating_system: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
        })?;
        let cache = self.cache.as_deref().ok_or(RuntimeError::NoCacheFolder)?;
        let folder = CacheFolder::new(&absolute(cache), wheel);
        let found = |origin, repaired| RuntimeLibrary { path: folder.library(), origin, repaired };
        if folder.holds(self.cache_check) {
            return Ok(found(RuntimeOrigin::Cache, false));
        }

        let _lock = folder.lock(progress)?;
        // whoever held the lock before us may have filled the folder
        if folder.holds(self.cache_check) {
            return Ok(found(RuntimeOrigin::Cache, false));
        }
        let repaired = folder.is_occupied();
        if repaired {
            progress("the cached ONNX Runtime is damaged: replacing it");
        }
        let download = folder.download_folder()?;
        let (wheel_file, origin) = match &self.wheel_file {
            Some(file) => {
                let file = absolute(file);
                progress(&format!("unpacking ONNX Runtime {ONNX_RUNTIME_VERSION} from {}", file.display()));
                (file.clone(), RuntimeOrigin::WheelFile { wheel: file })
            }
            None => self.fetch(wheel, download.path(), progress)?,
        };
        folder.install(&wheel_file, &download)?;
        Ok(found(origin, repaired))
    }

    /// Puts the GPU build into the cache: the pinned wheels, or whatever a Python environment has. The next start takes it.
    ///
    /// # Errors
    /// [`RuntimeError`]; each says how to mend it. An installation that was interrupted goes on where it was.
    pub fn install_cuda(&self, environment: Option<&Path>, progress: &dyn Fn(&str)) -> Result<(), RuntimeError> {
        let cache = self.cache.as_deref().ok_or(RuntimeError::NoCacheFolder)?;
        let folder = CudaFolder::new(&absolute(cache), self.cuda_wheels.clone());
        match environment {
            Some(environment) => {
                let library = folder.use_environment(environment)?;
                progress(&format!("from now on runs take {}", library.display()));
            }
            None => folder.install(&self.pip_commands, progress)?,
        }
        Ok(())
    }

    /// The GPU build in the cache, if there is one.
    fn cuda_installation(&self) -> Result<Option<CudaInstallation>, RuntimeError> {
        match &self.cache {
            Some(cache) => CudaFolder::new(&absolute(cache), self.cuda_wheels.clone()).installation(),
            None => Ok(None),
        }
    }

    fn fetch(
        &self,
        wheel: RuntimeWheel,
        folder: &Path,
        progress: &dyn Fn(&str),
    ) -> Result<(PathBuf, RuntimeOrigin), RuntimeError> {
        let mut attempts = Vec::new();
        for pip in &self.pip_commands {
            progress(&format!(
                "fetching ONNX Runtime {ONNX_RUNTIME_VERSION} with {pip} (about {} MB, once)",
                wheel.wheel_bytes.div_ceil(1_000_000)
            ));
            match pip.download(&wheel.hashed_requirement(), &wheel.pip_selection(), folder) {
                Ok(file) => {
                    let command = pip.to_string();
                    return Ok((file, RuntimeOrigin::Fetched { command }));
                }
                Err(attempt) => attempts.push(attempt),
            }
        }
        Err(RuntimeError::Unobtainable { attempts, wheel: Box::new(wheel) })
    }
}

/// The folder for what the program fetches: `LATENTLINK_CACHE`, else `latentlink` in the platform's own cache folder.
pub fn cache_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("LATENTLINK_CACHE").filter(|value| !value.is_empty()) {
        return Some(absolute(Path::new(&folder)));
    }
    let platform = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(platform.cache_dir().join("latentlink"))
}

/// Finds ONNX Runtime for this process, or fetches it; see the module's four doors.
///
/// # Errors
/// [`RuntimeError`]; each says how to mend it.
pub fn locate(progress: &dyn Fn(&str)) -> Result<RuntimeLibrary, RuntimeError> {
    RuntimeResolver::from_environment().locate(progress)
}

/// ONNX Runtime as this process loaded it. One process loads one library, once.
#[derive(Debug)]
pub struct LoadedRuntime {
    pub library: RuntimeLibrary,
    /// What the library says it is.
    pub version: String,
    pub environment: Environment,
}

static LOADED: OnceLock<LoadedRuntime> = OnceLock::new();

/// ONNX Runtime as this process loaded it, `None` before the first [`load`] or [`environment`] that succeeded.
pub fn loaded() -> Option<&'static LoadedRuntime> {
    LOADED.get()
}

/// The process's ONNX Runtime environment, loaded on the first call, without a word about what takes long.
///
/// # Errors
/// As [`load`].
pub fn environment() -> Result<&'static Environment, RuntimeError> {
    environment_with_progress(&|_| {})
}

/// The process's ONNX Runtime environment; `progress` is told if the library must be fetched first.
///
/// # Errors
/// As [`load`].
pub fn environment_with_progress(progress: &dyn Fn(&str)) -> Result<&'static Environment, RuntimeError> {
    Ok(&load(&RuntimeResolver::from_environment(), progress)?.environment)
}

/// Locates the library with `resolver` and loads it. What is loaded already stays, whatever `resolver` says; an error is not
/// kept, so a later call tries again. Telemetry is off.
///
/// # Errors
/// Those of [`RuntimeResolver::locate`], [`RuntimeError::Load`] and [`RuntimeError::Start`].
pub fn load(resolver: &RuntimeResolver, progress: &dyn Fn(&str)) -> Result<&'static LoadedRuntime, RuntimeError> {
    static LOADING: Mutex<()> = Mutex::new(());
    if let Some(loaded) = LOADED.get() {
        return Ok(loaded);
    }
    // the mutex guards no data, so a thread that panicked while holding it left nothing half done
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = LOADED.get() {
        return Ok(loaded);
    }
    let library = resolver.locate(progress)?;
    let version = library.version()?;
    let environment = ort::init_from(&library.path)
        .map_err(|error| RuntimeError::Load { path: library.path.clone(), reason: error.to_string() })?
        .with_name("latentlink")
        .with_telemetry(false)
        .build()
        .map_err(|error| RuntimeError::Start { reason: error.to_string() })?;
    Ok(LOADED.get_or_init(|| LoadedRuntime { library, version, environment }))
}

/// Loads the CUDA and cuDNN libraries of the GPU build in the cache, once; nothing where ONNX Runtime came through another door.
///
/// # Errors
/// [`RuntimeError::CudaLibrary`] where the loader refuses one.
pub fn load_cuda_libraries() -> Result<(), RuntimeError> {
    static LOADING: Mutex<bool> = Mutex::new(false);
    let origin = LOADED.get().map(|loaded| &loaded.library.origin);
    if !matches!(origin, Some(RuntimeOrigin::CudaCache | RuntimeOrigin::PythonEnvironment { .. })) {
        return Ok(());
    }
    let mut is_done = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if *is_done {
        return Ok(());
    }
    if let Some(installed) = RuntimeResolver::from_environment().cuda_installation()? {
        for path in installed.loaded_first() {
            load_for_good(&path)?;
        }
    }
    *is_done = true;
    Ok(())
}

/// Loads a library so that others find its symbols and its name, until the process ends.
#[cfg(unix)]
fn load_for_good(path: &Path) -> Result<(), RuntimeError> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
    // SAFETY: loading runs the initialisers of a library of NVIDIA's that was checked by its digest or named by the user.
    match unsafe { Library::open(Some(path), RTLD_LAZY | RTLD_GLOBAL) } {
        Ok(library) => {
            std::mem::forget(library);
            Ok(())
        }
        Err(error) => Err(RuntimeError::CudaLibrary { path: path.to_owned(), reason: error.to_string() }),
    }
}

/// There is no GPU build to install elsewhere.
#[cfg(not(unix))]
fn load_for_good(_: &Path) -> Result<(), RuntimeError> {
    Ok(())
}

/// Asks a library file for its version, and refuses one that is too old for the program.
fn version_of_library(path: &Path) -> Result<String, RuntimeError> {
    let refused = |reason: String| RuntimeError::Load { path: path.to_owned(), reason };
    // SAFETY: loading runs the library's initialisers; the user named this file as the ONNX Runtime to run. The symbol has this
    // signature in every release (onnxruntime_c_api.h), returns a static table or null, and the table's version string is static.
    let version = unsafe {
        let library = libloading::Library::new(path).map_err(|error| refused(error.to_string()))?;
        let base = {
            let get_api_base =
                library
                    .get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase")
                    .map_err(|_| refused("it does not export `OrtGetApiBase`, so it is no ONNX Runtime".to_owned()))?;
            get_api_base()
        };
        if base.is_null() {
            return Err(refused("it offers no API table".to_owned()));
        }
        let version = std::ffi::CStr::from_ptr(((*base).GetVersionString)()).to_string_lossy().into_owned();
        // ONNX Runtime is loaded again right after this; unloading in between would run its teardown for nothing
        std::mem::forget(library);
        version
    };
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < OLDEST_MINOR_VERSION) {
        return Err(refused(format!("it is version {version}, and 1.{OLDEST_MINOR_VERSION} or newer is needed")));
    }
    Ok(version)
}

/// An absolute path without asking the file system, since the library loader reads relative ones by rules of its own.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
