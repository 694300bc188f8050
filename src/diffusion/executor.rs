//! The executor: evaluates a denoising graph in waves of batches.
//!
//! A *wave* is all needed nodes of one level of the graph; they do not depend on each other. The denoising steps of a
//! wave are cut into batches by a rule that looks at the wave and the execution provider alone, never at threads or clocks,
//! so the same graph gives the same bytes with any number of workers. On the CPU each worker owns one set of sessions with
//! one thread inside, and one of each judge; a GPU has one set, and one thread that makes the calls of waves. A value is handed out as soon as its batch is done, and dropped when the last node that needs it is.

mod batches;
mod denoising;
mod error;
mod evaluation;
mod judging;
mod progress;
mod stop;
mod stretches;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

pub use self::error::ExecutorError;
pub use self::evaluation::Evaluation;
use self::judging::OpenJudge;
pub use self::progress::{ExecutionProgress, WorkCounts};
pub use self::stop::StopRequest;
pub(in crate::diffusion) use self::stretches::Stretches;
use super::graph::{DenoisingGraph, NodeId, Operation};
use super::image_metrics::PictureMetrics;
use super::text::{TextEmbedding, TextEmbeddings};
use super::value::{Failure, Latent, Value};
use super::worker;
use crate::judge::PictureJudge;
use crate::onnx::{DiffusionModels, DiffusionPack, PackError, ResolvedProvider};

/// Batches per worker between two reports of what is done.
const BATCHES_BETWEEN_REPORTS: usize = 4;

/// Receives values that are done.
type Finished<'a> = dyn FnMut(Vec<(NodeId, Value)>) -> Result<(), ExecutorError> + 'a;

/// Receives the value of each wanted node once, in an order that depends on the graph alone.
pub type Sink<'a> = dyn FnMut(NodeId, &Value) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// Evaluates graphs over one model pack.
pub struct Executor {
    pack: Arc<DiffusionPack>,
    provider: ResolvedProvider,
    pool: rayon::ThreadPool,
    /// Where the sessions are one set for all: the one thread that makes the calls of waves. CUDA graphs belong to the thread that
    /// captured them.
    caller: Option<rayon::ThreadPool>,
    /// One slot for each set of sessions, which are created when a worker first needs them.
    workers: Vec<Mutex<Option<DiffusionModels>>>,
    texts: TextEmbeddings,
    /// What stands for no prompt in classifier-free guidance, once it was needed.
    unconditional_text: Mutex<Option<Arc<TextEmbedding>>>,
    judges: Vec<OpenJudge>,
    stop: Arc<StopRequest>,
    has_resident_latents: bool,
}

impl Executor {
    /// An executor with `threads` workers.
    ///
    /// # Errors
    /// [`ExecutorError::Threads`] if the threads cannot be started.
    pub fn new(pack: Arc<DiffusionPack>, provider: ResolvedProvider, threads: usize) -> Result<Self, ExecutorError> {
        let pool = |threads, name: &'static str| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = builder.thread_name(move |index| format!("{name}-{index}")).build();
            pool.map_err(|source| ExecutorError::Threads { threads, source })
        };
        let caller = matches!(provider, ResolvedProvider::Cuda(_)).then(|| pool(1, "caller")).transpose()?;
        let pool = pool(threads, "worker")?;
        let workers = (0..provider.session_sets(pool.current_num_threads())).map(|_| Mutex::new(None)).collect();
        Ok(Self {
            pack,
            provider,
            pool,
            caller,
            workers,
            texts: TextEmbeddings::default(),
            unconditional_text: Mutex::new(None),
            judges: Vec::new(),
            stop: Arc::default(),
            has_resident_latents: false,
        })
    }

    /// Latents stay on the device between steps that nobody looks between.
    pub fn with_resident_latents(self, has_resident_latents: bool) -> Self {
        Self { has_resident_latents, ..self }
    }

    /// With a judge, for the scores that name its digest.
    pub fn with_judge(mut self, judge: PictureJudge) -> Self {
        let digest = judge.digest();
        if self.judges.iter().all(|known| known.digest() != digest) {
            self.judges.push(OpenJudge::new(judge, self.workers.len()));
        }
        self
    }

    /// Loads one worker's models of the pack, if one of these nodes is no score of a picture that is there, and of each
    /// judge they ask: files that do not load or do not fit, prompts too long for a judge, and endpoints that are not there are
    /// found out before anything is made.
    ///
    /// # Errors
    /// [`ExecutorError::Pack`], [`ExecutorError::Judge`].
    pub fn load(&self, graph: &DenoisingGraph, wanted: &[NodeId]) -> Result<(), ExecutorError> {
        if wanted.iter().any(|&id| !matches!(graph.operation(id), Operation::Score { .. })) {
            self.with_worker(|_| Ok(()))?;
        }
        for known in &self.judges {
            let mut seen = HashSet::new();
            let mut prompts = Vec::new();
            for &id in wanted {
                if let Operation::Score { persona, request, judge, .. } = graph.operation(id)
                    && *judge == known.digest()
                    && seen.insert((*request, persona.traits().map(f64::to_bits)))
                {
                    prompts.push((*persona, graph.prompts()[request.index()].as_str()));
                }
            }
            if !prompts.is_empty() {
                known.check_prompts(self.provider, &prompts, self.pack.picture_size(), &self.stop)?;
            }
        }
        Ok(())
    }

    /// Whether this node is a score that an endpoint gives.
    pub fn is_asked_by_endpoint(&self, graph: &DenoisingGraph, id: NodeId) -> bool {
        let Operation::Score { judge: digest, .. } = graph.operation(id) else { return false };
        self.judges.iter().any(|judge| matches!(judge, OpenJudge::Endpoint { .. }) && judge.digest() == *digest)
    }

    /// Whether a session was opened since the executor was made.
    pub fn has_opened_sessions(&self) -> bool {
        let open =
            |slot: &Mutex<Option<DiffusionModels>>| slot.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        self.workers.iter().any(open) || self.judges.iter().any(OpenJudge::is_open)
    }

    /// The pack this executor runs.
    pub fn pack(&self) -> &Arc<DiffusionPack> {
        &self.pack
    }

    /// The pool of the workers, for other parallel work of the same study.
    pub fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// Evaluates the wanted nodes and hands each value to `sink`: an [`Evaluation`] in one part.
    ///
    /// # Errors
    /// As [`Evaluation::run`].
    pub fn run(
        &self,
        graph: &DenoisingGraph,
        wanted: &[NodeId],
        progress: &dyn Fn(ExecutionProgress),
        sink: &mut Sink<'_>,
    ) -> Result<(), ExecutorError> {
        Evaluation::new(graph, wanted, HashMap::new()).run(self, wanted, progress, sink)
    }

    /// Stops where somebody else asks to: an evaluation ends after the batches in flight, with [`ExecutorError::Stopped`].
    pub fn with_stop_request(self, stop: Arc<StopRequest>) -> Self {
        Self { stop, ..self }
    }

    /// Whoever sets it stops the evaluations of this executor.
    pub fn stop_request(&self) -> &Arc<StopRequest> {
        &self.stop
    }

    /// Evaluates nodes whose parents' values are all in `values`; hands them to `finished` a few batches at a time, in
    /// an order that depends on the graph alone. A node that ends a stretch stands for all of it. Also the eager mode's way,
    /// one node at a time.
    pub(super) fn evaluate(
        &self,
        graph: &DenoisingGraph,
        wave: &[NodeId],
        stretches: &Stretches,
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        let (mut failed, mut simple) = (Vec::new(), Vec::new());
        let (mut denoise, mut decode, mut score) = (Vec::new(), Vec::new(), Vec::new());
        for &id in wave {
            match (failed_parent(graph, stretches.first(id), values), graph.operation(id)) {
                (Some(failure), _) => failed.push((id, failure)),
                (None, Operation::Denoise { .. }) => denoise.push(id),
                (None, Operation::Decode { .. }) => decode.push(id),
                (None, Operation::Score { .. }) => score.push(id),
                (None, _) => simple.push(id),
            }
        }
        finished(failed)?;
        finished(self.evaluate_simple(graph, &simple, values)?)?;
        self.denoise(graph, denoise, stretches, values, finished)?;
        self.decode(graph, &decode, values, finished)?;
        self.score(graph, score, values, finished)
    }

    /// Evaluates each batch in one call, workers side by side; in smaller ones where a call fails.
    fn in_batches(
        &self,
        ids: &[NodeId],
        batches: &[Range<usize>],
        call: impl Fn(Range<usize>) -> Result<Vec<Value>, ExecutorError> + Sync,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        let call = |batch: Range<usize>| {
            if self.stop.is_set() { Err(ExecutorError::Stopped) } else { call(batch) }
        };
        for group in batches.chunks(self.workers.len() * BATCHES_BETWEEN_REPORTS) {
            let outputs: Vec<Vec<Value>> = self.caller.as_ref().unwrap_or(&self.pool).install(|| {
                group
                    .par_iter()
                    .map(|batch| batches::in_halves(batch.clone(), &call))
                    .collect::<Result<_, ExecutorError>>()
            })?;
            let of_group = group.iter().flat_map(|batch| &ids[batch.clone()]).copied();
            finished(of_group.zip(outputs.into_iter().flatten()).collect())?;
        }
        Ok(())
    }

    /// Noise, links and comparisons: no session, one node a task.
    fn evaluate_simple(
        &self,
        graph: &DenoisingGraph,
        ids: &[NodeId],
        values: &HashMap<NodeId, Value>,
    ) -> Result<Vec<(NodeId, Value)>, ExecutorError> {
        let latent_size = self.pack.latent_shape().iter().product();
        let evaluate = |&id: &NodeId| -> Result<(NodeId, Value), ExecutorError> {
            let value = match graph.operation(id) {
                Operation::Noise { seed, scale } => {
                    let values = worker::draw_noise(seed, *scale, latent_size);
                    Value::Latent(Arc::new(Latent::new(values)))
                }
                Operation::Corrupt { from, channel } => {
                    Value::Latent(Arc::new(worker::corrupt(latent_of(values, *from), channel)))
                }
                Operation::Compare { picture, reference } => match (&values[picture], &values[reference]) {
                    (Value::Picture(picture), Value::Picture(reference)) => {
                        Value::Metrics(PictureMetrics::between(picture, reference)?)
                    }
                    _ => unreachable!("only pictures are compared"),
                },
                Operation::Denoise { .. } | Operation::Decode { .. } | Operation::Score { .. } => {
                    unreachable!("these need a session")
                }
            };
            Ok((id, value))
        };
        self.pool.install(|| ids.par_iter().map(evaluate).collect())
    }

    fn decode(
        &self,
        graph: &DenoisingGraph,
        ids: &[NodeId],
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        let latents: Vec<Arc<Latent>> = ids
            .iter()
            .flat_map(|&id| graph.operation(id).parents())
            .map(|parent| Arc::clone(latent_of(values, parent)))
            .collect();
        let shape = self.pack.latent_shape();
        let call = |batch: Range<usize>| self.with_worker(|models| worker::decode(models, shape, &latents[batch]));
        self.in_batches(ids, &batches::decoding(ids.len(), self.provider), call, finished)
    }

    /// Runs `work` on the sessions of this thread's worker (the first worker outside the pool).
    fn with_worker<T>(
        &self,
        work: impl FnOnce(&mut DiffusionModels) -> Result<T, PackError>,
    ) -> Result<T, ExecutorError> {
        // A worker that panicked left its sessions whole: a call either ran or did not.
        let mut slot =
            self.workers[self.worker_index() % self.workers.len()].lock().unwrap_or_else(PoisonError::into_inner);
        let models = match slot.as_mut() {
            Some(models) => models,
            None => slot.insert(self.pack.load_worker(self.provider, 1)?),
        };
        // The models are there: what fails now fails on its input, unless the error says that it is the model.
        work(models).map_err(|error| match error {
            PackError::Unworkable { .. } | PackError::Load { .. } => ExecutorError::Pack(error),
            error => ExecutorError::Call { message: error.to_string() },
        })
    }

    fn worker_index(&self) -> usize {
        self.pool.current_thread_index().unwrap_or(0)
    }
}

/// The value of a node that cannot be evaluated: a parent failed, or hands over a latent, or a history that the step goes
/// by, that a network answers with NaN.
fn failed_parent(graph: &DenoisingGraph, id: NodeId, values: &HashMap<NodeId, Value>) -> Option<Value> {
    let (needs_finite, history) = match graph.operation(id) {
        Operation::Denoise { step, .. } => (true, step.earlier_outputs()),
        Operation::Decode { .. } => (true, 0),
        _ => (false, 0),
    };
    let is_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    graph.operation(id).parents().find_map(|parent| match &values[&parent] {
        failed @ (Value::Failed(_) | Value::CallFailed(_)) => Some(failed.clone()),
        Value::Latent(latent)
            if needs_finite
                && !(is_finite(&latent.values)
                    && latent.history.iter().take(history).all(|values| is_finite(values))) =>
        {
            Some(Value::Failed(Failure::NonFiniteLatent))
        }
        _ => None,
    })
}

fn latent_of(values: &HashMap<NodeId, Value>, id: NodeId) -> &Arc<Latent> {
    match &values[&id] {
        Value::Latent(latent) => latent,
        _ => unreachable!("only latents are denoised, sent and decoded"),
    }
}
