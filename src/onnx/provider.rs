//! Execution providers: where a session computes.
//!
//! ONNX Runtime's own answer to "can you do CUDA?" is only whether it was compiled in, and a session that cannot have CUDA
//! falls back to the CPU without a word. So a provider is believed here only after a session on it has computed something: three
//! additions on `provider/probe.onnx`, 78 bytes made by `tests/reference/probe_model.py`.

use std::path::Path;

use ort::{environment::Environment, ep, session::Session, value::Tensor};
use serde::Serialize;

use super::runtime::{self, RuntimeError};

/// What the scenario asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExecutionProvider {
    /// CUDA where it can really be created, else the CPU; what was taken is said.
    #[default]
    Auto,
    Cpu,
    Cuda,
}

/// What a session really gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum ResolvedProvider {
    Cpu,
    Cuda(CudaDevice),
}

/// A GPU, and how much of it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct CudaDevice {
    /// Number of the GPU, from 0, as the CUDA driver counts them.
    pub device_id: i32,
    /// What each model's arena may grow to [bytes]; `None`: all there is.
    pub memory_limit_bytes: Option<u64>,
    /// Whether calls that repeat on the same tensors are captured, and replayed as CUDA graphs.
    pub cuda_graphs: bool,
}

impl CudaDevice {
    /// For a session. The arena grows by what is asked for, not by powers of two, so that a limit is a limit. Algorithms of
    /// convolutions are chosen by rule, not by a race: the winner could be another one in the next process, and its sums round
    /// differently. 32-bit floats are multiplied as such: ONNX Runtime would round them to the 10 bits of TF32.
    pub(super) fn provider(self) -> ep::CUDA {
        let provider = ep::CUDA::default()
            .with_device_id(self.device_id)
            .with_arena_extend_strategy(ep::ArenaExtendStrategy::SameAsRequested)
            .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
            .with_tf32(false);
        match self.memory_limit_bytes {
            Some(bytes) => provider.with_memory_limit(usize::try_from(bytes).unwrap_or(usize::MAX)),
            None => provider,
        }
    }
}

impl ResolvedProvider {
    /// Sets of sessions that serve `threads` threads: one each on the CPU; one for all on a GPU, whose memory then holds the
    /// weights once, and on which calls wait for each other anyway.
    pub fn session_sets(self, threads: usize) -> usize {
        match self {
            Self::Cpu => threads,
            Self::Cuda { .. } => 1,
        }
    }

    /// Whether calls that repeat on the same tensors are captured, and replayed as CUDA graphs.
    pub(super) fn captures_graphs(self) -> bool {
        matches!(self, Self::Cuda(CudaDevice { cuda_graphs: true, .. }))
    }

    /// The name it has in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda { .. } => "cuda",
        }
    }
}

/// What a wish came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderChoice {
    pub provider: ResolvedProvider,
    /// Why `auto` did not take CUDA.
    pub why_not_cuda: Option<String>,
}

impl ProviderChoice {
    /// What `auto` took, and why, for people.
    pub fn said_of_auto(&self) -> String {
        match (self.provider, &self.why_not_cuda) {
            (ResolvedProvider::Cuda(device), _) => {
                format!("execution_provider \"auto\" took CUDA, GPU {}", device.device_id)
            }
            (ResolvedProvider::Cpu, Some(why)) => {
                // The rest is for whoever wants CUDA, and `latentlink doctor` tells it.
                let why = why.split(": ").next().unwrap_or(why);
                format!("execution_provider \"auto\" took the CPU: {why}")
            }
            (ResolvedProvider::Cpu, None) => "execution_provider \"auto\" took the CPU".to_owned(),
        }
    }
}

/// `y = x + x` for float32 `x` of shape `[n]`.
const PROBE_MODEL: &[u8] = include_bytes!("provider/probe.onnx");

/// Turns the scenario's wish into a provider that works on this machine, `device` where it is CUDA. Loads ONNX Runtime if that has not
/// happened yet.
///
/// # Errors
/// Those of [`runtime::environment`]; [`RuntimeError::Cuda`] where `cuda` was asked for by name and cannot be had.
pub fn resolve(requested: ExecutionProvider, device: CudaDevice) -> Result<ProviderChoice, RuntimeError> {
    let cuda = ResolvedProvider::Cuda(device);
    let on = |provider, why_not_cuda| probe(provider).map(|()| ProviderChoice { provider, why_not_cuda });
    match requested {
        ExecutionProvider::Cpu => on(ResolvedProvider::Cpu, None),
        ExecutionProvider::Cuda => on(cuda, None),
        ExecutionProvider::Auto => match on(cuda, None) {
            Err(RuntimeError::Cuda { reason, .. }) => on(ResolvedProvider::Cpu, Some(reason)),
            other => other,
        },
    }
}

/// Creates a session on `provider` and computes with it.
///
/// # Errors
/// Those of [`runtime::environment`]; else [`RuntimeError::Start`] for the CPU and [`RuntimeError::Cuda`] for CUDA.
pub fn probe(provider: ResolvedProvider) -> Result<(), RuntimeError> {
    let environment = runtime::environment()?;
    compute(environment, provider).map_err(|reason| match provider {
        ResolvedProvider::Cpu => RuntimeError::Start { reason },
        ResolvedProvider::Cuda { .. } => cuda_cannot_be_had(&reason),
    })
}

fn compute(environment: &Environment, provider: ResolvedProvider) -> Result<(), String> {
    if matches!(provider, ResolvedProvider::Cuda { .. }) {
        runtime::load_cuda_libraries().map_err(|error| error.to_string())?;
    }
    let run = || -> ort::Result<Vec<f32>> {
        let mut builder = Session::builder(environment)?.with_intra_threads(1)?;
        if let ResolvedProvider::Cuda(device) = provider {
            builder = builder.with_execution_providers([device.provider().build().error_on_failure()])?;
        }
        let mut session = builder.commit_from_memory(PROBE_MODEL)?;
        let x = Tensor::from_array(([3_usize], vec![0.5_f32, -2.0, 3.0]))?;
        let outputs = session.run(ort::inputs!["x" => x])?;
        let (_, y) = outputs["y"].try_extract_tensor::<f32>()?;
        Ok(y.to_vec())
    };
    match run() {
        Ok(y) if y == [1.0, -4.0, 6.0] => Ok(()),
        Ok(y) => Err(format!("it computes [0.5, -2, 3] + [0.5, -2, 3] = {y:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Says what is missing, in the words of whoever has to install it.
fn cuda_cannot_be_had(message: &str) -> RuntimeError {
    const USE_CPU: &str = "or set `execution_provider = \"cpu\"` (or \"auto\") under [models]";
    if cfg!(target_os = "macos") {
        return RuntimeError::Cuda {
            reason: "there is no CUDA on macOS".to_owned(),
            help: "set `execution_provider = \"cpu\"` (or \"auto\") under [models]".to_owned(),
        };
    }
    let library = runtime::loaded().map(|loaded| loaded.library.path.as_path());
    let has_cuda_provider =
        library.and_then(Path::parent).is_some_and(|folder| folder.join(cuda_provider_file()).is_file());
    const INSTALL: &str = "latentlink doctor --install-runtime cuda";
    if !has_cuda_provider {
        return RuntimeError::Cuda {
            reason: format!(
                "`{}` is missing: the ONNX Runtime in use{} is built for the CPU only",
                cuda_provider_file(),
                library.map_or_else(String::new, |path| format!(" (`{}`)", path.display())),
            ),
            help: format!(
                "install the GPU build (1.6 GB, once) with\n{INSTALL}\nand unset ORT_DYLIB_PATH if it is set; {USE_CPU}"
            ),
        };
    }
    match missing_library(message) {
        Some(missing) if missing.starts_with("libcuda.so") => RuntimeError::Cuda {
            reason: format!("`{missing}` is missing, a part of NVIDIA's driver"),
            help: format!("install the driver, 580 or newer for CUDA 13, so that `nvidia-smi` lists a GPU; {USE_CPU}"),
        },
        Some(missing) => RuntimeError::Cuda {
            reason: format!("`{missing}` is missing, which the CUDA provider needs"),
            help: format!(
                "install the CUDA and cuDNN libraries with\n{INSTALL}\nor name the folder of `{missing}` in {}; {USE_CPU}",
                if cfg!(windows) { "PATH" } else { "LD_LIBRARY_PATH" },
            ),
        },
        None => RuntimeError::Cuda {
            reason: message.lines().next().unwrap_or(message).to_owned(),
            help: format!(
                "check that `nvidia-smi` lists a GPU whose driver is new enough for this build of ONNX Runtime; {USE_CPU}"
            ),
        },
    }
}

/// File name of ONNX Runtime's CUDA provider on this platform, which lies beside the main library of a GPU build.
fn cuda_provider_file() -> String {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    format!("{prefix}onnxruntime_providers_cuda{suffix}")
}

/// The library that a dynamic loader's message complains of: `libcublasLt.so.13: cannot open shared object file: …` (glibc), or
/// `… which depends on "cublasLt64_13.dll" which is missing` (ONNX Runtime on Windows).
fn missing_library(message: &str) -> Option<&str> {
    if let Some((before, _)) = message.split_once(": cannot open shared object file") {
        return before.rsplit(char::is_whitespace).next();
    }
    let (before, _) = message.split_once("which is missing")?;
    before.split('"').rev().nth(1)
}

#[cfg(test)]
mod tests {
    use super::missing_library;

    #[test]
    fn the_missing_library_is_read_from_the_loaders_message() {
        // as ONNX Runtime 1.31.1 prints it from its GPU wheel on a machine without CUDA
        let linux = "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared \
                     object file: No such file or directory";
        assert_eq!(missing_library(linux), Some("libcublasLt.so.13"));
        assert_eq!(missing_library("CUDA driver version is insufficient"), None);
    }
}
