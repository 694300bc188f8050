//! Tidy tables: one observation per row, one variable per column, units in the column names.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use smol_str::SmolStr;

use super::durable_file::{ReportError, write_durably};

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Lower-case snake case, with its unit at the end: `server_compute_j`.
    pub name: String,
    /// What it means, for the data dictionary.
    pub description: String,
}

impl Column {
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: description.into() }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Short ones take no memory of their own.
    Text(SmolStr),
    Integer(i128),
    /// Never NaN. Infinities are written `inf` and `-inf`.
    Real(f64),
    /// No value: does not apply, or the run failed.
    Blank,
}

impl Cell {
    /// The number in the cell, if there is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Integer(value) => Some(*value as f64),
            Cell::Real(value) => Some(*value),
            Cell::Text(_) | Cell::Blank => None,
        }
    }

    /// As written to CSV: the shortest digits that read back as the same number; empty for blank.
    pub fn to_csv_field(&self) -> String {
        let mut field = String::new();
        self.write_csv_field(&mut field);
        field
    }

    /// Appends [`Cell::to_csv_field`].
    fn write_csv_field(&self, field: &mut String) {
        let never = "writing into a string never fails";
        match self {
            Cell::Text(text) => field.push_str(text),
            // Short integers are written in a third of the time.
            Cell::Integer(value) => match i64::try_from(*value) {
                Ok(value) => write!(field, "{value}").expect(never),
                Err(_) => write!(field, "{value}").expect(never),
            },
            // Adding zero turns −0 into 0. Debug formatting is the shortest that reads back, with an exponent where the
            // plain form would be long.
            Cell::Real(value) => write!(field, "{:?}", value + 0.0).expect(never),
            Cell::Blank => {}
        }
    }

    fn from_csv_field(field: &str) -> Self {
        if field.is_empty() {
            return Cell::Blank;
        }
        if let Ok(value) = field.parse() {
            return Cell::Integer(value);
        }
        let looks_numeric = field.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
        match field.parse::<f64>() {
            Ok(value) if (looks_numeric || field == "inf") && !value.is_nan() => Cell::Real(value),
            _ => Cell::Text(SmolStr::new(field)),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(SmolStr::new(text))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text.into())
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Cell::Real(value)
    }
}

/// `true` or `false`.
impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Cell::Text(SmolStr::new_static(if value { "true" } else { "false" }))
    }
}

macro_rules! integer_cells {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Cell {
            fn from(value: $kind) -> Self {
                Cell::Integer(value as i128)
            }
        }
    )*};
}
integer_cells!(u8, u16, u32, u64, usize, i32, i64);

/// Blank for `None`.
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Blank, Into::into)
    }
}

/// Columns and rows of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    ///
    /// # Errors
    /// [`ReportError::DuplicateColumn`].
    pub fn new(columns: Vec<Column>) -> Result<Self, ReportError> {
        let mut names = HashSet::new();
        for column in &columns {
            if !names.insert(column.name.as_str()) {
                return Err(ReportError::DuplicateColumn { name: column.name.clone() });
            }
        }
        Ok(Self { columns, rows: Vec::new() })
    }

    /// Appends a row, one cell per column.
    ///
    /// # Errors
    /// [`ReportError::RowWidth`], [`ReportError::NotANumber`].
    pub fn push(&mut self, row: Vec<Cell>) -> Result<(), ReportError> {
        if row.len() != self.columns.len() {
            return Err(ReportError::RowWidth { expected: self.columns.len(), got: row.len() });
        }
        for (cell, column) in row.iter().zip(&self.columns) {
            if matches!(cell, Cell::Real(value) if value.is_nan()) {
                return Err(ReportError::NotANumber { column: column.name.clone() });
            }
        }
        self.rows.push(row);
        Ok(())
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The position of a column.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// CSV after RFC 4180 with `\n` line ends: a header, then the rows in their order. Equal tables give equal bytes.
    pub fn to_csv(&self) -> String {
        csv_header(&self.columns) + &csv_rows(&self.rows)
    }

    /// Writes the table as CSV, beside its place and then renamed.
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn write_csv(&self, path: &Path) -> Result<(), ReportError> {
        write_durably(path, self.to_csv().as_bytes())
    }

    /// Reads a table that [`Table::write_csv`] wrote. Cells are told apart by their look: empty fields are blank, what
    /// reads as a number is one. Descriptions are not in the file and come back empty.
    ///
    /// # Errors
    /// [`ReportError::Read`], [`ReportError::Content`], [`ReportError::DuplicateColumn`].
    pub fn read_csv(path: &Path) -> Result<Self, ReportError> {
        let text = fs::read_to_string(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
        let broken = |error: csv::Error| ReportError::Content { path: path.to_owned(), message: error.to_string() };
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().map_err(broken)?;
        let mut table = Self::new(header.iter().map(|name| Column::new(name, "")).collect())?;
        for record in reader.records() {
            let record = record.map_err(broken)?;
            table.push(record.iter().map(Cell::from_csv_field).collect())?;
        }
        Ok(table)
    }

    /// A data dictionary in Markdown: what each column means.
    pub fn describe(&self) -> String {
        describe(&self.columns)
    }
}

/// The first line of a CSV file.
pub fn csv_header(columns: &[Column]) -> String {
    let names: Vec<Cell> = columns.iter().map(|column| column.name.as_str().into()).collect();
    csv_rows(&[names])
}

/// Rows as CSV without a header, one line each.
pub fn csv_rows(rows: &[Vec<Cell>]) -> String {
    let mut text = CsvRows::default();
    rows.iter().for_each(|row| text.push(row));
    text.into_text()
}

/// Rows on their way to CSV, each written as it comes: a million of them as cells would take gigabytes.
pub struct CsvRows {
    writer: csv::Writer<Vec<u8>>,
    /// The field that is being written.
    field: String,
}

/// Writing a row of the usual width into memory.
const NEVER_FAILS: &str = "records of one width fit into memory";

impl Default for CsvRows {
    fn default() -> Self {
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
        Self { writer, field: String::new() }
    }
}

impl CsvRows {
    /// Appends a row.
    pub fn push(&mut self, row: &[Cell]) {
        for cell in row {
            self.field.clear();
            cell.write_csv_field(&mut self.field);
            self.writer.write_field(&self.field).expect(NEVER_FAILS);
        }
        self.writer.write_record(None::<&[u8]>).expect(NEVER_FAILS);
    }

    /// What was written.
    pub fn into_text(self) -> String {
        let bytes = self.writer.into_inner().expect(NEVER_FAILS);
        String::from_utf8(bytes).expect("fields are UTF-8 and separators ASCII")
    }
}

/// A data dictionary in Markdown: what each column means.
pub fn describe(columns: &[Column]) -> String {
    let mut text = String::from("| column | meaning |\n|---|---|\n");
    for column in columns {
        let meaning = column.description.replace('|', "\\|").replace('\n', " ");
        writeln!(text, "| `{}` | {meaning} |", column.name).expect("writing into a string never fails");
    }
    text
}
