//! How a score is taken from a vision-language model.

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

impl Readout {
    /// Whether two answers to one question may differ.
    pub fn is_drawn(self) -> bool {
        self == Self::Sample
    }
}
