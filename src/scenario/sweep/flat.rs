//! `[sweep]` as one flat list of paths, however its keys are cut into tables.
//!
//! TOML reads `policy.t0 = […]`, written without quotes, as a table in a table. What is meant is the field with that
//! path. Each table of `zip` becomes an entry of its own, so that the entries stand in the order of the file.

use super::ZIP;
use super::range_table::KEYS;
use crate::scenario::path::resolve;
use crate::scenario::schema::SWEEP;
use crate::scenario::tree::{Data, Entry, Table, Value};

/// Turns `policy.t0 = […]` into `"policy.t0" = […]`, in the order of the file.
pub(in crate::scenario) fn flatten(root: &mut Table) {
    let Some(Value { data: Data::Table(sweep), .. }) = root.get(SWEEP) else {
        return;
    };
    let mut entries = Vec::new();
    for entry in &sweep.entries {
        match entry.key.as_str() {
            ZIP => entries.extend(flatten_zips(entry, root)),
            _ => collect("", entry, root, &mut entries),
        }
    }
    entries.sort_by_key(|entry| entry.origin.span.start);
    if let Some(Value { data: Data::Table(sweep), .. }) = root.get_mut(SWEEP) {
        sweep.entries = entries;
    }
}

/// One entry for each table of `zip`, or for its single one, with flat keys; anything else stays as it is.
pub(in crate::scenario) fn flatten_zips(zip: &Entry, root: &Table) -> Vec<Entry> {
    let tables = match &zip.value.data {
        Data::List(list) if !list.is_empty() => list.as_slice(),
        _ => std::slice::from_ref(&zip.value),
    };
    let flat = tables.iter().map(|value| {
        let Data::Table(table) = &value.data else {
            return Entry { value: value.clone(), ..zip.clone() };
        };
        let mut entries = Vec::new();
        for entry in &table.entries {
            collect("", entry, root, &mut entries);
        }
        entries.sort_by_key(|entry| entry.origin.span.start);
        let value = Value { data: Data::Table(Table { entries }), origin: value.origin.clone() };
        Entry { key: ZIP.to_owned(), origin: value.origin.clone(), value }
    });
    flat.collect()
}

fn collect(prefix: &str, entry: &Entry, root: &Table, into: &mut Vec<Entry>) {
    let path = if prefix.is_empty() { entry.key.clone() } else { format!("{prefix}.{}", entry.key) };
    match &entry.value.data {
        Data::Table(inner) if !inner.entries.is_empty() && !is_range(&path, inner, root) => {
            for entry in &inner.entries {
                collect(&path, entry, root, into);
            }
        }
        _ => into.push(Entry { key: path, ..entry.clone() }),
    }
}

/// Whether a table under `path` is a range of values, not a further part of a path.
fn is_range(path: &str, table: &Table, root: &Table) -> bool {
    let is_single = |value: &Value| !matches!(value.data, Data::List(_) | Data::Table(_));
    let has_key = table.entries.iter().any(|entry| KEYS.contains(&entry.key.as_str()) && is_single(&entry.value));
    has_key || resolve(path, root).is_ok_and(|field| field.is_innermost())
}
