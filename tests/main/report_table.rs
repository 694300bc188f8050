//! Tables: what is refused, what the bytes are, and that they read back.

use latentlink::report::{Cell, Column, ReportError, Table};

fn columns(names: &[&str]) -> Vec<Column> {
    names.iter().map(|name| Column::new(*name, format!("what {name} means"))).collect()
}

#[test]
fn a_table_is_written_with_a_header_shortest_numbers_and_empty_blanks() {
    let mut table = Table::new(columns(&["prompt", "n", "energy_j", "ssim"])).unwrap();
    table.push(vec!["a cat, \"a dog\"".into(), 3_u32.into(), 0.1.into(), Cell::Blank]).unwrap();
    table.push(vec!["a tree".into(), u64::MAX.into(), f64::INFINITY.into(), Some(1e-7).into()]).unwrap();
    table.push(vec![true.into(), (-4_i64).into(), (-0.0).into(), None::<f64>.into()]).unwrap();
    assert_eq!(
        table.to_csv(),
        "prompt,n,energy_j,ssim\n\"a cat, \"\"a dog\"\"\",3,0.1,\na tree,18446744073709551615,inf,1e-7\ntrue,-4,0.0,\n"
    );
}

#[test]
fn a_table_that_was_written_reads_back_cell_by_cell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/requests.csv");
    let mut table = Table::new(columns(&["device", "n", "value", "note"])).unwrap();
    for value in [0.1 + 0.2, f64::MIN_POSITIVE, 1e300, -2.0, f64::NEG_INFINITY, 1.0 / 3.0] {
        table.push(vec!["device-1".into(), 7_u8.into(), value.into(), "two\nlines".into()]).unwrap();
    }
    table.push(vec!["infinity".into(), Cell::Blank, Cell::Blank, "nan".into()]).unwrap();
    table.write_csv(&path).unwrap();
    let back = Table::read_csv(&path).unwrap();
    assert_eq!(back.rows(), table.rows());
    assert_eq!(back.column_index("value"), Some(2));
    assert_eq!(back.rows()[3][2].number(), Some(-2.0));
    let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is left beside the file");
}

#[test]
fn rows_of_another_width_equal_names_and_nan_are_refused() {
    let duplicate = Table::new(columns(&["a_j", "b_j", "a_j"]));
    assert!(matches!(duplicate, Err(ReportError::DuplicateColumn { name }) if name == "a_j"));
    let mut table = Table::new(columns(&["a_j", "b_j"])).unwrap();
    let narrow = table.push(vec![1.0.into()]);
    assert!(matches!(narrow, Err(ReportError::RowWidth { expected: 2, got: 1 })));
    let poisoned = table.push(vec![1.0.into(), f64::NAN.into()]);
    assert!(matches!(poisoned, Err(ReportError::NotANumber { column }) if column == "b_j"));
    assert!(table.rows().is_empty());
}

#[test]
fn a_file_that_is_no_table_is_refused_and_a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ragged = folder.path().join("ragged.csv");
    std::fs::write(&ragged, "a,b\n1\n").unwrap();
    assert!(matches!(Table::read_csv(&ragged), Err(ReportError::Content { .. })));
    assert!(matches!(Table::read_csv(&folder.path().join("none.csv")), Err(ReportError::Read { .. })));
    // A folder stands where the file should go.
    let taken = folder.path().join("taken.csv");
    std::fs::create_dir_all(taken.join("inside")).unwrap();
    let table = Table::new(columns(&["a"])).unwrap();
    assert!(matches!(table.write_csv(&taken), Err(ReportError::Write { .. })));
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["ragged.csv", "taken.csv"]);
}

#[test]
fn the_data_dictionary_names_every_column_once() {
    let table = Table::new(vec![Column::new("energy_j", "E | total\n[J]"), Column::new("n", "count")]).unwrap();
    assert_eq!(
        table.describe(),
        "| column | meaning |\n|---|---|\n| `energy_j` | E \\| total [J] |\n| `n` | count |\n"
    );
}
