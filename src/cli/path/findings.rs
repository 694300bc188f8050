//! What a run of `latentlink path` found, for its files and its last words.

use std::time::SystemTime;

use crate::diffusion::path_analysis::distances::text_distance;
use crate::diffusion::path_analysis::{PathPlan, PathReplication, PathSettings, SwitchMeasures};
use crate::experiment::statistics::Summary;
use crate::onnx::runtime::LoadedRuntime;
use crate::onnx::{DiffusionPack, ResolvedProvider};

pub(super) struct PathFindings<'a> {
    pub settings: &'a PathSettings,
    /// The name of a deterministic sampler.
    pub sampler: &'static str,
    pub pack: &'a DiffusionPack,
    pub provider: ResolvedProvider,
    pub runtime: &'a LoadedRuntime,
    pub plan: &'a PathPlan,
    pub replications: &'a [PathReplication],
    /// Cosine similarity of the prompts' embeddings.
    pub cosine: f64,
    pub started: SystemTime,
    pub wall_time_s: f64,
    pub threads: usize,
}

impl PathFindings<'_> {
    /// Values of a latent of the pack.
    pub fn latent_values(&self) -> usize {
        self.pack.latent_shape().iter().product()
    }

    /// The stand-in for (14) from the prompts alone.
    pub fn text_distance(&self) -> f64 {
        text_distance(self.cosine, self.latent_values())
    }

    /// (14) over the replications; `None` where every path failed.
    pub fn semantic_distance(&self) -> Option<Summary> {
        Summary::of(self.replications.iter().filter_map(|replication| replication.semantic_distance)).ok()
    }

    /// A number of one switch, position `at` in the order of the plan's points, over the replications.
    pub fn observed(&self, at: usize, select: impl Fn(&SwitchMeasures) -> Option<f64>) -> Vec<f64> {
        self.replications.iter().filter_map(|replication| select(&replication.switches[at])).collect()
    }

    /// (15) at position `at`, over the replications.
    pub fn kl_divergences(&self, at: usize) -> Vec<f64> {
        let point = self.plan.points()[at];
        let of_one = |replication: &PathReplication| point.kl_divergence(replication.semantic_distance?);
        self.replications.iter().filter_map(of_one).collect()
    }
}
