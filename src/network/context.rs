//! What the models of one run share: the scenario, the graph under construction, and what was observed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexosim::model::{BuildContext, Model, ProtoModel};

use super::prompt_book::PromptBook;
use super::records::Journey;
use super::state::RunState;
use crate::demand::prompts::PromptSampler;
use crate::diffusion::graph::{Operation, PromptId};
use crate::diffusion::recorder::Recorder;
use crate::diffusion::{DenoisingStep, ExecutorError, NodeId, NoiseSchedule, ScheduleError, SplitChain};
use crate::latent_cache::{LatentCache, PromptNeighbours, ReuseThresholds, USUAL_DIVERGENCE};
use crate::mobility::CellMap;
use crate::policy::{Policy, PolicyError};
use crate::random::StreamKey;
use crate::scenario::{ArchitectureKind, Arrivals, Scenario, StartLatent};

/// Why a run stopped.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NetworkError {
    /// Eager mode: a session call failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Executor(#[from] ExecutorError),
    /// The allocation asks for a chain that the schedule does not have.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Schedule(#[from] ScheduleError),
    /// The policy has no answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(#[from] PolicyError),
    /// The books of the run do not agree with each other.
    #[error("the books of the run do not agree: {message}")]
    #[diagnostic(help(
        "this is a defect of latentlink: please report it with the scenario; \
         `check_invariants = false` under [analysis] lets the run go on"
    ))]
    Invariant { message: String },
    /// A checkpoint cannot be written or read.
    #[error("the checkpoint {} is of no use: {message}", file.display())]
    #[diagnostic(help("make room or remove the file; the run then begins anew"))]
    Checkpoint { file: PathBuf, message: String },
    /// The event engine stopped.
    #[error("the simulation stopped: {0}")]
    #[diagnostic(help("this is a defect of latentlink: please report it with the scenario"))]
    Engine(String),
}

/// Everything a model may ask for that is not its own state.
///
/// It is the `Env` of each model: nexosim saves and restores models, and handles to the graph cannot be saved.
pub struct RunContext {
    pub scenario: Arc<Scenario>,
    pub schedule: Arc<NoiseSchedule>,
    pub policy: Arc<dyn Policy>,
    /// Which repetition of the point this is.
    pub replication: u32,
    /// Values of one latent, channels × height × width.
    pub latent_values: usize,
    pub prompts: Arc<PromptBook>,
    /// Digest of the judge that is shown the pictures; `None` where none is.
    pub judge: Option<[u8; 32]>,
    /// Which cell is nearest.
    pub cell_map: CellMap,
    /// What is asked for, where devices do not ask for their own prompts.
    pub prompt_sampler: Option<PromptSampler>,
    /// Numbers of the prompts of a trace in the run's prompts.
    pub trace_prompts: Vec<u32>,
    /// When latents may be reused, and prompts grouped; `None` where nobody asks.
    thresholds: Option<ReuseThresholds>,
    neighbours: Option<Arc<PromptNeighbours>>,
    recorder: Mutex<Recorder>,
    state: Mutex<RunState>,
    failure: Mutex<Option<NetworkError>>,
    /// Split chains by (t0, t_k), each worked out once.
    chains: Mutex<BTreeMap<(u32, u32), Arc<SplitChain>>>,
    /// Whether pictures are made, so that what leads to them is written down.
    records: bool,
}

impl RunContext {
    pub fn new(
        scenario: Arc<Scenario>,
        schedule: Arc<NoiseSchedule>,
        policy: Arc<dyn Policy>,
        replication: u32,
        latent_values: usize,
        prompts: Arc<PromptBook>,
        recorder: Recorder,
    ) -> Result<Self, ScheduleError> {
        let cell_map = CellMap::new(&scenario.cells);
        let demand = scenario.demand.as_ref();
        let prompt_sampler = demand.map(|demand| PromptSampler::new(&demand.prompts, demand.zipf_exponent, &prompts));
        let of_trace = demand.into_iter().flat_map(|demand| demand.arrivals.prompts());
        let number = |text: String| prompts.number(&text).expect("the book holds the prompts of the trace");
        let trace_prompts: Vec<u32> = of_trace.map(number).collect();
        let thresholds = thresholds(&scenario, &schedule)?;
        let neighbours = thresholds.as_ref().filter(|_| scenario.cache.is_some());
        let neighbours = neighbours.map(|thresholds| Arc::new(PromptNeighbours::new(&prompts, thresholds.least())));
        let state = Mutex::new(RunState::new(&scenario));
        Ok(Self {
            scenario,
            schedule,
            policy,
            replication,
            latent_values,
            prompts,
            judge: None,
            cell_map,
            prompt_sampler,
            trace_prompts,
            thresholds,
            neighbours,
            records: recorder.records(),
            recorder: Mutex::new(recorder),
            state,
            failure: Mutex::default(),
            chains: Mutex::default(),
        })
    }

    /// With the judge that is shown the pictures.
    pub fn with_judge(self, judge: Option<[u8; 32]>) -> Self {
        Self { judge, ..self }
    }

    /// Whether this is one synchronous round: every device asks once, at the beginning.
    pub fn is_round(&self) -> bool {
        self.scenario.demand.is_none()
    }

    /// Whether users ask again when their requests have ended.
    pub fn is_closed_loop(&self) -> bool {
        let arrivals = self.scenario.demand.as_ref().map(|demand| &demand.arrivals);
        matches!(arrivals, Some(Arrivals::ClosedLoop { .. }))
    }

    /// Whether latents reach most users through a device of their group.
    pub fn is_led(&self) -> bool {
        self.scenario.architecture.kind != ArchitectureKind::Edge
    }

    /// Whether devices run the shared steps.
    pub fn is_led_by_devices(&self) -> bool {
        !self.scenario.architecture.has_server()
    }

    /// Least similarity of two prompts of one group.
    pub fn least_group_similarity(&self) -> f64 {
        let given = self.scenario.grouping.similarity_threshold;
        let t0 = self.scenario.policy.shared_steps();
        given.or_else(|| Some(self.thresholds.as_ref()?.at(t0))).unwrap_or(f64::NEG_INFINITY)
    }

    /// An empty cache for one server; `None` where the scenario has none, or no server.
    pub fn new_cache(&self) -> Option<LatentCache> {
        let (settings, thresholds) = (self.scenario.cache.as_ref()?, self.thresholds.as_ref()?);
        let latent_bytes = self.latent_values as u64 * u64::from(settings.codec.bits_per_value()).div_ceil(8);
        let cache = LatentCache::new(thresholds.clone(), latent_bytes, self.prompts.key_bytes())
            .with_history(self.sent_history(u32::MAX));
        Some(match &self.neighbours {
            Some(neighbours) => cache.with_neighbours(Arc::clone(neighbours)),
            None => cache,
        })
    }

    /// The random stream of a component of this run.
    pub fn stream(&self, component: &str, entity: &str) -> StreamKey {
        StreamKey::new(self.scenario.study.seed, self.replication, component, entity)
    }

    /// The books of the run.
    pub fn state(&self) -> MutexGuard<'_, RunState> {
        // Models of one run share one thread: a poisoned lock means a panic that ended the run already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the first failure; the models stop emitting and the bench reports it.
    pub fn fail(&self, error: impl Into<NetworkError>) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.into());
    }

    /// The failure that was noted, if any.
    pub fn take_failure(&self) -> Option<NetworkError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The chain divided between server and device for an allocation.
    pub fn split_chain(&self, t0: u32, tk: u32) -> Result<Arc<SplitChain>, ScheduleError> {
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chain) = chains.get(&(t0, tk)) {
            return Ok(Arc::clone(chain));
        }
        let diffusion = &self.scenario.diffusion;
        let chain = SplitChain::new(&self.schedule, diffusion.sampler, diffusion.split, diffusion.steps, t0, tk)?;
        let chain = Arc::new(chain.with_history(diffusion.history));
        chains.insert((t0, tk), Arc::clone(&chain));
        Ok(chain)
    }

    /// Earlier model outputs that go along with the latent after `t0` steps.
    pub fn sent_history(&self, t0: u32) -> u32 {
        let diffusion = &self.scenario.diffusion;
        diffusion.history.sent_after(diffusion.sampler, t0)
    }

    /// Values that cross the link with the latent after `t0` steps: its own, and those of the history sent along.
    pub fn sent_values(&self, t0: u32) -> u64 {
        (1 + u64::from(self.sent_history(t0))) * self.latent_values as u64
    }

    /// Cosine similarity of a request's prompt to that of the shared steps: drawn for its device where the scenario says so.
    pub fn similarity(&self, journey: &Journey, shared_prompt: u32) -> f64 {
        if journey.prompt == shared_prompt {
            return 1.0;
        }
        let drawn = self.scenario.drawn_similarity(journey.device, self.replication);
        drawn.unwrap_or_else(|| self.prompts.similarity(journey.prompt, shared_prompt))
    }

    /// The start latent z_T of a chain that begins for `request`. In a round, and where the scenario says so, everyone starts
    /// from the same one, so that what differs between two pictures is the prompt, the split and the link.
    pub fn start_latent(&self, scale: f64, request: u64) -> Result<NodeId, ExecutorError> {
        if !self.records() {
            return self.insert(Operation::Noise { seed: StreamKey::NOTHING, scale });
        }
        let seed = self.of_request("start-latent", request);
        self.insert(Operation::Noise { seed, scale })
    }

    /// Adds `steps` after `from`, all with `prompt`, for `request`. `first` is the number of steps behind `from`: fresh noise is
    /// keyed by the position in the chain, so a split chain draws what the unsplit one draws.
    pub fn denoise(
        &self,
        mut from: NodeId,
        prompt: u32,
        steps: &[DenoisingStep],
        first: u32,
        request: u64,
    ) -> Result<NodeId, ExecutorError> {
        if !self.records {
            return Ok(from);
        }
        let mut recorder = self.recorder();
        let noise = self.of_request("step-noise", request);
        let prompt = recorder.prompt(self.prompts.text(prompt));
        for (index, step) in steps.iter().enumerate() {
            from = recorder.insert(Operation::Denoise {
                from,
                prompt,
                guidance: self.scenario.diffusion.guidance,
                step: *step,
                noise: step.is_stochastic().then(|| noise.child(u64::from(first) + index as u64)),
            })?;
        }
        Ok(from)
    }

    /// Adds one operation.
    pub fn insert(&self, operation: Operation) -> Result<NodeId, ExecutorError> {
        self.recorder().insert(operation)
    }

    /// Whether pictures are made, so that what leads to them is written down.
    pub fn records(&self) -> bool {
        self.records
    }

    /// The id of a prompt in the graph.
    pub fn prompt(&self, prompt: u32) -> PromptId {
        self.recorder().prompt(self.prompts.text(prompt))
    }

    /// Takes the context apart after the run.
    pub fn into_parts(self) -> (Recorder, RunState) {
        (
            self.recorder.into_inner().unwrap_or_else(PoisonError::into_inner),
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The stream of a request, or the one of the round.
    fn of_request(&self, component: &str, request: u64) -> StreamKey {
        match &self.scenario.demand {
            Some(demand) if demand.start_latent == StartLatent::Request => {
                self.stream(component, "request").child(request)
            }
            _ => self.stream(component, "round"),
        }
    }

    pub(super) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn thresholds(scenario: &Scenario, schedule: &NoiseSchedule) -> Result<Option<ReuseThresholds>, ScheduleError> {
    let t0 = scenario.policy.shared_steps();
    let diffusion = &scenario.diffusion;
    if t0 == 0 || !scenario.compares_prompts() {
        return Ok(None);
    }
    let (sampler, steps) = (diffusion.sampler, diffusion.steps.max(t0));
    Ok(Some(match &scenario.cache {
        Some(cache) => ReuseThresholds::new(cache, schedule, sampler, steps, t0)?,
        None => ReuseThresholds::from_divergence(USUAL_DIVERGENCE, schedule, sampler, steps, t0)?,
    }))
}

/// A model together with the context it runs in.
pub struct InContext<M> {
    pub model: M,
    pub context: Arc<RunContext>,
}

impl<M: Model<Env = Arc<RunContext>>> ProtoModel for InContext<M> {
    type Model = M;

    fn build(self, _: &mut BuildContext<Self>) -> (M, Arc<RunContext>) {
        (self.model, self.context)
    }
}
