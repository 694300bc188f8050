//! The CSV file of a measured surface: one row per cell.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use super::{MeasuredSurface, SurfaceFault, SurfaceRow};
use crate::judge::persona::{NamedPersona, Persona};

/// The columns, in this order.
pub const COLUMNS: [&str; 12] = [
    "similarity",
    "persona",
    "openness",
    "conscientiousness",
    "extraversion",
    "agreeableness",
    "neuroticism",
    "t0",
    "tk",
    "bit_error_probability",
    "qoe",
    "standard_error",
];

/// The last column.
const PICTURES: &str = "n";

/// What is wrong with the file of a measured surface; lines count from 1.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum SurfaceFileError {
    /// It is missing or cannot be opened.
    #[error("cannot read the measured surface {}: {reason}", path.display())]
    #[diagnostic(help("the path is relative to the working directory; `latentlink surface` makes the file"))]
    Unreadable { path: PathBuf, reason: String },
    /// The first line is another one.
    #[error("{}:1: the columns are not those of a measured surface, expected {}", path.display(), header())]
    #[diagnostic(help("make the file with `latentlink surface`"))]
    Header { path: PathBuf },
    /// A line of other than 13 values.
    #[error("{}:{line}: this line has {values} values, expected 13", path.display())]
    #[diagnostic(help("the file was changed by hand: make it again with `latentlink surface`"))]
    Width { path: PathBuf, line: usize, values: usize },
    /// A value that the column cannot have.
    #[error("{}:{line}: `{column}` is `{value}`, expected {expected}", path.display())]
    #[diagnostic(help("the file was changed by hand: make it again with `latentlink surface`"))]
    Value { path: PathBuf, line: usize, column: &'static str, value: String, expected: &'static str },
    /// Two rows of one cell.
    #[error("{}:{line}: a second row of {cell}", path.display())]
    #[diagnostic(help("take one of the two rows away, or make the file again with `latentlink surface`"))]
    Twice { path: PathBuf, line: usize, cell: String },
    /// A cell without a row.
    #[error("{}: the grid lacks {cell}", path.display())]
    #[diagnostic(help(
        "a surface has a row for each similarity, persona, t0, t_k and bit error probability that any row has: sweep all of \
         them against each other"
    ))]
    Missing { path: PathBuf, cell: String },
    /// Only a header.
    #[error("{} has no rows", path.display())]
    #[diagnostic(help("make it again with `latentlink surface`"))]
    Nothing { path: PathBuf },
}

/// Reads a surface.
///
/// # Errors
/// [`SurfaceFileError`] for the first thing that is wrong.
pub fn read_measured_surface(path: &Path) -> Result<MeasuredSurface, SurfaceFileError> {
    let unreadable = |reason: String| SurfaceFileError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".into()))?;
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    if lines.next().is_none_or(|(_, line)| line != header()) {
        return Err(SurfaceFileError::Header { path: path.to_owned() });
    }
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        rows.push(Line { path, number }.row(line)?);
        numbers.push(number);
    }
    let path = path.to_owned();
    MeasuredSurface::new(&rows).map_err(|fault| match fault {
        SurfaceFault::Nothing => SurfaceFileError::Nothing { path },
        SurfaceFault::Missing { cell } => SurfaceFileError::Missing { path, cell },
        SurfaceFault::Twice { row, cell } => SurfaceFileError::Twice { path, line: numbers[row], cell },
    })
}

/// The file of some rows. Qualities and errors have five places, finer than any standard error.
pub fn to_csv(rows: &[SurfaceRow]) -> String {
    let mut text = header() + "\n";
    let rounded = |number: f64| format!("{}", (number * 1e5).round() / 1e5);
    for row in rows {
        let mut cells = vec![format!("{}", row.similarity), quoted(&row.persona.name)];
        cells.extend(row.persona.persona.traits().map(|value| format!("{value}")));
        cells.extend([row.t0.to_string(), row.tk.to_string(), format!("{}", row.bit_error_probability)]);
        cells.extend([rounded(row.quality), row.standard_error.map_or_else(String::new, rounded)]);
        cells.push(row.pictures.to_string());
        text += &(cells.join(",") + "\n");
    }
    text
}

fn header() -> String {
    format!("{},{PICTURES}", COLUMNS.join(","))
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

/// A line that is read.
struct Line<'a> {
    path: &'a Path,
    number: usize,
}

impl Line<'_> {
    fn row(&self, text: &str) -> Result<SurfaceRow, SurfaceFileError> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
        if record.len() != COLUMNS.len() + 1 {
            return Err(SurfaceFileError::Width {
                path: self.path.to_owned(),
                line: self.number,
                values: record.len(),
            });
        }
        let number = |column: usize, range: std::ops::RangeInclusive<f64>, expected: &'static str| {
            let found = record[column].parse::<f64>().ok().filter(|value| range.contains(value));
            found.ok_or_else(|| self.bad(column, &record[column], expected))
        };
        let whole = |column: usize, least: u32, expected: &'static str| {
            let found = record[column].parse::<u32>().ok().filter(|value| *value >= least);
            found.ok_or_else(|| self.bad(column, &record[column], expected))
        };
        let mut traits = [0.0; 5];
        for (index, value) in traits.iter_mut().enumerate() {
            *value = number(2 + index, 0.0..=1.0, "a number from 0 to 1")?;
        }
        let persona = Persona::new(traits).expect("each trait was held against [0, 1]");
        let standard_error = match &record[11] {
            "" => None,
            _ => Some(number(11, 0.0..=1.0, "a number from 0 to 1, or nothing")?),
        };
        Ok(SurfaceRow {
            similarity: number(0, -1.0..=1.0, "a number from -1 to 1")?,
            persona: NamedPersona::new(&record[1], persona),
            t0: whole(7, 1, "a whole number of at least 1")?,
            tk: whole(8, 0, "a whole number")?,
            bit_error_probability: number(9, 0.0..=0.5, "a number from 0 to 0.5")?,
            quality: number(10, 0.0..=1.0, "a number from 0 to 1")?,
            standard_error,
            pictures: whole(12, 1, "a whole number of at least 1")?,
        })
    }

    fn bad(&self, column: usize, value: &str, expected: &'static str) -> SurfaceFileError {
        let column = COLUMNS.get(column).copied().unwrap_or(PICTURES);
        SurfaceFileError::Value {
            path: self.path.to_owned(),
            line: self.number,
            column,
            value: value.to_owned(),
            expected,
        }
    }
}
