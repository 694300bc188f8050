//! The vision-language judge: a LLaVA, SmolVLM or Qwen2-VL is told who it is, shown a picture, and asked for a score.
//!
//! ```text
//!  persona ─► text before the picture ─► tokens ─► language model ─► keys and values, kept for the next picture
//!  picture ─► vision encoder ─► features ──────────┐                        │
//!  request ─► text after the picture ─► tokens ────┴─► language model ◄─────┘
//!                                                            │
//!            expectation: mean over the score tokens ◄───────┼───────► greedy, sample: an answer, read as text
//! ```
//!
//! Work is shared wherever two questions agree. The text before the picture depends on the persona alone, so it is
//! read once for each persona and kept ([`VlmWorker`]). A picture is encoded once in a call. Questions that differ in
//! their seed alone share everything up to the first token in which their answers differ: answers grow as a tree.
//!
//! What is computed, and in which batches, follows from the list of questions and nothing else.

mod answer_tree;
mod prompts;
mod score_tokens;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::JudgeError;
use super::persona::Persona;
use super::question::{Answer, Question};
use super::readout::{AnswerNumbers, Readout};
use super::score_reading::read_score;
use super::score_scale::ScoreScale;
use super::template::PromptTemplate;
use crate::onnx::judge_models::Keep;
use crate::onnx::{JudgePack, PackError, ResolvedProvider};
use crate::random::StreamKey;
use answer_tree::{AnswerEnd, AnswerTree, Draw};
use prompts::Prompts;
use score_tokens::ScoreTokens;

pub use worker::{VlmWork, VlmWorker};

/// Prompts that are read in one call of the language model.
const PROMPTS_AT_ONCE: usize = 8;
/// Answers that get their next token in one call of the language model.
const SEQUENCES_AT_ONCE: usize = 16;
/// Most memory for keys and values: of one batch, and of the prefixes that a worker keeps. One sequence is always let in.
const CACHE_BYTES: usize = 512 << 20;
/// The same on a GPU, of which there is one worker: eight prompts of 800 tokens with a LLaVA of 7 billion weights.
const CACHE_BYTES_ON_GPU: usize = 8 << 30;

/// A request that stands for any other where only the form of the prompt matters.
const ANY_REQUEST: &str = "a picture";

/// How scores are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VlmOptions {
    pub readout: Readout,
    /// Of a drawn answer, above 0: the logits are divided by it.
    pub temperature: f64,
    /// Longest answer.
    pub max_new_tokens: u32,
    /// How often an answer without a score is drawn anew.
    pub retries: u32,
}

/// A judge: a pack, a template and a way to take the score.
#[derive(Debug)]
pub struct VlmJudge {
    pack: Arc<JudgePack>,
    template: PromptTemplate,
    options: VlmOptions,
    /// For [`Readout::Expectation`] only.
    score_tokens: Option<ScoreTokens>,
}

/// A distinct answer to be found: its prompt, and the stream it is drawn from, if it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Asked {
    prompt: usize,
    seed: Option<StreamKey>,
}

impl VlmJudge {
    /// A judge that asks the agents of `pack` with `template`.
    ///
    /// # Errors
    /// [`JudgeError::Options`]; for [`Readout::Expectation`] [`JudgeError::ScoreTokens`], where not every mark of the
    /// template's scale is one token of the pack; [`JudgeError::Pack`] where the tokenizer refuses the template.
    pub fn new(pack: Arc<JudgePack>, template: PromptTemplate, options: VlmOptions) -> Result<Self, JudgeError> {
        if options.readout.is_drawn() && !(options.temperature > 0.0 && options.temperature.is_finite()) {
            return Err(JudgeError::Options {
                option: "temperature",
                expected: "above 0",
                found: options.temperature.to_string(),
            });
        }
        if options.readout != Readout::Expectation && options.max_new_tokens == 0 {
            return Err(JudgeError::Options { option: "max_new_tokens", expected: "at least 1", found: "0".into() });
        }
        let score_tokens = match options.readout {
            Readout::Expectation => {
                let text = template.render(&Persona::NEUTRAL, ANY_REQUEST);
                Some(ScoreTokens::find(&pack, &text.after_picture, template.scale())?)
            }
            Readout::Greedy | Readout::Sample => None,
        };
        Ok(Self { pack, template, options, score_tokens })
    }

    pub fn pack(&self) -> &Arc<JudgePack> {
        &self.pack
    }

    /// SHA-256 over everything of the judge that an answer depends on: pack, template and options (of these, only
    /// what its readout uses).
    pub fn digest(&self) -> [u8; 32] {
        let VlmOptions { readout, temperature, max_new_tokens, retries } = self.options;
        let mut hash = Sha256::new();
        hash.update(b"latentlink vlm judge 1");
        hash.update(self.pack.digest());
        hash.update(self.template.digest());
        readout.write_digest(AnswerNumbers { temperature, max_new_tokens, retries }, &mut hash);
        hash.finalize().into()
    }

    /// Makes the sessions that one worker thread needs, with an empty store of what was read before pictures.
    ///
    /// # Errors
    /// Those of [`JudgePack::load_worker`].
    pub fn load_worker(&self, provider: ResolvedProvider, intra_threads: usize) -> Result<VlmWorker, PackError> {
        VlmWorker::new(&self.pack, self.pack.load_worker(provider, intra_threads)?, provider)
    }

    /// Words of a request that the agents don't know, each once, in their order: a warning to the user.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`].
    pub fn unknown_words(&self, request: &str) -> Result<Vec<String>, PackError> {
        self.pack.tokenizer().unknown_words(request)
    }

    /// Words of the template that the agents don't know, each once, in their order: a warning to the user.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`].
    pub fn unknown_template_words(&self) -> Result<Vec<String>, PackError> {
        let prompt = self.template.render(&Persona::NEUTRAL, "");
        let mut words = self.pack.tokenizer().unknown_words(&prompt.before_picture)?;
        for word in self.pack.tokenizer().unknown_words(&prompt.after_picture)? {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Ok(words)
    }

    /// Whether what an agent is told about a request fits into the model's context, answer and a picture of
    /// `picture_size`, height and width, included.
    ///
    /// # Errors
    /// [`JudgeError::ContextTooLong`], [`JudgeError::Pack`] where the tokenizer fails.
    pub fn check_prompt(
        &self,
        worker: &VlmWorker,
        persona: &Persona,
        request: &str,
        picture_size: [usize; 2],
    ) -> Result<(), JudgeError> {
        self.prompt_text(worker, persona, request, picture_size).map(|_| ())
    }

    /// Answers `questions`, one [`Answer`] for each, in their order. Equal questions are answered once.
    ///
    /// # Errors
    /// [`JudgeError::ContextTooLong`], [`JudgeError::NoSeed`] for a question without a seed where answers are drawn,
    /// [`JudgeError::Pack`] where a session fails.
    ///
    /// # Panics
    /// Where `worker` was made for another pack, its models may not fit.
    pub fn ask(&self, worker: &mut VlmWorker, questions: &[Question<'_>]) -> Result<Vec<Answer>, JudgeError> {
        let mut prompts = Prompts::default();
        let mut asked: Vec<Asked> = Vec::new();
        let mut known: HashMap<Asked, usize> = HashMap::new();
        let mut answer_of = Vec::with_capacity(questions.len());
        for question in questions {
            let seed = match self.options.readout {
                Readout::Sample => Some(question.seed.ok_or(JudgeError::NoSeed)?),
                Readout::Expectation | Readout::Greedy => None,
            };
            let wanted = Asked { prompt: prompts.insert(self, worker, question)?, seed };
            let index = *known.entry(wanted).or_insert_with(|| {
                asked.push(wanted);
                asked.len() - 1
            });
            answer_of.push(index);
        }
        worker.work.questions += questions.len() as u64;

        let mut asked_of = vec![Vec::new(); prompts.list.len()];
        for (index, wanted) in asked.iter().enumerate() {
            asked_of[wanted.prompt].push(index);
        }
        let mut answers: Vec<Option<Answer>> = vec![None; asked.len()];
        let mut answer_tokens = vec![0; asked.len()];
        for batch in prompts.batches(worker, self.answer_tokens()) {
            let keep = if self.score_tokens.is_some() { Keep::Nothing } else { Keep::Resident };
            let roots = worker.read_prompts(&self.pack, &mut prompts, &batch, keep)?;
            if let Some(score_tokens) = &self.score_tokens {
                for (&prompt, root) in batch.iter().zip(roots) {
                    let score = score_tokens.expectation(&root.logits);
                    for &index in &asked_of[prompt] {
                        answers[index] = Some(Answer { score, text: None, attempts: 1 });
                    }
                }
                continue;
            }
            let longest = batch.iter().map(|&prompt| prompts.list[prompt].tokens).max().unwrap_or(0);
            let tree = AnswerTree::new(&self.pack, self.options, worker, longest, roots);
            let of_root = |(root, &prompt): (usize, &usize)| {
                asked_of[prompt].iter().map(move |&index| (root, index)).collect::<Vec<_>>()
            };
            let in_batch: Vec<_> = batch.iter().enumerate().flat_map(of_root).collect();
            self.draw_answers(worker, &tree, &in_batch, &asked, &mut answers, &mut answer_tokens)?;
        }
        let answers: Vec<Answer> =
            answers.into_iter().map(|answer| answer.expect("every prompt is in a batch")).collect();
        for &index in &answer_of {
            let prompt = &prompts.list[asked[index].prompt];
            let attempts = u64::from(answers[index].attempts);
            worker.work.tokens_one_by_one += attempts * prompt.tokens as u64 + answer_tokens[index];
        }
        Ok(answer_of.into_iter().map(|index| answers[index].clone()).collect())
    }

    /// Draws every answer of a batch, anew with the next seed while it holds no score and retries are left.
    fn draw_answers(
        &self,
        worker: &mut VlmWorker,
        tree: &AnswerTree<'_>,
        in_batch: &[(usize, usize)],
        asked: &[Asked],
        answers: &mut [Option<Answer>],
        answer_tokens: &mut [u64],
    ) -> Result<(), JudgeError> {
        // The likeliest answer stays what it is.
        let attempts = if self.options.readout.is_drawn() { 1 + self.options.retries } else { 1 };
        let mut open = in_batch.to_vec();
        for attempt in 0..attempts {
            let draws: Vec<Draw> = open
                .iter()
                .map(|&(root, index)| {
                    let seed = asked[index].seed.map(|seed| seed.child(u64::from(attempt)));
                    Draw::new(root, seed.map(|seed| seed.rng()))
                })
                .collect();
            let texts = tree.grow(worker, draws)?;
            let mut failed = Vec::new();
            for (&(root, index), answer) in open.iter().zip(texts) {
                let text = self.pack.tokenizer().decode(&answer.tokens).map_err(JudgeError::from)?;
                let score = match answer.end {
                    AnswerEnd::NotANumber => None,
                    AnswerEnd::Limit if may_be_cut_in_a_number(&text, self.template.scale()) => None,
                    AnswerEnd::Limit | AnswerEnd::EndToken => read_score(&text, self.template.scale()),
                };
                answer_tokens[index] += answer.tokens.len() as u64;
                if score.is_none() {
                    failed.push((root, index));
                }
                answers[index] = Some(Answer { score, text: Some(text), attempts: attempt + 1 });
            }
            open = failed;
            if open.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Room that an answer needs after the prompt, in tokens.
    fn answer_tokens(&self) -> usize {
        match self.score_tokens {
            Some(_) => 0,
            None => self.options.max_new_tokens as usize,
        }
    }

    /// The ids before the picture and after it, the opening of the answer included.
    fn tokens(&self, persona: &Persona, request: &str) -> Result<(Vec<i64>, Vec<i64>), JudgeError> {
        let text = self.template.render(persona, request);
        let tokenizer = self.pack.tokenizer();
        let mut after = tokenizer.encode_rest(&text.after_picture)?;
        after.extend(self.score_tokens.iter().flat_map(ScoreTokens::opening));
        Ok((tokenizer.encode_start(&text.before_picture)?, after))
    }
}

/// Whether an answer that was cut here may have gone on with a number of the scale: "8" of "85", "10/" of "10/10".
pub(super) fn may_be_cut_in_a_number(text: &str, scale: ScoreScale) -> bool {
    let text = text.trim_end();
    let digits = &text[text.trim_end_matches(|last: char| last.is_ascii_digit()).len()..];
    let goes_on = |number: f64| 10.0 * number <= f64::from(scale.highest);
    text.ends_with(['.', ',', '/']) || digits.parse().is_ok_and(goes_on)
}

#[cfg(test)]
mod tests {
    use super::{ScoreScale, may_be_cut_in_a_number};

    #[test]
    fn an_answer_cut_where_a_number_may_go_on_is_not_trusted() {
        let (hundred, nine) = (ScoreScale { lowest: 0, highest: 100 }, ScoreScale { lowest: 0, highest: 9 });
        for (cut, scale) in [("I would rate it 8", hundred), ("10/", nine), ("0.", nine), ("7,", nine), ("0 ", nine)] {
            assert!(may_be_cut_in_a_number(cut, scale), "{cut}");
        }
        for (whole, scale) in [("7, because the dog", hundred), ("85", hundred), ("8", nine), ("", nine)] {
            assert!(!may_be_cut_in_a_number(whole, scale), "{whole}");
        }
    }
}
