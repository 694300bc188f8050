//! The real ONNX Runtime of this machine, fetched if it is not here yet, and sessions on it.

use std::fs;

use latentlink::onnx::{
    CudaDevice, ExecutionProvider, ResolvedProvider, RuntimeError,
    provider::resolve,
    runtime::{RuntimeOrigin, RuntimeResolver, load},
    wheels::RuntimeWheel,
};
use sha2::{Digest, Sha256};

#[test]
fn the_library_in_use_is_the_pinned_build_and_says_its_version() {
    let loaded = load(&RuntimeResolver::from_environment(), &|_| {}).expect("ONNX Runtime, or pip to fetch it");
    if !loaded.library.is_pinned() || loaded.library.origin == RuntimeOrigin::CudaCache {
        return; // the user's own, through ORT_DYLIB_PATH, or the GPU build
    }
    let row = RuntimeWheel::for_this_machine().expect("a pinned library has a row");
    let bytes = fs::read(&loaded.library.path).expect("the library");
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((bytes.len() as u64, digest.as_str()), (row.library_bytes, row.library_sha256));
    assert_eq!(loaded.version, "1.31.1");
}

#[test]
fn the_cpu_can_be_had_wherever_onnx_runtime_can() {
    let choice = resolve(ExecutionProvider::Cpu, CudaDevice::default()).expect("ONNX Runtime");
    assert_eq!((choice.provider, choice.why_not_cuda), (ResolvedProvider::Cpu, None));
}

#[test]
fn cuda_asked_for_by_name_is_cuda_or_an_error_while_auto_takes_what_there_is() {
    let auto = resolve(ExecutionProvider::Auto, CudaDevice::default()).expect("ONNX Runtime");
    match resolve(ExecutionProvider::Cuda, CudaDevice::default()) {
        Ok(choice) => {
            assert_eq!(choice.provider, ResolvedProvider::Cuda(CudaDevice::default()));
            assert_eq!(auto, choice);
        }
        Err(RuntimeError::Cuda { reason, help }) => {
            assert_eq!(auto.provider, ResolvedProvider::Cpu);
            let said = auto.said_of_auto();
            assert!(
                said.contains("\"auto\" took the CPU: ")
                    && said.split_once("CPU: ").is_some_and(|(_, why)| reason.starts_with(why)),
                "{said}"
            );
            let loaded = load(&RuntimeResolver::from_environment(), &|_| {}).expect("loaded above");
            if loaded.library.is_pinned() {
                // the pinned builds are for the CPU, unless somebody installed the other
                let is_gpu_build = loaded.library.origin == RuntimeOrigin::CudaCache;
                assert!(is_gpu_build || reason.contains("onnxruntime_providers_cuda"), "{reason}");
                assert!(is_gpu_build || help.contains("doctor --install-runtime cuda"), "{help}");
            }
        }
        Err(other) => panic!("{other:?}"),
    }
}
