//! A study: the points of a scenario, simulated, computed and collected.
//!
//! ```text
//!  points × replications ─► simulate_round (rayon) ─► merge graphs ─► executor ─► outcomes
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::diffusion::executor::{ExecutionProgress, Executor, Sink};
use crate::diffusion::graph::DenoisingGraph;
use crate::diffusion::image_metrics::PictureMetrics;
use crate::diffusion::recorder::Recorder;
use crate::diffusion::text::medoid;
use crate::diffusion::value::{Failure, LinkErrors, Value};
use crate::diffusion::{NodeId, NoiseSchedule, SplitChain};
use crate::error::Error;
use crate::network::bench::SimulatedUser;
use crate::network::{EnergyLedger, NetworkError, RunContext, SimulatedRun, UserRecord, simulate_round};
use crate::policy;
use crate::scenario::{Execution, PictureReference, PolicySettings, Scenario};

/// A point of the grid, with everything a run needs.
pub struct StudyPoint {
    pub index: u32,
    pub scenario: Arc<Scenario>,
    /// The server's prompt, the medoid where the scenario leaves it out.
    pub server_prompt: String,
}

/// One simulated run with node ids of the merged graph.
pub struct Run {
    /// Position in the list of points.
    pub point: usize,
    pub replication: u32,
    pub users: Vec<SimulatedUser>,
    pub ledger: EnergyLedger,
}

/// All runs of a study and the graph that makes their pictures.
pub struct SimulatedStudy {
    pub runs: Vec<Run>,
    pub graph: DenoisingGraph,
    /// Nodes of all runs before they were merged.
    pub nodes_before_sharing: usize,
    /// Values that the eager mode computed on the way.
    eager_values: HashMap<NodeId, Value>,
}

/// What the executor found.
#[derive(Default)]
pub struct ComputedValues {
    /// Why a picture, or a comparison with it, has no content.
    pub failures: HashMap<NodeId, Failure>,
    pub metrics: HashMap<NodeId, PictureMetrics>,
    pub link_errors: HashMap<NodeId, LinkErrors>,
}

/// Work that a study takes, counted before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct StudyCost {
    pub points: usize,
    pub runs: usize,
    /// Denoising steps to compute, reference pictures included, each shared step once.
    pub denoising_steps: u64,
    /// UNet evaluations of these steps: two a step with guidance.
    pub unet_evaluations: u64,
    /// Those of them that no user's picture needs, only a reference picture.
    pub unet_evaluations_of_references: u64,
    /// UNet evaluations if every user's picture were generated on its own, without any reference picture.
    pub unet_evaluations_unshared: u64,
    /// Pictures to decode, reference pictures included.
    pub picture_decodes: u64,
}

/// Resolves the server's prompt of each point and checks that its chains exist, so that nothing fails half-way.
///
/// # Errors
/// [`Error::Schedule`] for a chain the pack's schedule does not have.
pub fn prepare_points(
    points: impl IntoIterator<Item = (u32, Scenario)>,
    schedule: &NoiseSchedule,
    executor: &Executor,
) -> Result<Vec<StudyPoint>, Error> {
    let mut prepared = Vec::new();
    for (index, scenario) in points {
        let PolicySettings::Fixed(fixed) = &scenario.policy;
        for &tk in &fixed.tk {
            let diffusion = &scenario.diffusion;
            SplitChain::new(schedule, diffusion.sampler, diffusion.split, diffusion.steps, fixed.t0, tk)?;
        }
        let server_prompt = match &scenario.server.prompt {
            Some(prompt) => prompt.clone(),
            None => {
                let embeddings = scenario
                    .devices
                    .iter()
                    .map(|device| executor.text_embedding(&device.prompt))
                    .collect::<Result<Vec<_>, _>>()?;
                scenario.devices[medoid(&embeddings)].prompt.clone()
            }
        };
        prepared.push(StudyPoint { index, scenario: Arc::new(scenario), server_prompt });
    }
    Ok(prepared)
}

/// Simulates every point and replication and merges their graphs, without computing a node.
///
/// # Errors
/// [`Error::Network`] of the first run (in the order of points) that failed.
pub fn simulate(
    points: &[StudyPoint],
    schedule: &Arc<NoiseSchedule>,
    executor: &Arc<Executor>,
) -> Result<SimulatedStudy, Error> {
    simulate_as(points, schedule, executor, |_| Execution::Deferred)
}

/// As [`simulate`], but points with `execution = "eager"` compute each node at its event.
///
/// # Errors
/// [`Error::Network`] of the first run (in the order of points) that failed.
pub fn simulate_eagerly(
    points: &[StudyPoint],
    schedule: &Arc<NoiseSchedule>,
    executor: &Arc<Executor>,
) -> Result<SimulatedStudy, Error> {
    simulate_as(points, schedule, executor, |scenario| scenario.diffusion.execution)
}

fn simulate_as(
    points: &[StudyPoint],
    schedule: &Arc<NoiseSchedule>,
    executor: &Arc<Executor>,
    execution: fn(&Scenario) -> Execution,
) -> Result<SimulatedStudy, Error> {
    let pack = executor.pack();
    let empty_graph = || DenoisingGraph::new(pack.digest());
    let latent_values = pack.latent_shape().iter().product();
    let tasks: Vec<(usize, u32)> = points
        .iter()
        .enumerate()
        .flat_map(|(point, settings)| (0..settings.scenario.study.replications).map(move |run| (point, run)))
        .collect();
    let simulate_one = |&(point, replication): &(usize, u32)| -> Result<SimulatedRun, Error> {
        let StudyPoint { scenario, server_prompt, index } = &points[point];
        let recorder = match execution(scenario) {
            Execution::Deferred => Recorder::deferred(empty_graph()),
            Execution::Eager => Recorder::eager(empty_graph(), Arc::clone(executor)),
        };
        let context = RunContext::new(
            Arc::clone(scenario),
            Arc::clone(schedule),
            Arc::from(policy::from_settings(&scenario.policy)),
            replication,
            latent_values,
            server_prompt.clone(),
            recorder,
        );
        simulate_round(context).map_err(|source: NetworkError| Error::Network { point: *index, replication, source })
    };
    let any_eager = points.iter().any(|point| execution(&point.scenario) == Execution::Eager);
    let simulated: Vec<SimulatedRun> = if any_eager {
        // An eager run uses the workers itself: one after the other.
        tasks.iter().map(simulate_one).collect::<Result<_, _>>()?
    } else {
        executor.pool().install(|| tasks.par_iter().map(simulate_one).collect::<Result<_, _>>())?
    };

    let mut study = SimulatedStudy {
        runs: Vec::with_capacity(tasks.len()),
        graph: empty_graph(),
        nodes_before_sharing: 0,
        eager_values: HashMap::new(),
    };
    for ((point, replication), run) in tasks.into_iter().zip(simulated) {
        study.merge(point, replication, run);
    }
    Ok(study)
}

impl SimulatedStudy {
    fn merge(&mut self, point: usize, replication: u32, run: SimulatedRun) {
        let (graph, values) = run.recorder.finish();
        let ids = self.graph.absorb(&graph);
        let here = |id: NodeId| ids[id.index()];
        self.nodes_before_sharing += graph.len();
        self.eager_values.extend(values.into_iter().flatten().map(|(id, value)| (here(id), value)));
        let mut users = run.users;
        for SimulatedUser { record, comparisons } in &mut users {
            record.picture = here(record.picture);
            record.sent = record.sent.map(here);
            record.received = record.received.map(here);
            for comparison in comparisons {
                comparison.reference_picture = here(comparison.reference_picture);
                comparison.metrics = here(comparison.metrics);
            }
        }
        self.runs.push(Run { point, replication, users, ledger: run.ledger });
    }

    /// Every node whose value a table or figure shows, each once.
    pub fn wanted(&self) -> Vec<NodeId> {
        let mut wanted: Vec<NodeId> = self
            .runs
            .iter()
            .flat_map(|run| &run.users)
            .flat_map(|user| {
                let comparisons = user.comparisons.iter().flat_map(|c| [c.reference_picture, c.metrics]);
                [user.record.picture].into_iter().chain(user.record.received).chain(comparisons)
            })
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Pictures and comparisons a table needs, computed; `save` gets each picture once.
    ///
    /// # Errors
    /// [`Error::Executor`]: a session or `save` failed.
    pub fn compute(
        &self,
        executor: &Executor,
        progress: &dyn Fn(ExecutionProgress),
        mut save: impl FnMut(NodeId, &crate::diffusion::Picture) -> Result<(), Error>,
    ) -> Result<ComputedValues, Error> {
        let mut computed = ComputedValues::default();
        let mut collect = |id: NodeId, value: &Value| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            match value {
                Value::Picture(picture) => save(id, picture)?,
                Value::Metrics(metrics) => {
                    computed.metrics.insert(id, *metrics);
                }
                Value::Latent(latent) => {
                    computed.link_errors.extend(latent.link_errors.map(|errors| (id, errors)));
                }
                Value::Failed(failure) => {
                    computed.failures.insert(id, *failure);
                }
            }
            Ok(())
        };
        let sink: &mut Sink<'_> = &mut collect;
        let mut missing = Vec::new();
        for id in self.wanted() {
            match self.eager_values.get(&id) {
                Some(value) => sink(id, value).map_err(crate::diffusion::ExecutorError::Sink)?,
                None => missing.push(id),
            }
        }
        executor.run(&self.graph, &missing, progress, sink)?;
        Ok(computed)
    }

    /// What computing this study takes.
    pub fn cost(&self, points: usize) -> StudyCost {
        use crate::diffusion::Operation;
        let needed = self.graph.ancestors(&self.wanted());
        let pictures: Vec<NodeId> =
            self.runs.iter().flat_map(|run| &run.users).map(|user| user.record.picture).collect();
        let needed_by_users = self.graph.ancestors(&pictures);
        let sum = |nodes: &[NodeId], select: fn(&Operation) -> u64| -> u64 {
            nodes.iter().map(|&id| select(self.graph.operation(id))).sum()
        };
        let count = |select: fn(&Operation) -> u64| sum(&needed, select);
        let unet_evaluations = count(Operation::unet_evaluations);
        StudyCost {
            points,
            runs: self.runs.len(),
            denoising_steps: count(|operation| u64::from(matches!(operation, Operation::Denoise { .. }))),
            unet_evaluations,
            unet_evaluations_of_references: unet_evaluations - sum(&needed_by_users, Operation::unet_evaluations),
            unet_evaluations_unshared: self
                .runs
                .iter()
                .flat_map(|run| &run.users)
                .map(|user| self.graph.unshared_unet_evaluations(user.record.picture))
                .sum(),
            picture_decodes: count(|operation| u64::from(matches!(operation, Operation::Decode { .. }))),
        }
    }
}

impl ComputedValues {
    /// The metrics of a user's picture against one reference; `None` where either picture failed.
    pub fn metrics_of(&self, user: &SimulatedUser, against: PictureReference) -> Option<PictureMetrics> {
        let comparison = user.comparisons.iter().find(|comparison| comparison.against == against)?;
        self.metrics.get(&comparison.metrics).copied()
    }

    /// Why a user's picture is missing; `None` where it is there.
    pub fn failure_of(&self, record: &UserRecord) -> Option<Failure> {
        self.failures.get(&record.picture).copied()
    }
}
