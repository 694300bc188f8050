//! The checkpoint of a training: one file, whole or not there.
//!
//! ```text
//!  magic │ CRC-32 of the rest │ length │ JSON: configuration, counters, rows, environments │ length │ learner │ length │ replay
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::environment::EnvironmentState;
use super::learner::Learner;
use super::replay::Replay;
use super::settings::LearnerSettings;
use super::spaces::Spaces;
use super::training::{Decision, new_environments};
use super::training_curve::{Since, TrainingRow};
use super::training_error::TrainingError;
use crate::error::Error;
use crate::report::durable_file::write_durably;
use crate::report::manifest::sha256_hex;
use crate::scenario::{Scenario, StudySettings, TrainSettings};

const MAGIC: &[u8; 16] = b"latentlink train";

/// Everything of a training but its networks and its memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    pub interactions: u64,
    pub updates: u64,
    pub rows: Vec<TrainingRow>,
    pub since: Since,
    pub environments: Vec<EnvironmentState>,
    /// Decisions that wait for their rewards, by environment.
    pub pending: Vec<Vec<Decision>>,
    pub wall_time_s: f64,
    /// Interactions at the last checkpoint.
    pub saved_at: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// What the training was begun with.
    configuration: String,
    state: TrainingState,
}

/// The file of a training's checkpoint.
pub fn checkpoint_file(folder: &Path) -> PathBuf {
    folder.join("training.checkpoint")
}

impl TrainingState {
    pub fn new(settings: &TrainSettings) -> Self {
        Self {
            interactions: 0,
            updates: 0,
            rows: Vec::new(),
            since: Since::default(),
            environments: new_environments(settings),
            pending: vec![Vec::new(); settings.environments as usize],
            wall_time_s: 0.0,
            saved_at: 0,
        }
    }

    /// The checkpoint in `folder`; `None` where there is none.
    ///
    /// # Errors
    /// [`TrainingError::Unreadable`], [`TrainingError::OtherConfiguration`].
    pub fn read(
        folder: &Path,
        configuration: &str,
        learner: &LearnerSettings,
    ) -> Result<Option<(Learner, Replay, Self)>, Error> {
        let file = checkpoint_file(folder);
        if !file.exists() {
            return Ok(None);
        }
        let unreadable = |message: String| TrainingError::Unreadable { file: file.clone(), message };
        let bytes = std::fs::read(&file).map_err(|error| unreadable(error.to_string()))?;
        let parts = parts(&bytes).map_err(|message| unreadable(message.to_owned()))?;
        let head: Head = serde_json::from_slice(parts[0]).map_err(|error| unreadable(error.to_string()))?;
        if head.configuration != configuration {
            return Err(TrainingError::OtherConfiguration { file }.into());
        }
        let learner = Learner::load(learner, parts[1]).map_err(|error| unreadable(error.to_string()))?;
        let replay = Replay::load(parts[2]).ok_or_else(|| unreadable("its replay memory is damaged".to_owned()))?;
        Ok(Some((learner, replay, head.state)))
    }

    /// Writes the checkpoint.
    ///
    /// # Errors
    /// [`Error::Report`] where it cannot be written.
    pub fn write(&self, folder: &Path, configuration: &str, learner: &Learner, replay: &Replay) -> Result<(), Error> {
        let head = Head { configuration: configuration.to_owned(), state: self.clone() };
        let head = serde_json::to_vec(&head).expect("numbers and names are written");
        let mut rest = Vec::new();
        for part in [head, learner.save(), replay.save()] {
            rest.extend((part.len() as u64).to_le_bytes());
            rest.extend(part);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crc32fast::hash(&rest).to_le_bytes());
        bytes.extend(rest);
        Ok(write_durably(&checkpoint_file(folder), &bytes)?)
    }
}

/// Digest of whatever changes what a training does. More seeds, or another way to evaluate, does not.
pub fn configuration(scenario: &Scenario, settings: &TrainSettings, spaces: &Spaces, packs: &str) -> String {
    let spaces = serde_json::to_string(spaces).expect("numbers and names are written");
    let train = Some(TrainSettings { seeds: 1, best_of: 1, ..settings.clone() });
    let study = StudySettings { replications: 1, until: None, ..scenario.study.clone() };
    let scenario = Scenario { train, study, figures: Vec::new(), ..scenario.clone() };
    let text = format!("latentlink {} {spaces} {packs} {scenario:?}", env!("CARGO_PKG_VERSION"));
    sha256_hex(text.as_bytes())
}

fn parts(bytes: &[u8]) -> Result<[&[u8]; 3], &'static str> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin as one does")?;
    let (sum, mut rest) = rest.split_first_chunk::<4>().ok_or("it ends too early")?;
    if crc32fast::hash(rest) != u32::from_le_bytes(*sum) {
        return Err("its checksum is wrong: it is damaged");
    }
    let mut parts: [&[u8]; 3] = [&[]; 3];
    for part in &mut parts {
        let (length, after) = rest.split_first_chunk::<8>().ok_or("it ends too early")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| "it is too long for this machine")?;
        (*part, rest) = after.split_at_checked(length).ok_or("it ends too early")?;
    }
    Ok(parts)
}
