//! A few columns of a large table, read from its file row by row.
//!
//! `requests.csv` may have a million rows of fifty columns. A figure needs three or five of these: words are kept once,
//! with four bytes a row, numbers with eight.
//!
//! ```text
//!  requests.csv ──row by row──► policy.t0   words ["2", "4"]   codes 0 0 1 1 …
//!                               device      words ["phone"]    codes 0 0 0 0 …
//!                               qoe         numbers            0.81 0.79 NaN 0.44 …
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::report::ReportError;

/// Columns of one table, all with a value for each of the rows that were kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    rows: usize,
    words: Vec<(String, WordColumn)>,
    numbers: Vec<(String, Vec<f64>)>,
}

/// A column of words, each kept once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WordColumn {
    /// In the order of first sight.
    words: Vec<String>,
    /// Position in `words` for each row.
    codes: Vec<u32>,
}

/// Which part of a table is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Columns that are read as words, numbers among them as they are written.
    pub words: &'a [&'a str],
    /// Columns that are read as numbers.
    pub numbers: &'a [&'a str],
    /// Columns with the only value that a row may have there; other rows are passed over.
    pub only: &'a [(&'a str, &'a str)],
}

impl Columns {
    /// Reads columns of the table at `path`, whatever number of times they are named.
    ///
    /// # Errors
    /// [`ReportError::Read`]; [`ReportError::Content`] for a file that is no table, columns that are not there (with
    /// those that are), and words in a column of numbers.
    pub fn read(path: &Path, wanted: &Wanted<'_>) -> Result<Self, ReportError> {
        let mut reader = open(path)?;
        let header: Vec<String> =
            reader.headers().map_err(|error| broken(path, &error))?.iter().map(str::to_owned).collect();
        let only_columns: Vec<&str> = wanted.only.iter().map(|(column, _)| *column).collect();
        let places = |names: &[&str]| places(path, &header, names);
        let (word_places, number_places) = (places(wanted.words)?, places(wanted.numbers)?);
        let only: Vec<(usize, &[u8])> =
            places(&only_columns)?.into_iter().zip(wanted.only.iter().map(|(_, value)| value.as_bytes())).collect();
        let mut interners: Vec<Interner> = word_places.iter().map(|_| Interner::default()).collect();
        let mut numbers: Vec<Vec<f64>> = number_places.iter().map(|_| Vec::new()).collect();
        let (mut record, mut rows) = (csv::ByteRecord::new(), 0);
        while reader.read_byte_record(&mut record).map_err(|error| broken(path, &error))? {
            if only.iter().any(|(place, value)| record[*place] != **value) {
                continue;
            }
            rows += 1;
            for (interner, place) in interners.iter_mut().zip(&word_places) {
                interner.push(&record[*place]);
            }
            for (column, place) in numbers.iter_mut().zip(&number_places) {
                column.push(number(&record[*place]).ok_or_else(|| {
                    let field = String::from_utf8_lossy(&record[*place]).into_owned();
                    let message = format!("row {rows} has `{field}` in `{}`, which is no number", header[*place]);
                    ReportError::Content { path: path.to_owned(), message }
                })?);
            }
        }
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Ok(Self {
            rows,
            words: named(wanted.words).into_iter().zip(interners.into_iter().map(|interner| interner.column)).collect(),
            numbers: named(wanted.numbers).into_iter().zip(numbers).collect(),
        })
    }

    /// The names of a table's columns.
    ///
    /// # Errors
    /// [`ReportError::Read`], [`ReportError::Content`].
    pub fn names(path: &Path) -> Result<Vec<String>, ReportError> {
        let mut reader = open(path)?;
        Ok(reader.headers().map_err(|error| broken(path, &error))?.iter().map(str::to_owned).collect())
    }

    /// Rows that were kept.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column that was read as words.
    ///
    /// # Panics
    /// If it was not.
    pub fn words(&self, name: &str) -> &WordColumn {
        let found = self.words.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("`{name}` is read as words before it is used")).1
    }

    /// A column that was read as numbers, NaN where it is blank.
    ///
    /// # Panics
    /// If it was not.
    pub fn numbers(&self, name: &str) -> &[f64] {
        let found = self.numbers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("`{name}` is read as numbers before it is used")).1
    }
}

impl WordColumn {
    /// The different words, in the order of first sight.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    pub fn word(&self, row: usize) -> &str {
        &self.words[self.codes[row] as usize]
    }

    /// Position of the row's word in [`WordColumn::words`].
    pub fn code(&self, row: usize) -> usize {
        self.codes[row] as usize
    }
}

/// A column of words in the making.
#[derive(Default)]
struct Interner {
    column: WordColumn,
    known: HashMap<Vec<u8>, u32>,
}

impl Interner {
    fn push(&mut self, field: &[u8]) {
        let code = match self.known.get(field) {
            Some(code) => *code,
            None => {
                let code = u32::try_from(self.column.words.len()).expect("a table has fewer than 2³² rows");
                self.known.insert(field.to_owned(), code);
                self.column.words.push(String::from_utf8_lossy(field).into_owned());
                code
            }
        };
        self.column.codes.push(code);
    }
}

/// The number in a field, NaN where it is blank.
fn number(field: &[u8]) -> Option<f64> {
    if field.is_empty() {
        return Some(f64::NAN);
    }
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn open(path: &Path) -> Result<csv::Reader<BufReader<File>>, ReportError> {
    let file = File::open(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
    Ok(csv::Reader::from_reader(BufReader::with_capacity(1 << 20, file)))
}

fn broken(path: &Path, error: &csv::Error) -> ReportError {
    ReportError::Content { path: path.to_owned(), message: error.to_string() }
}

/// Where the columns stand in a row.
fn places(path: &Path, header: &[String], names: &[&str]) -> Result<Vec<usize>, ReportError> {
    let place = |name: &&str| header.iter().position(|known| known == name);
    let missing: Vec<String> =
        names.iter().filter(|name| place(name).is_none()).map(|name| format!("`{name}`")).collect();
    if missing.is_empty() {
        return Ok(names.iter().filter_map(place).collect());
    }
    let message = format!("it has no column {}; its columns are {}", missing.join(", "), header.join(", "));
    Err(ReportError::Content { path: path.to_owned(), message })
}
