//! `train.start_from`: the actor and the critic of an earlier training, to go on with under another judge, link or reward.
//!
//! ```text
//! actor.onnx           its card: what states and actions are, and how gains are standardised
//! learner.checkpoint   beside it: the weights
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use super::checkpoint::LearnerError;
use super::finished_training::LEARNER;
use super::learner::Learner;
use super::settings::LearnerSettings;
use super::spaces::Spaces;
use super::training_error::TrainingError;
use crate::policy::{Actor, ActorCard};
use crate::report::manifest::sha256_hex;

/// Where a training starts from.
pub struct StartingPoint {
    file: PathBuf,
    card: ActorCard,
    learner: Vec<u8>,
}

impl StartingPoint {
    /// The one of `actor`, an `actor.onnx`.
    ///
    /// # Errors
    /// [`TrainingError::NoStart`].
    pub fn read(actor: &Path) -> Result<Self, TrainingError> {
        let unreadable = |file: &Path, message: String| TrainingError::NoStart { file: file.to_owned(), message };
        let card = Actor::load(actor).map_err(|error| unreadable(actor, error.to_string()))?.card().clone();
        let file = actor.with_file_name(LEARNER);
        let learner = fs::read(&file).map_err(|error| unreadable(&file, error.to_string()))?;
        Ok(Self { file, card, learner })
    }

    /// The spaces of this training, `own`, with gains standardised as the networks know them.
    ///
    /// # Errors
    /// [`TrainingError::OtherStart`] where states or actions are others.
    pub fn spaces(&self, own: Spaces) -> Result<Spaces, TrainingError> {
        let Self { card, .. } = self;
        let other = |message: String| Err(TrainingError::OtherStart { file: self.file.clone(), message });
        if card.actions != own.actions {
            return other(format!("its actions are those of {:?}, here of {:?}", card.actions, own.actions));
        }
        if card.observations.episode != own.observations.episode {
            return other(format!(
                "its episodes are {:?}, here {:?}",
                card.observations.episode, own.observations.episode
            ));
        }
        if (card.maximum_power_w / own.maximum_power_w - 1.0).abs() > 1e-6 {
            return other(format!(
                "its radio budget E_T/β is {:.3} W, here {:.3} W",
                card.maximum_power_w, own.maximum_power_w
            ));
        }
        Ok(Spaces { observations: card.observations, ..own })
    }

    /// A new learner with these weights.
    ///
    /// # Errors
    /// [`TrainingError::NoStart`], [`TrainingError::OtherStart`].
    pub fn learner(&self, settings: &LearnerSettings) -> Result<Learner, TrainingError> {
        Learner::starting_from(settings, &self.learner).map_err(|error| match error {
            LearnerError::OtherNetwork { .. } => {
                TrainingError::OtherStart { file: self.file.clone(), message: error.to_string() }
            }
            _ => TrainingError::NoStart { file: self.file.clone(), message: error.to_string() },
        })
    }

    /// Digest of the weights.
    pub fn sha256_hex(&self) -> String {
        sha256_hex(&self.learner)
    }
}
