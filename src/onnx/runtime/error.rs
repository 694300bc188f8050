//! What can go wrong between "no ONNX Runtime here" and a session, and how each is mended.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use crate::onnx::wheels::{OLDEST_MINOR_VERSION, ONNX_RUNTIME_VERSION, RuntimeWheel};

/// ONNX Runtime, or the execution provider asked for, cannot be had. The program ends with exit code 3.
#[derive(Debug, Error, Diagnostic)]
pub enum RuntimeError {
    /// `ORT_DYLIB_PATH` is set, so nothing else is tried, and there is no such file.
    #[error("ORT_DYLIB_PATH names `{}`, but there is no such file", path.display())]
    #[diagnostic(help(
        "set ORT_DYLIB_PATH to the full path of an ONNX Runtime library (1.{OLDEST_MINOR_VERSION} or newer), or unset it: latentlink then fetches its own"
    ))]
    LibraryVariable { path: PathBuf },

    /// `LATENTLINK_ORT_WHEEL` is set, so pip is not asked, and the wheel is missing, no zip file, or lacks the library.
    #[error("the ONNX Runtime wheel `{}` cannot be used: {reason}", path.display())]
    #[diagnostic(help("{}", wheel_file_help()))]
    WheelFile { path: PathBuf, reason: String },

    /// A library was unpacked that is not the pinned build; it was thrown away.
    #[error("{what} is not the pinned ONNX Runtime {ONNX_RUNTIME_VERSION}: SHA-256 {found}, expected {expected}")]
    #[diagnostic(help("{}", wheel_file_help()))]
    Digest { what: String, expected: String, found: String },

    /// No build is pinned for this operating system and processor.
    #[error("no ONNX Runtime build is known for {operating_system} on {architecture}")]
    #[diagnostic(help(
        "build or install ONNX Runtime 1.{OLDEST_MINOR_VERSION} or newer for this machine and set ORT_DYLIB_PATH to its library"
    ))]
    UnsupportedPlatform { operating_system: &'static str, architecture: &'static str },

    /// The user has no home folder, so there is no cache folder either.
    #[error("no cache folder: the home folder of this user is unknown")]
    #[diagnostic(help("set LATENTLINK_CACHE to a folder that can be written"))]
    NoCacheFolder,

    /// The cache folder cannot be created, locked, read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    #[diagnostic(help("set LATENTLINK_CACHE to a folder on a local disk that can be written and has 100 MB free"))]
    Cache { action: &'static str, path: PathBuf, source: std::io::Error },

    /// Nothing could fetch the wheel. `attempts` holds one line for each way that was tried.
    #[error(
        "ONNX Runtime {ONNX_RUNTIME_VERSION} is not on this machine and could not be fetched\n{}",
        indented(attempts)
    )]
    #[diagnostic(help("{}", three_ways_out(wheel)))]
    Unobtainable { attempts: Vec<String>, wheel: Box<RuntimeWheel> },

    /// The file exists but the loader refuses it, or it is no ONNX Runtime, or it is too old.
    #[error("cannot load ONNX Runtime from `{}`: {reason}", path.display())]
    #[diagnostic(help(
        "a library for this machine, version 1.{OLDEST_MINOR_VERSION} or newer, is needed; `latentlink doctor` checks the one in the cache, `unset ORT_DYLIB_PATH` goes back to it"
    ))]
    Load { path: PathBuf, reason: String },

    /// The library is loaded but cannot do the smallest piece of work.
    #[error("ONNX Runtime does not start: {reason}")]
    #[diagnostic(help("run `latentlink doctor`; a library named by ORT_DYLIB_PATH may be built for another machine"))]
    Start { reason: String },

    /// One of the CUDA libraries in the cache, or in the named environment, does not load.
    #[error("`{}` cannot be loaded: {reason}", path.display())]
    #[diagnostic(help(
        "run `latentlink doctor --install-runtime cuda` again, or set `execution_provider = \"cpu\"` under [models]"
    ))]
    CudaLibrary { path: PathBuf, reason: String },

    /// Nothing could fetch one of the wheels of the GPU build. What was fetched before stays.
    #[error("{requirement} could not be fetched\n{}", indented(attempts))]
    #[diagnostic(help(
        "give the same command again when there is a network: it goes on with this wheel. \
         Or install the GPU build into a Python environment, \
         `python3 -m pip install \"onnxruntime-gpu[cuda,cudnn]=={ONNX_RUNTIME_VERSION}\"`, and name its folder with --python-environment"
    ))]
    CudaUnobtainable { requirement: &'static str, attempts: Vec<String> },

    /// The Python environment that was named has no GPU build of ONNX Runtime.
    #[error("the Python environment `{}` cannot be used: {reason}", path.display())]
    #[diagnostic(help(
        "install it there: `PATH/bin/python -m pip install \"onnxruntime-gpu[cuda,cudnn]=={ONNX_RUNTIME_VERSION}\"`; \
         `latentlink doctor --install-runtime cuda` without --python-environment takes latentlink's own wheels instead"
    ))]
    PythonEnvironment { path: PathBuf, reason: String },

    /// `cuda` was asked for by name and no CUDA session can be created; there is no silent fall-back to the CPU.
    #[error("execution provider `cuda` cannot be had: {reason}")]
    #[diagnostic(help("{help}"))]
    Cuda { reason: String, help: String },
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n")
}

/// The ways to a library when nothing here can fetch one. Each command has a line of its own, to be copied.
fn three_ways_out(wheel: &RuntimeWheel) -> String {
    format!(
        "any one of these three:\n\
         1. install pip, here `python3 -m ensurepip --user` or your system's package `python3-pip`; the next start then fetches it\n\
         2. set ORT_DYLIB_PATH to an ONNX Runtime library (1.{OLDEST_MINOR_VERSION} or newer) that is already here\n\
         3. on a machine with a network run\n\
         {}\n\
         bring the file here and set\n\
         LATENTLINK_ORT_WHEEL={}",
        wheel.download_command(),
        wheel.wheel_file_name,
    )
}

fn wheel_file_help() -> String {
    match RuntimeWheel::for_this_machine() {
        Some(wheel) => format!(
            "get the wheel with\n{}\nthen set LATENTLINK_ORT_WHEEL to the file's path",
            wheel.download_command()
        ),
        None => "set ORT_DYLIB_PATH to an ONNX Runtime library instead".to_owned(),
    }
}
