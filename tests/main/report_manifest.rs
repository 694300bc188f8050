//! The manifest: what is comparable between runs, and what it says of files and time.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use latentlink::report::manifest::{Counts, Host, Manifest, ModelPack, Run, WrittenFile, sha256_hex, utc_timestamp};

fn manifest(started_utc: &str, wall_time_s: f64) -> Manifest {
    Manifest {
        latentlink_version: "0.1.0".to_owned(),
        study: "quickstart".to_owned(),
        seed: u64::MAX,
        scenario_sha256: sha256_hex(b"abc"),
        identity_sha256: sha256_hex(b"abcd"),
        shard: None,
        models: vec![ModelPack { role: "diffusion".into(), name: "emoji-ldm".into(), digest: "12".into() }],
        onnx_runtime_version: "1.31.1".to_owned(),
        execution_provider: "cpu".to_owned(),
        counts: Counts {
            points: 12,
            runs: 12,
            unet_evaluations_unshared: 400,
            unet_evaluations: 90,
            ..Counts::default()
        },
        files: Vec::new(),
        run: Run {
            started_utc: started_utc.to_owned(),
            wall_time_s,
            threads: 2,
            runs_found: 0,
            unet_evaluations_made: 270,
            scores_computed: 3,
            scores_from_store: 5,
            values_computed: 12,
            values_from_store: 5,
            onnx_runtime_origin: "cache".to_owned(),
            host: Host::of_this_machine(),
        },
    }
}

#[test]
fn two_equal_runs_differ_only_in_the_object_run() {
    let (one, other) = (manifest("2026-01-01T00:00:00Z", 1.0), manifest("2026-01-02T00:00:00Z", 2.5));
    let without_run = |manifest: &Manifest| {
        let mut json: serde_json::Value = serde_json::from_str(&manifest.to_json()).unwrap();
        assert!(json.as_object_mut().unwrap().remove("run").is_some());
        json.to_string()
    };
    assert_ne!(one.to_json(), other.to_json());
    assert_eq!(without_run(&one), without_run(&other));
}

#[test]
fn a_manifest_reads_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    let manifest = manifest("2026-01-01T00:00:00Z", 0.1 + 0.2);
    manifest.write(&path).unwrap();
    assert_eq!(Manifest::read(&path).unwrap(), manifest);
    std::fs::write(&path, "{}").unwrap();
    assert!(Manifest::read(&path).unwrap_err().to_string().contains("latentlink_version"));
}

#[test]
fn moments_are_written_in_utc_through_leap_years_and_centuries() {
    // From `date -u -d @SECONDS +%FT%TZ`.
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_709_251_199, "2024-02-29T23:59:59Z"),
        (1_767_225_599, "2025-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(utc_timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
    }
}

#[test]
fn a_written_file_is_listed_with_its_size_and_sha_256() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("images")).unwrap();
    std::fs::write(folder.path().join("images/a.png"), "abc").unwrap();
    let listed = WrittenFile::of(folder.path(), &Path::new("images").join("a.png")).unwrap();
    assert_eq!((listed.path.as_str(), listed.bytes), ("images/a.png", 3));
    // The example of FIPS 180-2.
    assert_eq!(listed.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
