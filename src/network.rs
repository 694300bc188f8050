//! The network in time: nexosim models of one synchronous round, and the bench that wires them.
//!
//! ```text
//!                  request                 hand-over k             delivery k
//!  ┌──────────────┐      ┌──────────────┐           ┌─────────────┐          ┌───────────────┐
//!  │ PromptSource ├─────►│  EdgeServer  ├──────────►│ RadioLink k ├─────────►│ UserDevice k  │
//!  └──────────────┘      │ t0 steps,    │           │ fading, bit │          │ t_k steps,    │
//!                        │ allocation   │           │ errors      │          │ picture       │
//!                        └──┬────────┬──┘           └──────┬──────┘          └──▲─────────┬──┘
//!                           │        │  t0 = 0: generate    │ energy             │         │ user record,
//!                           │        └──────── alone ───────┼────────────────────┘         │ energy
//!                           │ energy                        ▼                              │
//!                           │                          ┌─────────┐                         │
//!                           └─────────────────────────►│  Meter  │◄────────────────────────┘
//!                                                      └─────────┘
//! ```
//!
//! Models decide *when*; every tensor stays in the denoising graph behind [`RunContext`].

pub mod bench;
pub mod clock;
pub mod context;
pub mod edge_server;
pub mod ledger;
pub mod messages;
pub mod meter;
pub mod prompt_source;
pub mod radio_link;
pub mod rating;
pub mod reference;
pub mod user_device;

pub use bench::{SimulatedRun, simulate_round};
pub use context::{NetworkError, RunContext};
pub use ledger::{EnergyLedger, LedgerCause, LedgerEntry, LedgerPayer};
pub use messages::{LinkRecord, UserRecord};
pub use rating::Rating;
