//! Where prompts point in the space of the pack's text encoder: known, from the score store, or computed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::diffusion::Executor;
use crate::diffusion::text::pooled_direction;
use crate::error::Error;
use crate::score_store::{Record, RecordKey, ScoreStore};

/// The pooled directions of the prompts seen so far.
pub struct PromptDirections {
    executor: Arc<Executor>,
    store: Option<Arc<ScoreStore>>,
    by_prompt: Mutex<HashMap<String, Vec<f64>>>,
}

impl PromptDirections {
    pub fn new(executor: Arc<Executor>, store: Option<Arc<ScoreStore>>) -> Self {
        Self { executor, store, by_prompt: Mutex::default() }
    }

    /// The unit vector [hidden] of a prompt.
    ///
    /// # Errors
    /// [`Error::Executor`] where the text encoder fails, [`Error::Store`].
    pub fn of(&self, prompt: &str) -> Result<Vec<f64>, Error> {
        // Held all the while: a prompt is encoded once, whoever asks first.
        let mut by_prompt = self.by_prompt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(direction) = by_prompt.get(prompt) {
            return Ok(direction.clone());
        }
        let key = RecordKey::of_prompt(self.executor.pack().digest(), prompt);
        let stored = match &self.store {
            Some(store) => store.read(&[key])?.pop().flatten(),
            None => None,
        };
        let direction = match (stored, &self.store) {
            (Some(Record::PooledText(direction)), _) => direction,
            (_, store) => {
                let direction = pooled_direction(self.executor.text_embedding(prompt)?.as_ref());
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
