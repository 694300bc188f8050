//! The executor: evaluates a denoising graph in waves of batches.
//!
//! A *wave* is all needed nodes of one level of the graph; they do not depend on each other. The denoising steps of a
//! wave are cut into batches by a rule that looks at the wave and the execution provider alone, never at threads or clocks,
//! so the same graph gives the same bytes with any number of workers. On the CPU each worker owns one set of sessions with
//! one thread inside, and one of each judge; a GPU has one set, which the workers use in turn. A value is handed out as soon as its batch is done, and dropped when the last node that needs it is.

mod batches;
mod error;
mod evaluation;
mod judging;
mod progress;
mod stop;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

pub use self::error::ExecutorError;
pub use self::evaluation::Evaluation;
use self::judging::OpenJudge;
pub use self::progress::{ExecutionProgress, WorkCounts};
pub use self::stop::StopRequest;
use super::graph::{DenoisingGraph, NodeId, Operation};
use super::image_metrics::PictureMetrics;
use super::text::{TextEmbedding, TextEmbeddings};
use super::value::{Failure, Latent, Value};
use super::worker::{self, DenoiseItem};
use crate::judge::PictureJudge;
use crate::onnx::pack::TextEncoders;
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
    /// One slot for each set of sessions, which are created when a worker first needs them.
    workers: Vec<Mutex<Option<DiffusionModels>>>,
    texts: TextEmbeddings,
    /// What stands for no prompt in classifier-free guidance, once it was needed.
    unconditional_text: Mutex<Option<Arc<TextEmbedding>>>,
    judges: Vec<OpenJudge>,
    stop: Arc<StopRequest>,
}

impl Executor {
    /// An executor with `threads` workers.
    ///
    /// # Errors
    /// [`ExecutorError::Threads`] if the threads cannot be started.
    pub fn new(pack: Arc<DiffusionPack>, provider: ResolvedProvider, threads: usize) -> Result<Self, ExecutorError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("worker-{index}"))
            .build()
            .map_err(|source| ExecutorError::Threads { threads, source })?;
        let workers = (0..provider.session_sets(pool.current_num_threads())).map(|_| Mutex::new(None)).collect();
        Ok(Self {
            pack,
            provider,
            pool,
            workers,
            texts: TextEmbeddings::default(),
            unconditional_text: Mutex::new(None),
            judges: Vec::new(),
            stop: Arc::default(),
        })
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
    /// an order that depends on the graph alone. Also the eager mode's way, one node at a time.
    pub(super) fn evaluate(
        &self,
        graph: &DenoisingGraph,
        wave: &[NodeId],
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        let (mut failed, mut simple) = (Vec::new(), Vec::new());
        let (mut denoise, mut decode, mut score) = (Vec::new(), Vec::new(), Vec::new());
        for &id in wave {
            match (failed_parent(graph, id, values), graph.operation(id)) {
                (Some(failure), _) => failed.push((id, failure)),
                (None, Operation::Denoise { .. }) => denoise.push(id),
                (None, Operation::Decode { .. }) => decode.push(id),
                (None, Operation::Score { .. }) => score.push(id),
                (None, _) => simple.push(id),
            }
        }
        finished(failed)?;
        finished(self.evaluate_simple(graph, &simple, values)?)?;
        self.denoise(graph, denoise, values, finished)?;
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
            let outputs: Vec<Vec<Value>> = self.pool.install(|| {
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

    fn denoise(
        &self,
        graph: &DenoisingGraph,
        mut ids: Vec<NodeId>,
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        // Equal timesteps side by side: a UNet that takes one timestep a call then splits a batch least.
        ids.sort_by(|&a, &b| timestep(graph, a).total_cmp(&timestep(graph, b)).then(a.cmp(&b)));
        let latent_size = self.pack.latent_shape().iter().product();
        let mut items = Vec::with_capacity(ids.len());
        let mut without_text = Vec::new();
        for &id in &ids {
            let Operation::Denoise { from, prompt, guidance, step, noise } = graph.operation(id) else {
                unreachable!("only denoising steps come here");
            };
            let needs_unconditional = graph.needs_unconditional(id);
            let unconditional = needs_unconditional.then(|| self.unconditional_text()).transpose();
            let texts =
                unconditional.and_then(|none| Ok((none, self.text_embedding(&graph.prompts()[prompt.index()])?)));
            let (unconditional_text, text) = match texts {
                Ok(texts) => texts,
                Err(ExecutorError::Call { message }) => {
                    without_text.push((id, Value::CallFailed(message.into())));
                    continue;
                }
                Err(error) => return Err(error),
            };
            items.push(DenoiseItem {
                latent: Arc::clone(latent_of(values, *from)),
                text,
                unconditional_text,
                guidance: *guidance,
                step: *step,
                noise: noise.as_ref().map(|seed| worker::draw_noise(seed, 1.0, latent_size)),
            });
        }
        if !without_text.is_empty() {
            ids.retain(|id| without_text.iter().all(|(failed, _)| failed != id));
            finished(without_text)?;
        }
        let shape = self.pack.latent_shape();
        let call = |batch: Range<usize>| self.with_worker(|models| worker::denoise(models, shape, &items[batch]));
        self.in_batches(&ids, &batches::denoising(&items, self.provider), call, finished)
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

    /// The embedding of a prompt, computed alone so that it does not depend on its neighbours.
    pub fn text_embedding(&self, prompt: &str) -> Result<Arc<TextEmbedding>, ExecutorError> {
        self.texts.get_or_encode(prompt, &self.pack, |ids| self.with_worker(|models| models.encode_prompts(ids)))
    }

    /// What the unconditional prediction of classifier-free guidance is told: the empty prompt, or zeros where the pack
    /// wants these.
    fn unconditional_text(&self) -> Result<Arc<TextEmbedding>, ExecutorError> {
        let mut known = self.unconditional_text.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.as_ref() {
            return Ok(Arc::clone(text));
        }
        let empty = self.text_embedding("")?;
        let text = match self.pack.architecture().text_encoders {
            TextEncoders::Two { zeros_for_empty_prompt: true } => Arc::new(empty.zeroed()),
            TextEncoders::One | TextEncoders::Two { zeros_for_empty_prompt: false } => empty,
        };
        *known = Some(Arc::clone(&text));
        Ok(text)
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
        // The models are there: what fails now fails on its input.
        work(models).map_err(|error| ExecutorError::Call { message: error.to_string() })
    }

    fn worker_index(&self) -> usize {
        self.pool.current_thread_index().unwrap_or(0)
    }
}

fn timestep(graph: &DenoisingGraph, id: NodeId) -> f64 {
    match graph.operation(id) {
        Operation::Denoise { step, .. } => step.timestep,
        _ => unreachable!("only denoising steps have a timestep"),
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
