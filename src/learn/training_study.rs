//! All trainings of a scenario: points of its sweep × seeds, side by side, one thread each.
//!
//! ```text
//!  scenario ─► points × seeds ─► training, training, … ─► actors, curves, evaluations ─┐
//!                                     ▲ checkpoint                                     ├─► results folder
//!              points ─► policies without learning, on the same replications ──────────┘
//! ```
//!
//! What is finished lies in a working folder beside the results until everything is there: a study that was stopped, or killed,
//! goes on from its checkpoints when the same command is given again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::baselines::{self, Baseline};
use super::finished_training::FinishedTraining;
use super::training::Training;
use super::training_curve::TrainingRow;
use super::training_error::TrainingError;
use super::training_results;
use crate::diffusion::executor::ExecutorError;
use crate::error::Error;
use crate::experiment::points::StudyPoint;
use crate::experiment::results_folder::ResultsFolder;
use crate::experiment::{Observer, RunOptions, StudyPlan};
use crate::scenario::{PolicySettings, Scenario, ScenarioFile, StepLimits, TrainSettings};

/// One training of the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingId {
    pub point: u32,
    pub seed: u32,
}

/// Is told how trainings go, from any thread.
pub trait TrainingObserver: Observer + Sync {
    /// A row of a training's curve is there; `label` says which training it is.
    fn row(&self, label: &str, row: &TrainingRow, settings: &TrainSettings);
    /// A training has ended, well or not.
    fn trained(&self, label: &str, done: usize, total: usize);
}

/// A point whose policy is learned.
pub struct TrainedPoint {
    pub point: Arc<StudyPoint>,
    pub settings: TrainSettings,
    pub baselines: Arc<Vec<Baseline>>,
    /// By seed: what came of it, or why nothing did.
    pub trainings: Vec<Result<FinishedTraining, String>>,
}

/// Where the results are, and how many trainings they lack.
pub struct TrainingReport {
    pub folder: PathBuf,
    pub points: Vec<TrainedPoint>,
    pub failed: usize,
}

/// Trains everything that a scenario asks for and writes the results.
///
/// # Errors
/// Anything wrong with scenario, packs or runtime; [`TrainingError::NoTable`]; [`Error::Interrupted`] where somebody stopped it. A
/// training that fails is in `failures.csv`, and the others go on.
pub fn train(
    file: &ScenarioFile,
    options: &RunOptions,
    observer: &dyn TrainingObserver,
) -> Result<TrainingReport, Error> {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let plan = Arc::new(StudyPlan::prepare(file, options, observer)?);
    let study = plan.scenario().study.name.clone();
    let place = options.out.clone().unwrap_or_else(|| PathBuf::from("results").join(format!("{study}-training")));
    // A place that takes no results is found out now, not after the trainings.
    drop(ResultsFolder::create(&place, options.reuse.force)?);
    let work = WorkingFolder::open(&place, options.reuse.force)?;

    let points: Vec<(Arc<StudyPoint>, TrainSettings)> =
        (0..plan.points()).map(|index| trained_point(&plan, index, file)).collect::<Result<_, Error>>()?;
    observer.stage("evaluating the policies without learning");
    let baselines = all_baselines(&plan, &points)?;
    let ids: Vec<TrainingId> = points
        .iter()
        .flat_map(|(point, settings)| (0..settings.seeds).map(|seed| TrainingId { point: point.index, seed }))
        .collect();
    let outcomes = Trainings { plan: &plan, points: &points, work: &work, observer, options }.run(&ids)?;

    let mut outcomes = outcomes.into_iter();
    let trained: Vec<TrainedPoint> = points
        .into_iter()
        .zip(baselines)
        .map(|((point, settings), baselines)| {
            let trainings = outcomes.by_ref().take(settings.seeds as usize).collect();
            TrainedPoint { point, settings, baselines, trainings }
        })
        .collect();
    let failed = trained.iter().flat_map(|point| &point.trainings).filter(|training| training.is_err()).count();
    let folder = ResultsFolder::create(&place, options.reuse.force)?;
    training_results::write(&folder, &plan, &trained)?;
    plan.write_training_manifest(
        folder.draft(),
        (ids.len() as u64, failed as u64),
        started,
        clock.elapsed().as_secs_f64(),
    )?;
    let folder = folder.publish()?;
    if failed == 0 {
        work.remove();
    }
    Ok(TrainingReport { folder, points: trained, failed })
}

/// The point as environments run it: with a policy that may do whatever the learned one may.
///
/// # Errors
/// [`TrainingError::NoTable`], [`Error::Schedule`] of a chain that the pack does not have.
pub fn trained_point(
    plan: &StudyPlan,
    index: u32,
    file: &ScenarioFile,
) -> Result<(Arc<StudyPoint>, TrainSettings), Error> {
    let point = plan.point(index)?;
    let no_table = || TrainingError::NoTable { scenario: file.name().to_owned() };
    let settings = point.scenario.train.clone().ok_or_else(no_table)?;
    let policy = PolicySettings::Random(StepLimits {
        maximum_shared_steps: settings.maximum_shared_steps,
        maximum_own_steps: settings.maximum_own_steps,
    });
    let scenario = Scenario { policy, ..Scenario::clone(&point.scenario) };
    plan.check_chains_of(&scenario)?;
    Ok((Arc::new(point.with_scenario(scenario)?), settings))
}

/// Points that differ in how they are trained only have the same baselines.
fn all_baselines(
    plan: &StudyPlan,
    points: &[(Arc<StudyPoint>, TrainSettings)],
) -> Result<Vec<Arc<Vec<Baseline>>>, Error> {
    let mut known: Vec<(Scenario, u32, Arc<Vec<Baseline>>)> = Vec::new();
    let mut all = Vec::with_capacity(points.len());
    for (point, settings) in points {
        let environment = Scenario { train: None, ..Scenario::clone(&point.scenario) };
        let replications = settings.evaluation_replications;
        let found = known.iter().find(|(other, count, _)| *other == environment && *count == replications);
        all.push(match found {
            Some((_, _, baselines)) => Arc::clone(baselines),
            None => {
                let baselines = Arc::new(baselines::evaluate_all(plan, point, settings)?);
                known.push((environment, replications, Arc::clone(&baselines)));
                baselines
            }
        });
    }
    Ok(all)
}

struct Trainings<'a> {
    plan: &'a Arc<StudyPlan>,
    points: &'a [(Arc<StudyPoint>, TrainSettings)],
    work: &'a WorkingFolder,
    observer: &'a dyn TrainingObserver,
    options: &'a RunOptions,
}

impl Trainings<'_> {
    /// All of them, each on one thread at a time, in the order of `ids`.
    fn run(&self, ids: &[TrainingId]) -> Result<Vec<Result<FinishedTraining, String>>, Error> {
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<Option<Result<FinishedTraining, String>>>> = Mutex::new(vec![None; ids.len()]);
        let stopped: Mutex<Option<Error>> = Mutex::default();
        // Not rayon's workers: a training waits for its environments, which it must not do in a pool that they may need.
        std::thread::scope(|scope| {
            for _ in 0..self.plan.threads().min(ids.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&id) = ids.get(index) else { return };
                        let label = self.label(id);
                        let outcome = match self.train_one(id, &label) {
                            Ok(finished) => Ok(finished),
                            Err(error @ Error::Executor(ExecutorError::Stopped)) => {
                                next.store(ids.len(), Ordering::Relaxed);
                                stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                                return;
                            }
                            // Only the checkpoint or the start of this one is of no use, but the user has to decide.
                            Err(
                                error @ Error::Training(
                                    TrainingError::OtherConfiguration { .. }
                                    | TrainingError::Unreadable { .. }
                                    | TrainingError::NoStart { .. }
                                    | TrainingError::OtherStart { .. },
                                ),
                            ) => {
                                next.store(ids.len(), Ordering::Relaxed);
                                self.options.stop.set();
                                *stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                                return;
                            }
                            Err(error) => {
                                self.observer.warn(&format!("{label}: {error}"));
                                Err(error.to_string())
                            }
                        };
                        outcomes.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(outcome);
                        self.observer.trained(&label, 1 + done.fetch_add(1, Ordering::Relaxed), ids.len());
                    }
                });
            }
        });
        match stopped.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Error::Executor(ExecutorError::Stopped)) => Err(Error::TrainingStopped {
                done: done.into_inner(),
                total: ids.len(),
                folder: self.work.folder.clone(),
            }),
            Some(error) => Err(error),
            None => Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()),
        }
    }

    fn train_one(&self, id: TrainingId, label: &str) -> Result<FinishedTraining, Error> {
        let folder = self.work.of(id);
        let (point, settings) = &self.points[id.point as usize];
        let training = Training::begin(self.plan, point, settings, id.seed, &folder)?;
        if let Some(finished) = FinishedTraining::read(&folder, training.configuration())? {
            return Ok(finished);
        }
        let configuration = training.configuration().to_owned();
        let trained = training.run(&folder, &self.options.stop, &|row| self.observer.row(label, row, settings))?;
        let finished = FinishedTraining::new(configuration, trained);
        finished.write(&folder)?;
        Ok(finished)
    }

    fn label(&self, id: TrainingId) -> String {
        let (point, settings) = &self.points[id.point as usize];
        label(point, settings, id.seed)
    }
}

/// What a training is called in messages: what is swept, and its seed.
fn label(point: &StudyPoint, settings: &TrainSettings, seed: u32) -> String {
    let mut words: Vec<String> = vec![settings.algorithm.name().to_owned()];
    let others = point.coordinates.iter().filter(|at| at.path != "train.algorithm");
    words.extend(others.map(|at| format!("{} = {}", at.path, at.value)));
    words.push(format!("seed {seed}"));
    words.join(", ")
}

/// What is finished, and checkpoints, until the results are there.
struct WorkingFolder {
    folder: PathBuf,
    /// Locked while this process trains; the system unlocks it when the process ends, however it ends.
    _lock: File,
}

impl WorkingFolder {
    fn open(place: &Path, force: bool) -> Result<Self, Error> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let folder = place.with_file_name(format!(".{name}.trainings"));
        let failed = |action: &'static str| {
            let path = folder.clone();
            move |source| Error::File { action, path, source }
        };
        fs::create_dir_all(&folder).map_err(failed("create the working folder"))?;
        let lock = File::open(&folder).map_err(failed("open the working folder"))?;
        if lock.try_lock().is_err() {
            return Err(Error::StudyInUse { folder });
        }
        if force {
            for entry in fs::read_dir(&folder).map_err(failed("list"))? {
                let path = entry.map_err(failed("list"))?.path();
                fs::remove_dir_all(&path).map_err(|source| Error::File { action: "remove", path, source })?;
            }
        }
        Ok(Self { folder, _lock: lock })
    }

    fn of(&self, id: TrainingId) -> PathBuf {
        self.folder.join(format!("point-{:04}_seed-{:03}", id.point, id.seed))
    }

    fn remove(self) {
        // What is left of it does no harm: it is hidden.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
