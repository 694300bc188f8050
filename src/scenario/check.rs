//! From the tree of a file to a [`Scenario`]: every field's type, range and default, and what must fit together.

mod analysis;
mod architecture;
mod cache;
mod demand;
mod devices;
mod diffusion;
mod faults;
mod grouping;
mod input_files;
mod judge;
mod path_loss;
mod persona;
mod places;
mod policy;
mod population;
mod prompts;
mod protection;
mod radio;
mod rereading;
mod server;
mod study;
mod train;

pub(super) use analysis::MSER_5;
pub(super) use cache::described as described_cache;
pub(super) use devices::{PLACEMENTS, default_name};
pub(super) use input_files::InputFiles;
pub(super) use persona::POPULATION;
pub(super) use policy::keys_of as keys_of_policy;
pub(super) use rereading::Rereading;

use std::path::PathBuf;

use super::error::Problem;
use super::figures;
use super::range::Range;
use super::reader::TableReader;
use super::schema::{self, DEMAND, TableSchema};
use super::settings::{JudgeKind, ModelSettings, PolicySettings, Scenario};
use super::sweep::Axis;
use super::tree::{Data, Table, Value};
use super::unknown::unknown_tables;
use super::words::EXECUTION_PROVIDERS;
use crate::onnx::ExecutionProvider;
use rereading::{Known, Part};

/// Checks one point: a tree whose swept fields are set. `stem` is the file's name without extension, `axes` what is
/// swept; files that it names are read once, into `files`.
pub(super) fn check(root: &Table, stem: &str, axes: &[Axis], files: &InputFiles) -> Result<Scenario, Vec<Problem>> {
    read(root, stem, axes, files, None)
}

/// Checks a point that differs from a checked scenario only in what has to be read again, whose tables `root` has.
pub(super) fn check_again(
    root: &Table,
    stem: &str,
    axes: &[Axis],
    files: &InputFiles,
    (scenario, rereading): (&Scenario, &Rereading),
) -> Result<Scenario, Vec<Problem>> {
    read(root, stem, axes, files, Some(Known { scenario, rereading }))
}

/// Reads all parts, or takes over those that `known` has and nothing has changed.
fn read(
    root: &Table,
    stem: &str,
    axes: &[Axis],
    files: &InputFiles,
    known: Option<Known<'_>>,
) -> Result<Scenario, Vec<Problem>> {
    let mut problems = unknown_tables(root);
    let asked = match known {
        Some(known) => asked_of(known.scenario),
        None => asked(root),
    };
    let has_demand = asked.has_demand;
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
        None => server::read(&mut open(root, "server", &mut problems), asked, files),
    };
    let radio = match known(Part::Radio) {
        Some(known) => known.radio.clone(),
        None => radio::read(&mut open(root, "radio", &mut problems), diffusion.codec, has_demand),
    };
    let population = match known(Part::Population) {
        Some(known) => known.population.clone(),
        None => population::read(&mut open(root, "population", &mut problems), files),
    };
    let people = population::people(population.as_ref(), root.get("population").is_some());
    let devices = match known(Part::Devices) {
        Some(known) => known.devices.clone(),
        None => devices::read(root, devices::Surroundings { people, files, has_demand }, &mut problems),
    };
    let judge = match known(Part::Judge) {
        Some(known) => known.judge.clone(),
        None => judge::read(&mut open(root, "judge", &mut problems), people, files),
    };
    let policy = match known(Part::Policy) {
        Some(known) => Some(known.policy.clone()),
        None => policy::read(&mut open(root, "policy", &mut problems), &diffusion, &devices, axes),
    };
    let demand = match known(Part::Demand) {
        Some(known) => known.demand.clone(),
        None => demand::read(&mut open(root, DEMAND, &mut problems), &devices, files),
    };
    let grouping = match known(Part::Grouping) {
        Some(known) => known.grouping.clone(),
        None => grouping::read(&mut open(root, "grouping", &mut problems), has_demand),
    };
    let cache = match known(Part::Cache) {
        Some(known) => known.cache.clone(),
        None => cache::read(&mut open(root, "cache", &mut problems), diffusion.steps, has_demand),
    };
    let architecture = match known(Part::Architecture) {
        Some(known) => known.architecture.clone(),
        None => architecture::read(&mut open(root, "architecture", &mut problems)),
    };
    let (cells, cell_grid) = match known(Part::Cells) {
        Some(known) => (known.cells.clone(), known.cell_grid),
        None => places::cells(root, &mut problems),
    };
    let mobility = match known(Part::Mobility) {
        Some(known) => known.mobility.clone(),
        None => places::mobility(&mut open(root, "mobility", &mut problems), &devices, files, has_demand),
    };
    let faults = match known(Part::Faults) {
        Some(known) => known.faults.clone(),
        None => faults::read(root, faults::Targets { devices: &devices, cells: &cells }, has_demand, &mut problems),
    };
    let recovery = match known(Part::Recovery) {
        Some(known) => known.recovery.clone(),
        None => faults::recovery(&mut open(root, "recovery", &mut problems), has_demand),
    };
    let analysis = match known(Part::Analysis) {
        Some(known) => known.analysis.clone(),
        None => {
            let makes_pictures = !matches!(judge.kind, JudgeKind::Surface(_));
            analysis::read(&mut open(root, "analysis", &mut problems), has_demand, makes_pictures)
        }
    };
    let train = match known(Part::Train) {
        Some(known) => known.train.clone(),
        None => train::read(&mut open(root, "train", &mut problems), &diffusion),
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
    if let Some(PolicySettings::Fixed(fixed)) = &policy {
        let mut table = open(root, "architecture", &mut problems);
        architecture::check_joint(&architecture, diffusion.split, &fixed.tk, &mut table);
    }
    // Of parts that are right in themselves.
    if problems.is_empty() {
        let groups = demand.as_ref().map(|_| &grouping);
        judge::check_similarity(&judge, groups, cache.is_some(), &mut open(root, "judge", &mut problems));
    }
    if let (Some(policy), true) = (&policy, problems.is_empty()) {
        let around = policy::Around { server: &server, radio: &radio, architecture: &architecture };
        policy::check_surroundings(policy, train.is_some(), around, root, &mut problems);
    }
    match (study, policy) {
        (Some(study), Some(policy)) if problems.is_empty() => Ok(Scenario {
            study,
            models,
            diffusion,
            server,
            radio,
            devices,
            policy,
            judge,
            population,
            demand,
            grouping,
            cache,
            architecture,
            cells,
            cell_grid,
            mobility,
            faults,
            recovery,
            analysis,
            train,
            figures,
        }),
        _ => Err(problems),
    }
}

/// What other parts ask of `[demand]`: what there is, right or wrong.
fn asked(root: &Table) -> server::Asked {
    let demand = root.get(DEMAND);
    let has_key = |value: &Value| matches!(&value.data, Data::Table(table) if table.get("deadline_s").is_some());
    let of_devices = match root.get("device").map(|devices| &devices.data) {
        Some(Data::List(tables)) => tables.iter().any(has_key),
        _ => false,
    };
    let has_deadline = demand.is_some_and(has_key) || of_devices;
    server::Asked { has_demand: demand.is_some(), has_deadline }
}

/// The same of a checked scenario, which all points of its sweep share.
fn asked_of(scenario: &Scenario) -> server::Asked {
    let demand = scenario.demand.as_ref();
    server::Asked {
        has_demand: demand.is_some(),
        has_deadline: demand.is_some_and(|demand| demand.deadline_s.is_some())
            || scenario.devices.iter().any(|device| device.deadline_s.is_some()),
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

/// No machine has more GPUs than that.
const MAXIMUM_CUDA_DEVICE: u64 = 255;

fn models(table: &mut TableReader<'_>) -> ModelSettings {
    let execution_provider = table.word("execution_provider", ExecutionProvider::Auto, EXECUTION_PROVIDERS);
    let resident_latents = table.flag("resident_latents", false);
    let cuda_graphs = table.flag("cuda_graphs", false);
    if cuda_graphs && !(resident_latents && execution_provider == ExecutionProvider::Cuda) {
        let problem = Problem::new("`cuda_graphs` replays the steps of latents that stay on a GPU")
            .expected("`execution_provider = \"cuda\"` and `resident_latents = true` beside it")
            .help("write both under [models], or leave `cuda_graphs` out");
        table.push_at("cuda_graphs", problem);
    }
    ModelSettings {
        diffusion: table.path("diffusion", "models/emoji-ldm").unwrap_or_else(|| PathBuf::from("models/emoji-ldm")),
        execution_provider,
        resident_latents,
        cuda_graphs,
        cuda_device_id: table.integer("cuda_device_id", 0, 0, MAXIMUM_CUDA_DEVICE) as u32,
        cuda_memory_limit_gb: table.optional_number("cuda_memory_limit_gb", Range::Above(0.0)),
        sentence_encoder: table.path("sentence_encoder", "models/my-sentence-encoder"),
    }
}
