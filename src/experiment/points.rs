//! The points of a study, made when they are needed: a sweep may have millions.

use std::sync::{Arc, OnceLock};

use super::judges::StudyJudges;
use super::prompt_directions::PromptDirections;
use crate::error::Error;
use crate::network::PromptBook;
use crate::policy::{self, Policy};
use crate::scenario::{Coordinate, Grid, JudgeKind, Scenario, SimilaritySettings};

/// Points that are kept once they are made.
const KEPT_POINTS: usize = 4096;

/// A point of the grid, with everything a run needs.
pub struct StudyPoint {
    pub index: u32,
    /// The swept fields in the order of the file.
    pub coordinates: Vec<Coordinate>,
    pub scenario: Arc<Scenario>,
    pub prompts: Arc<PromptBook>,
    /// Digest of the judge that is shown the pictures; `None` where none is.
    pub judge: Option<[u8; 32]>,
    /// The scenario's own policy.
    pub policy: Arc<dyn Policy>,
}

impl StudyPoint {
    /// The same point with another policy, or other settings that change neither prompts nor judge.
    ///
    /// # Errors
    /// [`Error::Policy`].
    pub fn with_scenario(&self, scenario: Scenario) -> Result<Self, Error> {
        let policy = policy::from_settings(&scenario)?;
        Ok(Self {
            index: self.index,
            coordinates: self.coordinates.clone(),
            scenario: Arc::new(scenario),
            prompts: Arc::clone(&self.prompts),
            judge: self.judge,
            policy,
        })
    }
}

/// All points of a study. Those of a small one are made once.
pub struct StudyPoints {
    grid: Grid,
    judges: Arc<StudyJudges>,
    directions: PromptDirections,
    kept: Vec<OnceLock<Arc<StudyPoint>>>,
}

impl StudyPoints {
    pub fn new(grid: Grid, judges: Arc<StudyJudges>, directions: PromptDirections) -> Self {
        let kept = if grid.len() <= KEPT_POINTS { grid.len() } else { 0 };
        Self { grid, judges, directions, kept: (0..kept).map(|_| OnceLock::new()).collect() }
    }

    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    pub fn len(&self) -> u32 {
        self.grid.len() as u32
    }

    /// Never: a study has at least one point.
    pub fn is_empty(&self) -> bool {
        self.grid.len() == 0
    }

    /// The point with this index, with its prompts and how similar they are.
    ///
    /// # Errors
    /// [`Error::Scenario`], and what [`PromptDirections::of`] says.
    pub fn get(&self, index: u32) -> Result<Arc<StudyPoint>, Error> {
        let Some(kept) = self.kept.get(index as usize) else { return Ok(Arc::new(self.prepare(index)?)) };
        if let Some(point) = kept.get() {
            return Ok(Arc::clone(point));
        }
        let point = Arc::new(self.prepare(index)?);
        // Another thread may have been first, with an equal one.
        Ok(Arc::clone(kept.get_or_init(|| point)))
    }

    fn prepare(&self, index: u32) -> Result<StudyPoint, Error> {
        let point = self.grid.point(index as usize).map_err(Box::new)?;
        let scenario = point.scenario;
        let prompts = Arc::new(self.prompts_of(&scenario)?);
        let judge = self.judges.of(&scenario).map(|judge| judge.digest());
        let scenario = Arc::new(scenario);
        let policy = policy::from_settings(&scenario)?;
        Ok(StudyPoint { index, coordinates: point.coordinates, scenario, prompts, judge, policy })
    }

    /// The prompts of a scenario, and how similar they are where anybody asks.
    fn prompts_of(&self, scenario: &Scenario) -> Result<PromptBook, Error> {
        let mut book = PromptBook::of_devices(scenario.devices.iter().map(|device| device.prompt.as_str()));
        if let Some(demand) = &scenario.demand {
            demand.prompts.texts().chain(demand.arrivals.prompts()).for_each(|text| {
                book.add(&text);
            });
        }
        let is_round = scenario.demand.is_none();
        if let Some(prompt) = &scenario.server.prompt {
            book = book.with_server_prompt(prompt);
        } else if book.len() == 1 {
            let only = book.text(0).to_owned();
            book = book.with_server_prompt(&only);
        }
        // The least of a range stands for all of it: whoever may share by it may share by any draw.
        let given = match &scenario.judge.kind {
            JudgeKind::Surface(surface) => surface.similarity.map(SimilaritySettings::least),
            JudgeKind::None | JudgeKind::Vlm(_) | JudgeKind::Endpoint(_) => None,
        };
        let has_surface = matches!(scenario.judge.kind, JudgeKind::Surface(_));
        let is_medoid_asked = scenario.server.prompt.is_none();
        let is_asked = (has_surface && given.is_none()) || is_medoid_asked || scenario.compares_prompts();
        if book.len() > 1 && is_asked {
            let directions = book.texts().iter().map(|text| self.directions.of(text));
            let directions = directions.collect::<Result<Vec<_>, Error>>()?;
            book = book.with_directions(directions);
        }
        if is_round && book.server().is_none() {
            let medoid = book.medoid(&(0..scenario.devices.len()).map(|k| book.of_device(k)).collect::<Vec<_>>());
            let medoid = book.text(medoid).to_owned();
            book = book.with_server_prompt(&medoid);
        }
        Ok(match given {
            Some(similarity) => book.with_given_similarity(similarity),
            None => book,
        })
    }
}
