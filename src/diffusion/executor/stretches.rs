//! Which steps of a part of a graph may be taken without looking at the latents between them.
//!
//! ```text
//!  noise ─► step ─► step ─► step ─┬─► link ─► step ─► step ─► picture
//!          └──── a stretch ────┘  │          └ a stretch ┘
//!                                 └─► step (another prompt) ─► picture
//! ```
//!
//! A stretch ends where a latent is wanted, or read by somebody else than the next step, or where the prompt changes. Its last
//! node stands for it: it is in a wave, the others are in none.

use std::collections::{HashMap, HashSet};

use crate::diffusion::graph::{DenoisingGraph, NodeId, Operation};

/// The stretches of at least two steps.
#[derive(Debug, Default)]
pub(in crate::diffusion) struct Stretches {
    /// All nodes, by the last.
    nodes: HashMap<NodeId, Vec<NodeId>>,
    /// All but the last of each.
    inside: HashSet<NodeId>,
}

impl Stretches {
    /// No stretches: each step by itself.
    pub fn none() -> Self {
        Self::default()
    }

    /// Of the nodes that are `needed`, in ascending order. A latent `is_private` where nobody but one needed node reads it.
    pub fn of(graph: &DenoisingGraph, needed: &[NodeId], is_private: impl Fn(NodeId) -> bool) -> Self {
        let is_needed: HashSet<NodeId> = needed.iter().copied().collect();
        let mut open: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for &id in needed {
            let Some((from, ..)) = prompted(graph, id) else { continue };
            let continues = is_needed.contains(&from) && is_private(from) && goes_on(graph, from, id);
            let mut nodes = if continues { open.remove(&from) } else { None }.unwrap_or_default();
            nodes.push(id);
            open.insert(id, nodes);
        }
        open.retain(|_, nodes| nodes.len() > 1);
        let inside = open.values().flat_map(|nodes| &nodes[..nodes.len() - 1]).copied().collect();
        Self { nodes: open, inside }
    }

    /// The needed nodes without those inside of stretches, by level: nodes of one level do not depend on each other.
    pub fn waves(&self, graph: &DenoisingGraph, needed: &[NodeId]) -> Vec<Vec<NodeId>> {
        let mut waves: Vec<Vec<NodeId>> = Vec::new();
        let mut levels: HashMap<NodeId, usize> = HashMap::new();
        for &id in needed.iter().filter(|id| !self.inside.contains(id)) {
            let level = if self.nodes.is_empty() {
                graph.level(id) as usize
            } else {
                let parents = graph.operation(self.first(id)).parents();
                let level = parents.filter_map(|parent| levels.get(&parent)).max().map_or(0, |level| level + 1);
                levels.insert(id, level);
                level
            };
            if waves.len() <= level {
                waves.resize_with(level + 1, Vec::new);
            }
            waves[level].push(id);
        }
        waves
    }

    /// The nodes that are evaluated with this one, which is the last of them; itself alone where it ends no stretch.
    pub fn ending_in<'a>(&'a self, id: &'a NodeId) -> &'a [NodeId] {
        self.nodes.get(id).map_or(std::slice::from_ref(id), Vec::as_slice)
    }

    /// The first node that is evaluated with this one.
    pub fn first(&self, id: NodeId) -> NodeId {
        self.ending_in(&id)[0]
    }
}

/// Of a denoising step of one evaluation: its parent, and what the denoiser is told.
fn prompted(graph: &DenoisingGraph, id: NodeId) -> Option<(NodeId, usize, u64)> {
    match graph.operation(id) {
        Operation::Denoise { from, prompt, guidance, step, .. } if step.evaluations() == 1 => {
            Some((*from, prompt.index(), guidance.to_bits()))
        }
        _ => None,
    }
}

fn goes_on(graph: &DenoisingGraph, from: NodeId, to: NodeId) -> bool {
    match (prompted(graph, from), prompted(graph, to)) {
        (Some((_, prompt, guidance)), Some((_, next_prompt, next_guidance))) => {
            prompt == next_prompt && guidance == next_guidance
        }
        _ => false,
    }
}
