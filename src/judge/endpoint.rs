//! A judge behind an OpenAI-compatible HTTP endpoint, as vLLM, Ollama and llama.cpp's server have one.
//!
//! ```text
//!  persona ─► text before the picture ─┐
//!  picture ─► PNG as a data URL ───────┼─► POST {base_url}/chat/completions ─► first choice ─┬─► its words, read as a score
//!  request ─► text after it ───────────┘        one request a question                       └─► log-probabilities of marks
//! ```
//!
//! The words are those of the prompt template, as a local model gets them; role markers are the server's affair. Questions
//! are put side by side, up to the limit of the client, and answers are handed out in the order of the questions: which
//! answer came first decides nothing.

mod asking;
mod back_off;
mod base_url;
mod client;
mod crew;
mod digit_marks;
mod error;
mod question_text;
mod reply;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::digit_marks::DigitMarks;
use super::readout::{AnswerNumbers, Readout};
use super::template::PromptTemplate;

pub use self::back_off::{retry_after_s, wait_s};
pub use self::base_url::{BaseUrl, BaseUrlError};
pub use self::client::{ConnectionOptions, EndpointClient};
pub use self::error::EndpointError;
pub use self::question_text::chat_text;
pub use self::reply::{Reply, ReplyError};

/// What is asked for, and how scores are taken. Everything an answer depends on, but for the words.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointOptions {
    /// As the server calls it.
    pub model: String,
    pub readout: Readout,
    /// Of a drawn answer, above 0.
    pub temperature: f64,
    /// Longest answer.
    pub max_new_tokens: u32,
    /// How often an answer without a score is drawn anew.
    pub retries: u32,
}

/// A judge: a client of the endpoint, a template, and a way to take the score.
#[derive(Debug)]
pub struct EndpointJudge {
    client: Arc<EndpointClient>,
    template: PromptTemplate,
    options: EndpointOptions,
    /// For [`Readout::Expectation`] only.
    marks: Option<DigitMarks>,
}

impl EndpointJudge {
    /// A judge that asks with `template`.
    ///
    /// # Errors
    /// [`EndpointError::Marks`]: for [`Readout::Expectation`] each mark must be one digit.
    pub fn new(
        client: Arc<EndpointClient>,
        template: PromptTemplate,
        options: EndpointOptions,
    ) -> Result<Self, EndpointError> {
        let marks = match options.readout {
            Readout::Expectation => Some(DigitMarks::of(template.scale())?),
            Readout::Greedy | Readout::Sample => None,
        };
        Ok(Self { client, template, options, marks })
    }

    pub fn template(&self) -> &PromptTemplate {
        &self.template
    }

    pub fn client(&self) -> &Arc<EndpointClient> {
        &self.client
    }

    /// What manifests, reports and figures call it: `llava at http://localhost:8000/v1`.
    pub fn name(&self) -> String {
        format!("{} at {}", self.options.model, self.client.base_url())
    }

    /// SHA-256 over everything of the judge that an answer depends on: server, model, template and options (of these, only
    /// what the readout uses). How patiently and with how many requests at once it is asked changes nothing.
    pub fn digest(&self) -> [u8; 32] {
        let EndpointOptions { ref model, readout, temperature, max_new_tokens, retries } = self.options;
        let mut hash = Sha256::new();
        hash.update(b"latentlink endpoint judge 1");
        for text in [self.client.base_url().as_str(), model] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(self.template.digest());
        readout.write_digest(AnswerNumbers { temperature, max_new_tokens, retries }, &mut hash);
        hash.finalize().into()
    }
}
