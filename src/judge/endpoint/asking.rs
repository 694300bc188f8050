//! Many questions at once, answers in their order.
//!
//! ```text
//!  questions ──► the next ones, a few ahead ──► crew ──► answers as they come ──► in their order, at once ──► whoever stores them
//! ```
//!
//! When somebody asks to stop, or a request fails for good, nothing new is sent, and what was answered is handed out.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::client::Cancelled;
use super::digit_marks::{TOKENS_ASKED, TOKENS_NAMED};
use super::error::EndpointError;
use super::question_text::{AnswerForm, about_picture, data_url};
use super::{EndpointJudge, EndpointOptions};
use crate::judge::question::{Answer, Question};
use crate::judge::readout::Readout;
use crate::judge::score_reading::read_score;
use crate::judge::vlm::may_be_cut_in_a_number;
use crate::picture::Picture;
use crate::random::StreamKey;

/// How often it is looked at whether somebody asked to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long answers are waited for that are under way when all is over.
const GRACE: Duration = Duration::from_millis(500);

/// A question as it will be sent, free of what it was made from.
#[derive(Clone)]
struct Prepared {
    before: String,
    after: String,
    picture_url: Arc<str>,
    seed: Option<StreamKey>,
}

impl EndpointJudge {
    /// Asks `questions` and hands out their answers in their order, each as soon as all before it are there.
    ///
    /// # Errors
    /// What `hand_out` says; [`EndpointError`] of a request that failed for good; [`EndpointError::Stopped`] soon after
    /// `is_stopped` holds. Whatever was answered by then is handed out before, also beyond a question without an answer.
    pub fn ask<E: From<EndpointError>>(
        self: &Arc<Self>,
        questions: &[Question<'_>],
        is_stopped: &dyn Fn() -> bool,
        hand_out: &mut dyn FnMut(Vec<(usize, Answer)>) -> Result<(), E>,
    ) -> Result<(), E> {
        let cancelled = Cancelled::default();
        // Whatever way out is taken, nothing is sent any more.
        let _at_the_end = CancelAtTheEnd(&cancelled);
        let (sender, receiver) = channel();
        let ahead = 2 * self.client.crew.size();
        let (mut sent, mut under_way) = (0, 0);
        let mut next = 0;
        let mut early: BTreeMap<usize, Answer> = BTreeMap::new();
        let mut end: Option<(EndpointError, Instant)> = None;
        let mut pictures = PictureUrls::default();
        loop {
            if end.is_none() && is_stopped() {
                end = Some((EndpointError::Stopped, Instant::now()));
            }
            while end.is_none() && sent < questions.len() && under_way < ahead {
                match self.prepare(&questions[sent], &mut pictures) {
                    Ok(prepared) => {
                        let (judge, sender, cancelled) = (Arc::clone(self), sender.clone(), Arc::clone(&cancelled));
                        let job = move || {
                            let answer = catch_unwind(AssertUnwindSafe(|| judge.answer(&prepared, &cancelled)));
                            // Nobody listens any more where all is over.
                            let _ = sender.send((sent, answer));
                        };
                        self.client.crew.give(Box::new(job))?;
                        (sent, under_way) = (sent + 1, under_way + 1);
                    }
                    Err(error) => end = Some((error, Instant::now())),
                }
            }
            if end.is_some() {
                cancelled.store(true, Ordering::Relaxed);
            }
            let is_over = end.as_ref().is_some_and(|(_, since)| since.elapsed() > GRACE);
            if under_way == 0 || is_over {
                break;
            }
            match receiver.recv_timeout(LOOK) {
                Ok((index, answer)) => {
                    under_way -= 1;
                    match answer {
                        Ok(Ok(answer)) => {
                            early.insert(index, answer);
                        }
                        // What was cancelled failed with the first that failed.
                        Ok(Err(EndpointError::Stopped)) => {}
                        Ok(Err(error)) => end = end.or(Some((error, Instant::now()))),
                        Err(panic) => resume_unwind(panic),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is held here"),
            }
            let mut in_order = Vec::new();
            while let Some(answer) = early.remove(&next) {
                in_order.push((next, answer));
                next += 1;
            }
            if !in_order.is_empty() {
                hand_out(in_order)?;
            }
        }
        if !early.is_empty() {
            hand_out(early.into_iter().collect())?;
        }
        match end {
            Some((error, _)) => Err(error.into()),
            None => Ok(()),
        }
    }

    fn prepare<'q>(&self, question: &Question<'q>, pictures: &mut PictureUrls<'q>) -> Result<Prepared, EndpointError> {
        let seed = match self.options.readout {
            Readout::Sample => Some(question.seed.ok_or(EndpointError::NoSeed)?),
            Readout::Expectation | Readout::Greedy => None,
        };
        let text = self.template.render(&question.persona, question.request);
        let picture_url = pictures.of(question.picture)?;
        Ok(Prepared { before: text.before_picture, after: text.after_picture, picture_url, seed })
    }

    /// The answer to one question, drawn anew while it holds no score and retries are left.
    fn answer(&self, question: &Prepared, cancelled: &AtomicBool) -> Result<Answer, EndpointError> {
        let EndpointOptions { model, readout, temperature, max_new_tokens, retries } = &self.options;
        let is_stopped = || cancelled.load(Ordering::Relaxed);
        let attempts = if readout.is_drawn() { 1 + retries } else { 1 };
        let mut attempt = 0;
        loop {
            let form = AnswerForm {
                temperature: if readout.is_drawn() { *temperature } else { 0.0 },
                max_tokens: if self.marks.is_some() { TOKENS_ASKED } else { *max_new_tokens },
                seed: question.seed.map(|seed| seed.child(u64::from(attempt))),
                top_logprobs: self.marks.map(|_| TOKENS_NAMED),
            };
            let body = about_picture(model, &question.before, &question.picture_url, &question.after, form);
            let reply = self.client.complete(&body, &is_stopped)?;
            attempt += 1;
            if let Some(marks) = self.marks {
                let tokens = reply.tokens.ok_or_else(|| EndpointError::NoLogProbabilities {
                    base_url: self.client.base_url().to_string(),
                    model: model.clone(),
                })?;
                let score = marks.expectation(&tokens);
                // What was said instead of a mark is worth reading.
                let text = if score.is_none() { Some(reply.text) } else { None };
                return Ok(Answer { score, text, attempts: 1 });
            }
            let scale = self.template.scale();
            let is_doubtful = reply.is_cut && may_be_cut_in_a_number(&reply.text, scale);
            let score = if is_doubtful { None } else { read_score(&reply.text, scale) };
            if score.is_some() || attempt == attempts {
                return Ok(Answer { score, text: Some(reply.text), attempts: attempt });
            }
        }
    }
}

struct CancelAtTheEnd<'a>(&'a AtomicBool);

impl Drop for CancelAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Questions about one picture follow each other: it is encoded once.
#[derive(Default)]
struct PictureUrls<'q> {
    last: Option<(&'q Picture, Arc<str>)>,
}

impl<'q> PictureUrls<'q> {
    fn of(&mut self, picture: &'q Picture) -> Result<Arc<str>, EndpointError> {
        if let Some((known, url)) = &self.last
            && std::ptr::eq(*known, picture)
        {
            return Ok(Arc::clone(url));
        }
        let url: Arc<str> = data_url(picture)?.into();
        self.last = Some((picture, Arc::clone(&url)));
        Ok(url)
    }
}
