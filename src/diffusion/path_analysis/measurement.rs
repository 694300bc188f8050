//! Computing the paths, and measuring them.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use super::distances::euclidean_distance;
use super::{PathPlan, ReplicationNodes};
use crate::diffusion::NodeId;
use crate::diffusion::executor::{ExecutionProgress, Executor, ExecutorError, WorkCounts};
use crate::diffusion::image_metrics::PictureMetrics;
use crate::diffusion::value::{Failure, Latent, Value};
use crate::picture::Picture;

/// Receives the picture of each switched path, by replication and t_off.
pub type PictureSink<'a> = dyn FnMut(u32, u32, &Picture) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// The paths from one start latent. Distances are in the unit of the latent.
#[derive(Debug, Clone, PartialEq)]
pub struct PathReplication {
    /// (14), d(A, B) = ‖P_A(0) − P_B(0)‖; `None` where a path failed.
    pub semantic_distance: Option<f64>,
    /// In the order of [`PathPlan::points`].
    pub switches: Vec<SwitchMeasures>,
}

/// The path that switches from B to A with t_off steps to go. A number is `None` where a latent it needs failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SwitchMeasures {
    pub t_off: u32,
    /// (16), what is left of the path that does not switch: ‖P_B(t_off) − P_B(0)‖.
    pub remaining_own_distance: Option<f64>,
    /// (17), from the same point to the end of the other prompt: ‖P_B(t_off) − P_A(0)‖.
    pub remaining_switched_distance: Option<f64>,
    /// (14) − |(17) − (16)|, which the triangle inequality holds at 0 or above, up to rounding.
    pub inequality_slack: Option<f64>,
    /// How far the switched path ends from the end of A.
    pub switched_latent_distance: Option<f64>,
    /// (18): the picture of the switched path against D(P_A(0)).
    pub metrics: Option<PictureMetrics>,
    /// Why there is no picture.
    pub failure: Option<Failure>,
}

/// What the executor said of one replication.
#[derive(Default)]
struct Values {
    latents: HashMap<NodeId, Arc<Latent>>,
    metrics: HashMap<NodeId, PictureMetrics>,
    failures: HashMap<NodeId, Failure>,
}

impl PathPlan {
    /// Computes every path and measures it; `save` gets each picture. One replication after the other, so that its numbers
    /// depend on nothing but its start latent, and so that no more latents are held than one needs.
    ///
    /// # Errors
    /// The first failing session call, or [`ExecutorError::Sink`] where `save` fails.
    pub fn measure(
        &self,
        executor: &Executor,
        progress: &dyn Fn(ExecutionProgress),
        save: &mut PictureSink<'_>,
    ) -> Result<Vec<PathReplication>, ExecutorError> {
        let total = WorkCounts { unet_evaluations: self.unet_evaluations(), ..WorkCounts::default() };
        let before = Cell::new(0);
        let done = Cell::new(0);
        let mut measured = Vec::with_capacity(self.replications.len());
        for (replication, nodes) in self.replications.iter().enumerate() {
            let told = |state: ExecutionProgress| {
                done.set(before.get() + state.done.unet_evaluations);
                let done = WorkCounts { unet_evaluations: done.get(), ..WorkCounts::default() };
                progress(ExecutionProgress { done, total });
            };
            let mut values = Values::default();
            let mut broken = None;
            executor.run(&self.graph, &nodes.wanted(), &told, &mut |id, value| {
                match value {
                    Value::Latent(latent) => {
                        values.latents.insert(id, Arc::clone(latent));
                    }
                    Value::Metrics(metrics) => {
                        values.metrics.insert(id, *metrics);
                    }
                    Value::Failed(failure) => {
                        values.failures.insert(id, *failure);
                    }
                    Value::CallFailed(message) => broken = Some(message.to_string()),
                    Value::Picture(picture) => {
                        // Equal prompts make equal paths: then one node is the picture of each.
                        for (switch, point) in nodes.switches.iter().zip(&self.points) {
                            if switch.picture == id {
                                save(replication as u32, point.t_off, picture)?;
                            }
                        }
                    }
                    Value::Answer(_) => unreachable!("nobody judges the pictures of a path"),
                }
                Ok(())
            })?;
            if let Some(message) = broken {
                return Err(ExecutorError::Call { message });
            }
            before.set(done.get());
            measured.push(self.measured(nodes, &values));
        }
        Ok(measured)
    }

    fn measured(&self, nodes: &ReplicationNodes, values: &Values) -> PathReplication {
        let distance = |a: NodeId, b: NodeId| {
            let (a, b) = (values.latents.get(&a)?, values.latents.get(&b)?);
            Some(euclidean_distance(&a.values, &b.values))
        };
        let user_end = nodes.switches[0].end;
        let server_end = nodes.server[nodes.server.len() - 1];
        let semantic_distance = distance(user_end, server_end);
        let switches =
            self.points.iter().zip(&nodes.server).zip(&nodes.switches).map(|((point, &switched_at), switch)| {
                let own = distance(switched_at, server_end);
                let switched = distance(switched_at, user_end);
                let gap = own.zip(switched).map(|(own, switched)| (switched - own).abs());
                SwitchMeasures {
                    t_off: point.t_off,
                    remaining_own_distance: own,
                    remaining_switched_distance: switched,
                    inequality_slack: semantic_distance.zip(gap).map(|(d, gap)| d - gap),
                    switched_latent_distance: distance(switch.end, user_end),
                    metrics: values.metrics.get(&switch.comparison).copied(),
                    failure: values.failures.get(&switch.picture).copied(),
                }
            });
        PathReplication { semantic_distance, switches: switches.collect() }
    }
}
