//! What the simulation holds: it adds operations and gets node ids back, never tensors.
//!
//! In the deferred mode the recorder only writes the graph down. In the eager mode every new node is evaluated at the
//! moment it is added, one session call at a time, as a policy needs it whose next decision depends on the result. Where no
//! picture is made, because a formula judges, nothing is written down at all.

use std::collections::HashMap;
use std::sync::Arc;

use super::executor::{Executor, ExecutorError, Stretches};
use super::graph::{DenoisingGraph, NodeId, Operation, PromptId};
use super::value::Value;
use crate::random::StreamKey;

/// A graph under construction.
pub struct Recorder {
    graph: DenoisingGraph,
    mode: Mode,
}

enum Mode {
    Deferred,
    Eager(EagerState),
    /// Every operation is the same placeholder node.
    Nothing(NodeId),
}

struct EagerState {
    executor: Arc<Executor>,
    values: HashMap<NodeId, Value>,
}

impl Recorder {
    /// Writes the graph down for later.
    pub fn deferred(graph: DenoisingGraph) -> Self {
        Self { graph, mode: Mode::Deferred }
    }

    /// Evaluates each node as it is added.
    pub fn eager(graph: DenoisingGraph, executor: Arc<Executor>) -> Self {
        Self { graph, mode: Mode::Eager(EagerState { executor, values: HashMap::new() }) }
    }

    /// Writes nothing down: for runs of which nobody sees a picture. All ids it hands out are equal and mean nothing.
    pub fn nothing(mut graph: DenoisingGraph) -> Self {
        let seed = StreamKey::new(0, 0, "nothing", "");
        let placeholder = graph.insert(Operation::Noise { seed, scale: 0.0 });
        Self { graph, mode: Mode::Nothing(placeholder) }
    }

    /// Whether operations are written down.
    pub fn records(&self) -> bool {
        !matches!(self.mode, Mode::Nothing(_))
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
        if let Mode::Nothing(placeholder) = self.mode {
            return Ok(placeholder);
        }
        let id = self.graph.insert(operation);
        if let Mode::Eager(EagerState { executor, values }) = &mut self.mode
            && !values.contains_key(&id)
        {
            let mut computed = Vec::with_capacity(1);
            executor.evaluate(&self.graph, &[id], &Stretches::none(), values, &mut |finished| {
                computed.extend(finished);
                Ok(())
            })?;
            if let Some((_, Value::CallFailed(message))) = computed.first() {
                return Err(ExecutorError::Call { message: message.to_string() });
            }
            values.extend(computed);
        }
        Ok(id)
    }

    /// The graph so far.
    pub fn graph(&self) -> &DenoisingGraph {
        &self.graph
    }

    /// Goes on with a graph that was saved; what eager runs computed on the way is not saved with it.
    pub fn put_back(&mut self, graph: DenoisingGraph) {
        self.graph = graph;
    }

    /// The graph, and the values if they were computed on the way.
    pub fn finish(self) -> (DenoisingGraph, Option<HashMap<NodeId, Value>>) {
        match self.mode {
            Mode::Eager(state) => (self.graph, Some(state.values)),
            Mode::Deferred | Mode::Nothing(_) => (self.graph, None),
        }
    }
}
