//! `latentlink doctor` on machines in various states.

use std::{cell::RefCell, fs, path::Path};

use latentlink::{
    cli::doctor::{DoctorPlaces, DoctorReport, PackCheck, PackHealth, write_text},
    cli::pack_summary::PackKind,
    onnx::judge_pack::ModelDtype,
    onnx::provider::{self, CudaDevice, ExecutionProvider, ResolvedProvider},
    onnx::runtime::{PipCommand, RuntimeResolver},
};

fn whole(path: &Path, check: PackCheck) -> PackHealth {
    PackHealth {
        kind: PackKind::of(path),
        digests_listed: true,
        files_intact: 9,
        sessions_load: check.sessions_on.map(|_| true),
        problems: Vec::new(),
        mend: None,
    }
}

/// A working folder with the default packs' folders in it, and this machine's real ways to ONNX Runtime.
fn places(folder: &Path) -> DoctorPlaces {
    let diffusion = folder.join("models/emoji-ldm");
    fs::create_dir_all(&diffusion).expect("a temporary folder");
    fs::write(diffusion.join("model_index.json"), "{}").expect("a temporary folder");
    let judge = folder.join("models/emoji-llava");
    fs::create_dir_all(judge.join("onnx")).expect("a temporary folder");
    fs::write(judge.join("config.json"), "{}").expect("a temporary folder");
    DoctorPlaces {
        resolver: RuntimeResolver::from_environment(),
        models: folder.join("models"),
        default_diffusion: diffusion,
        default_judge: judge,
        packs: Vec::new(),
        dtype: None,
        execution_provider: ExecutionProvider::Cpu,
        results: folder.join("results"),
    }
}

fn text_of(report: &DoctorReport) -> String {
    let mut text = Vec::new();
    write_text(report, &mut text).expect("in memory");
    String::from_utf8(text).expect("the report is UTF-8")
}

#[test]
fn a_whole_machine_can_run_the_default_and_both_reports_say_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = DoctorReport::examine(&places(folder.path()), &whole, &|_| {});
    assert_eq!(report.exit_code(), 0, "{:?}", report.problems);
    let json = serde_json::to_value(&report).expect("plain data");
    assert_eq!(json["default_can_run"], true);
    assert_eq!(json["execution_providers"][0]["name"], "cpu");
    assert_eq!(json["execution_providers"][0]["usable"], true);
    for (pack, kind) in ["diffusion", "judge"].iter().enumerate() {
        let pack = &json["packs"][pack];
        assert_eq!((&pack["kind"], &pack["files_intact"]), (&(*kind).into(), &9.into()));
        assert_eq!(pack["sessions_load"], true);
    }
    assert!(json["onnx_runtime"]["path"].as_str().is_some_and(|path| Path::new(path).is_file()));
    assert!(json["machine"]["cores"].as_u64().is_some_and(|cores| cores >= 1));
    let text = text_of(&report);
    assert!(text.contains("The default scenario can run here"), "{text}");
    // the try at writing left nothing behind
    let names: Vec<_> =
        fs::read_dir(folder.path()).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["models"]);
}

#[test]
fn a_damaged_default_pack_of_either_kind_ends_with_exit_code_3_and_the_command_that_mends_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, kind) in [("emoji-ldm", PackKind::Diffusion), ("emoji-llava", PackKind::Judge)] {
        let damaged = |path: &Path, check: PackCheck| PackHealth {
            problems: if path.ends_with(name) { vec!["model.onnx is corrupt".to_owned()] } else { Vec::new() },
            ..whole(path, check)
        };
        let report = DoctorReport::examine(&places(folder.path()), &damaged, &|_| {});
        assert_eq!((report.exit_code(), report.problems.len()), (3, 1), "{:?}", report.problems);
        let text = text_of(&report);
        let place = folder.path().join("models").join(name);
        for part in [
            format!("{} pack `{}`: model.onnx is corrupt", kind.name(), place.display()),
            format!("git checkout -- {}", place.display()),
            format!("{} ({}): broken", place.display(), kind.name()),
        ] {
            assert!(text.contains(&part), "{part} is not in:\n{text}");
        }
    }
}

#[test]
fn without_the_default_judge_the_doctor_names_the_mend_and_the_way_without_scores() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let places = places(folder.path());
    fs::remove_dir_all(&places.default_judge).expect("the pack");
    let report = DoctorReport::examine(&places, &whole, &|_| {});
    assert_eq!((report.exit_code(), report.problems.len()), (3, 1), "{:?}", report.problems);
    let problem = &report.problems[0];
    assert!(problem.what.contains("default judge pack") && problem.what.contains("emoji-llava"), "{problem:?}");
    for mend in ["git checkout -- ", "--set judge.kind=none"] {
        assert!(problem.mend.contains(mend), "{problem:?}");
    }
}

#[test]
fn a_damaged_pack_that_is_not_the_default_ends_with_exit_code_3_where_it_is_named_and_does_not_stop_the_default() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut places = places(folder.path());
    let own = places.models.join("own-pack");
    fs::create_dir(&own).expect("a temporary folder");
    fs::write(own.join("model_index.json"), "{}").expect("a temporary folder");
    let health = |path: &Path, check: PackCheck| {
        let is_own = path == own;
        let mend = is_own.then(|| "correct `sample_size`".to_owned());
        PackHealth {
            problems: if is_own { vec!["`sample_size` should be 8".to_owned()] } else { Vec::new() },
            mend,
            ..whole(path, check)
        }
    };
    let report = DoctorReport::examine(&places, &health, &|_| {});
    assert_eq!((report.exit_code(), report.problems.len()), (0, 1), "nobody named it: {:?}", report.problems);

    places.packs = vec![own.clone()];
    let report = DoctorReport::examine(&places, &health, &|_| {});
    assert_eq!((report.exit_code(), report.problems.len()), (3, 1), "{:?}", report.problems);
    assert!(report.default_can_run);
    assert_eq!(report.problems[0].mend, "correct `sample_size`");
    let text = text_of(&report);
    for part in
        ["`sample_size` should be 8", "A pack that was named cannot be used", "The default scenario can run here"]
    {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }

    places.packs = vec![folder.path().join("no-pack-here")];
    let report = DoctorReport::examine(&places, &whole, &|_| {});
    assert_eq!(report.exit_code(), 3);
    assert!(report.problems[0].what.contains("no-pack-here"), "{:?}", report.problems);
}

#[test]
fn a_dtype_is_for_the_packs_that_are_named_and_for_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut places = places(folder.path());
    let own = folder.path().join("own-judge");
    fs::create_dir(&own).expect("a temporary folder");
    places.packs = vec![own.clone()];
    places.dtype = Some(ModelDtype::Fp16);
    let seen = RefCell::new(Vec::new());
    let health = |path: &Path, check: PackCheck| {
        seen.borrow_mut().push((path.to_owned(), check));
        whole(path, check)
    };
    DoctorReport::examine(&places, &health, &|_| {});
    let with = |dtype| PackCheck { sessions_on: Some(ResolvedProvider::Cpu), dtype };
    let expected = [(&places.default_diffusion, None), (&places.default_judge, None), (&own, Some(ModelDtype::Fp16))];
    assert_eq!(seen.into_inner(), expected.map(|(path, dtype)| (path.clone(), with(dtype))));
}

#[test]
fn packs_that_are_named_are_tried_on_the_provider_that_is_asked_for_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut places = places(folder.path());
    let own = folder.path().join("own-pack");
    fs::create_dir(&own).expect("a temporary folder");
    places.packs = vec![own.clone()];
    places.execution_provider = ExecutionProvider::Cuda;
    let seen = RefCell::new(Vec::new());
    let health = |path: &Path, check: PackCheck| {
        seen.borrow_mut().push((path.to_owned(), check.sessions_on));
        whole(path, check)
    };
    let report = DoctorReport::examine(&places, &health, &|_| {});
    let cuda = provider::resolve(ExecutionProvider::Cuda, CudaDevice::default());
    let (cpu, on_the_gpu) = (Some(ResolvedProvider::Cpu), cuda.as_ref().ok().map(|choice| choice.provider));
    let expected = [(&places.default_diffusion, cpu), (&places.default_judge, cpu), (&own, on_the_gpu)];
    assert_eq!(seen.into_inner(), expected.map(|(path, provider)| (path.clone(), provider)));
    if cuda.is_err() {
        assert_eq!((report.exit_code(), report.default_can_run), (3, true));
        let problem = &report.problems[0];
        assert!(problem.what.starts_with("the packs that were named are not tried: execution provider `cuda`"));
        assert!(!problem.mend.is_empty(), "{problem:?}");
    }
}

#[test]
fn without_onnx_runtime_and_without_packs_each_problem_says_how_to_mend_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut places = places(folder.path());
    fs::remove_dir_all(&places.models).expect("the packs");
    places.resolver.library_variable = None;
    places.resolver.cache = Some(folder.path().join("cache"));
    places.resolver.wheel_file = None;
    places.resolver.pip_commands = vec![PipCommand::new("latentlink-test-no-such-program", ["-m", "pip"])];
    let report = DoctorReport::examine(&places, &whole, &|_| {});
    assert_eq!(report.exit_code(), 3);
    assert!(report.onnx_runtime.is_none());
    let blocking: Vec<_> = report.problems.iter().filter(|problem| problem.blocks_the_default).collect();
    assert_eq!(blocking.len(), 3, "the library and a pack of each kind: {blocking:?}");
    assert!(blocking.iter().all(|problem| problem.mend.contains('`') || problem.mend.contains("ORT_DYLIB_PATH")));
    let text = text_of(&report);
    assert!(text.contains("LATENTLINK_ORT_WHEEL") && text.contains("cannot run here yet"), "{text}");
}

#[test]
fn a_damaged_library_in_the_cache_is_found_by_its_full_digest_and_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut places = places(folder.path());
    if places.resolver.library_variable.is_some() || places.resolver.wheel.is_none() {
        return; // this machine takes its library from elsewhere
    }
    // a cache of its own, filled from the real library by the way of a wheel file
    let real = places.resolver.locate(&|_| {}).expect("ONNX Runtime, or pip to fetch it").path;
    let row = places.resolver.wheel.expect("checked above");
    let wheel = folder.path().join("onnxruntime.whl");
    let mut archive = zip::ZipWriter::new(fs::File::create(&wheel).expect("a temporary folder"));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file(row.library_in_wheel, stored).expect("a new entry");
    std::io::copy(&mut fs::File::open(&real).expect("the library"), &mut archive).expect("a temporary folder");
    archive.finish().expect("a temporary folder");
    places.resolver.cache = Some(folder.path().join("cache"));
    places.resolver.wheel_file = Some(wheel);
    let cached = places.resolver.locate(&|_| {}).expect("the wheel is whole").path;

    let mut bytes = fs::read(&cached).expect("the library");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&cached, bytes).expect("the cache");
    let report = DoctorReport::examine(&places, &whole, &|_| {});
    let runtime = report.onnx_runtime.as_ref().expect("it was mended");
    assert!(runtime.library.repaired);
    assert_eq!(fs::read(&cached).expect("the library"), fs::read(&real).expect("the library"));
    assert!(text_of(&report).contains("was damaged and was replaced"));
}
