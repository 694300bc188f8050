//! Computing what a study's tables need: from the score store what is there, by neural networks what is not.
//!
//! ```text
//!  wanted nodes ─┬─ in the store ───────────────────────────────┬─► tables, pictures
//!                ├─ scores of stored pictures ─► judge ──┬──────┤
//!                └─ the rest ─► executor ────────────────┴─► store
//! ```

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::scores::ScoredAnswer;
use super::study::SimulatedStudy;
use crate::diffusion::executor::{ExecutionProgress, Executor, ExecutorError};
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
}

/// Where the values came from: nodes of a study, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueOrigins {
    pub scores_computed: u64,
    pub scores_from_store: u64,
    /// Everything that was wanted, scores included.
    pub values_computed: u64,
    pub values_from_store: u64,
    pub unet_evaluations_made: u64,
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

    /// What became of a score node.
    pub fn answer(&self, node: NodeId) -> ScoredAnswer {
        match (self.answers.get(&node), self.failures.get(&node)) {
            (Some(answer), _) => ScoredAnswer::Given(answer.clone()),
            (None, Some(failure)) => ScoredAnswer::NoPicture(*failure),
            (None, None) => unreachable!("every wanted score was computed or taken from the store"),
        }
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

/// Which of the study's wanted nodes the store does not hold.
///
/// # Errors
/// [`Error::Store`].
pub fn missing(study: &SimulatedStudy, store: Option<&ScoreStore>) -> Result<Vec<NodeId>, Error> {
    let wanted = study.wanted();
    let Some(store) = store else { return Ok(wanted) };
    let keys: Vec<RecordKey> = wanted.iter().map(|&id| study.graph.key(id).into()).collect();
    let there = store.contains(&keys)?;
    Ok(wanted.into_iter().zip(there).filter(|(_, there)| !there).map(|(id, _)| id).collect())
}

/// Everything a study's tables need; `save` gets each picture once, as a PNG file.
///
/// # Errors
/// A session, the store or `save` failed.
pub fn compute(
    study: &SimulatedStudy,
    executor: &Executor,
    store: Option<&ScoreStore>,
    progress: &dyn Fn(ExecutionProgress),
    mut save: impl FnMut(NodeId, &[u8]) -> Result<(), Error>,
) -> Result<(ComputedValues, ValueOrigins), Error> {
    let mut values = ComputedValues::default();
    let mut origins = ValueOrigins::default();
    let is_score = |id: NodeId| matches!(study.graph.operation(id), Operation::Score { .. });

    // 1. What is in the store.
    let wanted = study.wanted();
    let mut missing = Vec::new();
    for ids in wanted.chunks(RECORDS_PER_ACCESS) {
        for (&id, record) in ids.iter().zip(stored(study, store, ids)?) {
            let Some(record) = record else {
                missing.push(id);
                continue;
            };
            if let Record::Picture(png) = &record {
                save(id, png)?;
            }
            values.collect(id, &record);
            origins.values_from_store += 1;
            origins.scores_from_store += u64::from(is_score(id));
        }
    }

    let mut keep = |id: NodeId, value: &Value| -> Result<(), Error> {
        let record = match value {
            Value::Picture(picture) => Record::Picture(picture.to_png_bytes(&[("Software", "latentlink")])?),
            Value::Metrics(metrics) => Record::Metrics(*metrics),
            Value::Answer(answer) => Record::Answer(answer.clone()),
            Value::Failed(failure) => Record::Failed(*failure),
            Value::Latent(latent) => match latent.link_errors {
                Some(errors) => Record::LinkErrors(errors),
                None => return Ok(()),
            },
        };
        if let Record::Picture(png) = &record {
            save(id, png)?;
        }
        values.collect(id, &record);
        origins.values_computed += 1;
        origins.scores_computed += u64::from(is_score(id));
        match store {
            Some(store) => Ok(store.write(study.graph.key(id).into(), &record)?),
            None => Ok(()),
        }
    };

    // 2. What was computed at its event.
    let mut open = Vec::new();
    for id in missing {
        match study.eager_values.get(&id) {
            Some(value) => keep(id, value)?,
            None => open.push(id),
        }
    }

    // 3. What has to be computed, with its pictures; 4. scores of pictures that are in the store: a judge looks at the
    // 8-bit picture, which is what the store holds.
    let to_make: HashSet<NodeId> = open.iter().copied().filter(|&id| !is_score(id)).collect();
    let (of_stored, rest): (Vec<NodeId>, Vec<NodeId>) = open.into_iter().partition(|&id| {
        let picture = study.graph.operation(id).parents().next();
        is_score(id) && picture.is_some_and(|picture| !to_make.contains(&picture))
    });
    let mut work = Work { study, executor, store, progress, totals: ExecutionProgress::default(), scores_left: 0 };
    work.scores_left = of_stored.len() as u64;
    work.execute(HashMap::new(), &rest, &mut keep)?;
    for ids in of_stored.chunks(RECORDS_PER_ACCESS) {
        work.scores_left -= ids.len() as u64;
        work.execute(stored_pictures(study, store, ids)?, ids, &mut keep)?;
    }
    let at_events = study.eager_values.keys().map(|&id| study.graph.operation(id).unet_evaluations()).sum::<u64>();
    origins.unet_evaluations_made = work.totals.unet_evaluations_done + at_events;
    if let Some(store) = store {
        store.commit()?;
    }
    Ok((values, origins))
}

/// Executions of one study, one after the other, seen as one.
struct Work<'a> {
    study: &'a SimulatedStudy,
    executor: &'a Executor,
    store: Option<&'a ScoreStore>,
    progress: &'a dyn Fn(ExecutionProgress),
    /// Of the executions that are over.
    totals: ExecutionProgress,
    /// Scores of the executions to come.
    scores_left: u64,
}

impl Work<'_> {
    /// Runs the executor and keeps what it finds.
    fn execute(
        &mut self,
        known: HashMap<NodeId, Value>,
        ids: &[NodeId],
        keep: &mut dyn FnMut(NodeId, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let latest = Cell::new(self.totals);
        let before = self.totals;
        let progress = |state: ExecutionProgress| {
            let sum = ExecutionProgress {
                unet_evaluations_done: before.unet_evaluations_done + state.unet_evaluations_done,
                unet_evaluations_total: before.unet_evaluations_total + state.unet_evaluations_total,
                scores_done: before.scores_done + state.scores_done,
                scores_total: before.scores_total + state.scores_total,
            };
            latest.set(sum);
            (self.progress)(ExecutionProgress { scores_total: sum.scores_total + self.scores_left, ..sum });
            // A wave without a result may be long. What fails here waits on, and fails again where it is told.
            let _ = self.store.map(ScoreStore::commit_if_due);
        };
        // The executor passes the sink's error on without its kind: it is kept here.
        let mut failure = None;
        let mut sink = |id: NodeId, value: &Value| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            keep(id, value).map_err(|error| {
                let told = error.to_string();
                failure = Some(error);
                told.into()
            })
        };
        let outcome = self.executor.run_from(known, &self.study.graph, ids, &progress, &mut sink);
        self.totals = latest.get();
        match (outcome, failure) {
            (Err(ExecutorError::Sink(_)), Some(error)) => Err(error),
            (outcome, _) => Ok(outcome?),
        }
    }
}

fn stored(study: &SimulatedStudy, store: Option<&ScoreStore>, ids: &[NodeId]) -> Result<Vec<Option<Record>>, Error> {
    let Some(store) = store else { return Ok(vec![None; ids.len()]) };
    let keys: Vec<RecordKey> = ids.iter().map(|&id| study.graph.key(id).into()).collect();
    Ok(store.read(&keys)?)
}

/// What the store knows of the pictures of these scores. One that is not there, or cannot be read, is made again.
fn stored_pictures(
    study: &SimulatedStudy,
    store: Option<&ScoreStore>,
    scores: &[NodeId],
) -> Result<HashMap<NodeId, Value>, Error> {
    let mut pictures: Vec<NodeId> = scores.iter().flat_map(|&id| study.graph.operation(id).parents()).collect();
    pictures.sort_unstable();
    pictures.dedup();
    let mut known = HashMap::new();
    for (&id, record) in pictures.iter().zip(stored(study, store, &pictures)?) {
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
