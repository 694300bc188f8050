//! Fields that are a name, or a table with that name as its `kind`; some have a number or a list as short for one.
//!
//! ```text
//!  patience = 5.0                                    short
//!  patience = { kind = "exponential", mean_s = 5.0 } a table
//!  fading = "rayleigh"                               a name
//! ```

use super::TableReader;
use crate::scenario::error::Problem;
use crate::scenario::range::{Range, unit};
use crate::scenario::schema::{Variant, short_for};
use crate::scenario::tree::{Data, Value};
use crate::scenario::unknown::{unknown_key, unknown_word};
use crate::scenario::words::alternatives;

impl TableReader<'_> {
    /// The kind of a choice, and a reader of the keys beside it; `None` where the field is left out or wrong.
    pub(in crate::scenario) fn choice<'s>(
        &'s mut self,
        key: &'s str,
        variants: &'static [Variant],
    ) -> Option<(&'static str, TableReader<'s>)> {
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
            data => {
                if let Some(variant) = short_for(variants, data) {
                    let header = format!("`{key}` of kind \"{}\"", variant.kind);
                    let (short, start) = (Some((variant.keys[0], value)), Some(&value.origin));
                    let table =
                        TableReader { table: None, short, short_key: key, header, start, problems: self.problems };
                    return Some((variant.kind, table));
                }
                let shorts =
                    variants.iter().filter_map(|variant| variant.short).map(|short| format!(", {}", short.name()));
                let shorts: String = shorts.collect();
                self.wrong_type(key, value, format!("{}{shorts}, or a table with that `kind`", alternatives(known())));
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
        Some((
            variant.kind,
            TableReader { table, short: None, short_key: "", header, start: Some(origin), problems: self.problems },
        ))
    }

    /// A number that a choice must have beside its kind.
    pub(in crate::scenario) fn needed_number(&mut self, key: &str, range: Range, example: &str) -> Option<f64> {
        if self.has(key) {
            return self.optional_number(key, range);
        }
        self.lacks(key, &format!("{range}{}", unit(key)), example);
        None
    }

    /// Notes that a key must stand beside a `kind` and does not; `what` it is, and an example of the whole.
    pub(in crate::scenario) fn lacks(&mut self, key: &str, what: &str, example: &str) {
        let problem = Problem::new(format!("{} lacks `{key}`", self.header));
        let problem = problem.expected(format!("{key} = {what}")).help(format!("write {example}"));
        self.problems.push(match self.start {
            Some(origin) => problem.at(origin),
            None => problem,
        });
    }
}
