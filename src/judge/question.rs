//! What a judge is asked and what it answers.

use super::persona::Persona;
use crate::picture::Picture;
use crate::random::StreamKey;

/// One picture before one agent.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub persona: Persona,
    pub picture: &'a Picture,
    /// What the user had asked for.
    pub request: &'a str,
    /// Stream of a sampled answer; `None` where the answer is not drawn (greedy, expectation).
    pub seed: Option<StreamKey>,
}

/// What an agent made of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The score in [0, 1]; `None` where no answer held one.
    pub score: Option<f64>,
    /// What the agent said, the last attempt's; `None` where nothing was said (expectation).
    pub text: Option<String>,
    /// Answers that were asked for, retries included; at least 1.
    pub attempts: u32,
}
