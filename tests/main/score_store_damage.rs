//! A damaged score store is kept under another name and a new one begun; nothing wrong is ever read from it.

use std::path::{Path, PathBuf};

use latentlink::score_store::ScoreStore;

use crate::score_store::{key, read_all, record};

const RECORDS: u64 = 60;

/// A store with [`RECORDS`] records, as bytes.
fn whole_store(folder: &Path) -> Vec<u8> {
    let place = folder.join("whole.redb");
    let store = ScoreStore::open(&place).expect("a new store");
    for index in 0..RECORDS {
        store.write(key("writer", index), &record(index)).expect("room");
    }
    drop(store);
    std::fs::read(&place).expect("a file")
}

/// Opens a store with this content, reads everything, writes, and reads again. Returns whether it was set aside.
fn survives(place: &Path, content: &[u8]) -> bool {
    std::fs::write(place, content).expect("room");
    let store = ScoreStore::open(place).expect("a store, this one or a new one");
    let found = read_all(&store, "writer", RECORDS);
    for (index, found) in found.iter().enumerate() {
        assert!(found.is_none() || *found == Some(record(index as u64)), "record {index} is not what was written");
    }
    store.write(key("new", 1), &record(1)).expect("room");
    store.commit().expect("a store that works");
    assert_eq!(store.read(&[key("new", 1)]).expect("readable"), [Some(record(1))]);
    let aside = PathBuf::from(format!("{}.corrupt-1", place.display()));
    let warnings = store.take_warnings();
    if aside.exists() {
        assert_eq!(std::fs::read(&aside).expect("kept").len(), content.len(), "the damaged file is kept");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("is damaged") && warnings[0].contains("corrupt-1"), "{warnings:?}");
        std::fs::remove_file(&aside).expect("it is there");
        true
    } else {
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(found, (0..RECORDS).map(|index| Some(record(index))).collect::<Vec<_>>(), "nothing is lost quietly");
        false
    }
}

#[test]
fn a_text_file_half_a_store_and_one_of_zeros_are_set_aside() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = whole_store(folder.path());
    let place = folder.path().join("store.redb");
    assert!(!survives(&place, &whole), "a whole one is used");
    assert!(survives(&place, b"these are my notes\n"));
    assert!(survives(&place, b"x"));
    assert!(survives(&place, &whole[..whole.len() / 2]));
    assert!(survives(&place, &whole[..4096]));
    assert!(survives(&place, &vec![0; whole.len()]));
    let mut doubled = whole.clone();
    doubled.splice(..0, [0; 512]);
    assert!(survives(&place, &doubled), "shifted by a sector");
}

#[test]
fn any_flipped_bit_of_the_header_is_noticed_or_harmless() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut content = whole_store(folder.path());
    let place = folder.path().join("store.redb");
    let mut set_aside = 0;
    // The header of the file: every bit; its two commit slots: a bit of every byte.
    for bit in (0..64 * 8).chain((64..320).map(|byte| 8 * byte + byte % 8)) {
        content[bit / 8] ^= 1 << (bit % 8);
        set_aside += u32::from(survives(&place, &content));
        content[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(set_aside > 8 * 9, "at least the nine bytes that say what file it is");
}

#[test]
fn garbled_pages_are_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = whole_store(folder.path());
    let place = folder.path().join("store.redb");
    let mut set_aside = 0;
    for start in (4096..whole.len()).step_by(whole.len() / 97) {
        let mut content = whole.clone();
        for byte in content.iter_mut().skip(start).take(700) {
            *byte = byte.wrapping_mul(31).wrapping_add(17);
        }
        set_aside += u32::from(survives(&place, &content));
    }
    assert!(set_aside > 0, "some of the pages hold records");
}

#[test]
fn damaged_stores_never_replace_each_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("store.redb");
    for content in ["one", "two", "three"] {
        std::fs::write(&place, content).expect("room");
        ScoreStore::open(&place).expect("a new store");
    }
    let kept = |number: u32| std::fs::read_to_string(format!("{}.corrupt-{number}", place.display())).expect("kept");
    assert_eq!([kept(1), kept(2), kept(3)], ["one", "two", "three"]);
}

#[test]
fn a_file_that_was_never_a_store_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("mine.toml");
    std::fs::write(&place, "[study]\nname = \"mine\"\n").expect("a writable folder");
    let error = ScoreStore::open(&place).expect_err("no store");
    assert!(error.to_string().contains("is no score store"), "{error}");
    assert_eq!(std::fs::read_to_string(&place).expect("still there"), "[study]\nname = \"mine\"\n");
}
