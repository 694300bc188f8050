//! Where prompts point in the space of an encoder: known, from the score store, or computed.
//!
//! The encoder is the sentence encoder that the scenario names, else the text encoder of the diffusion pack.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::diffusion::Executor;
use crate::diffusion::text::pooled_direction;
use crate::error::Error;
use crate::onnx::{PackError, ResolvedProvider, SentenceEncoder, SentenceModel};
use crate::score_store::{Record, RecordKey, ScoreStore};

/// The directions of the prompts seen so far.
pub struct PromptDirections {
    executor: Arc<Executor>,
    sentences: Option<Sentences>,
    store: Option<Arc<ScoreStore>>,
    by_prompt: Mutex<HashMap<String, Vec<f64>>>,
}

/// A sentence encoder, loaded when it is first needed.
struct Sentences {
    encoder: SentenceEncoder,
    digest: [u8; 32],
    provider: ResolvedProvider,
    model: Mutex<Option<SentenceModel>>,
}

impl PromptDirections {
    /// Those of the pack's text encoder.
    pub fn new(executor: Arc<Executor>, store: Option<Arc<ScoreStore>>) -> Self {
        Self { executor, sentences: None, store, by_prompt: Mutex::default() }
    }

    /// Those of the sentence encoder in a folder, where one is named.
    ///
    /// # Errors
    /// What [`SentenceEncoder::open`] says.
    pub fn with_sentence_encoder(
        mut self,
        folder: Option<&Path>,
        provider: ResolvedProvider,
    ) -> Result<Self, PackError> {
        if let Some(folder) = folder {
            let encoder = SentenceEncoder::open(folder)?;
            self.sentences = Some(Sentences { digest: encoder.digest(), encoder, provider, model: Mutex::default() });
        }
        Ok(self)
    }

    /// Digest of the sentence encoder; `None` where the pack's text encoder is used.
    pub fn sentence_encoder_digest(&self) -> Option<[u8; 32]> {
        self.sentences.as_ref().map(|sentences| sentences.digest)
    }

    /// The unit vector [hidden] of a prompt.
    ///
    /// # Errors
    /// [`Error::Executor`] or [`Error::Pack`] where the encoder fails, [`Error::Store`].
    pub fn of(&self, prompt: &str) -> Result<Vec<f64>, Error> {
        // Held all the while: a prompt is encoded once, whoever asks first.
        let mut by_prompt = self.by_prompt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(direction) = by_prompt.get(prompt) {
            return Ok(direction.clone());
        }
        let digest = self.sentence_encoder_digest().unwrap_or_else(|| self.executor.pack().digest());
        let key = RecordKey::of_prompt(digest, prompt);
        let stored = match &self.store {
            Some(store) => store.read(&[key])?.pop().flatten(),
            None => None,
        };
        let direction = match (stored, &self.store) {
            (Some(Record::PooledText(direction)), _) => direction,
            (_, store) => {
                let direction = match &self.sentences {
                    Some(sentences) => sentences.direction(prompt)?,
                    None => pooled_direction(&self.executor.text_embedding(prompt)?.tokens),
                };
                if let Some(store) = store {
                    store.write(key, &Record::PooledText(direction.clone()))?;
                }
                direction
            }
        };
        by_prompt.insert(prompt.to_owned(), direction.clone());
        Ok(direction)
    }
}

impl Sentences {
    fn direction(&self, prompt: &str) -> Result<Vec<f64>, PackError> {
        let mut slot = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let model = match slot.as_mut() {
            Some(model) => model,
            None => slot.insert(self.encoder.load(self.provider, 1)?),
        };
        model.direction(prompt)
    }
}
