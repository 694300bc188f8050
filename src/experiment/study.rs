//! A study: the points of a scenario, simulated and merged into one graph.
//!
//! ```text
//!  points × replications ─► simulate_round (rayon) ─► merge graphs ─► computation ─► tables
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::prompt_directions::PromptDirections;
use crate::diffusion::executor::Executor;
use crate::diffusion::graph::DenoisingGraph;
use crate::diffusion::recorder::Recorder;
use crate::diffusion::text::{medoid, similarity};
use crate::diffusion::value::Value;
use crate::diffusion::{NodeId, NoiseSchedule, SplitChain};
use crate::error::Error;
use crate::network::bench::SimulatedUser;
use crate::network::{EnergyLedger, NetworkError, RunContext, SimulatedRun, simulate_round};
use crate::policy;
use crate::scenario::{Execution, JudgeKind, PolicySettings, Scenario};

/// A point of the grid, with everything a run needs.
pub struct StudyPoint {
    pub index: u32,
    pub scenario: Arc<Scenario>,
    /// The server's prompt, the medoid where the scenario leaves it out.
    pub server_prompt: String,
    /// Digest of the judge that is shown the pictures; `None` where none is.
    pub judge: Option<[u8; 32]>,
    /// Cosine similarity of each device's prompt to the server's, where a surface judges; else empty.
    pub similarities: Vec<f64>,
}

/// One simulated run with node ids of the merged graph.
pub struct Run {
    /// Position in the list of points.
    pub point: usize,
    pub replication: u32,
    /// Whether its pictures are made: a judge of kind `surface` needs none.
    pub makes_pictures: bool,
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
    pub(super) eager_values: HashMap<NodeId, Value>,
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
    /// Answers of judges that are shown pictures, equal questions once.
    pub scores: u64,
}

/// Checks that the chains of each point exist, so that nothing fails half-way; resolves the server's prompt and how
/// similar the devices' prompts are to it. `judges` holds the judge of each point.
///
/// # Errors
/// [`Error::Schedule`] for a chain the pack's schedule does not have; what [`PromptDirections::of`] says.
pub fn prepare_points(
    points: impl IntoIterator<Item = (u32, Scenario)>,
    schedule: &NoiseSchedule,
    judges: &[Option<[u8; 32]>],
    directions: &mut PromptDirections<'_>,
) -> Result<Vec<StudyPoint>, Error> {
    let mut prepared = Vec::new();
    for ((index, scenario), judge) in points.into_iter().zip(judges) {
        let PolicySettings::Fixed(fixed) = &scenario.policy;
        for &tk in &fixed.tk {
            let diffusion = &scenario.diffusion;
            SplitChain::new(schedule, diffusion.sampler, diffusion.split, diffusion.steps, fixed.t0, tk)?;
        }
        let server_prompt = match &scenario.server.prompt {
            Some(prompt) => prompt.clone(),
            None => {
                let of_devices = scenario.devices.iter().map(|device| directions.of(&device.prompt));
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
                    None => Ok(similarity(&directions.of(&device.prompt)?, &directions.of(&server_prompt)?)),
                })
                .collect::<Result<_, Error>>()?,
            JudgeKind::None | JudgeKind::Vlm(_) => Vec::new(),
        };
        prepared.push(StudyPoint { index, scenario: Arc::new(scenario), server_prompt, judge: *judge, similarities });
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
    simulate_as(points, schedule, executor, execution_of)
}

/// Where no picture is made, there is nothing to compute at an event.
fn execution_of(scenario: &Scenario) -> Execution {
    if scenario.makes_pictures() { scenario.diffusion.execution } else { Execution::Deferred }
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
        let StudyPoint { scenario, server_prompt, index, judge, .. } = &points[point];
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
        )
        .with_judge(*judge);
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
        study.merge(point, replication, points[point].scenario.makes_pictures(), run);
    }
    Ok(study)
}

impl SimulatedStudy {
    fn merge(&mut self, point: usize, replication: u32, makes_pictures: bool, run: SimulatedRun) {
        let (graph, values) = run.recorder.finish();
        let ids = self.graph.absorb(&graph);
        let here = |id: NodeId| ids[id.index()];
        self.nodes_before_sharing += graph.len();
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
        self.runs.push(Run { point, replication, makes_pictures, users, ledger: run.ledger });
    }

    fn users_with_pictures(&self) -> impl Iterator<Item = &SimulatedUser> {
        self.runs.iter().filter(|run| run.makes_pictures).flat_map(|run| &run.users)
    }

    /// Every node whose value a table or figure shows, each once.
    pub fn wanted(&self) -> Vec<NodeId> {
        let mut wanted: Vec<NodeId> = self
            .users_with_pictures()
            .flat_map(|user| {
                let comparisons = user.comparisons.iter().flat_map(|c| [c.reference_picture, c.metrics]);
                let scores = user.ratings.iter().flat_map(|rating| &rating.answers).copied();
                [user.record.picture].into_iter().chain(user.record.received).chain(comparisons).chain(scores)
            })
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// What computing this study takes.
    pub fn cost(&self, points: usize) -> StudyCost {
        use crate::diffusion::Operation;
        let needed = self.graph.ancestors(&self.wanted());
        let pictures: Vec<NodeId> = self.users_with_pictures().map(|user| user.record.picture).collect();
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
                .users_with_pictures()
                .map(|user| self.graph.unshared_unet_evaluations(user.record.picture))
                .sum(),
            picture_decodes: count(|operation| u64::from(matches!(operation, Operation::Decode { .. }))),
            scores: count(Operation::scores),
        }
    }
}
