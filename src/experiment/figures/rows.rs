//! The rows of `requests.csv` or `runs.csv` that a figure shows, in the groups that it shows apart.
//!
//! Devices are told apart in rounds, where each has one request. In a run in time they may be a hundred thousand, and
//! what is shown is everybody's unless one is named.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::FigureSource;
use super::columns::{Columns, Wanted, WordColumn};
use super::labels::setting_label;
use crate::report::ReportError;
use crate::scenario::{Coordinate, CoordinateValue, SERIES_OF_DEVICES, Scenario, is_of_runs};

/// The rows of one table with the columns that a figure asks for.
pub(super) struct Rows {
    columns: Columns,
    /// Swept fields.
    pub swept: Vec<String>,
    has_devices: bool,
    is_live: bool,
}

/// What a figure shows of numbers that both tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The mean of each run.
    Means,
    /// That of each request.
    Distribution,
}

/// Which rows a figure keeps.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    /// `None`: those of all devices.
    pub device: Option<&'a str>,
    pub at: &'a [Coordinate],
}

/// One figure of several: everybody's, or one device's.
pub(super) struct Part {
    /// Part of the file name that tells it from the others.
    pub suffix: String,
    pub title: String,
    pub device: Option<String>,
}

impl Shown {
    /// Of a figure of means: those of one device, or of each, are over its requests.
    pub fn means(device: Option<&String>, series: Option<&String>) -> Self {
        match device.is_some() || series.is_some_and(|series| series == SERIES_OF_DEVICES) {
            true => Self::Distribution,
            false => Self::Means,
        }
    }
}

impl Rows {
    /// Reads `runs.csv` if the numbers are there, else `requests.csv`.
    pub fn read(
        source: &FigureSource,
        scenario: &Scenario,
        numbers: &[&str],
        shown: Shown,
    ) -> Result<Self, ReportError> {
        let is_live = scenario.demand.is_some();
        let of_runs = is_of_runs(numbers.iter().copied(), is_live, shown == Shown::Means);
        let file = if of_runs { "runs.csv" } else { "requests.csv" };
        let mut words: Vec<&str> = source.swept.iter().map(String::as_str).collect();
        words.extend(["point", "replication"]);
        if !of_runs {
            words.push("device");
        }
        let columns = Columns::read(&source.folder.join(file), &Wanted { words: &words, numbers, only: &[] })?;
        Ok(Self { columns, swept: source.swept.clone(), has_devices: !of_runs, is_live })
    }

    pub fn words(&self, column: &str) -> &WordColumn {
        self.columns.words(column)
    }

    pub fn numbers(&self, column: &str) -> &[f64] {
        self.columns.numbers(column)
    }

    /// Whether the rows are those of `runs.csv`.
    pub fn are_of_runs(&self) -> bool {
        !self.has_devices
    }

    /// How many replications there are at most.
    pub fn replications(&self) -> usize {
        self.words("replication").words().len()
    }

    /// The rows of this device at these values.
    pub fn kept(&self, kept: Kept<'_>) -> Vec<usize> {
        let mut tests: Vec<(&WordColumn, Vec<bool>)> = Vec::new();
        if let Some(device) = kept.device.filter(|_| self.has_devices) {
            let column = self.words("device");
            tests.push((column, column.words().iter().map(|word| word == device).collect()));
        }
        for coordinate in kept.at {
            let column = self.words(&coordinate.path);
            tests.push((column, column.words().iter().map(|word| is_value(word, &coordinate.value)).collect()));
        }
        let is_kept = |row: &usize| tests.iter().all(|(column, wanted)| wanted[column.code(*row)]);
        (0..self.columns.rows()).filter(is_kept).collect()
    }

    /// One figure for each device whose numbers would else be mixed: all of them where none is named.
    pub fn parts(&self, title: &str, device: Option<&String>, mixes_devices: bool) -> Vec<Part> {
        let everybody = |device: Option<&String>| {
            vec![Part { suffix: String::new(), title: title.to_owned(), device: device.cloned() }]
        };
        if !self.has_devices || mixes_devices || device.is_some() || self.is_live {
            return everybody(device);
        }
        match self.words("device").words() {
            [] | [_] => everybody(None),
            several => several
                .iter()
                .map(|device| Part {
                    suffix: format!("_{device}"),
                    title: format!("{title} ({device})"),
                    device: Some(device.clone()),
                })
                .collect(),
        }
    }

    /// The swept fields that vary among rows of the same values of `shown`, as `study.seed` does beside an axis of t₀;
    /// a field that goes along with one of `shown` does not.
    pub fn free_fields(&self, rows: &[usize], shown: &[&str]) -> Vec<String> {
        let shown: Vec<&WordColumn> = shown.iter().map(|field| self.words(field)).collect();
        let varies = |field: &&String| {
            let column = self.words(field);
            if column.words().len() < 2 {
                return false;
            }
            let mut value_at: HashMap<Vec<usize>, usize> = HashMap::new();
            rows.iter().any(|&row| {
                let place = shown.iter().map(|column| column.code(row)).collect();
                *value_at.entry(place).or_insert_with(|| column.code(row)) != column.code(row)
            })
        };
        self.swept.iter().filter(varies).cloned().collect()
    }

    /// As [`Rows::free_fields`] where a figure has no place for such a field.
    ///
    /// # Errors
    /// [`ReportError::Figure`] that names the first.
    pub fn must_not_mix(&self, figure: &str, rows: &[usize], shown: &[&str]) -> Result<(), ReportError> {
        let failed = |message: String| Err(ReportError::Figure { figure: figure.to_owned(), message });
        if rows.is_empty() {
            return failed("no run has the values that its `device` and `at` name".to_owned());
        }
        match self.free_fields(rows, shown).first() {
            None => Ok(()),
            Some(field) => {
                failed(format!("it would mix all values of `{field}`: fix it with `at`, or make it the `series`"))
            }
        }
    }

    /// The series that a figure asks for.
    pub fn series<'a>(&'a self, series: Option<&'a String>) -> SeriesColumn<'a> {
        SeriesColumn { field: series.map(String::as_str), column: series.map(|field| self.words(field)) }
    }
}

/// The column whose words tell series apart; none: there is one series without a name.
pub(super) struct SeriesColumn<'a> {
    pub field: Option<&'a str>,
    column: Option<&'a WordColumn>,
}

impl SeriesColumn<'_> {
    pub fn code(&self, row: usize) -> usize {
        self.column.map_or(0, |column| column.code(row))
    }

    pub fn name(&self, code: usize) -> String {
        match (self.field, self.column) {
            (Some(SERIES_OF_DEVICES), Some(column)) => column.words()[code].clone(),
            (Some(field), Some(column)) => setting_label(field, &column.words()[code]),
            _ => String::new(),
        }
    }

    /// Numbers of the rows that have one, by series, in the order of first sight.
    pub fn grouped(&self, rows: &[usize], numbers: &[f64]) -> Vec<(String, Vec<f64>)> {
        let mut by_code: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for &row in rows {
            let group = by_code.entry(self.code(row)).or_default();
            if numbers[row].is_finite() {
                group.push(numbers[row]);
            }
        }
        by_code.into_iter().map(|(code, numbers)| (self.name(code), numbers)).collect()
    }
}

/// Whether a word of a table is this value of a scenario: 0.10 is 0.1, and 2.0 is 2.
pub(super) fn is_value(word: &str, value: &CoordinateValue) -> bool {
    match value.number() {
        Some(number) => word.parse::<f64>().is_ok_and(|word| word == number),
        None => *value == CoordinateValue::Text(word.to_owned()),
    }
}

/// The numbers that words stand for; `None` where one is none.
pub(super) fn as_numbers(words: &[String]) -> Option<Vec<f64>> {
    words.iter().map(|word| word.parse().ok().filter(|number: &f64| number.is_finite())).collect()
}

/// How many different combinations of these columns there are, up to `most + 1`.
pub(super) fn combinations(columns: &[&WordColumn], rows: &[usize], most: usize) -> usize {
    let mut seen: HashSet<Vec<usize>> = HashSet::new();
    for &row in rows {
        seen.insert(columns.iter().map(|column| column.code(row)).collect());
        if seen.len() > most {
            break;
        }
    }
    seen.len()
}
