//! People in a CSV file: a name and five traits each.

use std::path::{Path, PathBuf};

use csv::{Reader, StringRecord};
use miette::Diagnostic;
use thiserror::Error;

use crate::judge::persona::{NamedPersona, Persona, TRAIT_NAMES};

const HEADER: &str = "name,openness,conscientiousness,extraversion,agreeableness,neuroticism";

/// What is wrong with a file of people; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum PeopleFileError {
    /// It is missing or cannot be opened.
    #[error("cannot read the people in {}: {reason}", path.display())]
    #[diagnostic(help(
        "the path is relative to the working directory; the file is a CSV whose first line is {HEADER}"
    ))]
    Unreadable { path: PathBuf, reason: String },
    /// It is not a CSV file.
    #[error("{}:{line}: {reason}", path.display())]
    #[diagnostic(help("write one person a line, with as many values as the first line has columns: {HEADER}"))]
    NotCsv { path: PathBuf, line: u64, reason: String },
    /// A column is missing or there twice.
    #[error("{}:1: {count} columns are called `{column}`, expected one", path.display())]
    #[diagnostic(help("the first line names the columns, say {HEADER}; further ones are ignored"))]
    Header { path: PathBuf, column: &'static str, count: usize },
    /// A trait that is not a number from 0 to 1.
    #[error("{}:{line}:{column}: `{trait_name}` is `{value}`, expected a number from 0 to 1", path.display())]
    #[diagnostic(help(
        "a trait is a number from 0 (absent) to 1 (as strong as it gets), with a decimal point; divide percent by 100"
    ))]
    Trait { path: PathBuf, line: u64, column: usize, trait_name: &'static str, value: String },
    /// A name that cannot be used.
    #[error("{}:{line}:{column}: the name `{name}` {fault}", path.display())]
    #[diagnostic(help(
        "a name has 1 to 64 characters, is there once (capitals aside), and is not that of a persona of the paper"
    ))]
    Name { path: PathBuf, line: u64, column: usize, name: String, fault: &'static str },
    /// Only a header.
    #[error("{} lists no people", path.display())]
    #[diagnostic(help("write one person a line below {HEADER}"))]
    Nobody { path: PathBuf },
}

/// The people of a CSV file with the columns `name`, `openness`, `conscientiousness`, `extraversion`, `agreeableness`
/// and `neuroticism` in any order; others are ignored.
///
/// # Errors
/// [`PeopleFileError`] for the first thing that is wrong.
pub fn read_people(path: &Path) -> Result<Vec<NamedPersona>, PeopleFileError> {
    let unreadable = |reason: String| PeopleFileError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let file = PeopleText { path, text };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = Columns::find(file, &mut reader)?;
    let mut people: Vec<NamedPersona> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| file.not_csv(&error))?;
        people.push(columns.person(file, &record, &people)?);
    }
    if people.is_empty() {
        return Err(PeopleFileError::Nobody { path: path.to_owned() });
    }
    Ok(people)
}

/// The file that is read, for what is said of it.
#[derive(Clone, Copy)]
struct PeopleText<'a> {
    path: &'a Path,
    text: &'a str,
}

impl PeopleText<'_> {
    /// The line, from 1, of what the reader found at this place. The reader's own count stands before the end of the
    /// line above (`\r\n`) and before empty lines.
    fn line(&self, position: Option<&csv::Position>) -> u64 {
        let begin = position.map_or(0, |position| position.byte() as usize).min(self.text.len());
        let bytes = self.text.as_bytes();
        let skipped = bytes[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        1 + bytes[..begin + skipped].iter().filter(|byte| **byte == b'\n').count() as u64
    }

    fn not_csv(&self, error: &csv::Error) -> PeopleFileError {
        let reason = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("this line has {len} values, expected {expected_len}")
            }
            _ => error.to_string(),
        };
        PeopleFileError::NotCsv { path: self.path.to_owned(), line: self.line(error.position()), reason }
    }
}

/// Where the values stand in a line.
struct Columns {
    name: usize,
    traits: [usize; 5],
}

impl Columns {
    fn find(file: PeopleText<'_>, reader: &mut Reader<&[u8]>) -> Result<Self, PeopleFileError> {
        let header = reader.headers().map_err(|error| file.not_csv(&error))?.clone();
        let find = |column: &'static str| {
            let found: Vec<usize> =
                (0..header.len()).filter(|index| header[*index].eq_ignore_ascii_case(column)).collect();
            match found.as_slice() {
                [only] => Ok(*only),
                _ => Err(PeopleFileError::Header { path: file.path.to_owned(), column, count: found.len() }),
            }
        };
        let mut traits = [0; 5];
        for (place, name) in traits.iter_mut().zip(TRAIT_NAMES) {
            *place = find(name)?;
        }
        Ok(Self { name: find("name")?, traits })
    }

    fn person(
        &self,
        file: PeopleText<'_>,
        record: &StringRecord,
        before: &[NamedPersona],
    ) -> Result<NamedPersona, PeopleFileError> {
        let (path, line) = (file.path, file.line(record.position()));
        let name = record[self.name].to_owned();
        if let Some(fault) = name_fault(&name, before) {
            return Err(PeopleFileError::Name { path: path.to_owned(), line, column: self.name + 1, name, fault });
        }
        let mut traits = [0.0; 5];
        for ((value, &column), trait_name) in traits.iter_mut().zip(&self.traits).zip(TRAIT_NAMES) {
            let written = &record[column];
            *value = written.parse().ok().filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| {
                let value = written.to_owned();
                PeopleFileError::Trait { path: path.to_owned(), line, column: column + 1, trait_name, value }
            })?;
        }
        let persona = Persona::new(traits).expect("each trait was held against [0, 1]");
        Ok(NamedPersona::new(name, persona))
    }
}

fn name_fault(name: &str, before: &[NamedPersona]) -> Option<&'static str> {
    let is_taken = |other: &str| other.to_lowercase() == name.to_lowercase();
    if name.is_empty() {
        Some("is empty")
    } else if name.chars().count() > 64 {
        Some("is longer than 64 characters")
    } else if name.chars().any(char::is_control) {
        Some("holds a control character")
    } else if is_taken("population") || Persona::NAMED.iter().any(|(named, _)| is_taken(named)) {
        Some("already means a persona of every scenario")
    } else if before.iter().any(|person| is_taken(&person.name)) {
        Some("is there twice")
    } else {
        None
    }
}
