//! Which runs of a block are computed together.
//!
//! A group is as many runs as may be in flight at once: enough to fill batches, few enough for the memory and for what a
//! kill may cost. Groups follow a depth-first walk of the graph, so that runs with a common prefix stand together and few
//! latents are held from one group to the next. They depend on the graph and the memory limit, never on threads.

use super::memory::MemoryLimit;
use super::simulation::{Block, Run};
use crate::onnx::DiffusionPack;

/// Users' pictures in flight at most: more fill no batch better.
const PICTURES_PER_GROUP: usize = 128;

/// Positions of runs in the block, group by group. Runs that make no picture are in none.
pub fn groups(block: &Block, limit: MemoryLimit, pack: &DiffusionPack) -> Vec<Vec<usize>> {
    let positions = block.graph.depth_first_positions();
    let first_picture = |run: &Run| run.users.iter().map(|user| positions[user.record.picture.index()]).min();
    let mut order: Vec<usize> = (0..block.runs.len()).filter(|&run| block.runs[run].makes_pictures()).collect();
    order.sort_by_key(|&run| first_picture(&block.runs[run]));
    let most = PICTURES_PER_GROUP.min(limit.pictures_in_flight(pack));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for run in order {
        // A picture and each of its references takes a chain.
        let takes: usize = block.runs[run].users.iter().map(|user| 1 + user.comparisons.len()).sum();
        match groups.last_mut() {
            Some(group) if takes <= room => {
                group.push(run);
                room -= takes;
            }
            _ => {
                groups.push(vec![run]);
                room = most.saturating_sub(takes);
            }
        }
    }
    groups
}
