//! What states and actions of a point are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::evaluation;
use super::training_error::TrainingError;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::policy::{ActionSpace, EpisodeKind, Normalisation, ObservationLayout};
use crate::scenario::TrainSettings;

/// What states and actions are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spaces {
    pub actions: ActionSpace,
    pub observations: ObservationLayout,
    pub maximum_power_w: f64,
}

impl Spaces {
    /// Of a point; gains are standardised by those of the training's last replications, which no episode reaches.
    ///
    /// # Errors
    /// [`TrainingError::NoBudget`], [`Error::NoDecision`], and what the simulator says.
    pub fn of(plan: &StudyPlan, point: &Arc<StudyPoint>, settings: &TrainSettings, seed: u32) -> Result<Self, Error> {
        let scenario = &point.scenario;
        let is_round = scenario.demand.is_none();
        let users = scenario.largest_group();
        let problems = evaluation::problems(plan, point, seed)?;
        let some = problems.first().ok_or(Error::NoDecision { replication: 0 })?;
        let budget_w = some.server_energy_budget_j.map(|budget_j| budget_j / some.link.energy_per_watt_j);
        Ok(Self {
            actions: ActionSpace {
                users,
                shared_steps: settings.maximum_shared_steps as usize,
                own_steps: settings.maximum_own_steps as usize,
            },
            observations: ObservationLayout {
                users,
                episode: if is_round { EpisodeKind::SingleStep } else { EpisodeKind::Sequential },
                normalisation: Normalisation::of(&problems),
            },
            maximum_power_w: budget_w.ok_or(TrainingError::NoBudget)?,
        })
    }
}
