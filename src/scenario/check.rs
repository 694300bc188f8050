//! From the tree of a file to a [`Scenario`]: every field's type, range and default, and what must fit together.

mod devices;
mod diffusion;
mod judge;
mod persona;
mod policy;
mod population;
mod radio;
mod rereading;
mod study;

pub(super) use devices::default_name;
pub(super) use persona::POPULATION;
pub(super) use population::PeopleFiles;
pub(super) use rereading::Rereading;

use std::path::PathBuf;

use super::error::Problem;
use super::figures;
use super::range::Range;
use super::reader::TableReader;
use super::schema::{self, TableSchema};
use super::settings::{ModelSettings, Scenario, ServerSettings};
use super::sweep::Axis;
use super::tree::{Data, Table, Value};
use super::unknown::unknown_tables;
use super::words::EXECUTION_PROVIDERS;
use crate::onnx::ExecutionProvider;
use rereading::{Known, Part};

/// Checks one point: a tree whose swept fields are set. `stem` is the file's name without extension, `axes` what is
/// swept; files of people are read once into `people_files`.
pub(super) fn check(
    root: &Table,
    stem: &str,
    axes: &[Axis],
    people_files: &PeopleFiles,
) -> Result<Scenario, Vec<Problem>> {
    read(root, stem, axes, people_files, None)
}

/// Checks a point that differs from a checked scenario only in what has to be read again, whose tables `root` has.
pub(super) fn check_again(
    root: &Table,
    stem: &str,
    axes: &[Axis],
    people_files: &PeopleFiles,
    (scenario, rereading): (&Scenario, &Rereading),
) -> Result<Scenario, Vec<Problem>> {
    read(root, stem, axes, people_files, Some(Known { scenario, rereading }))
}

/// Reads all parts, or takes over those that `known` has and nothing has changed.
fn read(
    root: &Table,
    stem: &str,
    axes: &[Axis],
    people_files: &PeopleFiles,
    known: Option<Known<'_>>,
) -> Result<Scenario, Vec<Problem>> {
    let mut problems = unknown_tables(root);
    let known = |part| known.and_then(|known| known.with(part));
    let study = match known(Part::Study) {
        Some(known) => Some(known.study.clone()),
        None => study::read(&mut open(root, "study", &mut problems), stem),
    };
    let models = match known(Part::Models) {
        Some(known) => known.models.clone(),
        None => models(&mut open(root, "models", &mut problems)),
    };
    let diffusion = match known(Part::Diffusion) {
        Some(known) => known.diffusion.clone(),
        None => diffusion::read(&mut open(root, "diffusion", &mut problems)),
    };
    let server = match known(Part::Server) {
        Some(known) => known.server.clone(),
        None => server(&mut open(root, "server", &mut problems)),
    };
    let radio = match known(Part::Radio) {
        Some(known) => known.radio.clone(),
        None => radio::read(&mut open(root, "radio", &mut problems)),
    };
    let population = match known(Part::Population) {
        Some(known) => known.population.clone(),
        None => population::read(&mut open(root, "population", &mut problems), people_files),
    };
    let people = population::people(population.as_ref(), root.get("population").is_some());
    let devices = match known(Part::Devices) {
        Some(known) => known.devices.clone(),
        None => devices::read(root, people, &mut problems),
    };
    let judge = match known(Part::Judge) {
        Some(known) => known.judge.clone(),
        None => judge::read(&mut open(root, "judge", &mut problems), people),
    };
    let policy = match known(Part::Policy) {
        Some(known) => Some(known.policy.clone()),
        None => policy::read(&mut open(root, "policy", &mut problems), &diffusion, &devices),
    };
    let around = figures::Surroundings {
        metrics_against: &diffusion.metrics_against,
        devices: &devices,
        judge: &judge,
        judge_is_known: problems.is_empty(),
        replications: study.as_ref().map_or(u32::MAX, |study| {
            study.until.as_ref().map_or(study.replications, |until| until.maximum_replications)
        }),
        axes,
    };
    let figures = match known(Part::Figures) {
        Some(known) => known.figures.clone(),
        None => figures::read(root, &around, &mut problems),
    };
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
