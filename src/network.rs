//! The network in time: nexosim models of users, servers, radio and devices, and the bench that wires them.
//!
//! ```text
//!  ┌──────────────┐ request  ┌─────────────┐ hand-over  ┌────────────┐ delivery  ┌─────────────┐
//!  │ PromptSource ├─────────►│ EdgeServers ├───────────►│ RadioLinks ├──────────►│ UserDevices │
//!  │ users: when, │          │ groups,     │            │ fading,    │           │ t_k steps,  │
//!  │ what, where  │◄─────────┤ queues,     │            │ protection,│◄──────────┤ pictures,   │
//!  └──────▲───────┘ refused  │ t0 steps,   │            │ bit errors │ hand-over │ leaders     │
//!         │                  │ caches      │            └─────┬──────┘ (peers)   └─┬─────────┬─┘
//!         │                  └──▲───────┬──┘                  │                    │         │
//!         │                     │       └─ alone, lead ───────┼────────────────────►         │
//!         │                     └── regroup ──────────────────┴────────────────────┘         │
//!         └── ended (closed loop) ───────────────────────────────────────────────────────────┘
//!                 ┌───────────────┐
//!                 │ FaultInjector ├─► outages, devices away, leaders lost       RunState: ledger, batteries, books
//!                 └───────────────┘
//! ```
//!
//! A model holds all things of its kind: the engine's cost per event grows with the number of models, and a network may have
//! 10⁵ devices. A synchronous round is the run in which every device asks once, at time 0, and the server waits for all of them.
//!
//! Models decide *when*; every tensor stays in the denoising graph behind [`RunContext`].

mod agenda;
mod archive;
mod batteries;
pub mod bench;
pub mod checkpoint;
pub mod clock;
pub mod context;
pub mod edge_servers;
pub mod election;
mod fault_injector;
mod invariants;
pub mod ledger;
pub mod messages;
mod prompt_book;
pub mod prompt_source;
pub mod radio_links;
pub mod rating;
pub mod records;
pub mod reference;
pub mod state;
pub mod user_devices;

pub use bench::{SimulatedRun, simulate, simulate_with_checkpoints};
pub use checkpoint::Checkpoints;
pub use context::{NetworkError, RunContext};
pub use election::{Candidate, elect};
pub use ledger::{EnergyLedger, LedgerCause, LedgerEntry, LedgerPayer};
pub use prompt_book::PromptBook;
pub use rating::Rating;
pub use records::{CacheOutcome, JobRecord, Journey, LinkRecord, RunBooks, UnservedEnd, UnservedRecord, UserRecord};
