//! Which tokens are marks: `expectation` reads the chances of these from one forward pass.
//!
//! A mark is looked up where it would stand, right after the prompt. Some tokenizers begin a word with a token of its
//! own (LLaMA makes ` 7` into `▁` and `7`): what all marks begin with is the *opening*, which is put in the agent's
//! mouth, and what follows must be one token, another one for each mark.

use crate::judge::score_scale::ScoreScale;
use crate::onnx::JudgePack;

use crate::judge::error::JudgeError;

/// Marks that are named in an error.
const MARKS_NAMED: usize = 8;

/// The marks of a scale as tokens of a pack.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoreTokens {
    opening: Vec<i64>,
    /// Token and score in [0, 1] of each mark.
    marks: Vec<(usize, f64)>,
}

impl ScoreTokens {
    /// The marks of `scale` after the prompt's end `after_picture`.
    ///
    /// # Errors
    /// [`JudgeError::ScoreTokens`] naming marks that are no tokens.
    pub(super) fn find(pack: &JudgePack, after_picture: &str, scale: ScoreScale) -> Result<Self, JudgeError> {
        let mut fewest: Option<Vec<i32>> = None;
        // An answer is a word of its own; where that doesn't work it may stick to the prompt.
        for joint in if after_picture.ends_with(char::is_whitespace) { ["", " "] } else { [" ", ""] } {
            match Self::after(pack, after_picture, joint, scale)? {
                Ok(found) => return Ok(found),
                Err(missing) if fewest.as_ref().is_none_or(|fewest| missing.len() < fewest.len()) => {
                    fewest = Some(missing);
                }
                Err(_) => {}
            }
        }
        let missing = fewest.unwrap_or_default();
        let named: Vec<_> = missing.iter().take(MARKS_NAMED).map(i32::to_string).collect();
        let more = if missing.len() > named.len() { ", …" } else { "" };
        Err(JudgeError::ScoreTokens {
            pack: pack.name(),
            lowest: scale.lowest,
            highest: scale.highest,
            missing: missing.len(),
            marks: format!("{}{more}", named.join(", ")),
        })
    }

    /// The marks joined to the prompt by `joint`, or those that are no tokens there.
    fn after(
        pack: &JudgePack,
        after_picture: &str,
        joint: &str,
        scale: ScoreScale,
    ) -> Result<Result<Self, Vec<i32>>, JudgeError> {
        let tokenizer = pack.tokenizer();
        let prompt = tokenizer.encode_rest(after_picture)?;
        let mut endings = Vec::new();
        for mark in scale.marks() {
            let ids = tokenizer.encode_rest(&format!("{after_picture}{joint}{mark}"))?;
            // A mark that changes the tokens before it has none of its own.
            let ending = ids.strip_prefix(prompt.as_slice()).unwrap_or_default().to_vec();
            endings.push((mark, ending));
        }
        let shared = endings.iter().map(|(_, ending)| ending.len().saturating_sub(1)).min().unwrap_or(0);
        let first = endings.first().map_or(&[][..], |(_, ending)| ending);
        let opening =
            (0..shared).take_while(|&place| endings.iter().all(|(_, ending)| ending[place] == first[place])).count();
        let token_of = |ending: &[i64]| match &ending[opening.min(ending.len())..] {
            [token] if !tokenizer.is_unknown(*token) => usize::try_from(*token).ok(),
            _ => None,
        };
        let (mut marks, mut missing): (Vec<(usize, f64)>, Vec<i32>) = (Vec::new(), Vec::new());
        for (mark, ending) in &endings {
            let fresh = token_of(ending).filter(|&token| marks.iter().all(|&(other, _)| other != token));
            match fresh.zip(scale.to_unit(f64::from(*mark))) {
                Some(found) => marks.push(found),
                None => missing.push(*mark),
            }
        }
        if missing.is_empty() && !marks.is_empty() {
            return Ok(Ok(Self { opening: first[..opening].to_vec(), marks }));
        }
        Ok(Err(missing))
    }

    /// Tokens that come after the prompt and before a mark.
    pub(super) fn opening(&self) -> &[i64] {
        &self.opening
    }

    /// Σ p s over the marks, with p the softmax of `logits` over these tokens alone; `None` where a logit is not a
    /// number, or the vocabulary lacks a mark.
    pub(super) fn expectation(&self, logits: &[f32]) -> Option<f64> {
        let logit_of = |token: usize| logits.get(token).map(|&logit| f64::from(logit));
        let logits: Vec<f64> = self.marks.iter().map(|&(token, _)| logit_of(token)).collect::<Option<_>>()?;
        let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut mean) = (0.0, 0.0);
        for (logit, (_, score)) in logits.iter().zip(&self.marks) {
            let chance = (logit - highest).exp();
            sum += chance;
            mean += chance * score;
        }
        Some(mean / sum).filter(|mean| mean.is_finite())
    }
}
