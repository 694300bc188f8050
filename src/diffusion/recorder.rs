//! What the simulation holds: it adds operations and gets node ids back, never tensors.
//!
//! In the deferred mode the recorder only writes the graph down. In the eager mode every new node is evaluated at the
//! moment it is added, one session call at a time, as a policy needs it whose next decision depends on the result.

use std::collections::HashMap;
use std::sync::Arc;

use super::executor::{Executor, ExecutorError};
use super::graph::{DenoisingGraph, NodeId, Operation, PromptId};
use super::value::Value;

/// A graph under construction.
pub struct Recorder {
    graph: DenoisingGraph,
    eager: Option<EagerState>,
}

struct EagerState {
    executor: Arc<Executor>,
    values: HashMap<NodeId, Value>,
}

impl Recorder {
    /// Writes the graph down for later.
    pub fn deferred(graph: DenoisingGraph) -> Self {
        Self { graph, eager: None }
    }

    /// Evaluates each node as it is added.
    pub fn eager(graph: DenoisingGraph, executor: Arc<Executor>) -> Self {
        Self { graph, eager: Some(EagerState { executor, values: HashMap::new() }) }
    }

    /// The id of a prompt.
    pub fn prompt(&mut self, text: &str) -> PromptId {
        self.graph.prompt(text)
    }

    /// Adds an operation, or finds the node that computes it already.
    ///
    /// # Errors
    /// In the eager mode: what the executor says.
    pub fn insert(&mut self, operation: Operation) -> Result<NodeId, ExecutorError> {
        let id = self.graph.insert(operation);
        if let Some(EagerState { executor, values }) = &mut self.eager
            && !values.contains_key(&id)
        {
            let mut computed = Vec::with_capacity(1);
            executor.evaluate(&self.graph, &[id], values, &mut |finished| {
                computed.extend(finished);
                Ok(())
            })?;
            values.extend(computed);
        }
        Ok(id)
    }

    /// The graph, and the values if they were computed on the way.
    pub fn finish(self) -> (DenoisingGraph, Option<HashMap<NodeId, Value>>) {
        (self.graph, self.eager.map(|state| state.values))
    }
}
