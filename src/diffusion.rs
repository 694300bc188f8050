//! Latent diffusion with a chain that can be split: noise schedules, samplers, the latent codec, and the denoising
//! graph with its executor.
//!
//! ```text
//!  prompt ─► tokens ─► text embedding ─┐
//!  noise ─► z_T ─► step ─► … ─► z_t0 ──┼─► bits ─► flipped bits ─► z̃ ─► step ─► … ─► z_0 ─► picture
//!            └─── on the server ───┘   │          (the link)      └── on the device ──┘
//!                                      └ each step takes the prompt of whoever runs it
//! ```

pub mod codec;
pub mod executor;
pub mod graph;
pub mod image_metrics;
pub mod noise_schedule;
pub mod path_analysis;
pub mod recorder;
pub mod sampler;
pub mod split;
pub mod text;
pub mod value;
pub mod worker;

pub use codec::{LatentCodec, ProtectedBits, Received, Sanitize, transmit};
pub use executor::{Executor, ExecutorError};
pub use graph::{DenoisingGraph, NodeId, Operation};
pub use image_metrics::PictureMetrics;
pub use noise_schedule::{NoiseSchedule, PredictionType, ScheduleError, TimestepSpacing};
pub use recorder::Recorder;
pub use sampler::{Chain, DenoisingStep, Sampler, guide};
pub use split::{History, Split, SplitChain};
pub use value::{Failure, LinkErrors, Value};
