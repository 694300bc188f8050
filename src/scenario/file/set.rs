//! `--set`: one field replaced, swept over a list, or swept otherwise.
//!
//! ```text
//! radio.bandwidth_hz=10e6            a field
//! policy.t0=2,3,4                    a field, swept: several values with commas between them
//! sweep.policy.t0=[2, 3]             the same as [sweep] writes it; takes ranges too
//! sweep.mode=zip
//! ```

use std::ops::Range;
use std::sync::Arc;

use super::ScenarioFile;
use crate::scenario::error::{Problem, ScenarioError};
use crate::scenario::path::{Fault, FieldPath, resolve};
use crate::scenario::schema::SWEEP;
use crate::scenario::source::{Origin, Source};
use crate::scenario::sweep::{MODE, ZIP, flatten_zips, split_at_commas};
use crate::scenario::tree::{Data, Entry, Table, Value, read_value};

impl ScenarioFile {
    /// Replaces one field, as `--set` does: `radio.bandwidth_hz=10e6`.
    ///
    /// The value is TOML; what is not is taken as a string. Several values with commas between them sweep the field;
    /// so does `sweep.PATH=[…]`. A string that holds commas needs quotes.
    ///
    /// # Errors
    /// No `=`, no such field (with the nearest one), or a single value for a field that `[sweep]` sets. Whether the
    /// value is good is said by [`ScenarioFile::grid`].
    pub fn set(&mut self, argument: &str) -> Result<(), ScenarioError> {
        let source = Arc::new(Source { name: "--set".into(), text: argument.into(), is_argument: true });
        let Some(equals) = argument.find('=') else {
            let problem = Problem::new("there is no `=`").at(&Origin::new(&source, 0..argument.len()));
            return Err(problem.expected("FIELD=VALUE").help("say radio.bandwidth_hz=10e6").into());
        };
        if argument[equals + 1..].trim().is_empty() {
            let problem = Problem::new("there is no value after `=`").at(&Origin::new(&source, equals..equals + 1));
            return Err(problem
                .expected("FIELD=VALUE")
                .help("say radio.bandwidth_hz=10e6; empty text is '\"\"'")
                .into());
        }
        let path = argument[..equals].trim();
        let key = Origin::new(&source, 0..argument[..equals].trim_end().len());
        let parts = split_at_commas(&argument[equals + 1..]);
        let value = match parts.as_slice() {
            [_] => argument_value(&source, equals + 1..argument.len())?,
            parts => Value {
                data: Data::List(listed(&source, equals + 1, parts)?),
                origin: Origin::new(&source, equals + 1..argument.len()),
            },
        };
        match path.strip_prefix("sweep.").map(|swept| swept.trim().trim_matches('"')) {
            Some(MODE) => self.set_in_sweep(MODE, key, value),
            Some(ZIP) => self.set_zips(key, value),
            Some(swept) => self.set_axis(swept, key, value)?,
            None if parts.len() > 1 => self.set_axis(path, key, value)?,
            None => self.set_field(path, &key, value)?,
        }
        Ok(())
    }

    fn set_field(&mut self, path: &str, key: &Origin, value: Value) -> Result<(), ScenarioError> {
        let field = self.resolve_argument(path, key)?;
        let overlapping = |entry: &&Entry| self.swept_field(entry).is_some_and(|swept| swept.overlaps(&field));
        if let Some(other) = self.swept().iter().flat_map(fields_of).find(overlapping) {
            let problem = Problem::new(format!("`{path}` is swept")).at(key).expected("a field outside [sweep]");
            let help = format!("give the sweep another list: --set 'sweep.{}=[{value}]'", other.key);
            return Err(problem.help(help).into());
        }
        let devices = self.root.tables("device").count();
        Ok(field.set(&mut self.root, devices, value).map_err(|fault| no_field(fault, key))?)
    }

    /// Sweeps a field, or sweeps it otherwise: in its zip, where it is in one.
    fn set_axis(&mut self, path: &str, key: Origin, value: Value) -> Result<(), ScenarioError> {
        let field = self.resolve_argument(path, &key)?;
        let mut entries = self.swept().to_vec();
        let is_same = |entry: &Entry| self.swept_field(entry).is_some_and(|written| written.is_same(&field));
        let place = entries.iter_mut().flat_map(fields_of_mut).find(|entry| is_same(entry));
        match place {
            Some(entry) => entry.value = value.clone(),
            None => entries.push(Entry { key: path.to_owned(), origin: key, value: value.clone() }),
        }
        self.replace_sweep(entries, value.origin);
        Ok(())
    }

    fn set_in_sweep(&mut self, name: &str, key: Origin, value: Value) {
        let mut entries = self.swept().to_vec();
        entries.retain(|entry| entry.key != name);
        let origin = value.origin.clone();
        entries.push(Entry { key: name.to_owned(), origin: key, value });
        self.replace_sweep(entries, origin);
    }

    /// Puts these zips in the place of all others.
    fn set_zips(&mut self, key: Origin, value: Value) {
        let mut entries = self.swept().to_vec();
        entries.retain(|entry| entry.key != ZIP);
        let origin = value.origin.clone();
        entries.extend(flatten_zips(&Entry { key: ZIP.to_owned(), origin: key, value }, &self.root));
        self.replace_sweep(entries, origin);
    }

    fn replace_sweep(&mut self, entries: Vec<Entry>, origin: Origin) {
        self.root.insert(SWEEP, Value { data: Data::Table(Table { entries }), origin });
    }

    /// The entries of `[sweep]`.
    fn swept(&self) -> &[Entry] {
        match self.root.get(SWEEP) {
            Some(Value { data: Data::Table(sweep), .. }) => &sweep.entries,
            _ => &[],
        }
    }

    /// The field that an entry of `[sweep]` names.
    fn swept_field(&self, entry: &Entry) -> Option<FieldPath> {
        resolve(&entry.key, &self.root).ok()
    }

    fn resolve_argument(&self, path: &str, key: &Origin) -> Result<FieldPath, ScenarioError> {
        Ok(resolve(path, &self.root).map_err(|fault| no_field(fault, key))?)
    }
}

fn no_field(fault: Fault, key: &Origin) -> Problem {
    Problem::new(fault.message).at(key).expected("the path of a field").help(fault.help)
}

/// The fields that an entry of `[sweep]` holds: those of a zip, or itself.
fn fields_of(entry: &Entry) -> &[Entry] {
    match &entry.value.data {
        Data::Table(table) if entry.key == ZIP => &table.entries,
        _ => std::slice::from_ref(entry),
    }
}

fn fields_of_mut(entry: &mut Entry) -> &mut [Entry] {
    if entry.key == ZIP && matches!(entry.value.data, Data::Table(_)) {
        let Data::Table(table) = &mut entry.value.data else { unreachable!("it was a table a line ago") };
        return &mut table.entries;
    }
    std::slice::from_mut(entry)
}

/// The values of a list with commas between them, which begins `start` bytes into the argument.
fn listed(source: &Arc<Source>, start: usize, parts: &[Range<usize>]) -> Result<Vec<Value>, ScenarioError> {
    let value = |part: &Range<usize>| {
        let part = start + part.start..start + part.end;
        if source.text[part.clone()].trim().is_empty() {
            let comma = if part.end < source.text.len() { part.end } else { part.start - 1 };
            let problem = Problem::new("a comma with no value beside it").at(&Origin::new(source, comma..comma + 1));
            let help = "commas part the values of a sweep, as in policy.t0=2,3,4; text that holds some needs quotes";
            return Err(problem.expected("a value on both sides").help(help).into());
        }
        argument_value(source, part)
    };
    parts.iter().map(value).collect()
}

/// The value of these bytes of a `--set` argument: TOML, or else a bare string.
fn argument_value(source: &Arc<Source>, bytes: Range<usize>) -> Result<Value, ScenarioError> {
    let written = &source.text[bytes.clone()];
    let trimmed = written.trim();
    let start = bytes.start + (written.len() - written.trim_start().len());
    match read_value(source, start..start + trimmed.len()) {
        Ok(value) => Ok(value),
        Err(problem) if trimmed.starts_with(['"', '\'', '[', '{']) => Err(problem.into()),
        Err(_) => {
            let origin = Origin::new(source, start..start + trimmed.len());
            Ok(Value { data: Data::Text(trimmed.to_owned()), origin })
        }
    }
}
