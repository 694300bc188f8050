//! The points of a study, made when they are needed: a sweep may have millions.

use std::sync::{Arc, OnceLock};

use super::judges::StudyJudges;
use super::prompt_directions::PromptDirections;
use crate::diffusion::text::{medoid, similarity};
use crate::error::Error;
use crate::scenario::{Coordinate, Grid, JudgeKind, Scenario};

/// Points that are kept once they are made.
const KEPT_POINTS: usize = 4096;

/// A point of the grid, with everything a run needs.
#[derive(Debug)]
pub struct StudyPoint {
    pub index: u32,
    /// The swept fields in the order of the file.
    pub coordinates: Vec<Coordinate>,
    pub scenario: Arc<Scenario>,
    /// The server's prompt, the medoid where the scenario leaves it out.
    pub server_prompt: String,
    /// Digest of the judge that is shown the pictures; `None` where none is.
    pub judge: Option<[u8; 32]>,
    /// Cosine similarity of each device's prompt to the server's, where a surface judges; else empty.
    pub similarities: Vec<f64>,
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

    /// The point with this index, with its server's prompt and how similar the devices' prompts are to it.
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
        let server_prompt = match &scenario.server.prompt {
            Some(prompt) => prompt.clone(),
            None => {
                let of_devices = scenario.devices.iter().map(|device| self.directions.of(&device.prompt));
                scenario.devices[medoid(&of_devices.collect::<Result<Vec<_>, _>>()?)].prompt.clone()
            }
        };
        let similarities = match &scenario.judge.kind {
            JudgeKind::Surface(surface) => scenario
                .devices
                .iter()
                .map(|device| match surface.similarity {
                    // However similar a different prompt is taken to be, the same one is the same.
                    _ if device.prompt == server_prompt => Ok(1.0),
                    Some(similarity) => Ok(similarity),
                    None => Ok(similarity(&self.directions.of(&device.prompt)?, &self.directions.of(&server_prompt)?)),
                })
                .collect::<Result<_, Error>>()?,
            JudgeKind::None | JudgeKind::Vlm(_) => Vec::new(),
        };
        let judge = self.judges.of(&scenario).map(|judge| judge.digest());
        let scenario = Arc::new(scenario);
        Ok(StudyPoint { index, coordinates: point.coordinates, scenario, server_prompt, judge, similarities })
    }
}
