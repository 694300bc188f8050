//! Reads typed values out of a table and collects what is wrong with them.
//!
//! A bad value is noted and its default (or nothing) stands in for it, so that one pass finds all problems.

mod choice;

use std::fmt;
use std::path::PathBuf;

use super::error::Problem;
use super::range::{Range, unit};
use super::schema::TableSchema;
use super::source::Origin;
use super::tree::{Data, Table, Value};
use super::unknown::{unknown_key, unknown_word};
use super::words::{Words, alternatives, value_of};

/// One table under the reader's eyes.
pub(super) struct TableReader<'a> {
    table: Option<&'a Table>,
    /// The only value of a table that is written short, with its key in that table.
    short: Option<(&'static str, &'a Value)>,
    /// The key under which that value stands in the file.
    short_key: &'a str,
    /// How the table is called in messages: `[radio]`, `[[device]]`, `radio.fading`.
    header: String,
    /// Where the table begins.
    start: Option<&'a Origin>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> TableReader<'a> {
    /// Opens a table of the schema; `value` is `None` where the file leaves it out, and every field takes its
    /// default.
    pub(super) fn open(schema: &'static TableSchema, value: Option<&'a Value>, problems: &'a mut Vec<Problem>) -> Self {
        let header = schema.header();
        let table = value.and_then(|value| match &value.data {
            Data::Table(table) => Some(table),
            _ => {
                let problem = Problem::new(format!("`{}` is {}, not a table", schema.name, value.kind()));
                problems
                    .push(problem.at(&value.origin).expected("a table").help(format!("begin it with a line {header}")));
                None
            }
        });
        let reader =
            Self { table, short: None, short_key: "", header, start: value.map(|value| &value.origin), problems };
        if let Some(table) = reader.table {
            for entry in table.entries.iter().filter(|entry| schema.field(&entry.key).is_none()) {
                let problem = unknown_key(&entry.key, &entry.origin, &reader.header, schema.keys());
                reader.problems.push(problem);
            }
        }
        reader
    }

    /// Where a value stands under `key`, or the whole table starts, for problems that show up later.
    pub(super) fn origin(&self, key: &str) -> Option<&'a Origin> {
        self.value(key).map(|value| &value.origin)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether the file has this table at all.
    pub(super) fn is_there(&self) -> bool {
        self.start.is_some()
    }

    /// Notes those of `keys` that are there: they mean nothing for `whom`.
    pub(super) fn refuse(&mut self, keys: &[&str], whom: &str, help: &str) {
        let Some(table) = self.table else {
            return;
        };
        for entry in table.entries.iter().filter(|entry| keys.contains(&entry.key.as_str())) {
            let problem = Problem::new(format!("`{}` does not go with {whom}", entry.key)).at(&entry.origin);
            self.problems.push(problem.expected("no such key here").help(help));
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        match self.short {
            Some((short, value)) if short == key => Some(value),
            _ => self.table.and_then(|table| table.get(key)),
        }
    }

    /// The key under which the user wrote the value of `key`.
    pub(super) fn written<'k>(&self, key: &'k str) -> &'k str
    where
        'a: 'k,
    {
        match self.short {
            Some((short, _)) if short == key => self.short_key,
            _ => key,
        }
    }

    /// Whether the file has this table, and it is one.
    pub(super) fn is_table(&self) -> bool {
        self.table.is_some()
    }

    /// Where the table begins; `None` where the file leaves it out.
    pub(super) fn start(&self) -> Option<&'a Origin> {
        self.start
    }

    /// How the table is called in messages.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    /// Adds a problem at the value of `key`, or where the table begins.
    pub(super) fn push_at(&mut self, key: &str, problem: Problem) {
        let origin = self.origin(key).or(self.start);
        self.problems.push(match origin {
            Some(origin) => problem.at(origin),
            None => problem,
        });
    }

    /// How many problems there are so far, in all tables.
    pub(super) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(super) fn wrong_type(&mut self, key: &str, value: &Value, expected: impl fmt::Display) {
        let message = format!("`{}` is {}", self.written(key), value.kind());
        self.problems.push(Problem::new(message).at(&value.origin).expected(expected));
    }

    /// Notes that a key must be there and is not.
    pub(super) fn missing(&mut self, key: &str, line: &str) {
        let problem = match self.start {
            Some(origin) => Problem::new(format!("{} lacks `{key}`", self.header))
                .at(origin)
                .expected(format!("`{key}` in this table"))
                .help(format!("add a line under {}, say\n  {line}", self.header)),
            None => Problem::new(format!("the scenario has no {} with `{key}`", self.header))
                .help(format!("add it, say\n  {}\n  {line}", self.header)),
        };
        self.problems.push(problem);
    }

    /// Notes that a key must be there for `whom` and is not.
    pub(super) fn missing_for(&mut self, key: &str, whom: &str, line: &str) {
        let problem = Problem::new(format!("{whom} needs `{key}` under {}, which is not given", self.header));
        let problem = problem.expected(format!("`{key}` under {}", self.header));
        let problem = problem.help(format!("add a line under {}, say\n  {line}", self.header));
        self.push_at(key, problem);
    }

    pub(super) fn number(&mut self, key: &str, default: f64, range: Range) -> f64 {
        self.optional_number(key, range).unwrap_or(default)
    }

    pub(super) fn optional_number(&mut self, key: &str, range: Range) -> Option<f64> {
        let value = self.value(key)?;
        self.number_from(key, value, range)
    }

    /// Reads a number out of `value`, which stands under `key` or in a list there.
    pub(super) fn number_from(&mut self, key: &str, value: &Value, range: Range) -> Option<f64> {
        // said only where something is wrong: millions of points of a sweep come by here
        let expected = || format!("{range}{}", unit(key));
        let number = match value.data {
            Data::Integer(number) => number as f64,
            Data::Float(number) => number,
            _ => {
                self.wrong_type(key, value, expected());
                return None;
            }
        };
        let wrong = if !number.is_finite() {
            "is not a finite number"
        } else if !range.holds(number) {
            "is out of range"
        } else {
            return Some(number);
        };
        let problem = Problem::new(format!("`{}` = {value} {wrong}", self.written(key)));
        self.problems.push(problem.at(&value.origin).expected(expected()));
        None
    }

    pub(super) fn integer(&mut self, key: &str, default: u64, low: u64, high: u64) -> u64 {
        self.optional_integer(key, low, high).unwrap_or(default)
    }

    pub(super) fn optional_integer(&mut self, key: &str, low: u64, high: u64) -> Option<u64> {
        let value = self.value(key)?;
        self.integer_from(key, value, low, high)
    }

    pub(super) fn integer_from(&mut self, key: &str, value: &Value, low: u64, high: u64) -> Option<u64> {
        self.signed_integer_from(key, value, low.into(), high.into())
            .map(|number| u64::try_from(number).expect("the number is between two that are not below 0"))
    }

    /// A whole number that may be below 0.
    pub(super) fn signed_integer(&mut self, key: &str, default: i32, low: i32, high: i32) -> i32 {
        let number = self.value(key).and_then(|value| self.signed_integer_from(key, value, low.into(), high.into()));
        number.map_or(default, |number| i32::try_from(number).expect("the number is between two of 32 bits"))
    }

    fn signed_integer_from(&mut self, key: &str, value: &Value, low: i128, high: i128) -> Option<i128> {
        let expected = || match (low, high) {
            (0, high) if high == u64::MAX.into() => "a whole number of at least 0".to_owned(),
            _ => format!("a whole number from {low} to {high}"),
        };
        match value.data {
            Data::Integer(number) => {
                let is_inside = (low..=high).contains(&number);
                if !is_inside {
                    let problem = Problem::new(format!("`{key}` = {number} is out of range"));
                    self.problems.push(problem.at(&value.origin).expected(expected()));
                }
                is_inside.then_some(number)
            }
            Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                let problem = Problem::new(format!("`{key}` = {value} is a fractional number"));
                let problem = problem.at(&value.origin).expected(expected());
                self.problems.push(problem.help(format!("write {number:.0}, without point and exponent")));
                None
            }
            _ => {
                self.wrong_type(key, value, expected());
                None
            }
        }
    }

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(Value { data: Data::Boolean(flag), .. }) => *flag,
            Some(value) => {
                self.wrong_type(key, value, "true or false");
                default
            }
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        self.text_from(key, value)
    }

    pub(super) fn text_from(&mut self, key: &str, value: &Value) -> Option<String> {
        match &value.data {
            Data::Text(text) => Some(text.clone()),
            _ => {
                self.wrong_type(key, value, "a string in quotes");
                None
            }
        }
    }

    /// A string with something in it.
    pub(super) fn filled_text(&mut self, key: &str, example: &str) -> Option<String> {
        let text = self.text(key)?;
        if !text.trim().is_empty() {
            return Some(text);
        }
        let problem = Problem::new(format!("`{key}` is empty")).expected(format!("text, say \"{example}\""));
        let problem = match self.origin(key) {
            Some(origin) => problem.at(origin),
            None => problem,
        };
        self.problems.push(problem);
        None
    }

    pub(super) fn word<T: Copy>(&mut self, key: &str, default: T, words: Words<T>) -> T {
        self.value(key).and_then(|value| self.word_from(key, value, words)).unwrap_or(default)
    }

    pub(super) fn word_from<T: Copy>(&mut self, key: &str, value: &Value, words: Words<T>) -> Option<T> {
        let known = || words.iter().map(|(word, _)| *word);
        let Data::Text(word) = &value.data else {
            self.wrong_type(key, value, alternatives(known()));
            return None;
        };
        let found = value_of(words, word);
        if found.is_none() {
            self.problems.push(unknown_word(key, word, &value.origin, known()));
        }
        found
    }

    /// A file's name, relative to the working directory.
    pub(super) fn path(&mut self, key: &str, example: &str) -> Option<PathBuf> {
        if self.has(key) { self.filled_text(key, example).map(PathBuf::from) } else { None }
    }

    /// The entries of a list that is there.
    pub(super) fn list(&mut self, key: &str, expected: &str) -> Option<&'a [Value]> {
        let value = self.value(key)?;
        match &value.data {
            Data::List(list) => Some(list),
            _ => {
                self.wrong_type(key, value, expected);
                None
            }
        }
    }
}
