//! Checkpoints: the engine saves its models and its calendar; the archive is the model that carries everything else along.
//!
//! ```text
//!  keep ─────► books, graph ─► archive ─┐
//!                                       ├─► one file ─► restore ─► put_back ─► books, graph
//!              all other models ────────┘
//! ```

use std::sync::Arc;

use nexosim::model::{Context, Model};
use serde::{Deserialize, Serialize};

use super::context::RunContext;
use super::state::RunState;
use crate::diffusion::graph::DenoisingGraph;

/// Holds the books and the graph while a run is saved; empty otherwise.
#[derive(Default, Serialize, Deserialize)]
pub struct Archive {
    state: Option<RunState>,
    graph: Option<DenoisingGraph>,
}

#[Model(type Env = Arc<RunContext>)]
impl Archive {
    /// Takes a copy of what is no model's own -- input port.
    pub async fn keep(&mut self, _: (), _: &Context<Self>, context: &mut Arc<RunContext>) {
        self.state = Some(context.state().clone());
        self.graph = Some(context.recorder().graph().clone());
    }

    /// Lets the copy go -- input port.
    pub async fn let_go(&mut self, _: ()) {
        *self = Self::default();
    }

    /// Puts the copy where it was -- input port.
    pub async fn put_back(&mut self, _: (), _: &Context<Self>, context: &mut Arc<RunContext>) {
        if let Some(state) = self.state.take() {
            *context.state() = state;
        }
        if let Some(graph) = self.graph.take() {
            context.recorder().put_back(graph);
        }
    }
}
