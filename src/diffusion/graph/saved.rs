//! A graph in a file: its prompts and operations, from which keys and levels follow.

use serde::{Deserialize, Serialize};

use super::{DenoisingGraph, Operation};

#[derive(Serialize, Deserialize)]
pub(super) struct SavedGraph {
    pack_digest: [u8; 32],
    is_told_guidance: bool,
    prompts: Vec<String>,
    operations: Vec<Operation>,
}

impl From<DenoisingGraph> for SavedGraph {
    fn from(graph: DenoisingGraph) -> Self {
        let DenoisingGraph { pack_digest, is_told_guidance, nodes, prompts, .. } = graph;
        Self {
            pack_digest,
            is_told_guidance,
            prompts,
            operations: nodes.into_iter().map(|node| node.operation).collect(),
        }
    }
}

impl From<SavedGraph> for DenoisingGraph {
    fn from(saved: SavedGraph) -> Self {
        let mut graph = Self { is_told_guidance: saved.is_told_guidance, ..Self::new(saved.pack_digest) };
        for prompt in &saved.prompts {
            graph.prompt(prompt);
        }
        for operation in saved.operations {
            graph.insert(operation);
        }
        graph
    }
}
