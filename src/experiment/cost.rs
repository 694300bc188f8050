//! Work that a study takes, counted before it is done.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::diffusion::executor::WorkCounts;

/// Work that a study takes. Those of blocks add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StudyCost {
    pub runs: u64,
    /// Nodes of the graphs of all runs, each run alone.
    pub nodes_before_sharing: u64,
    /// Nodes that are left after equal ones became one.
    pub nodes_after_sharing: u64,
    /// Denoising steps to compute, reference pictures included, each shared step once.
    pub denoising_steps: u64,
    /// Everything to compute by kind, reference pictures included, equal work once.
    pub work: WorkCounts,
    /// UNet evaluations that no user's picture needs, only a reference picture.
    pub unet_evaluations_of_references: u64,
    /// UNet evaluations if every user's picture were generated on its own, without any reference picture.
    pub unet_evaluations_unshared: u64,
}

impl AddAssign for StudyCost {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.nodes_before_sharing += other.nodes_before_sharing;
        self.nodes_after_sharing += other.nodes_after_sharing;
        self.denoising_steps += other.denoising_steps;
        self.work = self.work + other.work;
        self.unet_evaluations_of_references += other.unet_evaluations_of_references;
        self.unet_evaluations_unshared += other.unet_evaluations_unshared;
    }
}
