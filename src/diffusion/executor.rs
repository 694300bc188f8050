//! The executor: evaluates a denoising graph in waves of batches.
//!
//! A *wave* is all needed nodes of one level of the graph; they do not depend on each other. The denoising steps of a
//! wave are cut into batches by a rule that looks at the wave alone, never at threads or clocks, so the same graph
//! gives the same bytes with any number of workers. Each worker owns one set of sessions with one thread inside. A
//! value is dropped when the last node that needs it is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::graph::{DenoisingGraph, NodeId, Operation};
use super::image_metrics::{MetricsError, PictureMetrics};
use super::text::TextEmbeddings;
use super::value::{Failure, Latent, Value};
use super::worker::{self, DenoiseItem};
use crate::onnx::{DiffusionModels, DiffusionPack, PackError, ResolvedProvider};

/// UNet evaluations in one call at most: beyond this a CPU gains little per sample.
const EVALUATIONS_PER_CALL: usize = 8;
/// A wave is cut into two batches as soon as each holds this many evaluations.
const EVALUATIONS_WORTH_A_CALL: usize = 4;
/// Pictures decoded in one call at most.
const PICTURES_PER_CALL: usize = 4;

/// Why a graph could not be evaluated.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExecutorError {
    /// A session could not be created or a call failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] PackError),
    /// Pictures of the pack cannot be compared.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Metrics(#[from] MetricsError),
    /// The threads of the workers could not be started.
    #[error("could not start {threads} worker threads: {source}")]
    #[diagnostic(help("ask for fewer with --threads"))]
    Threads { threads: usize, source: rayon::ThreadPoolBuildError },
    /// The receiver of finished values failed; nothing is wrong with the values.
    #[error("could not store a finished result: {0}")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Work done so far, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionProgress {
    pub unet_evaluations_done: u64,
    pub unet_evaluations_total: u64,
}

/// Receives the value of each wanted node once, in an order that depends on the graph alone.
pub type Sink<'a> = dyn FnMut(NodeId, &Value) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// Evaluates graphs over one model pack.
pub struct Executor {
    pack: Arc<DiffusionPack>,
    provider: ResolvedProvider,
    pool: rayon::ThreadPool,
    /// One slot per thread of the pool; sessions are created when a worker first needs them.
    workers: Vec<Mutex<Option<DiffusionModels>>>,
    texts: TextEmbeddings,
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
        let workers = (0..pool.current_num_threads()).map(|_| Mutex::new(None)).collect();
        Ok(Self { pack, provider, pool, workers, texts: TextEmbeddings::default() })
    }

    /// The pack this executor runs.
    pub fn pack(&self) -> &Arc<DiffusionPack> {
        &self.pack
    }

    /// The pool of the workers, for other parallel work of the same study.
    pub fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// Evaluates the wanted nodes and hands each value to `sink`.
    ///
    /// # Errors
    /// The first failing session call or sink; values handed out before it stay valid.
    pub fn run(
        &self,
        graph: &DenoisingGraph,
        wanted: &[NodeId],
        progress: &dyn Fn(ExecutionProgress),
        sink: &mut Sink<'_>,
    ) -> Result<(), ExecutorError> {
        let needed = graph.ancestors(wanted);
        let mut waves: Vec<Vec<NodeId>> = Vec::new();
        let mut consumers: HashMap<NodeId, u32> = HashMap::new();
        let mut total = 0;
        for &id in &needed {
            let level = graph.level(id) as usize;
            if waves.len() <= level {
                waves.resize_with(level + 1, Vec::new);
            }
            waves[level].push(id);
            total += graph.operation(id).unet_evaluations();
            for parent in graph.operation(id).parents() {
                *consumers.entry(parent).or_default() += 1;
            }
        }
        let is_wanted: std::collections::HashSet<NodeId> = wanted.iter().copied().collect();

        let mut values = HashMap::new();
        let mut done = 0;
        for wave in &waves {
            for (id, value) in self.evaluate(graph, wave, &values)? {
                if is_wanted.contains(&id) {
                    sink(id, &value).map_err(ExecutorError::Sink)?;
                }
                if consumers.contains_key(&id) {
                    values.insert(id, value);
                }
            }
            for &id in wave {
                done += graph.operation(id).unet_evaluations();
                for parent in graph.operation(id).parents() {
                    if let Some(count) = consumers.get_mut(&parent) {
                        *count -= 1;
                        if *count == 0 {
                            values.remove(&parent);
                        }
                    }
                }
            }
            progress(ExecutionProgress { unet_evaluations_done: done, unet_evaluations_total: total });
        }
        Ok(())
    }

    /// Evaluates nodes whose parents' values are all in `values`. Also the eager mode's way, one node at a time.
    pub(super) fn evaluate(
        &self,
        graph: &DenoisingGraph,
        wave: &[NodeId],
        values: &HashMap<NodeId, Value>,
    ) -> Result<Vec<(NodeId, Value)>, ExecutorError> {
        let mut simple = Vec::new();
        let mut denoise = Vec::new();
        let mut decode = Vec::new();
        let mut results = Vec::with_capacity(wave.len());
        for &id in wave {
            match (failed_parent(graph, id, values), graph.operation(id)) {
                (Some(failure), _) => results.push((id, Value::Failed(failure))),
                (None, Operation::Denoise { .. }) => denoise.push(id),
                (None, Operation::Decode { .. }) => decode.push(id),
                (None, _) => simple.push(id),
            }
        }
        results.extend(self.evaluate_simple(graph, &simple, values)?);
        results.extend(self.denoise(graph, denoise, values)?);
        results.extend(self.decode(graph, &decode, values)?);
        results.sort_unstable_by_key(|(id, _)| *id);
        Ok(results)
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
                    Value::Latent(Arc::new(Latent { values, link_errors: None }))
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
                Operation::Denoise { .. } | Operation::Decode { .. } => unreachable!("these need a session"),
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
    ) -> Result<Vec<(NodeId, Value)>, ExecutorError> {
        // Equal timesteps side by side: a UNet that takes one timestep a call then splits a batch least.
        ids.sort_by(|&a, &b| timestep(graph, a).total_cmp(&timestep(graph, b)).then(a.cmp(&b)));
        let empty_text = self.text_embedding("")?;
        let latent_size = self.pack.latent_shape().iter().product();
        let mut items = Vec::with_capacity(ids.len());
        for &id in &ids {
            let Operation::Denoise { from, prompt, guidance, step, noise } = graph.operation(id) else {
                unreachable!("only denoising steps come here");
            };
            items.push(DenoiseItem {
                latent: Arc::clone(latent_of(values, *from)),
                text: self.text_embedding(&graph.prompts()[prompt.index()])?,
                empty_text: Arc::clone(&empty_text),
                guidance: *guidance,
                step: *step,
                noise: noise.as_ref().map(|seed| worker::draw_noise(seed, 1.0, latent_size)),
            });
        }
        let shape = self.pack.latent_shape();
        let batches = batches_of_wave(&items);
        let outputs: Vec<Vec<Value>> = self.pool.install(|| {
            batches
                .par_iter()
                .map(|batch| self.with_worker(|models| worker::denoise(models, shape, &items[batch.clone()])))
                .collect::<Result<_, _>>()
        })?;
        Ok(ids.into_iter().zip(outputs.into_iter().flatten()).collect())
    }

    fn decode(
        &self,
        graph: &DenoisingGraph,
        ids: &[NodeId],
        values: &HashMap<NodeId, Value>,
    ) -> Result<Vec<(NodeId, Value)>, ExecutorError> {
        let latents: Vec<Arc<Latent>> = ids
            .iter()
            .flat_map(|&id| graph.operation(id).parents())
            .map(|parent| Arc::clone(latent_of(values, parent)))
            .collect();
        let shape = self.pack.latent_shape();
        let outputs: Vec<Vec<Value>> = self.pool.install(|| {
            latents
                .par_chunks(PICTURES_PER_CALL)
                .map(|batch| self.with_worker(|models| worker::decode(models, shape, batch)))
                .collect::<Result<_, _>>()
        })?;
        Ok(ids.iter().copied().zip(outputs.into_iter().flatten()).collect())
    }

    /// The embedding of a prompt, computed alone so that it does not depend on its neighbours.
    pub fn text_embedding(&self, prompt: &str) -> Result<worker::TextEmbedding, ExecutorError> {
        self.texts.get_or_encode(prompt, &self.pack, |ids| self.with_worker(|models| models.encode_text(ids)))
    }

    /// Runs `work` on the sessions of this thread's worker (the first worker outside the pool).
    fn with_worker<T>(
        &self,
        work: impl FnOnce(&mut DiffusionModels) -> Result<T, PackError>,
    ) -> Result<T, ExecutorError> {
        let index = self.pool.current_thread_index().unwrap_or(0);
        // A worker that panicked left its sessions whole: a call either ran or did not.
        let mut slot = self.workers[index].lock().unwrap_or_else(PoisonError::into_inner);
        let models = match slot.as_mut() {
            Some(models) => models,
            None => slot.insert(self.pack.load_worker(self.provider, 1)?),
        };
        Ok(work(models)?)
    }
}

/// Cuts a wave into batches by the number of evaluations alone: two batches as soon as each is worth a call (so that
/// two workers have something to do), none above [`EVALUATIONS_PER_CALL`].
fn batches_of_wave(items: &[DenoiseItem]) -> Vec<std::ops::Range<usize>> {
    let total: usize = items.iter().map(DenoiseItem::evaluations).sum();
    let limit = total.div_ceil(2).clamp(EVALUATIONS_WORTH_A_CALL, EVALUATIONS_PER_CALL);
    let mut batches = Vec::new();
    let (mut start, mut evaluations) = (0, 0);
    for (index, item) in items.iter().enumerate() {
        if evaluations > 0 && evaluations + item.evaluations() > limit {
            batches.push(start..index);
            (start, evaluations) = (index, 0);
        }
        evaluations += item.evaluations();
    }
    if start < items.len() {
        batches.push(start..items.len());
    }
    batches
}

fn timestep(graph: &DenoisingGraph, id: NodeId) -> f64 {
    match graph.operation(id) {
        Operation::Denoise { step, .. } => step.timestep,
        _ => unreachable!("only denoising steps have a timestep"),
    }
}

/// Why the node cannot be evaluated: a parent failed, or hands over a latent that a network answers with NaN.
fn failed_parent(graph: &DenoisingGraph, id: NodeId, values: &HashMap<NodeId, Value>) -> Option<Failure> {
    let needs_finite = matches!(graph.operation(id), Operation::Denoise { .. } | Operation::Decode { .. });
    graph.operation(id).parents().find_map(|parent| match &values[&parent] {
        Value::Failed(failure) => Some(*failure),
        Value::Latent(latent) if needs_finite && latent.values.iter().any(|value| !value.is_finite()) => {
            Some(Failure::NonFiniteLatent)
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
