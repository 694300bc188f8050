//! The score store keeps what it has promised to keep: killed at any moment, used by several at once, on a full disk.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use latentlink::diffusion::{Failure, LinkErrors, PictureMetrics};
use latentlink::judge::Answer;
use latentlink::random::StreamKey;
use latentlink::score_store::{Record, RecordKey, ScoreStore};

/// A key that nobody else uses.
pub fn key(writer: &str, index: u64) -> RecordKey {
    RecordKey::of_prompt(*StreamKey::new(index, 0, writer, "record").as_bytes(), "")
}

/// What the writers below put under the key of an index: pictures of up to 20 kB and small records.
pub fn record(index: u64) -> Record {
    match index % 3 {
        0 => Record::Picture(
            (0..index * 37 % 20_000)
                .flat_map(|at| (at * index).to_le_bytes())
                .take((index * 37 % 20_000) as usize)
                .collect(),
        ),
        1 => Record::Answer(Answer { score: Some(index as f64 / 7.0), text: None, attempts: index as u32 }),
        _ => Record::PooledText(vec![index as f64; (index % 50) as usize]),
    }
}

pub fn read_all(store: &ScoreStore, writer: &str, count: u64) -> Vec<Option<Record>> {
    store.read(&(0..count).map(|index| key(writer, index)).collect::<Vec<_>>()).expect("a readable store")
}

#[test]
fn what_is_written_is_read_back_by_a_later_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("deep/down/store.redb");
    let records = [
        Record::Picture(vec![0, 1, 2, 255]),
        Record::Picture(Vec::new()),
        Record::Metrics(PictureMetrics { mse: 0.1 + 0.2, psnr_db: f64::INFINITY, ssim: -0.25 }),
        Record::LinkErrors(LinkErrors { bits: u64::MAX, flipped_bits: 7, non_finite: 0, out_of_range: 1 << 40 }),
        Record::Answer(Answer { score: Some(1.0 / 3.0), text: None, attempts: 1 }),
        Record::Answer(Answer { score: None, text: Some("I'd rather not — désolé".to_owned()), attempts: 4 }),
        Record::Answer(Answer { score: Some(0.0), text: Some(String::new()), attempts: u32::MAX }),
        Record::Failed(Failure::NonFiniteLatent),
        Record::Failed(Failure::NonFiniteOutput),
        Record::PooledText(vec![-0.5, f64::MIN_POSITIVE, 1e300]),
    ];
    let keys: Vec<RecordKey> = (0..records.len() as u64).map(|index| key("round trip", index)).collect();
    let store = ScoreStore::open(&place).expect("a new store");
    assert_eq!(store.contains(&keys).expect("readable"), vec![false; keys.len()]);
    assert!(!place.exists(), "nothing is made before there is something to keep");
    for (key, record) in keys.iter().zip(&records) {
        store.write(*key, record).expect("room");
    }
    drop(store);

    let store = ScoreStore::open(&place).expect("the same store");
    let unknown = key("nobody", 0);
    assert_eq!(store.read(&keys).expect("readable"), records.iter().cloned().map(Some).collect::<Vec<_>>());
    assert_eq!(store.read(&[unknown]).expect("readable"), [None]);
    assert_eq!(store.contains(&[keys[3], unknown]).expect("readable"), [true, false]);
    assert!(store.take_warnings().is_empty());
    // The last word counts.
    store.write(keys[0], &records[4]).expect("room");
    store.commit().expect("room");
    assert_eq!(store.read(&keys[..1]).expect("readable"), [Some(records[4].clone())]);
}

#[test]
fn a_record_is_not_seen_before_its_commit_and_is_seen_after_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("store.redb");
    let (one, other) = (ScoreStore::open(&place).expect("a store"), ScoreStore::open(&place).expect("a store"));
    one.write(key("one", 1), &record(1)).expect("room");
    assert_eq!(other.read(&[key("one", 1)]).expect("readable"), [None]);
    one.commit().expect("room");
    assert_eq!(other.read(&[key("one", 1)]).expect("readable"), [Some(record(1))]);
}

/// Starts this test binary as a process that writes records until it is stopped.
fn start_writer(place: &Path, writer: &str, count: u64) -> Child {
    Command::new(std::env::current_exe().expect("this test binary"))
        .args(["score_store::writes_records_for_another_test", "--exact", "--ignored", "--nocapture"])
        .env("SCORE_STORE_PLACE", place)
        .env("SCORE_STORE_WRITER", writer)
        .env("SCORE_STORE_COUNT", count.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test binary starts")
}

/// The other process of the tests below: says after each commit how many records are in the file.
#[test]
#[ignore = "a part of other tests, which start it as a process of its own"]
fn writes_records_for_another_test() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by the other test"));
    let writer = variable("SCORE_STORE_WRITER");
    let count: u64 = variable("SCORE_STORE_COUNT").parse().expect("a number");
    let store = ScoreStore::open(&PathBuf::from(variable("SCORE_STORE_PLACE"))).expect("a store");
    for warning in store.take_warnings() {
        println!("warning {warning}");
    }
    for index in 0..count {
        store.write(key(&writer, index), &record(index)).expect("room");
        if index % 11 == 10 {
            store.commit().expect("room");
            println!("committed {}", index + 1);
        }
    }
    store.commit().expect("room");
    println!("committed {count}");
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_was_committed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("store.redb");
    let mut promised = Vec::new();
    for round in 0..40_u64 {
        let writer = format!("writer {round}");
        let mut child = start_writer(&place, &writer, u64::MAX);
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        // From before the store is open to amid its later commits.
        std::thread::sleep(Duration::from_micros(round * round * 300 % 120_000));
        child.kill().expect("a running process");
        child.wait().expect("an ended process");
        let mut committed = 0;
        for line in stdout.lines() {
            let line = line.expect("text");
            assert!(!line.starts_with("warning"), "round {round}: {line}");
            // The last line may be cut short by the kill, which leaves a smaller number or none.
            if let Some(count) = line.strip_prefix("committed ").and_then(|count| count.parse().ok()) {
                committed = count;
            }
        }
        promised.push((writer, committed));
        let store = ScoreStore::open(&place).expect("a whole store");
        assert_eq!(store.take_warnings(), Vec::<String>::new(), "round {round}");
        for (writer, count) in &promised {
            for (index, found) in read_all(&store, writer, *count).into_iter().enumerate() {
                assert_eq!(found, Some(record(index as u64)), "round {round}, {writer}, record {index}");
            }
            // What was in flight is there as it was written, or not at all.
            for index in *count..count + 11 {
                let found = store.read(&[key(writer, index)]).expect("readable");
                assert!(found == [None] || found == [Some(record(index))], "round {round}, {writer}, record {index}");
            }
        }
    }
    let all: u64 = promised.iter().map(|(_, count)| count).sum();
    assert!(all > 0, "some of the processes lived long enough to commit something");
}

#[test]
fn processes_that_write_at_once_both_finish_and_both_are_heard() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("store.redb");
    let children = ["one", "two", "three"].map(|writer| (writer, start_writer(&place, writer, 300)));
    for (writer, child) in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{writer}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let store = ScoreStore::open(&place).expect("a whole store");
    assert!(store.take_warnings().is_empty());
    for writer in ["one", "two", "three"] {
        assert_eq!(read_all(&store, writer, 300), (0..300).map(|index| Some(record(index))).collect::<Vec<_>>());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_clearly_and_what_was_committed_before_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("store.redb");
    // The system refuses files above 4 MiB (in units of 512 bytes), as a full disk does; the signal is ignored.
    let program = std::env::current_exe().expect("this test binary");
    let test = "score_store::writes_records_for_another_test --exact --ignored --nocapture";
    let output = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f 8192; exec '{}' {test}", program.display())])
        .env("SCORE_STORE_PLACE", &place)
        .env("SCORE_STORE_WRITER", "writer")
        .env("SCORE_STORE_COUNT", "1000000")
        .output()
        .expect("a shell");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{stdout}");
    let said = stdout.clone() + String::from_utf8_lossy(&output.stderr);
    let committed: u64 =
        stdout.lines().filter_map(|line| line.strip_prefix("committed ")?.parse().ok()).next_back().expect("some room");
    // The error as a value, with the number of records that were saved.
    assert!(said.contains("Full {") && said.contains(&format!("saved: {committed}")), "{said}");

    let store = ScoreStore::open(&place).expect("a whole store");
    assert_eq!(store.take_warnings(), Vec::<String>::new());
    assert_eq!(
        read_all(&store, "writer", committed),
        (0..committed).map(|index| Some(record(index))).collect::<Vec<_>>()
    );
    // With room, it goes on.
    store.write(key("writer", committed), &record(committed)).expect("room");
    store.commit().expect("room");
}
