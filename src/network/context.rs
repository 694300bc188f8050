//! What the models of one run share: the scenario, the graph under construction, and what was observed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexosim::model::{BuildContext, Model, ProtoModel};

use super::ledger::EnergyLedger;
use super::messages::UserRecord;
use crate::diffusion::graph::{Operation, PromptId};
use crate::diffusion::recorder::Recorder;
use crate::diffusion::{DenoisingStep, ExecutorError, NodeId, NoiseSchedule, ScheduleError, SplitChain};
use crate::policy::Policy;
use crate::random::StreamKey;
use crate::scenario::Scenario;

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
    /// The server's prompt, the medoid where the scenario leaves it out.
    pub server_prompt: String,
    /// Digest of the judge that is shown the pictures; `None` where none is.
    pub judge: Option<[u8; 32]>,
    recorder: Mutex<Recorder>,
    observed: Mutex<Observed>,
}

/// What the meter has written down.
#[derive(Debug, Default)]
pub struct Observed {
    pub ledger: EnergyLedger,
    pub users: Vec<UserRecord>,
    pub failure: Option<NetworkError>,
}

impl RunContext {
    pub fn new(
        scenario: Arc<Scenario>,
        schedule: Arc<NoiseSchedule>,
        policy: Arc<dyn Policy>,
        replication: u32,
        latent_values: usize,
        server_prompt: String,
        recorder: Recorder,
    ) -> Self {
        Self {
            scenario,
            schedule,
            policy,
            replication,
            latent_values,
            server_prompt,
            judge: None,
            recorder: Mutex::new(recorder),
            observed: Mutex::new(Observed::default()),
        }
    }

    /// With the judge that is shown the pictures.
    pub fn with_judge(self, judge: Option<[u8; 32]>) -> Self {
        Self { judge, ..self }
    }

    /// The random stream of a component of this run.
    pub fn stream(&self, component: &str, entity: &str) -> StreamKey {
        StreamKey::new(self.scenario.study.seed, self.replication, component, entity)
    }

    /// What was written down so far.
    pub fn observed(&self) -> MutexGuard<'_, Observed> {
        // Models of one run share one thread: a poisoned lock means a panic that ended the run already.
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the first failure; the models stop emitting and the bench reports it.
    pub fn fail(&self, error: impl Into<NetworkError>) {
        self.observed().failure.get_or_insert(error.into());
    }

    /// The chain divided between server and device for an allocation.
    pub fn split_chain(&self, t0: u32, tk: u32) -> Result<SplitChain, ScheduleError> {
        let diffusion = &self.scenario.diffusion;
        SplitChain::new(&self.schedule, diffusion.sampler, diffusion.split, diffusion.steps, t0, tk)
    }

    /// The start latent z_T of the round. Everyone starts from the same one, so that what differs between two
    /// pictures is the prompt, the split and the link.
    pub fn start_latent(&self, scale: f64) -> Result<NodeId, ExecutorError> {
        let seed = self.stream("start-latent", "round");
        self.insert(Operation::Noise { seed, scale })
    }

    /// Adds `steps` after `from`, all with `prompt`. `first` is the number of steps behind `from`: fresh noise is
    /// keyed by the position in the chain, so a split chain draws what the unsplit one draws.
    pub fn denoise(
        &self,
        mut from: NodeId,
        prompt: &str,
        steps: &[DenoisingStep],
        first: u32,
    ) -> Result<NodeId, ExecutorError> {
        let mut recorder = self.recorder();
        if !recorder.records() {
            return Ok(from);
        }
        let noise = self.stream("step-noise", "round");
        let prompt = recorder.prompt(prompt);
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
        self.recorder().records()
    }

    /// The id of a prompt.
    pub fn prompt(&self, text: &str) -> PromptId {
        self.recorder().prompt(text)
    }

    /// Takes the context apart after the run.
    pub fn into_parts(self) -> (Recorder, Observed) {
        (
            self.recorder.into_inner().unwrap_or_else(PoisonError::into_inner),
            self.observed.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
