//! The distinct prompts of a call, and the batches in which they are read.

use std::collections::HashMap;

use super::worker::VlmWorker;
use super::{PROMPTS_AT_ONCE, VlmJudge};
use crate::judge::error::JudgeError;
use crate::judge::persona::Persona;
use crate::judge::question::Question;
use crate::onnx::judge_models::PictureRows;
use crate::picture::Picture;

/// One persona before one picture with one request, as tokens.
#[derive(Debug)]
pub(super) struct Prompt {
    /// Index of the picture.
    pub picture: usize,
    /// Ids before the picture.
    pub before: Vec<i64>,
    /// Ids after it.
    pub after: Vec<i64>,
    /// Tokens of all three.
    pub tokens: usize,
}

/// The distinct prompts of a call, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Prompts<'q> {
    pub list: Vec<Prompt>,
    pub pictures: Vec<&'q Picture>,
    /// Pictures that a batch still needs, as the language model reads them.
    pub embedded: HashMap<usize, PictureRows>,
    picture_at: HashMap<*const Picture, usize>,
    picture_of: HashMap<(usize, Vec<u8>), usize>,
    known: HashMap<(usize, [u64; 5], &'q str), usize>,
}

/// The tokens around a picture.
pub(super) struct PromptText {
    pub before: Vec<i64>,
    pub after: Vec<i64>,
    /// Length of the whole prompt, picture included.
    pub tokens: usize,
}

impl VlmJudge {
    /// The tokens of a prompt that fits into the context together with a picture of `picture_size` and its answer.
    pub(super) fn prompt_text(
        &self,
        worker: &VlmWorker,
        persona: &Persona,
        request: &str,
        picture_size: [usize; 2],
    ) -> Result<PromptText, JudgeError> {
        let (before, after) = self.tokens(persona, request)?;
        let text = before.len() + after.len();
        let picture = worker.picture_tokens(&self.pack, picture_size)?;
        let tokens = text + picture;
        let needed = tokens + self.answer_tokens();
        if needed > self.pack.context_tokens() {
            return Err(JudgeError::ContextTooLong {
                request: request.to_owned(),
                needed,
                allowed: self.pack.context_tokens(),
                text,
                picture,
                answer: self.answer_tokens(),
                help: self.fewer_tokens(picture > needed / 3),
            });
        }
        Ok(PromptText { before, after, tokens })
    }

    /// What makes a question shorter.
    fn fewer_tokens(&self, picture_is_large: bool) -> String {
        let words = "shorten the judge's template or the request, lower `judge.max_new_tokens`, or use a pack with a longer \
                     context (`max_position_embeddings` in its config.json)";
        match self.pack.smaller_pictures().filter(|_| picture_is_large) {
            Some(pictures) => format!("{pictures}; or {words}"),
            None => words.into(),
        }
    }
}

impl<'q> Prompts<'q> {
    /// The index of a question's prompt.
    pub(super) fn insert(
        &mut self,
        judge: &VlmJudge,
        worker: &VlmWorker,
        question: &Question<'q>,
    ) -> Result<usize, JudgeError> {
        let picture = self.picture(question.picture);
        let key = (picture, question.persona.traits().map(f64::to_bits), question.request);
        if let Some(&known) = self.known.get(&key) {
            return Ok(known);
        }
        let size = [question.picture.height(), question.picture.width()];
        let PromptText { before, after, tokens } =
            judge.prompt_text(worker, &question.persona, question.request, size)?;
        self.list.push(Prompt { picture, before, after, tokens });
        self.known.insert(key, self.list.len() - 1);
        Ok(self.list.len() - 1)
    }

    /// The index of a picture; equal ones, as 8-bit pictures, are one.
    fn picture(&mut self, picture: &'q Picture) -> usize {
        if let Some(&known) = self.picture_at.get(&std::ptr::from_ref(picture)) {
            return known;
        }
        let next = self.pictures.len();
        let index = *self.picture_of.entry((picture.width(), picture.to_rgb8())).or_insert(next);
        if index == next {
            self.pictures.push(picture);
        }
        self.picture_at.insert(picture, index);
        index
    }

    /// The prompts by batches, those about one picture together. The limits are constants of the program and the
    /// model, so that batches depend on the questions alone.
    pub(super) fn batches(&self, worker: &VlmWorker, answer_tokens: usize) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|&prompt| self.list[prompt].picture);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut longest = 0;
        for prompt in order {
            let tokens = self.list[prompt].tokens + answer_tokens;
            if let Some(batch) = batches.last_mut() {
                let padded = (batch.len() + 1) * longest.max(tokens);
                if batch.len() < PROMPTS_AT_ONCE && padded * worker.cache_bytes_per_token() <= worker.cache_bytes() {
                    batch.push(prompt);
                    longest = longest.max(tokens);
                    continue;
                }
            }
            batches.push(vec![prompt]);
            longest = tokens;
        }
        batches
    }
}
