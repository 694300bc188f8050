//! Traces of requests: what is read, and what is said of a file that is wrong.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use latentlink::demand::trace::TraceError;
use latentlink::demand::{TraceFile, read_trace};
use latentlink::scenario::TraceRow;

fn device(name: &str) -> Option<u32> {
    name.strip_prefix("phone-").and_then(|number| number.parse().ok()).filter(|number| *number < 1000)
}

fn read(bytes: &[u8]) -> Result<TraceFile, TraceError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = folder.path().join("trace.csv");
    std::fs::write(&path, bytes).expect("a file in it");
    read_trace(&path, &device)
}

fn row(arrival_s: f64, device: Option<u32>, prompt: Option<u32>) -> TraceRow {
    TraceRow { arrival_s, device, prompt }
}

#[test]
fn columns_come_in_any_order_and_blank_ones_mean_any_device_and_no_prompt() {
    let text = "Prompt,ignored,ARRIVAL_S, device \na dog,x,0, phone-7 \n\"a cat, at night\",,0.5,\n,,0.5,phone-0\n\
                a dog,\"two\nlines\",1e1,phone-7\n";
    let trace = read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*trace.prompts, ["a dog", "a cat, at night"]);
    let expected =
        [row(0.0, Some(7), Some(0)), row(0.5, None, Some(1)), row(0.5, Some(0), None), row(10.0, Some(7), Some(0))];
    assert_eq!(*trace.rows, expected);
}

#[test]
fn times_alone_are_enough_whatever_ends_the_lines() {
    for text in ["arrival_s\n1\n2\n3\n", "\u{feff}arrival_s\r\n1\r\n\r\n2\r\n3", "\narrival_s\n\n1\n2\n\n\n3\n\n"] {
        let trace = read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(*trace.rows, [1.0, 2.0, 3.0].map(|arrival_s| row(arrival_s, None, None)), "{text:?}");
        assert!(trace.prompts.is_empty());
    }
}

#[test]
fn a_hundred_thousand_rows_come_out_as_they_went_in() {
    let mut text = String::from("arrival_s,device,prompt\n");
    let mut expected = Vec::new();
    for index in 0..100_000u32 {
        let (arrival_s, phone, prompt) = (f64::from(index) * 0.125, index * 7 % 1000, (index % 5000).pow(2) % 613);
        writeln!(text, "{arrival_s},phone-{phone},prompt {prompt}").expect("memory");
        expected.push((arrival_s, phone, format!("prompt {prompt}")));
    }
    let trace = read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(trace.rows.len(), expected.len());
    for (row, (arrival_s, phone, prompt)) in trace.rows.iter().zip(&expected) {
        assert_eq!((row.arrival_s, row.device), (*arrival_s, Some(*phone)));
        assert_eq!(trace.prompts[row.prompt.expect("every row has one") as usize], *prompt);
    }
    let mut different: Vec<&String> = expected.iter().map(|(_, _, prompt)| prompt).collect();
    different.sort_unstable();
    different.dedup();
    assert_eq!(trace.prompts.len(), different.len(), "equal prompts are kept once");
}

#[test]
fn a_file_that_is_wrong_is_refused_with_the_line_and_the_mend() {
    let rows = |rows: &str| format!("arrival_s,device,prompt\n0.5,phone-1,a dog\n{rows}").into_bytes();
    let cases: [(Vec<u8>, &str); 18] = [
        (b"".to_vec(), "has no rows"),
        (b"arrival_s,device\n".to_vec(), "has no rows"),
        (b"device,prompt\nphone-1,a dog\n".to_vec(), ":1: 0 columns are called `arrival_s`, expected one"),
        (b"arrival_s,device,device\n1,phone-1,\n".to_vec(), ":1: 2 columns are called `device`"),
        (rows("1,phone-2\n"), ":3: this row has 2 values, expected 3"),
        (rows("\r\n\r\n1,phone-2,a cat,what\r\n"), ":5: this row has 4 values, expected 3"),
        (rows(",phone-2,a cat\n"), ":3: `arrival_s` is blank"),
        (rows("soon,phone-2,a cat\n"), ":3: `arrival_s` is `soon`, expected a finite number of seconds ≥ 0"),
        (rows("0,5,phone-2,a cat\n"), ":3: this row has 4 values, expected 3"),
        (rows("-1,phone-2,a cat\n"), ":3: `arrival_s` is `-1`"),
        (rows("NaN,phone-2,a cat\n"), ":3: `arrival_s` is `NaN`"),
        (rows("inf,phone-2,a cat\n"), ":3: `arrival_s` is `inf`"),
        (rows("1e999,phone-2,a cat\n"), ":3: `arrival_s` is `1e999`"),
        (rows("1,phone-2,a cat\n0.75,phone-2,a cat\n"), ":4: time 0.75 s is before 1 s of an earlier row"),
        (rows("\n\n1,phone-x,a cat\n"), ":5: there is no device `phone-x`"),
        (rows("1,phone-2,  \n"), ":3: the prompt is empty"),
        ([rows("1,phone-2,a "), vec![0xE4, b'\n']].concat(), ":3: `prompt` is not UTF-8"),
        ([rows("1,phone-"), vec![0xFF, b',', b'\n']].concat(), ":3: `device` is not UTF-8"),
    ];
    for (bytes, said) in cases {
        let error = read(&bytes).expect_err(said);
        assert!(error.to_string().contains(said), "{error}\nlacks {said}");
        assert!(miette::Diagnostic::help(&error).is_some(), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_and_a_folder_are_refused() {
    for path in ["no/such/trace.csv", env!("CARGO_MANIFEST_DIR")] {
        let error = read_trace(Path::new(path), &device).expect_err("no file");
        assert!(error.to_string().starts_with(&format!("cannot read {path}: ")), "{error}");
    }
}

#[test]
fn the_line_of_a_late_mistake_is_right_beyond_the_first_buffer() {
    let mut text = String::from("arrival_s,prompt\n");
    for index in 0..90_000 {
        writeln!(text, "{index},a prompt of some length").expect("memory");
    }
    text.push_str("never,a dog\n");
    let error = read(text.as_bytes()).expect_err("a word for a time");
    assert!(error.to_string().contains(":90002: `arrival_s` is `never`"), "{error}");
}
