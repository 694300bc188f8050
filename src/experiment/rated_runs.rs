//! Runs under any policy, with what their users say of them: what policies are trained and compared on.

use std::sync::Arc;

use super::computation::{BlockComputation, ComputedValues};
use super::plan::{self, StudyPlan};
use super::points::StudyPoint;
use super::scores::RunScores;
use super::simulation::Run;
use super::work_order::RunId;
use crate::diffusion::recorder::Recorder;
use crate::error::Error;
use crate::network::{Checkpoints, SimulatedRun};
use crate::policy::Policy;
use crate::report::Column;
use crate::scenario::Scenario;

/// One run and its scores.
pub struct RatedRun {
    pub run: Run,
    pub scores: RunScores,
}

impl RatedRun {
    /// Quality of experience of each served request, by the number of its group: its user's own, 0 where the request ended
    /// without a picture.
    ///
    /// # Errors
    /// [`Error::NoScore`] where the judge gave none.
    pub fn qualities(&self) -> Result<Vec<(u64, f64)>, Error> {
        let id = self.run.id;
        let no_score = || Error::NoScore { point: id.point, replication: id.replication };
        let served = self.run.users.iter().zip(self.scores.by_user()).map(|(user, personas)| {
            let quality = personas.first().and_then(|own| own.quality_of_experience()).ok_or_else(no_score)?;
            Ok((user.record.journey.group.ok_or_else(no_score)?, quality))
        });
        let unserved = self.run.books.unserved.iter().filter_map(|record| Some(Ok((record.journey.group?, 0.0))));
        served.chain(unserved).collect()
    }
}

impl StudyPlan {
    /// One run of a point under a policy, which need not be the point's own.
    ///
    /// # Errors
    /// As [`StudyPlan::simulate`].
    pub fn simulate_under(
        &self,
        point: &StudyPoint,
        replication: u32,
        policy: Arc<dyn Policy>,
    ) -> Result<SimulatedRun, Error> {
        let graph = self.simulator.empty_graph();
        let recorder = match point.scenario.makes_pictures() {
            true => Recorder::deferred(graph),
            false => Recorder::nothing(graph),
        };
        self.simulator.simulate_point(point, replication, policy, recorder, &Checkpoints::none())
    }

    /// Makes the pictures of some runs of a point, all together, and has them rated.
    ///
    /// # Errors
    /// What a study says whose models do not load, whose store fails, or that is stopped.
    pub fn rate(&self, point: &Arc<StudyPoint>, runs: Vec<(u32, SimulatedRun)>) -> Result<Vec<RatedRun>, Error> {
        let mut block = self.simulator.empty_block();
        for (replication, run) in runs {
            block.merge(RunId { point: point.index, replication }, Arc::clone(point), run);
        }
        let values = if point.scenario.makes_pictures() {
            let mut computation = BlockComputation::new(&block, &self.executor, self.store.as_deref())?;
            let all: Vec<usize> = (0..block.runs.len()).collect();
            computation.compute(&all, &|_, _| (), &|_, _| Ok(()))?;
            computation.into_values()
        } else {
            ComputedValues::default()
        };
        let rated = |run: Run| RatedRun { scores: RunScores::of(&run, &values), run };
        Ok(block.runs.into_iter().map(rated).collect())
    }

    /// The points of the study.
    ///
    /// # Errors
    /// What [`StudyPoints::get`](super::points::StudyPoints::get) says.
    pub fn point(&self, index: u32) -> Result<Arc<StudyPoint>, Error> {
        self.simulator.points().get(index)
    }

    /// Whether the pack's schedule has every chain that the policy of a scenario may ask for.
    ///
    /// # Errors
    /// [`Error::Schedule`].
    pub fn check_chains_of(&self, scenario: &Scenario) -> Result<(), Error> {
        plan::check_chains_of(scenario, self.simulator.schedule())
    }

    /// Columns that say which point a row of a table is of.
    pub fn point_columns(&self) -> Vec<Column> {
        self.layout.point_columns()
    }

    /// The scenario file with everything that it leaves out.
    pub fn scenario_toml(&self) -> &str {
        &self.identity.scenario_toml
    }

    /// Digest of scenario, packs, runtime and program.
    pub fn packs_sha256(&self) -> String {
        self.executor.pack().digest().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Values of one latent.
    pub fn latent_values(&self) -> usize {
        self.executor.pack().latent_shape().iter().product()
    }
}
