//! Runs of a study, simulated and merged into one graph, a block at a time.
//!
//! ```text
//!  run ids ─► simulate (side by side) ─► merge graphs ─► Block ─► computation ─► rows
//! ```
//!
//! A block is as many runs, in the order of work, as fit into memory with their graph: nearly every study is one block, in
//! which all that can be shared is shared. Where a study is cut, it is cut between runs that share little.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::cost::StudyCost;
use super::points::{StudyPoint, StudyPoints};
use super::work_order::RunId;
use crate::diffusion::executor::{Executor, ExecutorError};
use crate::diffusion::graph::DenoisingGraph;
use crate::diffusion::recorder::Recorder;
use crate::diffusion::value::Value;
use crate::diffusion::{NodeId, NoiseSchedule};
use crate::error::Error;
use crate::network;
use crate::network::bench::SimulatedUser;
use crate::network::{Checkpoints, EnergyLedger, NetworkError, RunBooks, RunContext, SimulatedRun};
use crate::policy::Policy;

/// Runs simulated between two looks at the size of the graph, at first and at most.
const RUNS_PER_ROUND: (usize, usize) = (16, 256);

/// One simulated run with node ids of its block's graph.
pub struct Run {
    pub id: RunId,
    pub point: Arc<StudyPoint>,
    pub users: Vec<SimulatedUser>,
    pub ledger: EnergyLedger,
    pub books: RunBooks,
}

/// Simulated runs and the graph that makes their pictures.
pub struct Block {
    pub runs: Vec<Run>,
    pub graph: DenoisingGraph,
    /// Nodes of all runs before they were merged.
    pub nodes_before_sharing: u64,
    /// Runs whose simulation failed, with the reason.
    pub failed: Vec<(RunId, String)>,
    /// Values that the eager mode computed on the way.
    pub(super) eager_values: HashMap<NodeId, Value>,
}

/// Simulates runs.
pub struct Simulator {
    points: StudyPoints,
    schedule: Arc<NoiseSchedule>,
    executor: Arc<Executor>,
}

impl Run {
    /// Whether its pictures are made: a judge of kind `surface` needs none.
    pub fn makes_pictures(&self) -> bool {
        self.point.scenario.makes_pictures()
    }

    /// Every node whose value a table or figure shows; some may be there twice.
    pub fn wanted(&self) -> impl Iterator<Item = NodeId> {
        self.users.iter().filter(|_| self.makes_pictures()).flat_map(|user| {
            let comparisons = user.comparisons.iter().flat_map(|c| [c.reference_picture, c.metrics]);
            let scores = user.ratings.iter().flat_map(|rating| &rating.answers).copied();
            [user.record.picture].into_iter().chain(user.record.received).chain(comparisons).chain(scores)
        })
    }
}

impl Simulator {
    pub fn new(points: StudyPoints, schedule: Arc<NoiseSchedule>, executor: Arc<Executor>) -> Self {
        Self { points, schedule, executor }
    }

    pub fn schedule(&self) -> &NoiseSchedule {
        &self.schedule
    }

    pub fn points(&self) -> &StudyPoints {
        &self.points
    }

    /// Simulates the next of `runs`, until their graph has `most_nodes` or there are no more; `None` where there were none.
    /// No node is computed.
    ///
    /// # Errors
    /// What [`StudyPoints::get`] says. A simulation that fails is in [`Block::failed`].
    pub fn next_block(
        &self,
        mut runs: &mut dyn Iterator<Item = RunId>,
        most_nodes: usize,
    ) -> Result<Option<Block>, Error> {
        let mut block = self.empty_block();
        while block.graph.len() < most_nodes {
            // As many as are likely to fit.
            let done = block.runs.len() + block.failed.len();
            let fit = (most_nodes - block.graph.len()) * done / block.graph.len().max(1);
            let count = if done == 0 { RUNS_PER_ROUND.0 } else { fit.clamp(1, RUNS_PER_ROUND.1) };
            let round: Vec<RunId> = (&mut runs).take(count).collect();
            if round.is_empty() {
                break;
            }
            let recorder = || Recorder::deferred(self.empty_graph());
            let simulate = |&run: &RunId| self.simulate(run, recorder(), &Checkpoints::none());
            let simulated: Vec<_> = self.executor.pool().install(|| round.par_iter().map(simulate).collect());
            for (run, outcome) in round.into_iter().zip(simulated) {
                block.take(run, outcome)?;
            }
        }
        Ok(if block.runs.is_empty() && block.failed.is_empty() { None } else { Some(block) })
    }

    /// One run, each of whose nodes is computed at its event.
    ///
    /// # Errors
    /// As [`Simulator::next_block`].
    pub fn simulate_eagerly(&self, run: RunId) -> Result<Block, Error> {
        let mut block = self.empty_block();
        block.take(
            run,
            self.simulate(run, Recorder::eager(self.empty_graph(), Arc::clone(&self.executor)), &Checkpoints::none()),
        )?;
        Ok(block)
    }

    /// One run of which nobody sees a picture.
    ///
    /// # Errors
    /// As [`Simulator::next_block`], and [`Error::Network`].
    pub fn simulate_without_pictures(&self, id: RunId) -> Result<Run, Error> {
        let (point, run) = self.simulate(id, Recorder::nothing(self.empty_graph()), &Checkpoints::none())?;
        Ok(Run { id, point, users: run.users, ledger: run.ledger, books: run.books })
    }

    /// The same, saved now and then in a file below `folder` where its scenario says so, and from there on.
    ///
    /// # Errors
    /// As [`Simulator::simulate_without_pictures`], and [`ExecutorError::Stopped`] where somebody stops the executor.
    pub fn simulate_with_checkpoints(&self, id: RunId, folder: &Path) -> Result<Run, Error> {
        let Some(interval_s) = self.points.get(id.point)?.scenario.analysis.checkpoint_interval_s else {
            return self.simulate_without_pictures(id);
        };
        let file = folder.join(format!("point-{:04}_replication-{:03}.checkpoint", id.point, id.replication));
        let checkpoints =
            Checkpoints::in_file(file, interval_s).with_stop_request(Arc::clone(self.executor.stop_request()));
        let (point, run) = self.simulate(id, Recorder::nothing(self.empty_graph()), &checkpoints)?;
        checkpoints.remove().map_err(|source| Error::Network {
            point: id.point,
            replication: id.replication,
            source,
        })?;
        Ok(Run { id, point, users: run.users, ledger: run.ledger, books: run.books })
    }

    fn simulate(
        &self,
        run: RunId,
        recorder: Recorder,
        checkpoints: &Checkpoints,
    ) -> Result<(Arc<StudyPoint>, SimulatedRun), Error> {
        let point = self.points.get(run.point)?;
        let policy = Arc::clone(&point.policy);
        let simulated = self.simulate_point(&point, run.replication, policy, recorder, checkpoints)?;
        Ok((point, simulated))
    }

    pub(super) fn simulate_point(
        &self,
        point: &StudyPoint,
        replication: u32,
        policy: Arc<dyn Policy>,
        recorder: Recorder,
        checkpoints: &Checkpoints,
    ) -> Result<SimulatedRun, Error> {
        let context = RunContext::new(
            Arc::clone(&point.scenario),
            Arc::clone(&self.schedule),
            policy,
            replication,
            self.executor.pack().latent_shape().iter().product(),
            Arc::clone(&point.prompts),
            recorder,
        )?
        .with_judge(point.judge);
        let failed = |source: NetworkError| Error::Network { point: point.index, replication, source };
        network::simulate_with_checkpoints(context, checkpoints).map_err(failed)
    }

    pub(super) fn empty_graph(&self) -> DenoisingGraph {
        DenoisingGraph::of_pack(self.executor.pack())
    }

    pub(super) fn empty_block(&self) -> Block {
        Block {
            runs: Vec::new(),
            graph: self.empty_graph(),
            nodes_before_sharing: 0,
            failed: Vec::new(),
            eager_values: HashMap::new(),
        }
    }
}

impl Block {
    fn take(&mut self, id: RunId, outcome: Result<(Arc<StudyPoint>, SimulatedRun), Error>) -> Result<(), Error> {
        match outcome {
            Ok((point, run)) => self.merge(id, point, run),
            // Models that do not load, and a wish to stop, are no failure of this run.
            Err(Error::Network { source: NetworkError::Executor(error), .. })
                if !matches!(error, ExecutorError::Call { .. }) =>
            {
                return Err(error.into());
            }
            Err(Error::Network { source, .. }) => self.failed.push((id, source.to_string())),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, id: RunId, point: Arc<StudyPoint>, run: SimulatedRun) {
        let (graph, values) = run.recorder.finish();
        let ids = self.graph.absorb(&graph);
        let here = |id: NodeId| ids[id.index()];
        self.nodes_before_sharing += graph.len() as u64;
        self.eager_values.extend(values.into_iter().flatten().map(|(id, value)| (here(id), value)));
        let mut users = run.users;
        for SimulatedUser { record, comparisons, ratings } in &mut users {
            record.picture = here(record.picture);
            record.sent = record.sent.map(here);
            record.received = record.received.map(here);
            for comparison in comparisons {
                comparison.reference_picture = here(comparison.reference_picture);
                comparison.metrics = here(comparison.metrics);
            }
            for node in ratings.iter_mut().flat_map(|rating| &mut rating.answers) {
                *node = here(*node);
            }
        }
        self.runs.push(Run { id, point, users, ledger: run.ledger, books: run.books });
    }

    /// Every node whose value a table or figure shows, each once.
    pub fn wanted(&self) -> Vec<NodeId> {
        let mut wanted: Vec<NodeId> = self.runs.iter().flat_map(Run::wanted).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// What computing this block takes.
    pub fn cost(&self) -> StudyCost {
        let wanted = self.wanted();
        let users = || self.runs.iter().filter(|run| run.makes_pictures()).flat_map(|run| &run.users);
        let pictures: Vec<NodeId> = users().map(|user| user.record.picture).collect();
        let mut cost = StudyCost {
            runs: (self.runs.len() + self.failed.len()) as u64,
            nodes_before_sharing: self.nodes_before_sharing,
            nodes_after_sharing: self.graph.len() as u64,
            ..StudyCost::default()
        };
        for id in self.graph.ancestors(&wanted) {
            cost.work.add(&self.graph, id);
            cost.denoising_steps += u64::from(self.graph.unet_evaluations(id) > 0);
        }
        let by_users: u64 = self.graph.ancestors(&pictures).into_iter().map(|id| self.graph.unet_evaluations(id)).sum();
        cost.unet_evaluations_of_references = cost.work.unet_evaluations - by_users;
        cost.unet_evaluations_unshared =
            pictures.iter().map(|&picture| self.graph.unshared_unet_evaluations(picture)).sum();
        cost
    }
}
