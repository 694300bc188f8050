//! The shipped pack as other tests use it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use latentlink::diffusion::{Executor, NoiseSchedule};
use latentlink::onnx::{DiffusionPack, ResolvedProvider, runtime};

/// Folder of the pack.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-ldm")
}

/// The opened pack, with ONNX Runtime found or fetched.
pub fn open() -> Arc<DiffusionPack> {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    Arc::new(DiffusionPack::open(&folder()).expect("the shipped pack is whole"))
}

/// An executor on the CPU.
pub fn executor(threads: usize) -> Arc<Executor> {
    Arc::new(Executor::new(open(), ResolvedProvider::Cpu, threads).expect("threads start"))
}

/// The pack's noise schedule.
pub fn schedule(pack: &DiffusionPack) -> NoiseSchedule {
    let (path, config) = pack.scheduler_config();
    NoiseSchedule::from_config(path, config).expect("the shipped pack's schedule is understood")
}
