//! The learners: an allocation of steps and power is learned from (state, action, reward) records, Algorithm 3 of the paper.
//!
//! ```text
//!   environment ── (s, a, r [, s', done]) ──► Replay ── Batch ──┐
//!        ▲                                                      ▼
//!        │                                   ┌────────────── Learner::update ─────────────────────┐
//!        │ act(s, noise)                     │ critic: (Q1, Q2)(s, a) regressed to the target (29)│
//!        │                                   │ actor:  max min(Q1, Q2)(s, A(s, noise))       (28) │
//!        │                                   │ targets follow slowly, if episodes have a next step│
//!        │                                   └───┬───────────────────────────┬────────────────────┘
//!        └───────────────────────────────────────┘                           │ export_onnx
//!                                                                            ▼
//!   Ddpg     actor  s ─► MLP ─► tanh ─► a                                actor.onnx: the chain unrolled,
//!   Td3      the same, delayed, smoothed targets                         noise as an input, min(Q1, Q2)
//!   GDdpg    actor  s, x_T ~ N(0, 1) ─► T denoising steps ─► a           as an output
//! ```
//!
//! Where things are: [`ddpg`], [`gddpg`] and [`td3`] are one update each, to be read beside the paper; [`networks`] says
//! what the actors and the critic compute; [`actor_critic`] holds their weights; [`learner`] is what a trainer calls.
//!
//! The weights live in flat arrays of ours, with their moments of AdamW; burn computes with them and differentiates.
//! All randomness comes in from outside, burn's own generator is never used, and its CPU backend is built without threads:
//! an update gives the same bits whatever runs beside it, and many trainings share a machine by running side by side.
//! (Another kind of processor has other vector units and may round differently.)

pub mod actor_critic;
pub mod adamw;
pub mod baselines;
pub mod best_constant;
pub mod checkpoint;
pub mod choices;
pub mod ddpg;
pub mod environment;
pub mod environment_server;
pub mod evaluation;
pub mod figures;
pub mod finished_training;
pub mod gddpg;
pub mod learner;
mod learning_figures;
pub mod networks;
pub mod onnx_export;
pub mod onnx_messages;
pub mod replay;
pub mod reward;
pub mod settings;
pub mod spaces;
mod starting_point;
pub mod summary;
pub mod td3;
pub mod tensorboard;
pub mod training;
pub mod training_curve;
mod training_error;
pub mod training_results;
mod training_schedule;
pub mod training_state;
pub mod training_study;
pub mod vp_schedule;

pub use actor_critic::{ActorCritic, UpdateNoise};
pub use checkpoint::LearnerError;
pub use figures::TrainingFigureError;
pub use learner::{Learner, UpdateLosses};
pub use replay::{Batch, EmptyReplay, Replay};
pub use settings::LearnerSettings;
pub use training_error::TrainingError;

use burn::tensor::Device;

/// Where burn computes: the CPU, or with the feature `cuda` the first GPU.
pub fn device() -> Device {
    #[cfg(feature = "cuda")]
    return Device::cuda(0);
    #[cfg(not(feature = "cuda"))]
    Device::flex()
}
