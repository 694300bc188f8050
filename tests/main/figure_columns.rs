//! Reading a few columns of a large table.

use latentlink::experiment::figures::columns::{Columns, Wanted};

const TABLE: &str = "\
point,device,replication,qoe,psnr_db
0,phone,0,0.5,inf
0,\"a, b\",0,,30.5
1,phone,0,0.25,1e-3
1,phone,1,0.75,2
";

fn table() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("requests.csv");
    std::fs::write(&path, TABLE).expect("a new file");
    (folder, path)
}

#[test]
fn words_are_kept_once_and_blank_numbers_are_none() {
    let (_folder, path) = table();
    let wanted = Wanted { words: &["device", "point"], numbers: &["qoe", "psnr_db"], only: &[] };
    let columns = Columns::read(&path, &wanted).expect("a table");
    assert_eq!(columns.rows(), 4);
    let device = columns.words("device");
    assert_eq!(device.words(), ["phone", "a, b"]);
    assert_eq!([0, 1, 2, 3].map(|row| device.code(row)), [0, 1, 0, 0]);
    assert_eq!(columns.words("point").word(3), "1");
    assert!(columns.numbers("qoe")[1].is_nan());
    assert_eq!(columns.numbers("psnr_db"), [f64::INFINITY, 30.5, 0.001, 2.0]);
}

#[test]
fn rows_of_other_values_are_passed_over() {
    let (_folder, path) = table();
    let only = [("replication", "0"), ("device", "phone")];
    let columns = Columns::read(&path, &Wanted { words: &[], numbers: &["qoe"], only: &only }).expect("a table");
    assert_eq!(columns.numbers("qoe"), [0.5, 0.25]);
}

#[test]
fn a_missing_column_is_answered_with_those_that_are_there() {
    let (_folder, path) = table();
    let wanted = Wanted { words: &["persona"], numbers: &["qoe", "score"], only: &[] };
    let message = Columns::read(&path, &wanted).expect_err("no such column").to_string();
    assert!(message.contains("it has no column `persona`; its columns are point, device, replication, qoe, psnr_db"));
}

#[test]
fn a_word_among_numbers_is_told_with_its_place() {
    let (_folder, path) = table();
    let wanted = Wanted { words: &[], numbers: &["device"], only: &[] };
    let message = Columns::read(&path, &wanted).expect_err("words").to_string();
    assert!(message.contains("row 1 has `phone` in `device`, which is no number"), "{message}");
}
