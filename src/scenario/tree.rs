//! A TOML document in which every key and value knows where it was written.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::source::{Origin, Source};

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) data: Data,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone)]
pub(super) enum Data {
    Text(String),
    /// Wide enough for every `u64` and `i64`.
    Integer(i128),
    Float(f64),
    Boolean(bool),
    /// As it was written; no field takes one.
    Datetime(String),
    List(Vec<Value>),
    Table(Table),
}

/// The entries of a table in the order in which they were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Of the key itself.
    pub(super) origin: Origin,
    pub(super) value: Value,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
    }

    /// Replaces the value under `key`, or adds it at the end.
    pub(super) fn insert(&mut self, key: &str, value: Value) {
        match self.get_mut(key) {
            Some(place) => *place = value,
            None => self.entries.push(Entry { key: key.to_owned(), origin: value.origin.clone(), value }),
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.entries.retain(|entry| entry.key != key);
    }

    /// The text under `key`, if it is one.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&self, key: &str) -> impl Iterator<Item = &Table> {
        let list = match self.get(key).map(|value| &value.data) {
            Some(Data::List(list)) => list.as_slice(),
            _ => &[],
        };
        list.iter().filter_map(|value| match &value.data {
            Data::Table(table) => Some(table),
            _ => None,
        })
    }
}

impl Value {
    /// What the value is, for "…, not a string".
    pub(super) fn kind(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "a string",
            Data::Integer(_) => "a whole number",
            Data::Float(_) => "a fractional number",
            Data::Boolean(_) => "a truth value",
            Data::Datetime(_) => "a date or time",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }
}

/// The value as TOML, on one line.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Text(text) => formatter.write_str(&quote(text)),
            Data::Integer(number) => write!(formatter, "{number}"),
            Data::Float(number) if number.is_finite() => write!(formatter, "{number:?}"),
            Data::Float(number) => write!(formatter, "{}", number.to_string().to_lowercase()),
            Data::Boolean(flag) => write!(formatter, "{flag}"),
            Data::Datetime(text) => formatter.write_str(text),
            Data::List(list) => {
                formatter.write_str("[")?;
                for (index, value) in list.iter().enumerate() {
                    write!(formatter, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                formatter.write_str("]")
            }
            Data::Table(table) => {
                formatter.write_str("{")?;
                for (index, entry) in table.entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(formatter, "{comma} {} = {}", quote_key(&entry.key), entry.value)?;
                }
                formatter.write_str(" }")
            }
        }
    }
}

/// A TOML string with its quotes.
pub(super) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn quote_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { key.to_owned() } else { quote(key) }
}

/// Reads a document; the error is its first syntax error.
pub(super) fn read_document(source: &Arc<Source>) -> Result<Table, Box<Problem>> {
    let document = DeTable::parse(&source.text).map_err(|error| syntax_problem(source, 0, &error))?;
    table_from(source, 0, document.get_ref())
}

/// Reads a single value that takes these bytes of the source.
pub(super) fn read_value(source: &Arc<Source>, bytes: Range<usize>) -> Result<Value, Box<Problem>> {
    let start = bytes.start;
    let value = DeValue::parse(&source.text[bytes]).map_err(|error| syntax_problem(source, start, &error))?;
    value_from(source, start, &value)
}

fn syntax_problem(source: &Arc<Source>, start: usize, error: &toml::de::Error) -> Box<Problem> {
    let (what, expected) = match error.message().split_once(", expected ") {
        Some((what, expected)) if expected != "nothing" => (what, Some(expected)),
        Some((what, _)) => (what, None),
        None => (error.message(), None),
    };
    let help = if what == "duplicate key" {
        "a key or table stands only once; lists of tables, as [[device]], have double brackets"
    } else {
        "strings stand in quotes, lists in [ ], and a table begins with its name in [ ] on a line of its own"
    };
    let span = visible(shifted(error.span().unwrap_or(0..0), start), &source.text);
    let problem = Problem::new(format!("not valid TOML: {what}")).at(&Origin::new(source, span)).help(help);
    Box::new(match expected {
        Some(expected) => problem.expected(expected),
        None => problem,
    })
}

/// Moves a span that lies behind the last character onto it, so that there is something to point at.
fn visible(span: Range<usize>, text: &str) -> Range<usize> {
    match text.char_indices().next_back() {
        Some((last, character)) if span.start >= text.len() => last..last + character.len_utf8(),
        _ => span,
    }
}

fn shifted(span: Range<usize>, start: usize) -> Range<usize> {
    span.start + start..span.end + start
}

fn table_from(source: &Arc<Source>, start: usize, table: &DeTable<'_>) -> Result<Table, Box<Problem>> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        entries.push(Entry {
            key: key.get_ref().to_string(),
            origin: Origin::new(source, shifted(key.span(), start)),
            value: value_from(source, start, value)?,
        });
    }
    // the parser sorts its keys; the order of the file is that of the spans
    entries.sort_by_key(|entry| entry.origin.span.start);
    Ok(Table { entries })
}

fn value_from(source: &Arc<Source>, start: usize, value: &Spanned<DeValue<'_>>) -> Result<Value, Box<Problem>> {
    let origin = Origin::new(source, shifted(value.span(), start));
    let too_large = || {
        let problem = Problem::new("this number has too many digits").at(&origin);
        Box::new(problem.expected("a number that fits in 64 bits"))
    };
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => {
            Data::Integer(i128::from_str_radix(number.as_str(), number.radix()).map_err(|_| too_large())?)
        }
        DeValue::Float(number) => Data::Float(number.as_str().parse().map_err(|_| too_large())?),
        DeValue::Boolean(flag) => Data::Boolean(*flag),
        DeValue::Datetime(date) => Data::Datetime(date.to_string()),
        DeValue::Array(list) => {
            Data::List(list.iter().map(|value| value_from(source, start, value)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Data::Table(table_from(source, start, table)?),
    };
    Ok(Value { data, origin })
}
