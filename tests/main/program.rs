//! The program as a user has it: started in a folder of its own, watched from outside.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The pack that the project ships, by its full path: the program runs elsewhere.
pub fn shipped_pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-ldm")
}

/// What a command ended with.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn assert_done(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    pub fn assert_fails(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not said:\n{}", self.stderr);
        }
        self
    }
}

/// A fresh folder to run the program in.
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With one scenario file.
    pub fn with(file: &str, text: &str) -> Self {
        let workplace = Self::new();
        workplace.write(file, text);
        workplace
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a new folder");
        std::fs::write(path, text).expect("a new file");
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    pub fn text(&self, file: &str) -> String {
        String::from_utf8(self.read(file)).expect("text")
    }

    pub fn json(&self, file: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(file)).expect("JSON")
    }

    pub fn csv(&self, file: &str) -> Csv {
        Csv::read(&self.text(file))
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_where(arguments, &[])
    }

    /// With environment variables.
    pub fn run_where(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_latentlink"))
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(variables.iter().copied())
            .output()
            .expect("the program starts");
        Outcome {
            code: output.status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Everything in the folder and below, hidden ones too, by relative path and sorted; folders end in `/`.
    pub fn contents(&self) -> Vec<String> {
        contents_of(self.folder.path())
    }
}

pub fn contents_of(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let relative = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                found.push(relative + "/");
                open.push(path);
            } else {
                found.push(relative);
            }
        }
    }
    found.sort();
    found
}

/// A table as it stands in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Csv {
    pub columns: Vec<String>,
    pub rows: Vec<HashMap<String, String>>,
}

impl Csv {
    pub fn read(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let rows = reader
            .records()
            .map(|record| {
                let record = record.expect("as many cells as columns");
                columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
            })
            .collect();
        Self { columns, rows }
    }

    pub fn cell(&self, row: usize, column: &str) -> &str {
        self.rows[row].get(column).unwrap_or_else(|| panic!("there is no column {column}: {:?}", self.columns))
    }

    pub fn number(&self, row: usize, column: &str) -> f64 {
        let cell = self.cell(row, column);
        cell.parse().unwrap_or_else(|_| panic!("{column} is `{cell}`, no number"))
    }

    /// The cells of one column.
    pub fn column(&self, column: &str) -> Vec<&str> {
        (0..self.rows.len()).map(|row| self.cell(row, column)).collect()
    }

    pub fn numbers(&self, column: &str) -> Vec<f64> {
        (0..self.rows.len()).map(|row| self.number(row, column)).collect()
    }
}

/// Within a nanosecond (the resolution of simulated time) or 12 digits.
#[track_caller]
pub fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs() + 2.5e-9, "{found} should be {expected}");
}
