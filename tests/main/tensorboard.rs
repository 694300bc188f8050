//! Event files, byte for byte as TensorBoard's own writer makes them (`tests/reference/tensorboard_events.py`).

use std::fs;
use std::path::Path;

use latentlink::learn::tensorboard::EventWriter;
use latentlink::report::ReportError;

const START_S: f64 = 1_800_000_000.25;

fn reference() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tensorboard_events.bin")).unwrap()
}

#[test]
fn event_files_equal_those_of_tensorboard() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run/seed-0");
    let mut writer = EventWriter::create(&place, START_S).unwrap();
    writer.scalar(START_S, 0, "test/qoe", 0.0).unwrap();
    writer.scalar(START_S + 1.5, 100, "test/qoe", 0.875).unwrap();
    writer.scalar(START_S + 1.5, 100, "loss/critic", 1e-3).unwrap();
    writer.scalar(START_S + 3.0, 1 << 40, "λ₂ · violation", -2.5).unwrap();
    writer.scalar(START_S + 3.0, 200, "loss/critic", f64::INFINITY).unwrap();
    writer.flush().unwrap();
    // The writer is still there: a flush is enough for a reader.
    let path = place.join("events.out.tfevents.1800000000.latentlink");
    assert_eq!(writer.path(), path);
    assert_eq!(fs::read(path).unwrap(), reference());
}

#[test]
fn a_new_file_begins_with_its_version_and_never_replaces_another() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..3)
        .map(|_| {
            let writer = EventWriter::create(folder.path(), START_S).unwrap();
            writer.path().file_name().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    let name = "events.out.tfevents.1800000000.latentlink";
    assert_eq!(names, [name.to_owned(), format!("{name}.1"), format!("{name}.2")]);
    let bytes = fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes, reference()[..bytes.len()]);
    // Length 24, its checksum, nine bytes of time, fifteen of version, a checksum.
    assert_eq!(bytes.len(), 8 + 4 + 24 + 4);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = EventWriter::create(&file, START_S);
    assert!(matches!(refused, Err(ReportError::Write { path, .. }) if path == file));
}
