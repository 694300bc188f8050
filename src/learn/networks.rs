//! What the actors and the critic compute.
//!
//! ```text
//!  MlpActor        s ─► h ─► h ─► h ─► A ─► tanh                                       Mish between
//!
//!  DiffusionActor  s ─► h ─► h ────────────────┐ once per state                        Mish between
//!                  i ─► 16 ─► 32 ─► 16 ──────┐ │ once per step
//!                  x_i ────────────────────┐ │ │
//!                                          (+) ─► h ─► h ─► A ─► head ─► x_{i−1}       T times, from x_T to the action x_0
//!
//!  TwinCritic      s ─► h ─► h ─┬─(+)─► h ─► h ─► 1 = Q1                               ReLU between
//!                  a ───────────┼──┘
//!                               └─(+)─► h ─► h ─► 1 = Q2
//! ```
//!
//! Where vectors meet, a concatenation followed by a linear layer is written as a sum of linear layers: the same numbers
//! and the same initialisation, but what depends on the state alone is multiplied once and not at each step.

pub mod activation;
pub mod diffusion_actor;
pub mod layers;
pub mod mlp_actor;
pub mod time_embedding;
pub mod twin_critic;

pub use diffusion_actor::DiffusionActor;
pub use layers::{LayerShape, Layers, Linear};
pub use mlp_actor::MlpActor;
pub use twin_critic::TwinCritic;
