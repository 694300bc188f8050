//! A study that is ready to run: read, checked, nothing computed yet.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::budget;
use super::cost::StudyCost;
use super::figures::results;
use super::findings::Findings;
use super::input_files::InputFileHash;
use super::judges::StudyJudges;
use super::memory::MemoryLimit;
use super::observer::Observer;
use super::points::{StudyPoint, StudyPoints};
use super::prompt_directions::PromptDirections;
use super::simulation::{Block, Run, Simulator};
use super::study_folder::{Reuse, StudyIdentity};
use super::tables::TableLayout;
use super::until;
use super::warnings::Warnings;
use super::work_order::{RunId, Shard, WorkOrder};
use crate::diffusion::executor::StopRequest;
use crate::diffusion::{Executor, ExecutorError, NoiseSchedule, SplitChain};
use crate::error::Error;
use crate::judge::PictureJudge;
use crate::onnx::runtime::{self, LoadedRuntime, RuntimeResolver};
use crate::onnx::{DiffusionPack, ExecutionProvider, ResolvedProvider, provider};
use crate::scenario::{Dimension, Execution, Grid, JudgeKind, Scenario, ScenarioFile};
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
    /// For whoever wants to stop the run from another thread.
    pub stop: Arc<StopRequest>,
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
        let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let grid = file.grid().map_err(Box::new)?;
        on_threads(threads, || grid.check_all())?.map_err(Box::new)?;
        let scenario_toml = file.resolved_toml().map_err(Box::new)?;
        let first = grid.point(0).map_err(Box::new)?.scenario;
        let pack = Arc::new(DiffusionPack::open(&first.models.diffusion)?);
        let (path, config) = pack.scheduler_config();
        let schedule = Arc::new(NoiseSchedule::from_config(path, config)?);
        check_chains(&grid, &schedule)?;
        let is_of_judge = |path: &str| path.starts_with("judge.") && first.judge.kind.is_shown_pictures();
        let judges = Arc::new(StudyJudges::open(scenarios_with_all(&grid, is_of_judge))?);
        let runtime = runtime::load(&RuntimeResolver::from_environment(), &|text| observer.stage(text))?;
        let choice = provider::resolve(first.models.execution_provider, first.models.cuda_device())?;
        if first.models.execution_provider == ExecutionProvider::Auto && first.makes_pictures() {
            observer.stage(&choice.said_of_auto());
        }
        let provider = choice.provider;
        let executor = Executor::new(Arc::clone(&pack), provider, threads)?
            .with_resident_latents(first.models.resident_latents)
            .with_stop_request(Arc::clone(&options.stop));
        let executor = Arc::new(judges.iter().fold(executor, |executor, judge| executor.with_judge(judge.clone())));
        let mut warnings = Warnings::new(&pack, &judges);
        let mut input_files = InputFileHash::default();
        for scenario in scenarios_along_dimensions(&grid) {
            let scenario = scenario?;
            warnings.look_at(&scenario)?;
            input_files.add(&scenario);
        }
        warnings.all()?.iter().for_each(|warning| observer.warn(warning));
        let store = options.store.as_deref().map(ScoreStore::open).transpose()?.map(Arc::new);
        tell_warnings(store.as_deref(), observer);
        let directions = PromptDirections::new(Arc::clone(&executor), store.clone())
            .with_sentence_encoder(first.models.sentence_encoder.as_deref(), provider)?;

        let mut hash = Sha256::new();
        hash.update(file.identity_toml().map_err(Box::new)?);
        hash.update(concat!("latentlink ", env!("CARGO_PKG_VERSION")));
        hash.update(pack.digest());
        judges.iter().for_each(|judge| hash.update(judge.digest()));
        directions.sentence_encoder_digest().iter().for_each(|digest| hash.update(digest));
        hash.update(&runtime.version);
        hash.update(provider.name());
        // The scenario names its files, not what is in them.
        hash.update(input_files.finish());
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let identity = StudyIdentity { sha256, scenario_toml, shard: options.shard };

        let order = WorkOrder::new(grid.len() as u32, first.study.replications, first.makes_pictures());
        let order = match options.shard {
            Some(shard) => order.shard(shard),
            None => order,
        };
        let points = StudyPoints::new(grid, Arc::clone(&judges), directions);
        let first = points.get(0)?;
        let layout = TableLayout::of(&first);
        until::check(&first.scenario, options.shard, &layout)?;
        Ok(Self {
            options: options.clone(),
            identity,
            layout,
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

    /// Budgets that are broken in the runs, without computing a picture. Runs whose simulation fails have none.
    ///
    /// # Errors
    /// What [`StudyPoints::get`] says.
    pub fn broken_budgets(&self) -> Result<Findings, Error> {
        let mut findings = Findings::default();
        let is_swept = self.layout.swept.iter().any(|path| path.ends_with("energy_budget_j"));
        if !is_swept && !budget::has_any(self.scenario()) {
            return Ok(findings);
        }
        let violations = |&id: &RunId| match self.simulate(id) {
            Ok(run) => Ok((id, budget::violations(&run.point.scenario, &run.ledger))),
            Err(Error::Network { .. }) => Ok((id, Vec::new())),
            Err(error) => Err(error),
        };
        let mut runs = self.order.iter();
        loop {
            let some: Vec<RunId> = runs.by_ref().take(RUNS_AT_A_TIME).collect();
            if some.is_empty() {
                return Ok(findings);
            }
            let found: Vec<_> =
                self.executor.pool().install(|| some.par_iter().map(violations).collect::<Result<_, Error>>())?;
            for (id, violations) in found {
                violations.iter().for_each(|violation| findings.add_violation(id, violation));
            }
        }
    }

    /// The small print under each figure: what made it.
    pub(super) fn footer(&self) -> String {
        let study = &self.scenario().study;
        let (version, diffusion) = (env!("CARGO_PKG_VERSION"), self.executor.pack().name());
        results::footer(version, &study.name, study.seed, &diffusion, &self.judge_names())
    }

    /// The models at endpoints that would be asked, with their addresses.
    pub fn endpoints(&self) -> Vec<String> {
        let models = self.judges.models().into_iter();
        models.filter(|judge| matches!(judge, PictureJudge::Endpoint(_))).map(PictureJudge::name).collect()
    }

    /// Who judges: the names of packs, models at endpoints, the surface, or nobody.
    pub(super) fn judge_names(&self) -> Vec<String> {
        let surface = matches!(self.scenario().judge.kind, JudgeKind::Surface(_)).then(|| results::SURFACE.to_owned());
        self.judges.models().iter().map(|judge| judge.name()).chain(surface).collect()
    }
}

/// Runs that are looked at side by side.
const RUNS_AT_A_TIME: usize = 4096;

/// Scenarios that show every value of every swept field: point 0, and what differs from it along one dimension.
fn scenarios_along_dimensions(grid: &Grid) -> impl Iterator<Item = Result<Scenario, Error>> {
    let dimensions = grid.dimensions();
    let count = dimensions.len();
    let along = dimensions.into_iter().enumerate().flat_map(move |(dimension, swept)| {
        (1..swept.len).map(move |position| {
            let mut positions = vec![0; count];
            positions[dimension] = position;
            positions
        })
    });
    std::iter::once(vec![0; count]).chain(along).map(|positions| scenario_at(grid, &positions))
}

/// Scenarios with every combination of the swept fields that `matter`, the others at their first value.
fn scenarios_with_all(grid: &Grid, matter: impl Fn(&str) -> bool) -> impl Iterator<Item = Result<Scenario, Error>> {
    let length =
        |dimension: &Dimension| if dimension.paths.iter().any(|path| matter(path)) { dimension.len } else { 1 };
    let lengths: Vec<usize> = grid.dimensions().iter().map(length).collect();
    (0..lengths.iter().product::<usize>()).map(move |mut index| {
        let mut positions = vec![0; lengths.len()];
        for (position, length) in positions.iter_mut().zip(&lengths).rev() {
            *position = index % length;
            index /= length;
        }
        scenario_at(grid, &positions)
    })
}

fn scenario_at(grid: &Grid, positions: &[usize]) -> Result<Scenario, Error> {
    Ok(grid.point(grid.index_of(positions)).map_err(Box::new)?.scenario)
}

/// The pack's schedule has every chain that is asked for: found out before anything is computed.
fn check_chains(grid: &Grid, schedule: &NoiseSchedule) -> Result<(), Error> {
    let is_of_chain = |path: &str| {
        const FIELDS: [&str; 8] = [
            "diffusion.sampler",
            "diffusion.steps",
            "diffusion.split",
            "policy.kind",
            "policy.t0",
            "policy.tk",
            "policy.maximum_shared_steps",
            "policy.maximum_own_steps",
        ];
        FIELDS.iter().any(|field| path.starts_with(field))
    };
    for scenario in scenarios_with_all(grid, is_of_chain) {
        check_chains_of(&scenario?, schedule)?;
    }
    Ok(())
}

/// The same for one scenario.
pub(super) fn check_chains_of(scenario: &Scenario, schedule: &NoiseSchedule) -> Result<(), Error> {
    let diffusion = &scenario.diffusion;
    for (t0, tk) in scenario.policy.step_pairs() {
        SplitChain::new(schedule, diffusion.sampler, diffusion.split, diffusion.steps, t0, tk)?;
    }
    Ok(())
}

/// Runs `work` on this many threads.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|source| ExecutorError::Threads { threads, source })?.install(work))
}

/// Hands over what the store has to say.
pub(super) fn tell_warnings(store: Option<&ScoreStore>, observer: &dyn Observer) {
    for warning in store.map(ScoreStore::take_warnings).into_iter().flatten() {
        observer.warn(&warning);
    }
}
