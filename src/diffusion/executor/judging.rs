//! The judges of an executor: one set of sessions for each worker and judge of a pack; one client for each endpoint.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Executor, ExecutorError, Finished, StopRequest, batches};
use crate::diffusion::graph::{DenoisingGraph, NodeId, Operation};
use crate::diffusion::value::Value;
use crate::judge::{Answer, EndpointJudge, JudgeError, Persona, PictureJudge, Question, VlmJudge, VlmWorker};
use crate::onnx::ResolvedProvider;

/// A judge, ready to be asked.
pub(super) enum OpenJudge {
    Vlm(JudgeSessions),
    /// Asked by threads of its own, which have nothing to compute.
    Endpoint {
        judge: Arc<EndpointJudge>,
        digest: [u8; 32],
    },
}

impl OpenJudge {
    /// `session_sets`: of a judge of a pack.
    pub(super) fn new(judge: PictureJudge, session_sets: usize) -> Self {
        match judge {
            PictureJudge::Vlm(judge) => Self::Vlm(JudgeSessions::new(judge, session_sets)),
            PictureJudge::Endpoint(judge) => Self::Endpoint { digest: judge.digest(), judge },
        }
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        match self {
            Self::Vlm(sessions) => sessions.digest,
            Self::Endpoint { digest, .. } => *digest,
        }
    }

    /// Finds out before anything is made whether these prompts can be asked: they fit into the context of a pack, the endpoint
    /// is there. How long a prompt an endpoint takes, only it knows.
    pub(super) fn check_prompts(
        &self,
        provider: ResolvedProvider,
        prompts: &[(Persona, &str)],
        picture_size: Option<[usize; 2]>,
        stop: &StopRequest,
    ) -> Result<(), ExecutorError> {
        match self {
            Self::Vlm(sessions) => sessions.check_prompts(provider, prompts, picture_size),
            Self::Endpoint { judge, .. } => Ok(judge.client().greet(&|| stop.is_set())?),
        }
    }

    /// Whether a session was opened or a request sent.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Vlm(sessions) => sessions.is_open(),
            Self::Endpoint { judge, .. } => judge.client().has_asked(),
        }
    }
}

impl Executor {
    /// Asks the judges, one after the other.
    pub(super) fn score(
        &self,
        graph: &DenoisingGraph,
        mut ids: Vec<NodeId>,
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        let judge_of = |id: NodeId| match graph.operation(id) {
            Operation::Score { judge, .. } => *judge,
            _ => unreachable!("only scores come here"),
        };
        // Sorts them by judge.
        let batches = batches::scoring(graph, &mut ids, self.provider);
        let mut start = 0;
        for of_judge in ids.chunk_by(|&a, &b| judge_of(a) == judge_of(b)) {
            let digest = judge_of(of_judge[0]);
            let judge = self.judges.iter().find(|judge| judge.digest() == digest);
            match judge.expect("whoever adds a score to a graph gives the executor its judge") {
                OpenJudge::Vlm(judge) => {
                    let here = start..start + of_judge.len();
                    let batches: Vec<Range<usize>> = batches
                        .iter()
                        .filter(|batch| here.contains(&batch.start))
                        .map(|batch| batch.start - start..batch.end - start)
                        .collect();
                    let call = |batch: Range<usize>| {
                        let questions = questions(graph, &of_judge[batch], values);
                        let answers = judge.ask(self.worker_index(), self.provider, &questions)?;
                        Ok(answers.into_iter().map(Value::Answer).collect())
                    };
                    self.in_batches(of_judge, &batches, call, finished)?;
                }
                OpenJudge::Endpoint { judge, .. } => {
                    let questions = questions(graph, of_judge, values);
                    judge.ask(&questions, &|| self.stop.is_set(), &mut |answers| {
                        let of_node = |(index, answer): (usize, _)| (of_judge[index], Value::Answer(answer));
                        finished(answers.into_iter().map(of_node).collect())
                    })?;
                }
            }
            start += of_judge.len();
        }
        Ok(())
    }
}

/// A judge and what each worker needs to ask it.
pub(super) struct JudgeSessions {
    judge: Arc<VlmJudge>,
    digest: [u8; 32],
    /// One slot for each set of sessions, which are created when a worker first needs them.
    workers: Vec<Mutex<Option<VlmWorker>>>,
}

impl JudgeSessions {
    fn new(judge: Arc<VlmJudge>, session_sets: usize) -> Self {
        Self { digest: judge.digest(), judge, workers: (0..session_sets).map(|_| Mutex::new(None)).collect() }
    }

    /// Makes the first worker's sessions and checks that these prompts fit into the judge's context.
    fn check_prompts(
        &self,
        provider: ResolvedProvider,
        prompts: &[(Persona, &str)],
        picture_size: Option<[usize; 2]>,
    ) -> Result<(), ExecutorError> {
        // Where no file tells how large pictures are: a prompt too long with the smallest is too long with any.
        let picture_size = picture_size.unwrap_or([1, 1]);
        let check = |sessions: &mut VlmWorker| {
            let check = |(persona, request): &(Persona, &str)| {
                self.judge.check_prompt(sessions, persona, request, picture_size)
            };
            prompts.iter().try_for_each(check)
        };
        self.with_sessions(0, provider, check)
    }

    /// Answers, in the order of the questions, from the sessions of this worker.
    pub(super) fn ask(
        &self,
        worker: usize,
        provider: ResolvedProvider,
        questions: &[Question<'_>],
    ) -> Result<Vec<Answer>, ExecutorError> {
        match self.with_sessions(worker, provider, |sessions| Ok(self.judge.ask(sessions, questions)))? {
            Ok(answers) => Ok(answers),
            // The sessions are there and the prompts fit: what fails now fails on its input.
            Err(error) => Err(ExecutorError::Call { message: error.to_string() }),
        }
    }

    fn with_sessions<T>(
        &self,
        worker: usize,
        provider: ResolvedProvider,
        work: impl FnOnce(&mut VlmWorker) -> Result<T, JudgeError>,
    ) -> Result<T, ExecutorError> {
        // A worker that panicked left its sessions whole: a call either ran or did not.
        let mut slot = self.workers[worker % self.workers.len()].lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = match slot.as_mut() {
            Some(sessions) => sessions,
            None => slot.insert(self.judge.load_worker(provider, 1)?),
        };
        Ok(work(sessions)?)
    }

    fn is_open(&self) -> bool {
        self.workers.iter().any(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).is_some())
    }
}

/// What the judge of these scores is asked.
fn questions<'v>(graph: &'v DenoisingGraph, ids: &[NodeId], values: &'v HashMap<NodeId, Value>) -> Vec<Question<'v>> {
    let question = |&id: &NodeId| {
        let Operation::Score { picture, persona, request, seed, .. } = graph.operation(id) else {
            unreachable!("only scores are asked for");
        };
        let Value::Picture(picture) = &values[picture] else { unreachable!("only pictures are judged") };
        Question { persona: *persona, picture, request: graph.prompts()[request.index()].as_str(), seed: *seed }
    };
    ids.iter().map(question).collect()
}
