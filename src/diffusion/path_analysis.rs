//! The denoising paths of two prompts, and the paths that switch from one to the other (paper, 3.1.3 and Fig. 2 B, C).
//!
//! P_c(t) is the latent on the path of prompt c with t steps to go; all paths start at one z_T. A is the prompt of the user,
//! who finishes the picture; B is that of the server, who begins it. A path that *switches* at t_off follows B for
//! N − t_off steps and A for the t_off that remain, as Algorithm 1 does:
//!
//! ```text
//!           ┌─A─●─A─●─A─●─A─● P_A(0)     t_off = N: never under B
//!     z_T ──┤
//!           └─B─●─B─●─B─●─B─● P_B(0)     t_off = 0: never under A
//!               │   └─A─●─A─●            t_off = 2
//!               └─A─●─A─●─A─●            t_off = 3
//! ```
//!
//! All of these are one denoising graph, so that what two paths have in common is computed once: N(N + 3)/2 steps instead
//! of N(N + 1). The paper asks how far the switched path ends from P_A(0), and expects little harm where the prompts are
//! close, (14), and the switch comes early, while (15) is small. [`PathPlan::measure`] gives these distances; [`distances`]
//! has their formulas.

pub mod distances;
mod measurement;

use std::num::NonZeroU32;

use super::graph::{DenoisingGraph, NodeId, Operation};
use super::noise_schedule::{NoiseSchedule, ScheduleError};
use super::sampler::{Chain, DenoisingStep, Sampler};
use crate::random::StreamKey;

pub use measurement::{PathReplication, PictureSink, SwitchMeasures};

/// Which paths are taken.
#[derive(Debug, Clone, PartialEq)]
pub struct PathSettings {
    /// A, what the user asks for.
    pub user_prompt: String,
    /// B, what the server draws before the switch.
    pub server_prompt: String,
    /// Deterministic: DDIM with η = 0, or Euler.
    pub sampler: Sampler,
    /// N, steps of every path.
    pub steps: u32,
    /// Classifier-free guidance scale w ≥ 0; 1 means no guidance.
    pub guidance: f64,
    /// Seed of the start latents, which are those of a study with this seed.
    pub seed: u64,
    /// Start latents z_T.
    pub replications: NonZeroU32,
}

/// Why paths cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum PathError {
    /// A prompt without a word.
    #[error("prompt {name} is empty")]
    #[diagnostic(help("give both prompts in words, say \"an apple on the table\" \"a lemon on the table\""))]
    EmptyPrompt {
        /// `A` or `B`.
        name: &'static str,
    },
    /// Fresh noise in each step moves a path as much as another prompt may.
    #[error(
        "the sampler draws fresh noise in each step, so that P_A(0) and P_B(0) would differ by the noise as well: the \
         distances (14), (16) and (17) are defined for deterministic paths from one start latent"
    )]
    #[diagnostic(help("take ddim (eta = 0), euler, pndm or dpm-solver++"))]
    Stochastic,
    /// A guidance scale without a meaning.
    #[error("guidance is {guidance}, expected a number of at least 0")]
    #[diagnostic(help("1 is no guidance; the shipped pack is made for 2"))]
    Guidance { guidance: f64 },
    /// The pack's noise schedule has no such chain.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Schedule(#[from] ScheduleError),
}

/// One point along every path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathPoint {
    /// Steps to go.
    pub t_off: u32,
    /// What the denoiser is told in the next step; `None` at the clean end.
    pub timestep: Option<f64>,
    /// ᾱ of the latent: 0 at the start, which is pure noise whatever the denoiser is told; then where the step that made it
    /// leads.
    pub alpha_bar: f64,
}

/// The nodes of one path that switches.
#[derive(Debug, Clone, Copy)]
struct SwitchNodes {
    end: NodeId,
    picture: NodeId,
    /// Against the picture of P_A(0).
    comparison: NodeId,
}

/// The nodes that belong to one start latent.
#[derive(Debug, Clone)]
struct ReplicationNodes {
    /// P_B after 0 … N steps.
    server: Vec<NodeId>,
    /// After 0 … N steps under B; the first never leaves A, the last never leaves B.
    switches: Vec<SwitchNodes>,
}

/// Paths that are written down, not computed yet.
#[derive(Debug, Clone)]
pub struct PathPlan {
    graph: DenoisingGraph,
    points: Vec<PathPoint>,
    replications: Vec<ReplicationNodes>,
}

impl PathPlan {
    /// Writes the paths down in an empty graph over the pack with this schedule.
    ///
    /// # Errors
    /// [`PathError`].
    pub fn new(
        settings: &PathSettings,
        schedule: &NoiseSchedule,
        mut graph: DenoisingGraph,
    ) -> Result<Self, PathError> {
        for (name, prompt) in [("A", &settings.user_prompt), ("B", &settings.server_prompt)] {
            if prompt.trim().is_empty() {
                return Err(PathError::EmptyPrompt { name });
            }
        }
        if settings.sampler.is_stochastic() {
            return Err(PathError::Stochastic);
        }
        if !(settings.guidance.is_finite() && settings.guidance >= 0.0) {
            return Err(PathError::Guidance { guidance: settings.guidance });
        }
        let chain = schedule.chain(settings.sampler, settings.steps)?;
        let replications = (0..settings.replications.get())
            .map(|replication| {
                let seed = StreamKey::new(settings.seed, replication, "start-latent", "round");
                record(&mut graph, settings, &chain, seed)
            })
            .collect();
        Ok(Self { graph, points: points(&chain), replications })
    }

    /// All nodes of all paths.
    pub fn graph(&self) -> &DenoisingGraph {
        &self.graph
    }

    /// From the start, t_off = N, to the clean end, t_off = 0.
    pub fn points(&self) -> &[PathPoint] {
        &self.points
    }

    /// UNet evaluations of all paths, those in common once.
    pub fn unet_evaluations(&self) -> u64 {
        let wanted: Vec<NodeId> = self.replications.iter().flat_map(ReplicationNodes::wanted).collect();
        self.graph.ancestors(&wanted).into_iter().map(|id| self.graph.unet_evaluations(id)).sum()
    }

    /// UNet evaluations if each path were computed on its own.
    pub fn unet_evaluations_unshared(&self) -> u64 {
        let of_one = |switch: &SwitchNodes| self.graph.unshared_unet_evaluations(switch.end);
        // All paths of a replication are of one length.
        self.replications.iter().map(|nodes| nodes.switches.len() as u64 * of_one(&nodes.switches[0])).sum()
    }
}

impl ReplicationNodes {
    /// Every node whose value is measured.
    fn wanted(&self) -> Vec<NodeId> {
        let switches = self.switches.iter().flat_map(|switch| [switch.end, switch.picture, switch.comparison]);
        self.server.iter().copied().chain(switches).collect()
    }
}

/// Adds the paths from one start latent.
fn record(graph: &mut DenoisingGraph, settings: &PathSettings, chain: &Chain, seed: StreamKey) -> ReplicationNodes {
    let start = graph.insert(Operation::Noise { seed, scale: chain.start_scale });
    let server = follow(graph, start, &settings.server_prompt, settings.guidance, &chain.steps);
    let mut user_picture = None;
    let switches = server
        .iter()
        .enumerate()
        .map(|(t0, &handed_over)| {
            let own = follow(graph, handed_over, &settings.user_prompt, settings.guidance, &chain.steps[t0..]);
            let end = own[own.len() - 1];
            let picture = graph.insert(Operation::Decode { from: end });
            let reference = *user_picture.get_or_insert(picture);
            SwitchNodes { end, picture, comparison: graph.insert(Operation::Compare { picture, reference }) }
        })
        .collect();
    ReplicationNodes { server, switches }
}

/// The latents from `from` on, itself first, one more for each step.
fn follow(
    graph: &mut DenoisingGraph,
    from: NodeId,
    prompt: &str,
    guidance: f64,
    steps: &[DenoisingStep],
) -> Vec<NodeId> {
    let prompt = graph.prompt(prompt);
    let mut nodes = vec![from];
    for step in steps {
        let from = nodes[nodes.len() - 1];
        nodes.push(graph.insert(Operation::Denoise { from, prompt, guidance, step: *step, noise: None }));
    }
    nodes
}

fn points(chain: &Chain) -> Vec<PathPoint> {
    let steps = &chain.steps;
    (0..=steps.len())
        .map(|taken| PathPoint {
            t_off: (steps.len() - taken) as u32,
            timestep: steps.get(taken).map(|step| step.timestep),
            alpha_bar: if taken == 0 { 0.0 } else { steps[taken - 1].alpha_bar_to },
        })
        .collect()
}
