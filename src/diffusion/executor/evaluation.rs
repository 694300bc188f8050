//! One graph on its way through the executor: what is needed, what is done, what is still held.
//!
//! The nodes somebody wants may be asked for in parts, one after the other. A value that a later part needs as well is
//! held until its last reader is done, so that cutting a study into parts computes nothing twice:
//!
//! ```text
//!  noise ─► shared steps ─┬─► device steps ─► picture     part 1
//!               │         └─► device steps ─► picture     part 1
//!               └──(held)───► device steps ─► picture     part 2, then dropped
//! ```

use std::collections::HashMap;

use super::stretches::Stretches;
use super::{ExecutionProgress, Executor, ExecutorError, Sink, WorkCounts};
use crate::diffusion::graph::{DenoisingGraph, NodeId};
use crate::diffusion::value::Value;

/// A graph, the nodes that are wanted of it, and the values that are held.
pub struct Evaluation<'g> {
    graph: &'g DenoisingGraph,
    /// How many needed nodes that are not done yet read each node.
    readers: HashMap<NodeId, u32>,
    values: HashMap<NodeId, Value>,
    /// By any part: a value is handed out when it is there, also where a part needs it before another asks for it.
    is_wanted: Vec<bool>,
    is_done: Vec<bool>,
    total: WorkCounts,
    done: WorkCounts,
}

impl<'g> Evaluation<'g> {
    /// Plans the evaluation of `wanted`, all parts together. Nodes whose values are `known` are not evaluated, nor what
    /// only they depend on.
    pub fn new(graph: &'g DenoisingGraph, wanted: &[NodeId], known: HashMap<NodeId, Value>) -> Self {
        let mut is_wanted = vec![false; graph.len()];
        for id in wanted {
            is_wanted[id.index()] = true;
        }
        let mut is_done = vec![false; graph.len()];
        for id in known.keys() {
            is_done[id.index()] = true;
        }
        let mut readers: HashMap<NodeId, u32> = HashMap::new();
        let mut total = WorkCounts::default();
        for id in graph.ancestors_beyond(wanted, |id| is_done[id.index()]) {
            total.add(graph, id);
            for parent in graph.operation(id).parents() {
                *readers.entry(parent).or_default() += 1;
            }
        }
        Self { graph, readers, values: known, is_wanted, is_done, total, done: WorkCounts::default() }
    }

    /// What all parts take.
    pub fn total(&self) -> WorkCounts {
        self.total
    }

    /// What the parts so far have taken.
    pub fn done(&self) -> WorkCounts {
        self.done
    }

    /// Evaluates one part of the wanted nodes, all that no earlier part did. Each wanted value is handed to `sink` once, by
    /// the part that computes it. A session call that fails gives its node and all that depend on it
    /// [`Value::CallFailed`]; the others go on.
    ///
    /// # Errors
    /// Models that do not load, a sink that fails, [`ExecutorError::Stopped`]; values handed out before stay valid.
    pub fn run(
        &mut self,
        executor: &Executor,
        part: &[NodeId],
        progress: &dyn Fn(ExecutionProgress),
        sink: &mut Sink<'_>,
    ) -> Result<(), ExecutorError> {
        let graph = self.graph;
        let needed = graph.ancestors_beyond(part, |id| self.is_done[id.index()]);
        let stretches = if executor.has_resident_latents {
            let is_private = |id: NodeId| !self.is_wanted[id.index()] && self.readers.get(&id) == Some(&1);
            Stretches::of(graph, &needed, is_private)
        } else {
            Stretches::none()
        };
        for wave in &stretches.waves(graph, &needed) {
            let Self { readers, values, is_wanted, is_done, total, done, .. } = self;
            let mut finished = Vec::with_capacity(wave.len());
            executor.evaluate(graph, wave, &stretches, values, &mut |of_batches| {
                for (id, value) in of_batches {
                    if is_wanted[id.index()] {
                        sink(id, &value).map_err(ExecutorError::Sink)?;
                    }
                    for &id in stretches.ending_in(&id) {
                        done.add(graph, id);
                        is_done[id.index()] = true;
                    }
                    if readers.contains_key(&id) {
                        finished.push((id, value));
                    }
                }
                progress(ExecutionProgress { done: *done, total: *total });
                Ok(())
            })?;
            values.extend(finished);
            for parent in wave.iter().flat_map(|&id| graph.operation(stretches.first(id)).parents()) {
                if let Some(count) = readers.get_mut(&parent) {
                    *count -= 1;
                    if *count == 0 {
                        readers.remove(&parent);
                        values.remove(&parent);
                    }
                }
            }
        }
        Ok(())
    }
}
