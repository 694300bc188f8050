//! A study that is ready to run: read, checked, nothing computed yet.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use super::budget;
use super::cost::StudyCost;
use super::figures::results;
use super::findings::Findings;
use super::judges::StudyJudges;
use super::memory::MemoryLimit;
use super::observer::Observer;
use super::points::{StudyPoint, StudyPoints};
use super::prompt_directions::PromptDirections;
use super::simulation::{Block, Run, Simulator};
use super::study_folder::{Reuse, StudyIdentity};
use super::tables::TableLayout;
use super::warnings::warnings;
use super::work_order::{RunId, Shard, WorkOrder};
use crate::diffusion::executor::StopRequest;
use crate::diffusion::{Executor, NoiseSchedule};
use crate::error::Error;
use crate::onnx::runtime::{self, LoadedRuntime, RuntimeResolver};
use crate::onnx::{DiffusionPack, ResolvedProvider, provider};
use crate::scenario::{Execution, Grid, JudgeKind, Scenario, ScenarioFile};
use crate::score_store::ScoreStore;

/// How a study is run; what is run is in the scenario.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Results folder; `None`: `results/<study>`, with a shard's number behind it.
    pub out: Option<PathBuf>,
    /// Workers; `None`: one per core.
    pub threads: Option<usize>,
    /// Where the score store is. `None`: everything is computed and nothing kept for other studies.
    pub store: Option<PathBuf>,
    pub memory: MemoryLimit,
    /// Only a part of the runs; `None`: all of them.
    pub shard: Option<Shard>,
    pub reuse: Reuse,
}

impl RunOptions {
    /// Where the results of a study go.
    pub fn place(&self, study: &str) -> PathBuf {
        let name = match self.shard {
            Some(Shard { number, count }) => format!("{study}.shard-{number}-of-{count}"),
            None => study.to_owned(),
        };
        self.out.clone().unwrap_or_else(|| PathBuf::from("results").join(name))
    }
}

/// A study that is ready to run.
pub struct StudyPlan {
    pub(super) options: RunOptions,
    pub(super) identity: StudyIdentity,
    pub(super) simulator: Simulator,
    pub(super) layout: TableLayout,
    pub(super) first: Arc<StudyPoint>,
    pub(super) order: WorkOrder,
    pub(super) executor: Arc<Executor>,
    pub(super) store: Option<Arc<ScoreStore>>,
    pub(super) judges: Arc<StudyJudges>,
    pub(super) runtime: &'static LoadedRuntime,
    pub(super) provider: ResolvedProvider,
    pub(super) threads: usize,
    cost: OnceLock<StudyCost>,
}

impl StudyPlan {
    /// Reads and checks everything that does not need a neural network; loads the runtime.
    ///
    /// # Errors
    /// Anything wrong with scenario, packs, runtime or store.
    pub fn prepare(file: &ScenarioFile, options: &RunOptions, observer: &dyn Observer) -> Result<Self, Error> {
        let grid = file.grid().map_err(Box::new)?;
        grid.check_all().map_err(Box::new)?;
        let scenario_toml = file.resolved_toml().map_err(Box::new)?;
        let first = grid.point(0).map_err(Box::new)?.scenario;
        let pack = Arc::new(DiffusionPack::open(&first.models.diffusion)?);
        let (path, config) = pack.scheduler_config();
        let schedule = Arc::new(NoiseSchedule::from_config(path, config)?);
        let judges = Arc::new(StudyJudges::open(&scenarios_of(&grid, |path| path.starts_with("judge."))?)?);
        let runtime = runtime::load(&RuntimeResolver::from_environment(), &|text| observer.stage(text))?;
        let provider = provider::resolve(first.models.execution_provider)?;
        let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let executor = Executor::new(Arc::clone(&pack), provider, threads)?;
        let executor = Arc::new(judges.iter().fold(executor, |executor, judge| executor.with_judge(Arc::clone(judge))));
        let typical = scenarios_along_axes(&grid)?;
        for warning in warnings(typical.iter(), &pack)?.into_iter().chain(judges.warnings(typical.iter(), &pack)?) {
            observer.warn(&warning);
        }
        let store = options.store.as_deref().map(ScoreStore::open).transpose()?.map(Arc::new);
        tell_warnings(store.as_deref(), observer);

        let mut hash = Sha256::new();
        hash.update(file.identity_toml().map_err(Box::new)?);
        hash.update(concat!("latentlink ", env!("CARGO_PKG_VERSION")));
        hash.update(pack.digest());
        judges.iter().for_each(|judge| hash.update(judge.digest()));
        hash.update(&runtime.version);
        hash.update(provider.name());
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let identity = StudyIdentity { sha256, scenario_toml, shard: options.shard };

        let directions = PromptDirections::new(Arc::clone(&executor), store.clone());
        let order = WorkOrder::new(grid.len() as u32, first.study.replications, first.makes_pictures());
        let order = match options.shard {
            Some(shard) => order.shard(shard),
            None => order,
        };
        let points = StudyPoints::new(grid, Arc::clone(&schedule), Arc::clone(&judges), directions);
        let first = points.get(0)?;
        Ok(Self {
            options: options.clone(),
            identity,
            layout: TableLayout::of(&first),
            first,
            order,
            simulator: Simulator::new(points, schedule, Arc::clone(&executor)),
            executor,
            store,
            judges,
            runtime,
            provider,
            threads,
            cost: OnceLock::new(),
        })
    }

    /// The scenario of the first point; what its study, models and judge are called is the same for all.
    pub fn scenario(&self) -> &Scenario {
        &self.first.scenario
    }

    /// Points of the grid.
    pub fn points(&self) -> u32 {
        self.simulator.points().len()
    }

    /// Runs of this study, or of this shard of it.
    pub fn runs(&self) -> u64 {
        self.order.len()
    }

    pub fn threads(&self) -> usize {
        self.threads
    }

    /// For whoever wants to stop a run from another thread.
    pub fn stop_request(&self) -> &Arc<StopRequest> {
        self.executor.stop_request()
    }

    /// One run as it happens in time, without a picture.
    ///
    /// # Errors
    /// [`Error::Network`], what [`StudyPoints::get`] says.
    pub fn simulate(&self, run: RunId) -> Result<Run, Error> {
        self.simulator.simulate_without_pictures(run)
    }

    /// What all runs take, counted by simulating them; once.
    ///
    /// # Errors
    /// What [`StudyPoints::get`] says.
    pub fn cost(&self) -> Result<StudyCost, Error> {
        if let Some(cost) = self.cost.get() {
            return Ok(*cost);
        }
        let cost = self.cost_of(&mut self.order.iter())?;
        Ok(*self.cost.get_or_init(|| cost))
    }

    pub(super) fn cost_of(&self, runs: &mut dyn Iterator<Item = RunId>) -> Result<StudyCost, Error> {
        let mut cost = StudyCost::default();
        if !self.scenario().makes_pictures() {
            cost.runs = runs.count() as u64;
            return Ok(cost);
        }
        while let Some(block) = self.next_block(runs)? {
            cost += block.cost();
        }
        Ok(cost)
    }

    pub(super) fn next_block(&self, runs: &mut dyn Iterator<Item = RunId>) -> Result<Option<Block>, Error> {
        let most_nodes = if self.is_eager() { 1 } else { self.options.memory.nodes() };
        match self.is_eager() {
            // An eager run uses the workers itself, and holds every value: one after the other.
            true => self.simulator.next_block(&mut runs.take(1), most_nodes),
            false => self.simulator.next_block(runs, most_nodes),
        }
    }

    /// Whether some points are computed at their events.
    pub(super) fn is_eager(&self) -> bool {
        let is_swept = self.layout.swept.iter().any(|path| path == "diffusion.execution");
        is_swept || self.scenario().diffusion.execution == Execution::Eager
    }

    /// Budgets that are broken in the runs, without computing a picture.
    ///
    /// # Errors
    /// What [`StudyPoints::get`] says.
    pub fn broken_budgets(&self) -> Result<Findings, Error> {
        let mut findings = Findings::default();
        for id in self.order.iter() {
            if let Ok(run) = self.simulate(id) {
                for violation in budget::violations(&run.point.scenario, &run.ledger) {
                    findings.add_violation(id, &violation);
                }
            }
        }
        Ok(findings)
    }

    /// The small print under each figure: what made it.
    pub(super) fn footer(&self) -> String {
        let study = &self.scenario().study;
        let (version, diffusion) = (env!("CARGO_PKG_VERSION"), self.executor.pack().name());
        results::footer(version, &study.name, study.seed, &diffusion, &self.judge_names())
    }

    /// Who judges: the names of the packs, the surface, or nobody.
    pub(super) fn judge_names(&self) -> Vec<String> {
        let surface = matches!(self.scenario().judge.kind, JudgeKind::Surface(_)).then(|| results::SURFACE.to_owned());
        self.judges.packs().iter().map(|pack| pack.name()).chain(surface).collect()
    }
}

/// Scenarios that show every value of every swept field: point 0, and what differs from it along one dimension. A grid of
/// millions has a few dozen of them.
fn scenarios_along_axes(grid: &Grid) -> Result<Vec<Scenario>, Error> {
    let mut scenarios = vec![grid.point(0).map_err(Box::new)?.scenario];
    let dimensions = grid.dimensions();
    for (dimension, length) in dimensions.iter().map(|dimension| dimension.len).enumerate() {
        for position in 1..length {
            let mut positions = vec![0; dimensions.len()];
            positions[dimension] = position;
            scenarios.push(grid.point(grid.index_of(&positions)).map_err(Box::new)?.scenario);
        }
    }
    Ok(scenarios)
}

/// Scenarios with every combination of the swept fields that `matter`.
fn scenarios_of(grid: &Grid, matter: impl Fn(&str) -> bool) -> Result<Vec<Scenario>, Error> {
    let dimensions = grid.dimensions();
    let mut combinations = vec![vec![0; dimensions.len()]];
    for (dimension, swept) in dimensions.iter().enumerate() {
        if swept.paths.iter().any(|path| matter(path)) {
            let varied = |base: &Vec<usize>| {
                let base = base.clone();
                (0..swept.len).map(move |position| {
                    let mut positions = base.clone();
                    positions[dimension] = position;
                    positions
                })
            };
            combinations = combinations.iter().flat_map(varied).collect();
        }
    }
    let scenario = |positions: &Vec<usize>| Ok(grid.point(grid.index_of(positions)).map_err(Box::new)?.scenario);
    combinations.iter().map(scenario).collect()
}

/// Hands over what the store has to say.
pub(super) fn tell_warnings(store: Option<&ScoreStore>, observer: &dyn Observer) {
    for warning in store.map(ScoreStore::take_warnings).into_iter().flatten() {
        observer.warn(&warning);
    }
}
