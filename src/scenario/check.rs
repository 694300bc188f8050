//! From the tree of a file to a [`Scenario`]: every field's type, range and default, and what must fit together.

mod devices;
mod diffusion;
mod judge;
mod persona;
mod policy;
mod population;
mod radio;

pub(super) use devices::default_name;
pub(super) use persona::POPULATION;
pub(super) use population::PeopleFiles;

use std::path::PathBuf;

use super::error::Problem;
use super::figures;
use super::range::Range;
use super::reader::TableReader;
use super::schema::{self, TableSchema};
use super::settings::{ModelSettings, Scenario, ServerSettings, StudySettings};
use super::sweep::Axis;
use super::tree::{Data, Table, Value};
use super::unknown::unknown_tables;
use super::words::EXECUTION_PROVIDERS;
use crate::onnx::ExecutionProvider;

/// Checks one point: a tree whose swept fields are set. `stem` is the file's name without extension, `axes` what is
/// swept; files of people are read once into `people_files`.
pub(super) fn check(
    root: &Table,
    stem: &str,
    axes: &[Axis],
    people_files: &mut PeopleFiles,
) -> Result<Scenario, Vec<Problem>> {
    let mut problems = unknown_tables(root);
    let study = study(&mut open(root, "study", &mut problems), stem);
    let models = models(&mut open(root, "models", &mut problems));
    let diffusion = diffusion::read(&mut open(root, "diffusion", &mut problems));
    let server = server(&mut open(root, "server", &mut problems));
    let radio = radio::read(&mut open(root, "radio", &mut problems));
    let population = population::read(&mut open(root, "population", &mut problems), people_files);
    let people = population::people(population.as_ref(), root.get("population").is_some());
    let devices = devices::read(root, people, &mut problems);
    let judge = judge::read(&mut open(root, "judge", &mut problems), people);
    let policy = policy::read(&mut open(root, "policy", &mut problems), &diffusion, &devices);
    let around = figures::Surroundings {
        metrics_against: &diffusion.metrics_against,
        devices: &devices,
        judge: &judge,
        judge_is_known: problems.is_empty(),
        replications: study.as_ref().map_or(u32::MAX, |study| study.replications),
        axes,
    };
    let figures = figures::read(root, &around, &mut problems);
    match (study, policy) {
        (Some(study), Some(policy)) if problems.is_empty() => {
            Ok(Scenario { study, models, diffusion, server, radio, devices, policy, judge, population, figures })
        }
        _ => Err(problems),
    }
}

fn open<'a>(root: &'a Table, name: &'static str, problems: &'a mut Vec<Problem>) -> TableReader<'a> {
    TableReader::open(table_schema(name), root.get(name), problems)
}

pub(super) fn table_schema(name: &'static str) -> &'static TableSchema {
    schema::table(name).expect("each table that is read is in the schema")
}

/// The entries of an array of tables; something else under its name is a problem.
pub(super) fn entries<'a>(root: &'a Table, name: &'static str, problems: &mut Vec<Problem>) -> &'a [Value] {
    let Some(value) = root.get(name) else {
        return &[];
    };
    match &value.data {
        Data::List(list) => list,
        _ => {
            let problem = Problem::new(format!("`{name}` is {}, not a list of tables", value.kind()));
            let problem = problem.at(&value.origin).expected(format!("[[{name}]]"));
            problems.push(problem.help(format!("begin each {name} with a line [[{name}]], in double brackets")));
            &[]
        }
    }
}

fn study(table: &mut TableReader<'_>, stem: &str) -> Option<StudySettings> {
    let seed = table.integer("seed", 41, 0, u64::MAX);
    let replications = table.integer("replications", 1, 1, 1_000_000) as u32;
    let name = if table.has("name") {
        let name = table.text("name")?;
        if let Some(fault) = unsafe_name(&name) {
            let problem = Problem::new(format!("`name` = \"{name}\" {fault}"));
            let problem = problem.expected("a name for the results folder: letters, digits, `-`, `_` and `.`");
            table.push(match table.origin("name") {
                Some(origin) => problem.at(origin),
                None => problem,
            });
            return None;
        }
        name
    } else if unsafe_name(stem).is_none() {
        stem.to_owned()
    } else {
        table.missing("name", "name = \"my-study\"");
        return None;
    };
    Some(StudySettings { name, seed, replications })
}

/// Why `name` cannot name a folder or file on every system; `None` if it can.
pub(super) fn unsafe_name(name: &str) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")) && stem.ends_with(char::is_numeric);
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > 64 {
        Some("is longer than 64 characters")
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        Some("holds a character that not every file system takes")
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Some("begins with neither letter nor digit")
    } else if name.ends_with('.') {
        Some("ends in a dot")
    } else if is_device {
        Some("is reserved on some systems")
    } else {
        None
    }
}

fn models(table: &mut TableReader<'_>) -> ModelSettings {
    let diffusion = if table.has("diffusion") { table.filled_text("diffusion", "models/emoji-ldm") } else { None };
    ModelSettings {
        diffusion: PathBuf::from(diffusion.unwrap_or("models/emoji-ldm".into())),
        execution_provider: table.word("execution_provider", ExecutionProvider::Auto, EXECUTION_PROVIDERS),
    }
}

fn server(table: &mut TableReader<'_>) -> ServerSettings {
    ServerSettings {
        prompt: table.filled_text("prompt", "a tiger sits in front of a bush"),
        step_energy_j: table.number("step_energy_j", 0.5, Range::AtLeast(0.0)),
        step_time_s: table.number("step_time_s", 0.05, Range::AtLeast(0.0)),
        energy_budget_j: table.optional_number("energy_budget_j", Range::AtLeast(0.0)),
    }
}
