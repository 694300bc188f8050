//! The judges of an executor: one set of sessions for each worker and judge.

use std::sync::{Arc, Mutex, PoisonError};

use super::ExecutorError;
use crate::judge::{Answer, JudgeError, Persona, Question, VlmJudge, VlmWorker};
use crate::onnx::ResolvedProvider;

/// A judge and what each worker needs to ask it.
pub(super) struct JudgeSessions {
    judge: Arc<VlmJudge>,
    digest: [u8; 32],
    /// One slot per thread of the pool; sessions are created when a worker first needs them.
    workers: Vec<Mutex<Option<VlmWorker>>>,
}

impl JudgeSessions {
    pub(super) fn new(judge: Arc<VlmJudge>, workers: usize) -> Self {
        Self { digest: judge.digest(), judge, workers: (0..workers).map(|_| Mutex::new(None)).collect() }
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Makes the first worker's sessions and checks that these prompts fit into the judge's context.
    pub(super) fn check_prompts(
        &self,
        provider: ResolvedProvider,
        prompts: &[(Persona, &str)],
    ) -> Result<(), ExecutorError> {
        self.with_sessions(0, provider, |sessions| {
            prompts.iter().try_for_each(|(persona, request)| self.judge.check_prompt(sessions, persona, request))
        })
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
        let mut slot = self.workers[worker].lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = match slot.as_mut() {
            Some(sessions) => sessions,
            None => slot.insert(self.judge.load_worker(provider, 1)?),
        };
        Ok(work(sessions)?)
    }

    pub(super) fn is_open(&self) -> bool {
        self.workers.iter().any(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).is_some())
    }
}
