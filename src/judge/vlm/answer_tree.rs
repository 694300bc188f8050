//! Answers to one prompt grow as a tree: as long as two answers agree, they are one sequence and are read once.
//!
//! ```text
//!  prompt ─┬─ "8" ─┬─ "5" ─ end          200 drawn answers, 5 sequences read
//!          │       └─ end
//!          └─ "7" ─── "/" ─── "10" ─ end
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::worker::VlmWorker;
use super::{SEQUENCES_AT_ONCE, VlmOptions};
use crate::onnx::judge_models::{Continuation, Keep, KeysAndValues};
use crate::onnx::{JudgePack, PackError};

/// A sequence that was read: what may come next, and the model's memory of it, where it goes on.
#[derive(Debug)]
struct Sequence {
    logits: Vec<f32>,
    cache: Option<Arc<KeysAndValues>>,
}

impl From<Continuation> for Sequence {
    fn from(read: Continuation) -> Self {
        Self { logits: read.logits, cache: read.cache.map(Arc::new) }
    }
}

/// One answer on its way.
#[derive(Debug)]
pub(super) struct Draw {
    root: usize,
    /// `None` takes the likeliest token every time.
    stream: Option<ChaCha8Rng>,
}

impl Draw {
    /// An answer to the prompt `root`.
    pub(super) fn new(root: usize, stream: Option<ChaCha8Rng>) -> Self {
        Self { root, stream }
    }
}

/// Why an answer goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerEnd {
    /// The model ended it.
    EndToken,
    /// It is as long as answers may be: what would have followed is not known.
    Limit,
    /// A logit is NaN.
    NotANumber,
}

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct GrownAnswer {
    /// Without the token that ends it.
    pub tokens: Vec<i64>,
    pub end: AnswerEnd,
}

/// The answers to the prompts of one batch.
#[derive(Debug)]
pub(super) struct AnswerTree<'p> {
    end_tokens: &'p [i64],
    temperature: f64,
    longest_answer: usize,
    /// Answers that may be on their way at once, so that there is memory for their keys and values.
    draws_at_once: usize,
    roots: Vec<Arc<Sequence>>,
}

impl<'p> AnswerTree<'p> {
    /// `roots`: what comes after each prompt; the longest of these has `prompt_tokens`.
    pub(super) fn new(
        pack: &'p JudgePack,
        options: VlmOptions,
        worker: &VlmWorker,
        prompt_tokens: usize,
        roots: Vec<Continuation>,
    ) -> Self {
        let longest_answer = options.max_new_tokens as usize;
        let bytes = worker.cache_bytes_per_token() * (prompt_tokens + longest_answer);
        Self {
            end_tokens: pack.end_tokens(),
            temperature: options.temperature,
            longest_answer,
            draws_at_once: (worker.cache_bytes() / bytes.max(1)).max(1),
            roots: roots.into_iter().map(|root| Arc::new(root.into())).collect(),
        }
    }

    /// The answers of these draws.
    pub(super) fn grow(&self, worker: &mut VlmWorker, mut draws: Vec<Draw>) -> Result<Vec<GrownAnswer>, PackError> {
        let mut answers = vec![GrownAnswer { tokens: Vec::new(), end: AnswerEnd::Limit }; draws.len()];
        let together = self.draws_at_once;
        for (draws, answers) in draws.chunks_mut(together).zip(answers.chunks_mut(together)) {
            self.grow_together(worker, draws, answers)?;
        }
        Ok(answers)
    }

    fn grow_together(
        &self,
        worker: &mut VlmWorker,
        draws: &mut [Draw],
        answers: &mut [GrownAnswer],
    ) -> Result<(), PackError> {
        let mut sequences = self.roots.clone();
        // The sequence that each unfinished answer has reached.
        let mut reached: Vec<(usize, usize)> = draws.iter().map(|draw| draw.root).enumerate().collect();
        for length in 1..=self.longest_answer {
            let mut branches: Vec<(usize, i64)> = Vec::new();
            let mut known: HashMap<(usize, i64), usize> = HashMap::new();
            let mut going_on = Vec::new();
            for &(answer, sequence) in &reached {
                let Some(token) = self.next_token(&sequences[sequence].logits, draws[answer].stream.as_mut()) else {
                    answers[answer].end = AnswerEnd::NotANumber;
                    continue;
                };
                if self.end_tokens.contains(&token) {
                    answers[answer].end = AnswerEnd::EndToken;
                    continue;
                }
                answers[answer].tokens.push(token);
                let branch = *known.entry((sequence, token)).or_insert_with(|| {
                    branches.push((sequence, token));
                    branches.len() - 1
                });
                going_on.push((answer, branch));
            }
            if going_on.is_empty() || length == self.longest_answer {
                break;
            }
            // The last token is chosen, never read.
            let keep = if length + 1 < self.longest_answer { Keep::Resident } else { Keep::Nothing };
            let mut grown = Vec::with_capacity(branches.len());
            for branches in branches.chunks(SEQUENCES_AT_ONCE) {
                let past = |sequence: usize| sequences[sequence].cache.clone();
                let pasts: Vec<_> = branches
                    .iter()
                    .map(|&(sequence, _)| past(sequence).expect("a sequence that goes on keeps its cache"))
                    .collect();
                let tokens: Vec<_> = branches.iter().map(|&(_, token)| token).collect();
                let read = worker.read_tokens(&pasts, &tokens, keep)?;
                grown.extend(read.into_iter().map(|read| Arc::new(Sequence::from(read))));
            }
            (sequences, reached) = (grown, going_on);
        }
        Ok(())
    }

    /// `None` where a logit is NaN.
    fn next_token(&self, logits: &[f32], stream: Option<&mut ChaCha8Rng>) -> Option<i64> {
        if logits.iter().any(|logit| logit.is_nan()) {
            return None;
        }
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let likeliest = logits.iter().position(|&logit| logit == highest)?;
        let Some(stream) = stream else {
            return i64::try_from(likeliest).ok();
        };
        let weight = |logit: f32| (f64::from(logit - highest) / self.temperature).exp();
        let sum: f64 = logits.iter().map(|&logit| weight(logit)).sum();
        let mut rest = stream.random::<f64>() * sum;
        for (token, &logit) in logits.iter().enumerate() {
            rest -= weight(logit);
            if rest < 0.0 {
                return i64::try_from(token).ok();
            }
        }
        // Rounding left a crumb.
        i64::try_from(likeliest).ok()
    }
}
