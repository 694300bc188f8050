//! A study from its file to its results folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::budget::{self, BudgetViolation};
use super::figures::{FigureSource, write_figures};
use super::images::PictureFiles;
use super::results_folder::ResultsFolder;
use super::study::{ComputedValues, SimulatedStudy, StudyCost, StudyPoint, prepare_points, simulate, simulate_eagerly};
use super::summary::summary;
use super::tables::{self, StudyData};
use super::warnings::warnings;
use crate::diffusion::executor::ExecutionProgress;
use crate::diffusion::{Executor, NoiseSchedule};
use crate::error::Error;
use crate::onnx::runtime::{self, LoadedRuntime, RuntimeResolver};
use crate::onnx::{DiffusionPack, ResolvedProvider, provider};
use crate::report::manifest::{self, Counts, Host, Manifest, ModelPack, WrittenFile};
use crate::report::table::Table;
use crate::scenario::{Coordinate, Execution, ScenarioFile};

/// How a study is run; what is run is in the scenario.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Results folder; `None`: `results/<study>`.
    pub out: Option<PathBuf>,
    /// Workers; `None`: one per core.
    pub threads: Option<usize>,
    /// Replace results that are there.
    pub force: bool,
}

impl RunOptions {
    /// Where the results of a study go.
    pub fn place(&self, study: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("results").join(study))
    }
}

/// Is told what happens; the command line prints it.
pub trait Observer {
    /// Something takes a while: fetching the runtime, say.
    fn stage(&self, text: &str);
    /// Something the user should know that stops nothing.
    fn warn(&self, text: &str);
    /// Pictures are being made.
    fn progress(&self, progress: ExecutionProgress);
}

/// A study that is ready to run: checked, simulated, nothing computed yet.
pub struct StudyPlan {
    pub points: Vec<StudyPoint>,
    pub study: SimulatedStudy,
    pub cost: StudyCost,
    coordinates: Vec<Vec<Coordinate>>,
    resolved_toml: String,
    schedule: Arc<NoiseSchedule>,
    executor: Arc<Executor>,
    runtime: &'static LoadedRuntime,
    provider: ResolvedProvider,
    threads: usize,
}

/// What a study left behind.
#[derive(Debug)]
pub struct StudyReport {
    pub folder: PathBuf,
    /// Figures below the folder.
    pub figures: Vec<String>,
    /// PNG files in `images/`.
    pub pictures: usize,
    /// Pictures that could not be made, with point, replication, device and reason.
    pub failures: Vec<String>,
    /// Broken budgets: point, replication and constraint.
    pub violations: Vec<(u32, u32, BudgetViolation)>,
    pub cost: StudyCost,
    /// The execution provider that was taken.
    pub execution_provider: &'static str,
    pub threads: usize,
    pub wall_time_s: f64,
}

impl StudyPlan {
    /// Reads, checks and simulates; loads the model pack and the runtime.
    ///
    /// # Errors
    /// Anything wrong with scenario, pack or runtime, before any picture is computed.
    pub fn prepare(file: &ScenarioFile, threads: Option<usize>, observer: &dyn Observer) -> Result<Self, Error> {
        let points = file.points().map_err(Box::new)?;
        let resolved_toml = file.resolved_toml().map_err(Box::new)?;
        let Some(first) = points.first().map(|point| point.scenario.clone()) else {
            unreachable!("a scenario has at least one point");
        };
        let pack = Arc::new(DiffusionPack::open(&first.models.diffusion)?);
        let (path, config) = pack.scheduler_config();
        let schedule = Arc::new(NoiseSchedule::from_config(path, config)?);
        let runtime = runtime::load(&RuntimeResolver::from_environment(), &|text| observer.stage(text))?;
        let provider = provider::resolve(first.models.execution_provider)?;
        let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let executor = Arc::new(Executor::new(Arc::clone(&pack), provider, threads)?);
        for warning in warnings(points.iter().map(|point| &point.scenario), &pack)? {
            observer.warn(&warning);
        }
        // Loads one worker's models: files that do not load or do not fit are found out before anything is made.
        executor.text_embedding(&first.devices[0].prompt)?;
        let coordinates = points.iter().map(|point| point.coordinates.clone()).collect();
        let points =
            prepare_points(points.into_iter().map(|point| (point.index, point.scenario)), &schedule, &executor)?;
        let study = simulate(&points, &schedule, &executor)?;
        let cost = study.cost(points.len());
        Ok(Self { points, study, cost, coordinates, resolved_toml, schedule, executor, runtime, provider, threads })
    }

    /// Makes the pictures and writes the results.
    ///
    /// # Errors
    /// Results that are there already, folders that cannot be written, failing sessions. No half-written result stays.
    pub fn run(&self, options: &RunOptions, observer: &dyn Observer) -> Result<StudyReport, Error> {
        let started = SystemTime::now();
        let clock = Instant::now();
        let scenario = &self.points[0].scenario;
        let folder = ResultsFolder::create(&options.place(&scenario.study.name), options.force)?;
        let eager = self.points.iter().any(|point| point.scenario.diffusion.execution == Execution::Eager);
        let eager = if eager { Some(simulate_eagerly(&self.points, &self.schedule, &self.executor)?) } else { None };
        let study = eager.as_ref().unwrap_or(&self.study);
        let files = PictureFiles::of(study, &self.points);
        let values = study.compute(&self.executor, &|progress| observer.progress(progress), |node, picture| {
            files.save(&folder, node, picture)
        })?;
        let data = StudyData { points: &self.points, coordinates: &self.coordinates, study, values: &values };
        let requests = tables::requests(&data)?;
        let runs = tables::runs(&data)?;
        let summary = summary(&data)?;
        let ledger = tables::ledger(&data)?;
        let mut dictionary = String::new();
        for (name, table) in
            [("requests.csv", &requests), ("runs.csv", &runs), ("summary.csv", &summary), ("ledger.csv", &ledger)]
        {
            table.write_csv(&folder.draft().join(name))?;
            dictionary.push_str(&format!("# {name}\n\n{}\n", Table::describe(table)));
        }
        folder.write("columns.md", dictionary.as_bytes())?;
        folder.write("scenario.toml", self.resolved_toml.as_bytes())?;
        let swept: Vec<String> = self.coordinates[0].iter().map(|coordinate| coordinate.path.clone()).collect();
        let figures = write_figures(
            &FigureSource {
                requests: &requests,
                runs: &runs,
                swept: &swept,
                folder: folder.draft(),
                footer: format!(
                    "latentlink {} · study {} · seed {} · {}",
                    env!("CARGO_PKG_VERSION"),
                    scenario.study.name,
                    scenario.study.seed,
                    self.executor.pack().name(),
                ),
            },
            scenario,
        )?;
        let failures = self.failures(study, &values);
        let wall_time_s = clock.elapsed().as_secs_f64();
        self.write_manifest(&folder, failures.len(), started, wall_time_s)?;
        let pictures = count_files(&folder.draft().join("images"));
        let folder = folder.publish()?;
        Ok(StudyReport {
            folder,
            figures,
            pictures,
            failures,
            violations: self.violations(),
            cost: self.cost,
            execution_provider: self.provider.name(),
            threads: self.threads,
            wall_time_s,
        })
    }

    fn failures(&self, study: &SimulatedStudy, values: &ComputedValues) -> Vec<String> {
        let mut failures = Vec::new();
        for run in &study.runs {
            let point = &self.points[run.point];
            for user in &run.users {
                if let Some(failure) = values.failure_of(&user.record) {
                    let device = &point.scenario.devices[user.record.device].name;
                    failures.push(format!(
                        "point {}, replication {}, {device}: {}",
                        point.index,
                        run.replication,
                        failure.name()
                    ));
                }
            }
        }
        failures
    }

    /// Budgets that were broken, in the order of points.
    pub fn violations(&self) -> Vec<(u32, u32, BudgetViolation)> {
        self.study
            .runs
            .iter()
            .flat_map(|run| {
                let point = &self.points[run.point];
                budget::violations(&point.scenario, &run.ledger)
                    .into_iter()
                    .map(move |violation| (point.index, run.replication, violation))
            })
            .collect()
    }

    fn write_manifest(
        &self,
        folder: &ResultsFolder,
        failed_pictures: usize,
        started: SystemTime,
        wall_time_s: f64,
    ) -> Result<(), Error> {
        let scenario = &self.points[0].scenario;
        let pack = self.executor.pack();
        let mut files = Vec::new();
        for relative in files_below(folder)? {
            files.push(WrittenFile::of(folder.draft(), &relative)?);
        }
        Manifest {
            latentlink_version: env!("CARGO_PKG_VERSION").to_owned(),
            study: scenario.study.name.clone(),
            seed: scenario.study.seed,
            scenario_sha256: manifest::sha256_hex(self.resolved_toml.as_bytes()),
            models: vec![ModelPack {
                role: "diffusion".to_owned(),
                name: pack.name(),
                digest: pack.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
            }],
            onnx_runtime_version: self.runtime.version.clone(),
            execution_provider: self.provider.name().to_owned(),
            counts: Counts {
                points: self.cost.points as u64,
                runs: self.cost.runs as u64,
                nodes_before_sharing: self.study.nodes_before_sharing as u64,
                nodes_after_sharing: self.study.graph.len() as u64,
                unet_evaluations: self.cost.unet_evaluations,
                unet_evaluations_of_references: self.cost.unet_evaluations_of_references,
                unet_evaluations_unshared: self.cost.unet_evaluations_unshared,
                failed_pictures: failed_pictures as u64,
            },
            files,
            run: manifest::Run {
                started_utc: manifest::utc_timestamp(started),
                wall_time_s,
                threads: self.threads,
                onnx_runtime_origin: self.runtime.library.origin.name().to_owned(),
                host: Host::of_this_machine(),
            },
        }
        .write(&folder.draft().join("manifest.json"))?;
        Ok(())
    }
}

/// Files below the draft in the order of their paths.
fn files_below(folder: &ResultsFolder) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = folder.draft().join(&relative);
        let failed = |source| Error::File { action: "list", path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let inner = relative.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push(inner);
            } else {
                found.push(inner);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn count_files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| entries.count())
}
