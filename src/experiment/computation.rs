//! Computing what the tables need of a block: from the score store what is there, by neural networks what is not.
//!
//! ```text
//!  wanted nodes ─┬─ in the store ───────────────────────────────┬─► rows, pictures
//!                ├─ scores of stored pictures ─► judge ──┬──────┤
//!                └─ the rest ─► executor ────────────────┴─► store
//! ```
//!
//! Runs are computed in groups (`groups.rs`), so that few values are in memory at a time and finished runs can be written
//! down while others are still waited for. What groups share is computed once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::simulation::{Block, Run};
use crate::diffusion::executor::{Evaluation, ExecutionProgress, Executor, ExecutorError, WorkCounts};
use crate::diffusion::image_metrics::PictureMetrics;
use crate::diffusion::value::{Failure, LinkErrors, Value};
use crate::diffusion::{NodeId, Operation};
use crate::error::Error;
use crate::judge::Answer;
use crate::network::UserRecord;
use crate::network::bench::SimulatedUser;
use crate::picture::Picture;
use crate::scenario::PictureReference;
use crate::score_store::{Record, RecordKey, ScoreStore};

/// Records read in one access to the store.
const RECORDS_PER_ACCESS: usize = 256;

/// What the tables show of the nodes.
#[derive(Default)]
pub struct ComputedValues {
    /// Why a picture, or what depends on it, has no content.
    pub failures: HashMap<NodeId, Failure>,
    pub metrics: HashMap<NodeId, PictureMetrics>,
    pub link_errors: HashMap<NodeId, LinkErrors>,
    pub answers: HashMap<NodeId, Answer>,
    /// What a session said that stopped with an error.
    pub broken: HashMap<NodeId, Arc<str>>,
}

/// Where the values came from: nodes of a study, each once in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueOrigins {
    pub scores_computed: u64,
    pub scores_from_store: u64,
    /// Everything that was wanted, scores included.
    pub values_computed: u64,
    pub values_from_store: u64,
    pub unet_evaluations_made: u64,
}

impl ValueOrigins {
    pub fn add(&mut self, other: Self) {
        self.scores_computed += other.scores_computed;
        self.scores_from_store += other.scores_from_store;
        self.values_computed += other.values_computed;
        self.values_from_store += other.values_from_store;
        self.unet_evaluations_made += other.unet_evaluations_made;
    }
}

impl ComputedValues {
    /// The metrics of a user's picture against one reference; `None` where either picture failed.
    pub fn metrics_of(&self, user: &SimulatedUser, against: PictureReference) -> Option<PictureMetrics> {
        let comparison = user.comparisons.iter().find(|comparison| comparison.against == against)?;
        self.metrics.get(&comparison.metrics).copied()
    }

    /// Why a user's picture is missing; `None` where it is there.
    pub fn failure_of(&self, record: &UserRecord) -> Option<Failure> {
        self.failures.get(&record.picture).copied()
    }

    /// What stopped a run, where a session did.
    pub fn broken_in(&self, run: &Run) -> Option<&str> {
        if self.broken.is_empty() {
            return None;
        }
        run.wanted().find_map(|node| self.broken.get(&node)).map(|message| &**message)
    }

    fn collect(&mut self, id: NodeId, record: &Record) {
        match record {
            Record::Metrics(metrics) => {
                self.metrics.insert(id, *metrics);
            }
            Record::LinkErrors(errors) => {
                self.link_errors.insert(id, *errors);
            }
            Record::Answer(answer) => {
                self.answers.insert(id, answer.clone());
            }
            Record::Failed(failure) => {
                self.failures.insert(id, *failure);
            }
            Record::Picture(_) | Record::PooledText(_) => {}
        }
    }
}

/// Pictures that are written as files side by side.
const PICTURES_AT_A_TIME: usize = 64;

/// Receives each picture once, as a PNG file, from any thread.
pub type SavePicture<'a> = dyn Fn(NodeId, &[u8]) -> Result<(), Error> + Sync + 'a;

/// Is told what is done and what there is in all.
type Report<'a> = dyn Fn(ExecutionProgress) + 'a;

/// A block on its way.
pub struct BlockComputation<'a> {
    block: &'a Block,
    executor: &'a Executor,
    store: Option<&'a ScoreStore>,
    /// Of what the store does not hold, without scores of pictures that it holds.
    evaluation: Evaluation<'a>,
    /// What the store does not hold.
    missing: HashSet<NodeId>,
    /// Scores of pictures that the store holds: they need the judge alone.
    of_stored: HashSet<NodeId>,
    is_collected: Vec<bool>,
    of_stored_done: u64,
    values: ComputedValues,
    origins: ValueOrigins,
}

impl<'a> BlockComputation<'a> {
    /// Looks up what is there, and plans the rest.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn new(block: &'a Block, executor: &'a Executor, store: Option<&'a ScoreStore>) -> Result<Self, Error> {
        let missing: HashSet<NodeId> = missing(block, store)?.into_iter().collect();
        let is_score = |id: NodeId| matches!(block.graph.operation(id), Operation::Score { .. });
        let picture_is_there =
            |id: NodeId| block.graph.operation(id).parents().next().is_some_and(|picture| !missing.contains(&picture));
        let of_stored: HashSet<NodeId> =
            missing.iter().copied().filter(|&id| is_score(id) && picture_is_there(id)).collect();
        let mut to_make: Vec<NodeId> = missing
            .iter()
            .copied()
            .filter(|id| !of_stored.contains(id) && !block.eager_values.contains_key(id))
            .collect();
        to_make.sort_unstable();
        Ok(Self {
            block,
            executor,
            store,
            evaluation: Evaluation::new(&block.graph, &to_make, HashMap::new()),
            missing,
            of_stored,
            is_collected: vec![false; block.graph.len()],
            of_stored_done: 0,
            values: ComputedValues::default(),
            origins: ValueOrigins::default(),
        })
    }

    /// What the store does not hold, in the order of the graph.
    pub fn missing(&self) -> Vec<NodeId> {
        let mut missing: Vec<NodeId> = self.missing.iter().copied().collect();
        missing.sort_unstable();
        missing
    }

    pub fn values(&self) -> &ComputedValues {
        &self.values
    }

    pub fn into_values(self) -> ComputedValues {
        self.values
    }

    pub fn origins(&self) -> ValueOrigins {
        let at_events = self.block.eager_values.keys().map(|&id| self.block.graph.unet_evaluations(id));
        let unet_evaluations_made = self.evaluation.done().unet_evaluations + at_events.sum::<u64>();
        ValueOrigins { unet_evaluations_made, ..self.origins }
    }

    /// What has been computed so far and will be in all.
    pub fn progress(&self) -> (WorkCounts, WorkCounts) {
        let of_stored = |scores: u64| WorkCounts { scores, ..WorkCounts::default() };
        (
            self.evaluation.done() + of_stored(self.of_stored_done),
            self.evaluation.total() + of_stored(self.of_stored.len() as u64),
        )
    }

    /// Everything that the rows of these runs need.
    ///
    /// # Errors
    /// Models that do not load, the store or `save` failed, or somebody asked to stop.
    pub fn compute(
        &mut self,
        runs: &[usize],
        progress: &dyn Fn(WorkCounts, WorkCounts),
        save: &SavePicture<'_>,
    ) -> Result<(), Error> {
        let mut wanted: Vec<NodeId> = runs.iter().flat_map(|&run| self.block.runs[run].wanted()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|id| !std::mem::replace(&mut self.is_collected[id.index()], true));
        let (missing, there): (Vec<NodeId>, Vec<NodeId>) = wanted.into_iter().partition(|id| self.missing.contains(id));

        // 1. What is in the store.
        let mut unreadable = Vec::new();
        for ids in there.chunks(RECORDS_PER_ACCESS) {
            for (&id, record) in ids.iter().zip(stored(self.block, self.store, ids)?) {
                let Some(record) = record else {
                    unreadable.push(id);
                    continue;
                };
                if let Record::Picture(png) = &record {
                    save(id, png)?;
                }
                self.values.collect(id, &record);
                self.origins.values_from_store += 1;
                self.origins.scores_from_store += self.block.graph.operation(id).scores();
            }
        }
        // 2. What was computed at its event.
        let (at_events, missing): (Vec<NodeId>, Vec<NodeId>) =
            missing.into_iter().partition(|id| self.block.eager_values.contains_key(id));
        let Self { block, executor, store, evaluation, values, origins, .. } = self;
        let (block, executor, store) = (*block, *executor, *store);
        let mut keeper = Keeper { block, executor, store, values, origins, save, pictures: Vec::new() };
        for id in at_events {
            keeper.keep(id, &block.eager_values[&id])?;
        }
        keeper.write_pictures()?;
        // 3. What has to be computed.
        let (of_stored, to_make): (Vec<NodeId>, Vec<NodeId>) =
            missing.into_iter().partition(|id| self.of_stored.contains(id));
        let scores = |scores: u64| WorkCounts { scores, ..WorkCounts::default() };
        let all_of_stored = scores(self.of_stored.len() as u64);
        let of_stored_done = scores(self.of_stored_done);
        let report = |state: ExecutionProgress| {
            progress(state.done + of_stored_done, state.total + all_of_stored);
            // A wave without a result may be long. What fails here waits on, and fails again where it is told.
            let _ = store.map(ScoreStore::commit_if_due);
        };
        keeper.evaluate(evaluation, &to_make, &report)?;
        // A record of another version of this program, or one that was taken away in the meantime.
        if !unreadable.is_empty() {
            let mut again = Evaluation::new(&block.graph, &unreadable, HashMap::new());
            keeper.evaluate(&mut again, &unreadable, &|_| ())?;
        }
        // 4. Scores of pictures that are in the store: a judge looks at the 8-bit picture, which is what the store holds.
        for ids in of_stored.chunks(RECORDS_PER_ACCESS) {
            let known = stored_pictures(block, store, ids)?;
            let mut scoring = Evaluation::new(&block.graph, ids, known);
            keeper.evaluate(&mut scoring, ids, &|_| ())?;
            self.of_stored_done += ids.len() as u64;
            progress(evaluation.done() + scores(self.of_stored_done), evaluation.total() + all_of_stored);
        }
        Ok(())
    }
}

/// Where values go: to the tables, to picture files, to the store.
struct Keeper<'a> {
    block: &'a Block,
    executor: &'a Executor,
    store: Option<&'a ScoreStore>,
    values: &'a mut ComputedValues,
    origins: &'a mut ValueOrigins,
    save: &'a SavePicture<'a>,
    /// Pictures that wait to be written together.
    pictures: Vec<(NodeId, Arc<Picture>)>,
}

impl Keeper<'_> {
    fn keep(&mut self, id: NodeId, value: &Value) -> Result<(), Error> {
        let record = match value {
            Value::Picture(picture) => {
                self.pictures.push((id, Arc::clone(picture)));
                return if self.pictures.len() < PICTURES_AT_A_TIME { Ok(()) } else { self.write_pictures() };
            }
            Value::Metrics(metrics) => Record::Metrics(*metrics),
            Value::Answer(answer) => Record::Answer(answer.clone()),
            Value::Failed(failure) => Record::Failed(*failure),
            Value::Latent(latent) => match latent.link_errors {
                Some(errors) => Record::LinkErrors(errors),
                None => return Ok(()),
            },
            Value::CallFailed(message) => {
                self.values.broken.insert(id, Arc::clone(message));
                return Ok(());
            }
        };
        self.keep_record(id, &record)
    }

    /// Encodes and writes the pictures that wait, side by side, and keeps them in their order.
    fn write_pictures(&mut self) -> Result<(), Error> {
        let save = self.save;
        let written = |(id, picture): (NodeId, Arc<Picture>)| {
            let png = picture.to_png_bytes(&[("Software", "latentlink")])?;
            save(id, &png)?;
            Ok((id, png))
        };
        let pictures = std::mem::take(&mut self.pictures);
        let written: Vec<Result<(NodeId, Vec<u8>), Error>> =
            self.executor.pool().install(|| pictures.into_par_iter().map(written).collect());
        for picture in written {
            let (id, png) = picture?;
            self.keep_record(id, &Record::Picture(png))?;
        }
        Ok(())
    }

    fn keep_record(&mut self, id: NodeId, record: &Record) -> Result<(), Error> {
        self.values.collect(id, record);
        self.origins.values_computed += 1;
        self.origins.scores_computed += self.block.graph.operation(id).scores();
        match self.store {
            Some(store) => Ok(store.write(self.block.graph.key(id).into(), record)?),
            None => Ok(()),
        }
    }

    /// Runs one part of an evaluation and keeps what it finds.
    fn evaluate(&mut self, evaluation: &mut Evaluation<'_>, ids: &[NodeId], report: &Report<'_>) -> Result<(), Error> {
        let executor = self.executor;
        // The executor passes the sink's error on without its kind: it is kept here.
        let mut failure = None;
        let mut sink = |id: NodeId, value: &Value| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            self.keep(id, value).map_err(|error| {
                let told = error.to_string();
                failure = Some(error);
                told.into()
            })
        };
        let outcome = match (evaluation.run(executor, ids, report, &mut sink), failure) {
            (Err(ExecutorError::Sink(_)), Some(error)) => return Err(error),
            (outcome, _) => outcome,
        };
        // Whatever it ended with: what was finished is kept.
        self.write_pictures()?;
        Ok(outcome?)
    }
}

/// Which of the block's wanted nodes the store does not hold.
fn missing(block: &Block, store: Option<&ScoreStore>) -> Result<Vec<NodeId>, Error> {
    let wanted = block.wanted();
    let Some(store) = store else { return Ok(wanted) };
    let keys: Vec<RecordKey> = wanted.iter().map(|&id| block.graph.key(id).into()).collect();
    let there = store.contains(&keys)?;
    Ok(wanted.into_iter().zip(there).filter(|(_, there)| !there).map(|(id, _)| id).collect())
}

fn stored(block: &Block, store: Option<&ScoreStore>, ids: &[NodeId]) -> Result<Vec<Option<Record>>, Error> {
    let Some(store) = store else { return Ok(vec![None; ids.len()]) };
    let keys: Vec<RecordKey> = ids.iter().map(|&id| block.graph.key(id).into()).collect();
    Ok(store.read(&keys)?)
}

/// What the store knows of the pictures of these scores. One that is not there, or cannot be read, is made again.
fn stored_pictures(
    block: &Block,
    store: Option<&ScoreStore>,
    scores: &[NodeId],
) -> Result<HashMap<NodeId, Value>, Error> {
    let mut pictures: Vec<NodeId> = scores.iter().flat_map(|&id| block.graph.operation(id).parents()).collect();
    pictures.sort_unstable();
    pictures.dedup();
    let mut known = HashMap::new();
    for (&id, record) in pictures.iter().zip(stored(block, store, &pictures)?) {
        let value = match record {
            Some(Record::Picture(png)) => {
                Picture::from_png_bytes(&png).ok().map(|picture| Value::Picture(Arc::new(picture)))
            }
            Some(Record::Failed(failure)) => Some(Value::Failed(failure)),
            _ => None,
        };
        known.extend(value.map(|value| (id, value)));
    }
    Ok(known)
}
