//! How a score is taken from a vision-language model.

use sha2::{Digest, Sha256};

/// How a score is taken from a vision-language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Readout {
    /// The probability-weighted mean over the tokens that are marks, from one forward pass: nothing is drawn.
    Expectation,
    /// The answer in which each token is the likeliest, read as text.
    Greedy,
    /// An answer drawn from the model's distribution at a temperature, read as text.
    Sample,
}

/// The numbers of an answer that is words.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnswerNumbers {
    pub temperature: f64,
    pub max_new_tokens: u32,
    pub retries: u32,
}

impl Readout {
    /// Feeds a hash with the readout and those of the numbers that it uses.
    pub(super) fn write_digest(self, numbers: AnswerNumbers, hash: &mut Sha256) {
        let AnswerNumbers { temperature, max_new_tokens, retries } = numbers;
        match self {
            Self::Expectation => hash.update(b"expectation"),
            Self::Greedy => {
                hash.update(b"greedy");
                hash.update(max_new_tokens.to_le_bytes());
            }
            Self::Sample => {
                hash.update(b"sample");
                hash.update(temperature.to_bits().to_le_bytes());
                hash.update(max_new_tokens.to_le_bytes());
                hash.update(retries.to_le_bytes());
            }
        }
    }

    /// Whether two answers to one question may differ.
    pub fn is_drawn(self) -> bool {
        self == Self::Sample
    }
}
