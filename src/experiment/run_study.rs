//! A study from its file to its results folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::budget::{self, BudgetViolation};
use super::computation::{self, ComputedValues, ValueOrigins};
use super::figures::{self, FigureSource, write_figures};
use super::images::PictureFiles;
use super::judges::StudyJudges;
use super::prompt_directions::PromptDirections;
use super::results_folder::ResultsFolder;
use super::scores::StudyScores;
use super::study::{SimulatedStudy, StudyCost, StudyPoint, prepare_points, simulate, simulate_eagerly};
use super::study_manifest::RunFindings;
use super::tables::{StudyData, StudyTables};
use super::warnings::warnings;
use crate::diffusion::executor::ExecutionProgress;
use crate::diffusion::{Executor, NoiseSchedule};
use crate::error::Error;
use crate::onnx::runtime::{self, LoadedRuntime, RuntimeResolver};
use crate::onnx::{DiffusionPack, ResolvedProvider, provider};
use crate::report::table::Table;
use crate::scenario::{Coordinate, Execution, JudgeKind, Scenario, ScenarioFile};
use crate::score_store::ScoreStore;

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
    schedule: Arc<NoiseSchedule>,
    store: Option<ScoreStore>,
    pub(super) resolved_toml: String,
    pub(super) executor: Arc<Executor>,
    pub(super) judges: StudyJudges,
    pub(super) runtime: &'static LoadedRuntime,
    pub(super) provider: ResolvedProvider,
    pub(super) threads: usize,
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
    /// Answers in `scores.csv`; 0 where nobody judges.
    pub scores: u64,
    /// Those of them that hold no score.
    pub failed_scores: u64,
    /// Who judged: the names of the packs, `surface`, or nobody.
    pub judges: Vec<String>,
    /// What was computed and what was in the score store.
    pub origins: ValueOrigins,
    /// Where the score store is, if one was used.
    pub store: Option<PathBuf>,
    /// Whether a neural network was loaded, be it for one prompt.
    pub opened_sessions: bool,
    /// The execution provider that was taken.
    pub execution_provider: &'static str,
    pub threads: usize,
    pub wall_time_s: f64,
}

impl StudyPlan {
    /// Reads, checks and simulates; loads the runtime, and the models if something has to be computed. What is in the
    /// score store at `store` is not: `None` computes everything and keeps nothing.
    ///
    /// # Errors
    /// Anything wrong with scenario, packs, runtime or store, before any picture is computed.
    pub fn prepare(
        file: &ScenarioFile,
        threads: Option<usize>,
        store: Option<&Path>,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let points = file.points().map_err(Box::new)?;
        let resolved_toml = file.resolved_toml().map_err(Box::new)?;
        let Some(first) = points.first().map(|point| point.scenario.clone()) else {
            unreachable!("a scenario has at least one point");
        };
        let scenarios = || points.iter().map(|point| &point.scenario);
        let pack = Arc::new(DiffusionPack::open(&first.models.diffusion)?);
        let (path, config) = pack.scheduler_config();
        let schedule = Arc::new(NoiseSchedule::from_config(path, config)?);
        let judges = StudyJudges::open(scenarios())?;
        let runtime = runtime::load(&RuntimeResolver::from_environment(), &|text| observer.stage(text))?;
        let provider = provider::resolve(first.models.execution_provider)?;
        let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let executor = Executor::new(Arc::clone(&pack), provider, threads)?;
        let executor = Arc::new(judges.iter().fold(executor, |executor, judge| executor.with_judge(Arc::clone(judge))));
        for warning in warnings(scenarios(), &pack)?.into_iter().chain(judges.warnings(scenarios(), &pack)?) {
            observer.warn(&warning);
        }
        let store = store.map(ScoreStore::open).transpose()?;
        tell_warnings(store.as_ref(), observer);
        let coordinates = points.iter().map(|point| point.coordinates.clone()).collect();
        let judge_digests: Vec<_> =
            scenarios().map(|scenario| judges.of(scenario).map(|judge| judge.digest())).collect();
        let points = prepare_points(
            points.into_iter().map(|point| (point.index, point.scenario)),
            &schedule,
            &judge_digests,
            &mut PromptDirections::new(&executor, store.as_ref()),
        )?;
        let study = simulate(&points, &schedule, &executor)?;
        let cost = study.cost(points.len());
        let missing = computation::missing(&study, store.as_ref())?;
        if !missing.is_empty() {
            executor.load(&study.graph, &missing)?;
            // A store that cannot be written is found out now as well.
            store.as_ref().map_or(Ok(()), ScoreStore::begin)?;
        }
        tell_warnings(store.as_ref(), observer);
        Ok(Self {
            points,
            study,
            cost,
            coordinates,
            schedule,
            store,
            resolved_toml,
            executor,
            judges,
            runtime,
            provider,
            threads,
        })
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
        let store = self.store.as_ref();
        let eager = self.points.iter().any(|point| point.scenario.diffusion.execution == Execution::Eager)
            && !computation::missing(&self.study, store)?.is_empty();
        let eager = if eager { Some(simulate_eagerly(&self.points, &self.schedule, &self.executor)?) } else { None };
        let study = eager.as_ref().unwrap_or(&self.study);
        let files = PictureFiles::of(study, &self.points);
        let progress = |progress| observer.progress(progress);
        let computed =
            computation::compute(study, &self.executor, store, &progress, |node, png| files.save(&folder, node, png));
        tell_warnings(store, observer);
        let (values, origins) = computed?;
        let scores = StudyScores::of(study, &self.points, &values);
        let data =
            StudyData { points: &self.points, coordinates: &self.coordinates, study, values: &values, scores: &scores };
        let tables = StudyTables::of(&data)?;
        let mut dictionary = String::new();
        for (name, table) in tables.iter() {
            table.write_csv(&folder.draft().join(name))?;
            dictionary.push_str(&format!("# {name}\n\n{}\n", Table::describe(table)));
        }
        folder.write("columns.md", dictionary.as_bytes())?;
        folder.write("scenario.toml", self.resolved_toml.as_bytes())?;
        let swept: Vec<String> = self.coordinates[0].iter().map(|coordinate| coordinate.path.clone()).collect();
        let source = FigureSource { folder: folder.draft().to_owned(), swept, footer: self.footer() };
        let figures = write_figures(&source, scenario)?;
        let failures = self.failures(study, &values);
        let wall_time_s = clock.elapsed().as_secs_f64();
        let findings = RunFindings {
            failed_pictures: failures.len() as u64,
            scores: scores.answers(),
            failed_scores: scores.failed(),
            origins,
            started,
            wall_time_s,
        };
        self.write_manifest(&folder, &findings)?;
        let pictures = count_files(&folder.draft().join("images"));
        let folder = folder.publish()?;
        Ok(StudyReport {
            folder,
            figures,
            pictures,
            failures,
            violations: self.violations(),
            cost: self.cost,
            scores: findings.scores,
            failed_scores: findings.failed_scores,
            judges: self.judge_names(),
            origins,
            store: store.map(|store| store.place().to_owned()),
            opened_sessions: self.executor.has_opened_sessions(),
            execution_provider: self.provider.name(),
            threads: self.threads,
            wall_time_s,
        })
    }

    /// The small print under each figure: what made it.
    fn footer(&self) -> String {
        let study = &self.points[0].scenario.study;
        let (version, diffusion) = (env!("CARGO_PKG_VERSION"), self.executor.pack().name());
        figures::results::footer(version, &study.name, study.seed, &diffusion, &self.judge_names())
    }

    fn judge_names(&self) -> Vec<String> {
        let surface = |scenario: &Scenario| matches!(scenario.judge.kind, JudgeKind::Surface(_));
        let surface =
            self.points.iter().any(|point| surface(&point.scenario)).then(|| figures::results::SURFACE.to_owned());
        self.judges.packs().iter().map(|pack| pack.name()).chain(surface).collect()
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
}

/// Hands over what the store has to say.
fn tell_warnings(store: Option<&ScoreStore>, observer: &dyn Observer) {
    for warning in store.map(ScoreStore::take_warnings).into_iter().flatten() {
        observer.warn(&warning);
    }
}

fn count_files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| entries.count())
}
