//! Reads typed values out of a table and collects what is wrong with them.
//!
//! A bad value is noted and its default (or nothing) stands in for it, so that one pass finds all problems.

use std::fmt;

use super::error::Problem;
use super::range::{Range, unit};
use super::schema::{TableSchema, Variant};
use super::source::Origin;
use super::tree::{Data, Table, Value};
use super::unknown::{unknown_key, unknown_word};
use super::words::{Words, alternatives, value_of};

/// One table under the reader's eyes.
pub(super) struct TableReader<'a> {
    table: Option<&'a Table>,
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
        let reader = Self { table, header, start: value.map(|value| &value.origin), problems };
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
        self.table.and_then(|table| table.get(key)).map(|value| &value.origin)
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
        self.table.and_then(|table| table.get(key))
    }

    /// How many problems there are so far, in all tables.
    pub(super) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(super) fn wrong_type(&mut self, key: &str, value: &Value, expected: impl fmt::Display) {
        let message = format!("`{key}` is {}", value.kind());
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
        let problem = Problem::new(format!("`{key}` = {value} {wrong}"));
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
        let expected = || match (low, high) {
            (0, u64::MAX) => "a whole number of at least 0".to_owned(),
            _ => format!("a whole number from {low} to {high}"),
        };
        match value.data {
            Data::Integer(number) => {
                let inside = u64::try_from(number).ok().filter(|number| (low..=high).contains(number));
                if inside.is_none() {
                    let problem = Problem::new(format!("`{key}` = {number} is out of range"));
                    self.problems.push(problem.at(&value.origin).expected(expected()));
                }
                inside
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

    /// The kind of a choice, and a reader of the keys beside it; `None` where the field is left out or wrong.
    pub(super) fn choice(
        &mut self,
        key: &str,
        variants: &'static [Variant],
    ) -> Option<(&'static str, TableReader<'_>)> {
        let value = self.value(key)?;
        let known = || variants.iter().map(|variant| variant.kind);
        let (word, origin, table) = match &value.data {
            Data::Text(word) => (word, &value.origin, None),
            Data::Table(table) => match table.get("kind") {
                Some(Value { data: Data::Text(word), origin }) => (word, origin, Some(table)),
                Some(kind) => {
                    self.wrong_type(&format!("{key}.kind"), kind, alternatives(known()));
                    return None;
                }
                None => {
                    let problem = Problem::new(format!("`{key}` lacks `kind`")).at(&value.origin);
                    self.push(problem.expected(format!("kind = {}", alternatives(known()))));
                    return None;
                }
            },
            _ => {
                self.wrong_type(key, value, format!("{}, or a table with that `kind`", alternatives(known())));
                return None;
            }
        };
        let Some(variant) = variants.iter().find(|variant| variant.kind == word) else {
            self.problems.push(unknown_word(key, word, origin, known()));
            return None;
        };
        let header = format!("`{key}` of kind \"{word}\"");
        for entry in table.iter().flat_map(|table| &table.entries) {
            if entry.key != "kind" && !variant.keys.contains(&entry.key.as_str()) {
                self.problems.push(unknown_key(&entry.key, &entry.origin, &header, variant.keys.iter().copied()));
            }
        }
        Some((variant.kind, TableReader { table, header, start: Some(origin), problems: self.problems }))
    }

    /// A number that a choice must have beside its kind.
    pub(super) fn needed_number(&mut self, key: &str, range: Range, example: &str) -> Option<f64> {
        if self.has(key) {
            return self.optional_number(key, range);
        }
        let problem = Problem::new(format!("{} lacks `{key}`", self.header));
        let problem = problem.expected(format!("{key} = {range}{}", unit(key))).help(format!("write {example}"));
        self.problems.push(match self.start {
            Some(origin) => problem.at(origin),
            None => problem,
        });
        None
    }
}
