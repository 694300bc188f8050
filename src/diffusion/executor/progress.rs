//! Work counted by kind, for plans, progress bars and reports.

use serde::{Deserialize, Serialize};

use crate::diffusion::graph::{DenoisingGraph, NodeId, Operation};

/// Nodes by kind. Start latents and links take no network and are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkCounts {
    /// Two a denoising step with classifier-free guidance.
    pub unet_evaluations: u64,
    /// Latents decoded to pictures.
    pub decodes: u64,
    /// Pictures measured against a reference.
    pub comparisons: u64,
    /// Answers of judges that are shown pictures.
    pub scores: u64,
}

impl WorkCounts {
    /// Counts one node.
    pub fn add(&mut self, graph: &DenoisingGraph, id: NodeId) {
        let operation = graph.operation(id);
        self.unet_evaluations += graph.unet_evaluations(id);
        self.decodes += u64::from(matches!(operation, Operation::Decode { .. }));
        self.comparisons += u64::from(matches!(operation, Operation::Compare { .. }));
        self.scores += operation.scores();
    }

    /// What `some` of `all` take, if these are what all take.
    pub fn part(self, some: u64, all: u64) -> Self {
        let part = |count: u64| (u128::from(count) * u128::from(some) / u128::from(all.max(1))) as u64;
        Self {
            unet_evaluations: part(self.unet_evaluations),
            decodes: part(self.decodes),
            comparisons: part(self.comparisons),
            scores: part(self.scores),
        }
    }

    /// Everything, whatever its kind.
    pub fn sum(&self) -> u64 {
        self.unet_evaluations + self.decodes + self.comparisons + self.scores
    }
}

impl std::ops::Add for WorkCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            unet_evaluations: self.unet_evaluations + other.unet_evaluations,
            decodes: self.decodes + other.decodes,
            comparisons: self.comparisons + other.comparisons,
            scores: self.scores + other.scores,
        }
    }
}

/// How far an evaluation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExecutionProgress {
    pub done: WorkCounts,
    pub total: WorkCounts,
}
