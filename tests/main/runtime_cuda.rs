//! How the GPU build gets into the cache. Small zip files with digests of their own stand for the wheels, so nothing is fetched; that
//! the real ones compute needs a GPU.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use latentlink::onnx::cuda_wheels::{CUDA_WHEELS, CudaWheel};
use latentlink::onnx::runtime::{CacheCheck, PipCommand, RuntimeError, RuntimeOrigin, RuntimeResolver};
use miette::Diagnostic;
use sha2::{Digest, Sha256};

fn silent(_: &str) {}

/// A wheel with these files, and its row.
fn wheel(folder: &Path, requirement: &'static str, library_folder: &'static str, files: &[&str]) -> CudaWheel {
    let path = folder.join(requirement.split("==").next().expect("a name")).with_extension("whl");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).expect("a temporary folder"));
    for file in files {
        archive.start_file(*file, zip::write::SimpleFileOptions::default()).expect("a new entry");
        archive.write_all(file.as_bytes()).expect("a temporary folder");
    }
    archive.finish().expect("a temporary folder");
    let bytes = fs::read(&path).expect("just written");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    CudaWheel { requirement, wheel_bytes: bytes.len() as u64, wheel_sha256: sha256.leak(), library_folder }
}

/// Two wheels, and a resolver with an empty cache that knows them.
fn machine(folder: &Path, pip: PipCommand) -> RuntimeResolver {
    let runtime = [
        "onnxruntime/capi/libonnxruntime.so.1.31.1",
        "onnxruntime/capi/libonnxruntime_providers_cuda.so",
        "onnxruntime/capi/libonnxruntime_providers_tensorrt.so",
        "onnxruntime/capi/onnxruntime_pybind11_state.so",
    ];
    let cublas = ["nvidia/cu13/lib/libcublas.so.13", "nvidia/cu13/include/cublas.h"];
    RuntimeResolver {
        library_variable: None,
        cache: Some(folder.join("cache")),
        wheel_file: None,
        pip_commands: vec![pip],
        wheel: None,
        cuda_wheels: vec![
            wheel(folder, "onnxruntime-gpu==1.31.1", "onnxruntime/capi/", &runtime),
            wheel(folder, "nvidia-cublas==13.10.0.20", "nvidia/cu13/lib/", &cublas),
        ],
        cache_check: CacheCheck::Quick,
    }
}

/// Does what `pip download` does, from the wheels in `folder`, and logs what it was asked for; fails where `broken` says so.
#[cfg(unix)]
fn pip(folder: &Path, broken: &str) -> PipCommand {
    let script = folder.join("pip.sh");
    let text = format!(
        "while [ \"$1\" != --requirement ]; do shift; done\nname=$(cut -d= -f1 \"$2\")\necho $name >> '{0}/log'\n\
         {broken}\ncp \"{0}/$name.whl\" \"$4\"/\n",
        folder.display()
    );
    fs::write(&script, text).expect("a temporary folder");
    PipCommand::new("sh", [script])
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn an_installation_goes_on_after_the_last_whole_wheel_and_then_is_what_runs_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let mut machine = machine(place, pip(place, "test $name = onnxruntime-gpu || exit 1"));
    let error = machine.install_cuda(None, &silent).expect_err("the second wheel cannot be had");
    assert!(error.to_string().contains("nvidia-cublas==13.10.0.20"), "{error}");
    assert!(error.help().expect("a mend").to_string().contains("goes on with this wheel"));
    assert!(machine.locate(&silent).is_err(), "half an installation is none, and there is no other door");

    machine.pip_commands = vec![pip(place, "")];
    machine.install_cuda(None, &silent).expect("now it can be had");
    let asked = fs::read_to_string(place.join("log")).expect("a log");
    assert_eq!(asked.lines().collect::<Vec<_>>(), ["onnxruntime-gpu", "nvidia-cublas", "nvidia-cublas"]);

    let found = machine.locate(&silent).expect("it is whole");
    assert_eq!(found.origin, RuntimeOrigin::CudaCache);
    assert_eq!(
        names(found.path.parent().expect("a folder")),
        [
            "libcublas.so.13",
            "libonnxruntime.so.1.31.1",
            "libonnxruntime_providers_cuda.so",
            "lock",
            "nvidia-cublas.ok",
            "onnxruntime-gpu.ok"
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_wheel_with_another_digest_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let machine = machine(place, pip(place, "echo more >> \"$(dirname \"$0\")/$name.whl\""));
    let error = machine.install_cuda(None, &silent).expect_err("it was changed on the way");
    assert!(matches!(error, RuntimeError::Digest { .. }), "{error}");
    assert!(machine.locate(&silent).is_err());
}

#[test]
fn an_environment_is_taken_as_it_is_and_refused_without_a_gpu_build() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let machine = machine(place, PipCommand::new("latentlink-test-no-such-program", ["pip"]));
    let environment = place.join("venv");
    let refused = |expected: &str| {
        let error = machine.install_cuda(Some(&environment), &silent).expect_err("there is no GPU build");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.help().expect("a mend").to_string().contains("onnxruntime-gpu[cuda,cudnn]==1.31.1"));
    };
    refused("no such folder");
    fs::create_dir_all(&environment).expect("a folder");
    refused("no package onnxruntime");
    let capi = environment.join("lib/python3.12/site-packages/onnxruntime/capi");
    fs::create_dir_all(&capi).expect("a folder");
    fs::write(capi.join("libonnxruntime.so.1.31.1"), "library").expect("a file");
    refused("for the CPU only");
    fs::write(capi.join("libonnxruntime_providers_cuda.so"), "library").expect("a file");
    machine.install_cuda(Some(&environment), &silent).expect("it has one now");
    let found = machine.locate(&silent).expect("the environment");
    assert_eq!(found.path, capi.join("libonnxruntime.so.1.31.1"));
    assert_eq!(found.origin, RuntimeOrigin::PythonEnvironment { environment: environment.clone() });
    assert!(!found.is_pinned());

    fs::remove_dir_all(PathBuf::from(&environment)).expect("a folder");
    let error = machine.locate(&silent).expect_err("it has gone");
    assert!(matches!(error, RuntimeError::PythonEnvironment { .. }), "{error}");
}

#[test]
fn every_pinned_wheel_of_the_gpu_build_has_a_version_a_size_and_a_digest() {
    for wheel in CUDA_WHEELS {
        assert!(
            wheel.requirement.split_once("==").is_some_and(|(name, version)| !name.is_empty() && !version.is_empty())
        );
        assert!(wheel.wheel_sha256.len() == 64 && wheel.wheel_bytes > 1_000_000, "{}", wheel.requirement);
    }
    let megabytes = CUDA_WHEELS.iter().map(|wheel| wheel.wheel_bytes).sum::<u64>() / 1_000_000;
    assert_eq!(megabytes, 1566, "what the documentation says of the download");
}
