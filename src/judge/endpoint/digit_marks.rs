//! `expectation` at an endpoint: the mean mark, from the likeliest tokens that the server names.
//!
//! A server names its twenty likeliest tokens at most, as texts. Which texts are one token is unknown here, but one digit is
//! in every vocabulary: a scale of digits can be read, one to 10 or 100 cannot (`1` might begin `10`).

use super::error::EndpointError;
use super::reply::{LikelyToken, TokenChances};
use crate::judge::score_scale::ScoreScale;

/// Most tokens that servers of this protocol name.
pub(super) const TOKENS_NAMED: u32 = 20;
/// Tokens of the answer that are looked at. Some vocabularies begin a word with a blank of its own.
pub(super) const TOKENS_ASKED: u32 = 4;

/// A scale whose marks are digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DigitMarks(ScoreScale);

impl DigitMarks {
    /// # Errors
    /// [`EndpointError::Marks`] where a mark has two digits or a sign.
    pub(super) fn of(scale: ScoreScale) -> Result<Self, EndpointError> {
        let ScoreScale { lowest, highest } = scale;
        if lowest < 0 || highest > 9 {
            return Err(EndpointError::Marks { lowest, highest });
        }
        Ok(Self(scale))
    }

    /// The probability-weighted mean of the marks at the first token that is no blank, in [0, 1]. Marks that the server does not
    /// name are taken to have no chance: each is less likely than the least that it names. `None` where it names no mark.
    pub(super) fn expectation(self, tokens: &[TokenChances]) -> Option<f64> {
        let first = tokens.iter().find(|token| !token.said.trim().is_empty())?;
        let (mut sum, mut weights) = (0.0, 0.0);
        for LikelyToken { text, log_probability } in &first.likely {
            let mark = match text.trim().as_bytes() {
                [digit @ b'0'..=b'9'] => f64::from(digit - b'0'),
                _ => continue,
            };
            if let Some(score) = self.0.to_unit(mark) {
                let weight = log_probability.exp();
                (sum, weights) = (sum + weight * score, weights + weight);
            }
        }
        (weights > 0.0).then(|| sum / weights)
    }
}
