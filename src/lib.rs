//! latentlink simulates diffusion models whose denoising chain is split between an edge server and wireless devices.
//!
//! An edge server runs the first t0 denoising steps for a group of users, sends the intermediate latent over a fading
//! link on which bits flip, and each device finishes t_k steps with its own prompt. The simulator says when things
//! happen and what they cost; real neural networks, in ONNX Runtime, say what the pictures look like.
//!
//! ```text
//!  scenario.toml ──► Scenario ──► points × replications
//!                                   │ one single-threaded event simulation per run, runs side by side
//!                                   ▼
//!      time, radio, energy,    ┌──────────────┐   hands out node ids,    ┌─────────────────┐
//!      policy                  │   network    ├─────────────────────────►│ denoising graph │
//!                              └──────┬───────┘   never tensors          └────────┬────────┘
//!                                     │ records                                   │ batches of like nodes
//!                                     ▼                                           ▼
//!                                  tables  ◄───── pictures, metrics ───── ONNX Runtime sessions
//! ```
//!
//! # A scenario
//!
//! A scenario is a TOML file; what it leaves out takes a default (`docs/scenario.md` lists every key). Reading it gives
//! a [`ScenarioFile`](scenario::ScenarioFile) that knows where each value stands, so that errors point at it.
//! [`StudyPlan::prepare`](experiment::StudyPlan::prepare) checks everything;
//! [`StudyPlan::simulate`](experiment::StudyPlan::simulate) runs the network in time, without a picture;
//! [`StudyPlan::run`](experiment::StudyPlan::run) computes all runs and writes the results folder, and goes on where an
//! earlier call was stopped.
//!
//! ```
//! use latentlink::experiment::{Observer, RunId, RunOptions, StudyPlan, StudyProgress};
//! use latentlink::scenario::ScenarioFile;
//!
//! struct Quiet;
//! impl Observer for Quiet {
//!     fn stage(&self, _: &str) {}
//!     fn warn(&self, _: &str) {}
//!     fn progress(&self, _: StudyProgress) {}
//! }
//!
//! # fn main() -> miette::Result<()> {
//! let scenario = ScenarioFile::from_str(
//!     r#"
//!     study.name = "two-phones"
//!     server = { prompt = "a tiger sits in front of a bush", step_time_s = 0.05 }
//!     radio = { bandwidth_hz = 5e6, efficiency = 1.0, header_bits = 0 }
//!     policy = { t0 = 4, tk = 6, tx_power_dbw = 18.0 }
//!     judge = { kind = "none" }
//!     device = [
//!         { prompt = "a tiger sits in front of a bush", step_time_s = 0.4 },
//!         { prompt = "a dog sits in front of a bush", step_time_s = 0.4 },
//!     ]
//!     "#,
//!     "two-phones.toml",
//! )?;
//! // The default options: all cores, two gibibytes, and no score store, so that nothing is kept for other studies.
//! let plan = StudyPlan::prepare(&scenario, &RunOptions::default(), &Quiet)?;
//!
//! // The network in time; no picture has been made yet.
//! let run = plan.simulate(RunId { point: 0, replication: 0 })?;
//! let second = &run.users[1].record;
//! // 4 steps of 0.05 s, two latents of 4 × 16 × 16 values of 8 bits over 5 Mbit/s, 6 steps of 0.4 s.
//! let expected_s = 4.0 * 0.05 + 2.0 * 8192.0 / 5e6 + 6.0 * 0.4;
//! assert!((second.finished_s - expected_s).abs() < 1e-8);
//!
//! // Both devices share the server's four steps, so 4 + 6 + 6 instead of 10 + 10 steps are computed; the two
//! // error-free reference pictures add 6 + 6. Each step is two UNet evaluations, with guidance.
//! let cost = plan.cost()?;
//! assert_eq!(cost.work.unet_evaluations, 2 * (4 + 6 + 6 + 6 + 6));
//! assert_eq!(cost.unet_evaluations_unshared, 2 * (10 + 10));
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | module | answers |
//! |---|---|
//! | [`scenario`] | what did the user ask for, and where in the file |
//! | [`radio`] | how often do bits flip at this distance and power |
//! | [`diffusion`] | what does a denoising step do, what is sent, what is computed once |
//! | [`judge`] | who rates a picture, what is asked, what the answer says |
//! | [`onnx`] | where is the runtime, what is in a model pack |
//! | [`latent_cache`] | which latents are kept, and who may go on from one |
//! | [`grouping`] | whose first steps are shared |
//! | [`demand`] | when do users ask, and for what |
//! | [`mobility`] | where are they, and which server is near |
//! | [`faults`] | what breaks when |
//! | [`compute_profile`] | how long do steps take on a machine, and what energy |
//! | [`network`] | who does what when, and who pays |
//! | [`policy`] | who gets how many steps and how much power |
//! | `learn` | how is an allocation learned, and how well (feature `learn`, on by default) |
//! | [`experiment`] | which runs, in which order, what is finished, what they say together |
//! | [`report`] | how tables and figures are written |
//! | [`score_store`] | what was answered in earlier runs |
//! | [`cli`] | the program |
//!
//! Arrows point one way: `radio`, `diffusion`, `judge` and `onnx` know nothing of `network`; `network` and `policy` know
//! nothing of `experiment`; `report` draws from plain data; only `cli` prints.

pub mod cli;
pub mod compute_profile;
pub mod demand;
pub mod diffusion;
pub mod error;
pub mod experiment;
pub mod faults;
pub mod grouping;
pub mod judge;
pub mod latent_cache;
#[cfg(feature = "learn")]
pub mod learn;
pub mod mobility;
pub mod network;
pub mod onnx;
pub mod picture;
pub mod policy;
pub mod radio;
pub mod random;
pub mod report;
pub mod scenario;
pub mod score_store;
pub mod timed_rows;
