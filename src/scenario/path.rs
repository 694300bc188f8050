//! Paths to single fields, as `--set` and `[sweep]` write them: `radio.bandwidth_hz`, `radio.fading.ms`,
//! `device.device-2.prompt`, `policy.tk[1]`, `policy.tk[device-2]`.
//!
//! Numbers in brackets count from 0; what belongs to a device can be named by it instead.

mod assign;

use super::check::default_name;
use super::schema::{ALTERNATIVES, Field, Shape, TABLES, TableSchema, choice_keys, table};
use super::tree::Table;
use super::words::nearest;

/// A path that names a field of the schema, with devices found.
#[derive(Debug, Clone)]
pub(super) struct FieldPath {
    pub(super) table: &'static TableSchema,
    /// Which entry of a `[[table]]`.
    entry: Option<usize>,
    pub(super) field: &'static Field,
    inner: Option<Inner>,
}

/// What is named inside a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Inner {
    /// The device's place in a list of one value per device.
    Device(usize),
    /// A key beside `kind`.
    Key(&'static str),
}

/// Why a path cannot be followed.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    fn new(message: String, help: String) -> Self {
        Self { message, help }
    }
}

/// The parts of a path: `policy.tk[1]` is `policy`, `tk`, `1`.
fn parts(path: &str) -> Result<Vec<&str>, Fault> {
    let mut parts = Vec::new();
    for segment in path.split('.') {
        let (name, bracketed) = match segment.split_once('[') {
            None => (segment, None),
            Some((name, rest)) => (name, Some(rest.strip_suffix(']').unwrap_or_default())),
        };
        parts.push(name.trim());
        parts.extend(bracketed.map(str::trim));
    }
    if parts.iter().any(|part| part.is_empty() || part.contains(['[', ']'])) {
        let help = "write it like radio.bandwidth_hz, device.device-1.prompt or policy.tk[0]".to_owned();
        return Err(Fault::new(format!("`{path}` is not a path to a field"), help));
    }
    Ok(parts)
}

/// Finds the field that `path` names in a scenario with the devices and figures of `root`.
pub(super) fn resolve(path: &str, root: &Table) -> Result<FieldPath, Fault> {
    let parts = parts(path)?;
    let mut rest = parts.iter().copied();
    let unknown = || unknown_field(path, root);
    let table = rest.next().and_then(table).ok_or_else(unknown)?;
    let entry = match (table.is_list, rest.clone().next()) {
        (false, _) => None,
        (true, None) => return Err(not_a_field(table, root)),
        (true, Some(name)) => {
            rest.next();
            Some(find_entry(table, name, root)?)
        }
    };
    let Some(key) = rest.next() else {
        return Err(not_a_field(table, root));
    };
    let field = table.field(key).ok_or_else(unknown)?;
    let inner = match (rest.next(), field.shape) {
        (None, _) => None,
        (Some(name), Shape::PerDevice) => {
            Some(Inner::Device(find_entry(self::table("device").ok_or_else(unknown)?, name, root)?))
        }
        (Some(name), Shape::Choice(variants)) => {
            let keys = choice_keys(variants);
            Some(Inner::Key(keys.into_iter().find(|key| *key == name).ok_or_else(unknown)?))
        }
        (Some(_), Shape::Plain) => return Err(unknown()),
    };
    if rest.next().is_some() {
        return Err(unknown());
    }
    Ok(FieldPath { table, entry, field, inner })
}

/// The names of the entries of a `[[table]]`.
fn entry_names(table: &TableSchema, root: &Table) -> Vec<String> {
    let named = root.tables(table.name).enumerate();
    named
        .map(|(index, entry)| match entry.text("name") {
            Some(name) => name.to_owned(),
            None if table.name == "device" => default_name(index),
            None => format!("{}-{}", table.name, index + 1),
        })
        .collect()
}

fn find_entry(table: &TableSchema, name: &str, root: &Table) -> Result<usize, Fault> {
    let names = entry_names(table, root);
    let by_name = names.iter().position(|known| known == name);
    let by_number = name.parse::<usize>().ok().filter(|index| *index < names.len());
    by_name.or(by_number).ok_or_else(|| {
        let listed: Vec<String> =
            names.iter().enumerate().map(|(index, name)| format!("{name} (number {index})")).collect();
        let help = match listed.as_slice() {
            [] => format!("the scenario has no {}", table.header()),
            _ => format!("there is {}", listed.join(", ")),
        };
        Fault::new(format!("no {} is called `{name}`", table.name), help)
    })
}

fn not_a_field(table: &TableSchema, root: &Table) -> Fault {
    let key = table.keys().nth(1).unwrap_or_default();
    let example = match (table.is_list, entry_names(table, root).first()) {
        (true, Some(name)) => format!("{}.{name}.{key}", table.name),
        (true, None) => format!("{}[0].{key}", table.name),
        (false, _) => format!("{}.{key}", table.name),
    };
    let message = format!("`{}` is a table, not a field", table.name);
    Fault::new(message, format!("name one of its fields, say {example}"))
}

fn unknown_field(path: &str, root: &Table) -> Fault {
    let known = every_path(root);
    // the last part alone is what people remember
    let last = path.rsplit('.').next().unwrap_or(path);
    let elsewhere = known.iter().find(|known| known.rsplit('.').next() == Some(last));
    let near = elsewhere.map(String::as_str).or_else(|| nearest(path, known.iter().map(String::as_str)));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "docs/scenario.md lists every field".to_owned(),
    };
    Fault::new(format!("`{path}` is no field of a scenario"), help)
}

/// Every path that this scenario has, with its devices' names.
fn every_path(root: &Table) -> Vec<String> {
    let mut paths = Vec::new();
    for table in TABLES {
        let prefixes = match table.is_list {
            true => entry_names(table, root).iter().map(|name| format!("{}.{name}", table.name)).collect(),
            false => vec![table.name.to_owned()],
        };
        for prefix in prefixes {
            for field in table.fields {
                paths.push(format!("{prefix}.{}", field.key));
                if let Shape::Choice(variants) = field.shape {
                    paths.extend(choice_keys(variants).iter().map(|key| format!("{prefix}.{}.{key}", field.key)));
                }
            }
        }
    }
    paths
}

impl FieldPath {
    /// Whether setting one of the two also changes the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let same_table = self.table.name == other.table.name && self.entry == other.entry;
        let same_field = self.field.key == other.field.key;
        if same_table && !same_field {
            return alternative(self).is_some_and(|key| key == other.field.key);
        }
        same_table && same_field && (self.inner.is_none() || other.inner.is_none() || self.inner == other.inner)
    }

    /// Whether both name the same thing.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.table.name == other.table.name
            && self.entry == other.entry
            && self.field.key == other.field.key
            && self.inner == other.inner
    }

    /// Whether nothing can be named inside of what is named.
    pub(super) fn is_innermost(&self) -> bool {
        matches!(self.field.shape, Shape::Plain) || self.inner.is_some()
    }

    /// The device whose value in a list of one per device is named.
    pub(super) fn device(&self) -> Option<usize> {
        match self.inner {
            Some(Inner::Device(index)) => Some(index),
            _ => None,
        }
    }
}

/// The other key of a pair of which a file gives at most one.
fn alternative(path: &FieldPath) -> Option<&'static str> {
    let (_, [first, second]) =
        ALTERNATIVES.iter().find(|(table, keys)| *table == path.table.name && keys.contains(&path.field.key))?;
    Some(if *first == path.field.key { second } else { first })
}
