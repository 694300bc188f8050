//! How ONNX Runtime gets into the cache and stays whole there. The doors are given as a value, so no test touches the process's
//! environment; a small zip file with a pinned digest of its own stands for the wheel, so none needs the network.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use latentlink::onnx::{
    runtime::{CacheCheck, PipCommand, RuntimeError, RuntimeOrigin, RuntimeResolver},
    wheels::{RUNTIME_WHEELS, RuntimeWheel},
};
use miette::Diagnostic;
use sha2::{Digest, Sha256};

const LIBRARY: &[u8] = b"\x7fELF and what else a library may consist of";

/// A folder with a wheel in it and a resolver that pins this wheel and has an empty cache and no pip.
struct Machine {
    folder: tempfile::TempDir,
    wheel_file: PathBuf,
    resolver: RuntimeResolver,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wheel_file = folder.path().join("onnxruntime.whl");
        write_wheel(&wheel_file, LIBRARY);
        let wheel = RuntimeWheel {
            wheel_sha256: hexadecimal(&fs::read(&wheel_file).expect("just written")),
            library_bytes: LIBRARY.len() as u64,
            library_sha256: hexadecimal(LIBRARY),
            ..RUNTIME_WHEELS[0]
        };
        let resolver = RuntimeResolver {
            library_variable: None,
            cache: Some(folder.path().join("cache")),
            wheel_file: None,
            pip_commands: vec![PipCommand::new("latentlink-test-no-such-program", ["-m", "pip"])],
            wheel: Some(wheel),
            cuda_wheels: Vec::new(),
            cache_check: CacheCheck::Quick,
        };
        Self { folder, wheel_file, resolver }
    }

    /// The same with the wheel at hand and installed into the cache.
    fn with_a_filled_cache() -> (Self, PathBuf) {
        let mut machine = Self::new();
        machine.resolver.wheel_file = Some(machine.wheel_file.clone());
        let library = machine.resolver.locate(&silent).expect("the wheel is whole");
        (machine, library.path)
    }

    /// A program that does what `pip download` does, from a file, and counts its calls in a log.
    #[cfg(unix)]
    fn pip(&self, before: &str) -> (PipCommand, PathBuf) {
        let log = self.folder.path().join("pip.log");
        let script = self.folder.path().join("pip.sh");
        let text = format!(
            "echo \"$@\" >> '{}'\n{before}\nfor last in \"$@\"; do :; done\ncp '{}' \"$last\"/\n",
            log.display(),
            self.wheel_file.display()
        );
        fs::write(&script, text).expect("a temporary folder");
        (PipCommand::new("sh", [script]), log)
    }
}

fn write_wheel(path: &Path, library: &[u8]) {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(fs::File::create(path).expect("a temporary folder"));
    archive
        .start_file(RUNTIME_WHEELS[0].library_in_wheel, zip::write::SimpleFileOptions::default())
        .expect("a new entry");
    archive.write_all(library).expect("a temporary folder");
    archive.finish().expect("a temporary folder");
}

/// Lives as long as the test program, as the digests of the real table do.
fn hexadecimal(bytes: &[u8]) -> &'static str {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().leak()
}

fn silent(_: &str) {}

fn folder_of(library: &Path) -> &Path {
    library.parent().expect("a library lies in a folder")
}

fn left_over_downloads(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("the cache folder");
    entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("fetch-")).count()
}

#[test]
fn a_library_variable_that_names_no_file_is_an_error_and_no_other_door_is_tried() {
    let (mut machine, _) = Machine::with_a_filled_cache();
    let absent = machine.folder.path().join("absent.so");
    machine.resolver.library_variable = Some(absent.clone());
    match machine.resolver.locate(&silent) {
        Err(RuntimeError::LibraryVariable { path }) => assert_eq!(path, absent),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_library_variable_that_names_a_file_wins_over_the_cache() {
    let (mut machine, _) = Machine::with_a_filled_cache();
    let own = machine.folder.path().join("own.so");
    fs::write(&own, "not even a library").expect("a temporary folder");
    machine.resolver.library_variable = Some(own.clone());
    let library = machine.resolver.locate(&silent).expect("the file is there");
    assert_eq!((library.path.clone(), library.is_pinned()), (own, false));
    // it is refused when it is to be loaded, not taken for something else
    assert!(matches!(library.version(), Err(RuntimeError::Load { .. })));
}

#[test]
fn a_wheel_file_is_unpacked_into_the_cache_once_and_found_there_from_then_on() {
    let (mut machine, path) = Machine::with_a_filled_cache();
    assert_eq!(fs::read(&path).expect("the library"), LIBRARY);
    machine.resolver.wheel_file = None;
    let again = machine.resolver.locate(&silent).expect("the cache holds it");
    assert_eq!((again.path.clone(), again.origin), (path, RuntimeOrigin::Cache));
    assert_eq!(left_over_downloads(folder_of(&again.path)), 0);
}

#[test]
fn a_half_written_library_is_replaced() {
    let (machine, path) = Machine::with_a_filled_cache();
    fs::write(&path, &LIBRARY[..LIBRARY.len() / 2]).expect("the cache folder");
    let library = machine.resolver.locate(&silent).expect("the wheel is at hand");
    assert!(library.repaired);
    assert_eq!(fs::read(&path).expect("the library"), LIBRARY);
}

#[test]
fn a_library_of_the_right_size_with_other_bytes_is_replaced_if_nobody_vouches_for_it() {
    let (machine, path) = Machine::with_a_filled_cache();
    fs::write(&path, vec![0; LIBRARY.len()]).expect("the cache folder");
    fs::remove_file(folder_of(&path).join("ok")).expect("the mark of an earlier check");
    assert!(machine.resolver.locate(&silent).expect("the wheel is at hand").repaired);
    assert_eq!(fs::read(&path).expect("the library"), LIBRARY);
}

#[test]
fn the_full_check_finds_damage_that_the_quick_one_cannot_see() {
    let (mut machine, path) = Machine::with_a_filled_cache();
    fs::write(&path, vec![0; LIBRARY.len()]).expect("the cache folder");
    assert!(!machine.resolver.locate(&silent).expect("size and mark fit").repaired);
    machine.resolver.cache_check = CacheCheck::Full;
    assert!(machine.resolver.locate(&silent).expect("the wheel is at hand").repaired);
    assert_eq!(fs::read(&path).expect("the library"), LIBRARY);
}

#[test]
fn a_whole_library_that_lost_its_mark_needs_no_new_download() {
    let (mut machine, path) = Machine::with_a_filled_cache();
    machine.resolver.wheel_file = None;
    let mark = folder_of(&path).join("ok");
    for text in [None, Some("half a dig")] {
        match text {
            None => fs::remove_file(&mark).expect("the mark"),
            Some(text) => fs::write(&mark, text).expect("the cache folder"),
        }
        let library = machine.resolver.locate(&silent).expect("the digest holds");
        assert_eq!(library.origin, RuntimeOrigin::Cache);
        assert_eq!(fs::read_to_string(&mark).expect("the mark is back"), hexadecimal(LIBRARY));
    }
}

#[test]
fn a_wheel_with_another_library_is_refused_and_leaves_nothing_in_the_cache() {
    let mut machine = Machine::new();
    let forged = machine.folder.path().join("forged.whl");
    let mut bytes = LIBRARY.to_vec();
    bytes[10] ^= 1;
    write_wheel(&forged, &bytes);
    machine.resolver.wheel_file = Some(forged);
    match machine.resolver.locate(&silent) {
        Err(RuntimeError::Digest { expected, found, .. }) => {
            assert_eq!(expected, hexadecimal(LIBRARY));
            assert_eq!(found, hexadecimal(&bytes));
        }
        other => panic!("{other:?}"),
    }
    let cache = machine.folder.path().join("cache");
    let folder = fs::read_dir(cache).expect("the cache").flatten().next().expect("the folder of the build").path();
    let names: Vec<_> = fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["lock"]);
}

#[test]
fn a_wheel_file_that_is_missing_cut_short_or_of_something_else_is_an_error_that_names_it() {
    let mut machine = Machine::new();
    let file = machine.folder.path().join("brought.whl");
    let whole = fs::read(&machine.wheel_file).expect("the wheel");
    let mut other = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    other.start_file("numpy/__init__.py", zip::write::SimpleFileOptions::default()).expect("a new entry");
    let other = other.finish().expect("in memory").into_inner();
    for content in [None, Some(&whole[..whole.len() / 2]), Some(&other[..])] {
        if let Some(content) = content {
            fs::write(&file, content).expect("a temporary folder");
        }
        machine.resolver.wheel_file = Some(file.clone());
        match machine.resolver.locate(&silent) {
            Err(RuntimeError::WheelFile { path, .. }) => assert_eq!(path, file),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn without_pip_the_error_names_the_three_ways_out() {
    let machine = Machine::new();
    let error = machine.resolver.locate(&silent).expect_err("there is no pip");
    assert!(error.to_string().contains("latentlink-test-no-such-program"), "{error}");
    let help = error.help().expect("ways out").to_string();
    for way in [
        "ensurepip",
        "ORT_DYLIB_PATH",
        "LATENTLINK_ORT_WHEEL=onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl",
        "python3 -m pip download --no-deps --only-binary=:all: --platform manylinux_2_28_x86_64 --python-version 3.12 \
         --implementation cp --abi cp312 onnxruntime==1.31.1",
    ] {
        assert!(help.contains(way), "`{way}` is not in:\n{help}");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error_that_names_the_variable_to_set() {
    let mut machine = Machine::new();
    machine.resolver.cache = Some(machine.wheel_file.join("below-a-file"));
    machine.resolver.wheel_file = Some(machine.wheel_file.clone());
    let error = machine.resolver.locate(&silent).expect_err("a file is no folder");
    assert!(matches!(error, RuntimeError::Cache { .. }), "{error:?}");
    assert!(error.help().expect("a way out").to_string().contains("LATENTLINK_CACHE"));
}

#[test]
fn a_platform_without_a_pinned_build_is_an_error_unless_the_user_names_a_library() {
    let mut machine = Machine::new();
    machine.resolver.wheel = None;
    assert!(matches!(machine.resolver.locate(&silent), Err(RuntimeError::UnsupportedPlatform { .. })));
    machine.resolver.library_variable = Some(machine.wheel_file.clone());
    assert!(machine.resolver.locate(&silent).is_ok());
}

#[cfg(unix)]
#[test]
fn pip_is_asked_for_the_pinned_wheel_by_digest_and_the_next_command_is_tried_when_one_fails() {
    let mut machine = Machine::new();
    let (pip, log) = machine.pip("");
    machine.resolver.pip_commands.push(pip.clone());
    let told = Mutex::new(Vec::new());
    let library = machine
        .resolver
        .locate(&|line| told.lock().expect("one thread").push(line.to_owned()))
        .expect("the second command works");
    assert_eq!(library.origin, RuntimeOrigin::Fetched { command: pip.to_string() });
    assert_eq!(fs::read(&library.path).expect("the library"), LIBRARY);
    assert_eq!(left_over_downloads(folder_of(&library.path)), 0);
    let arguments = fs::read_to_string(log).expect("pip was called");
    for argument in ["--require-hashes", "--no-deps", "--only-binary=:all:", "--platform manylinux_2_28_x86_64"] {
        assert!(arguments.contains(argument), "{arguments}");
    }
    let told = told.into_inner().expect("one thread");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("fetching ONNX Runtime 1.31.1 with sh "), "{told:?}");
}

#[cfg(unix)]
#[test]
fn what_pip_complained_of_is_in_the_error() {
    let mut machine = Machine::new();
    let complaint = "ERROR: Could not find a version that satisfies the requirement";
    let (pip, _) = machine.pip(&format!("echo 'WARNING: retrying' >&2; echo '{complaint}' >&2; echo >&2; exit 1"));
    machine.resolver.pip_commands = vec![pip];
    let error = machine.resolver.locate(&silent).expect_err("pip failed");
    assert!(error.to_string().contains(complaint), "{error}");
}

#[cfg(unix)]
#[test]
fn a_package_index_out_of_reach_is_told_apart_from_a_missing_package() {
    // what pip 23.2 prints on a machine without a network
    let retrying = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by NewConnectionError";
    let ending = "ERROR: No matching distribution found for onnxruntime==1.31.1";
    for (printed, reachable) in [(format!("{retrying}\n{ending}"), false), (ending.to_owned(), true)] {
        let mut machine = Machine::new();
        let message = machine.folder.path().join("message");
        fs::write(&message, printed).expect("a temporary folder");
        let (pip, _) = machine.pip(&format!("cat '{}' >&2; exit 1", message.display()));
        machine.resolver.pip_commands = vec![pip];
        let error = machine.resolver.locate(&silent).expect_err("pip failed").to_string();
        assert!(error.contains(ending), "{error}");
        assert_eq!(!error.contains("could not be reached"), reachable, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn first_runs_at_once_all_succeed_with_one_download() {
    let mut machine = Machine::new();
    let (pip, log) = machine.pip("sleep 0.3");
    machine.resolver.pip_commands = vec![pip];
    let paths: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| machine.resolver.locate(&silent))).collect();
        runs.into_iter().map(|run| run.join().expect("no panic").expect("a library").path).collect()
    });
    assert!(paths.iter().all(|path| path == &paths[0]));
    assert_eq!(fs::read(&paths[0]).expect("the library"), LIBRARY);
    assert_eq!(fs::read_to_string(log).expect("pip was called").lines().count(), 1);
}

#[test]
fn what_a_killed_download_left_behind_is_swept_by_the_next() {
    let (machine, path) = Machine::with_a_filled_cache();
    let left = folder_of(&path).join("fetch-1-0");
    fs::create_dir(&left).expect("the cache folder");
    fs::write(left.join("half.whl"), "PK").expect("the cache folder");
    fs::remove_file(&path).expect("the library");
    machine.resolver.locate(&silent).expect("the wheel is at hand");
    assert_eq!(left_over_downloads(folder_of(&path)), 0);
}
