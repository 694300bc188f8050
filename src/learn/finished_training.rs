//! A training that is over, as it is kept until all of its study are.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use super::training::TrainedActor;
use super::training_curve::TrainingRow;
use super::training_error::TrainingError;
use crate::error::Error;
use crate::report::durable_file::write_durably;

/// The actor, its curve and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinishedTraining {
    /// What it was begun with.
    configuration: String,
    pub rows: Vec<TrainingRow>,
    /// Of single actions, and then of the best of several where the algorithm draws.
    pub evaluations: Vec<Evaluation>,
    /// Weights of the actor.
    pub parameters: u64,
    /// Multiply-adds of one action.
    pub multiply_adds: u64,
    /// `actor.onnx`
    #[serde(skip)]
    pub actor: Vec<u8>,
    /// `learner.checkpoint`
    #[serde(skip)]
    pub learner: Vec<u8>,
}

const RECORD: &str = "finished.json";
const ACTOR: &str = "actor.onnx";
pub const LEARNER: &str = "learner.checkpoint";

impl FinishedTraining {
    pub fn new(configuration: String, trained: TrainedActor) -> Self {
        let TrainedActor { actor, learner, rows, evaluations, parameters, multiply_adds } = trained;
        Self { configuration, rows, evaluations, parameters, multiply_adds, actor, learner }
    }

    /// The one in `folder`; `None` where it is not finished.
    ///
    /// # Errors
    /// [`TrainingError::Unreadable`], [`TrainingError::OtherConfiguration`].
    pub fn read(folder: &Path, configuration: &str) -> Result<Option<Self>, Error> {
        let file = folder.join(RECORD);
        if !file.exists() {
            return Ok(None);
        }
        let unreadable = |message: String| TrainingError::Unreadable { file: file.clone(), message };
        let bytes = fs::read(&file).map_err(|error| unreadable(error.to_string()))?;
        let mut finished: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if finished.configuration != configuration {
            return Err(TrainingError::OtherConfiguration { file }.into());
        }
        finished.actor = fs::read(folder.join(ACTOR)).map_err(|error| unreadable(error.to_string()))?;
        finished.learner = fs::read(folder.join(LEARNER)).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some(finished))
    }

    /// Keeps it; the record comes last, so that it is whole or not there.
    ///
    /// # Errors
    /// [`Error::Report`] where it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        write_durably(&folder.join(ACTOR), &self.actor)?;
        write_durably(&folder.join(LEARNER), &self.learner)?;
        let record = serde_json::to_vec(self).expect("numbers and names are written");
        Ok(write_durably(&folder.join(RECORD), &record)?)
    }
}
