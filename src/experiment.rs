//! Studies: many runs, and what can be said from them.
//!
//! ```text
//!  scenario ─► plan ─► work order ─► simulation ─► groups ─► computation ─► journal ─► tables ─► figures
//!                       (shards)      (blocks)                  │  ▲          (one frame a run)
//!                                                               ▼  │
//!                                                          score store
//! ```

pub mod budget;
pub mod computation;
pub mod cost;
pub mod estimate;
pub mod figures;
pub mod findings;
mod groups;
pub mod images;
mod input_files;
pub mod journal;
pub mod judges;
pub mod memory;
pub mod merge;
pub mod observer;
pub mod plan;
pub mod points;
pub mod prompt_directions;
mod rated_runs;
pub mod results_folder;
pub mod run_study;
pub mod scores;
pub mod simulation;
pub mod statistics;
pub mod steady_state;
pub mod study_folder;
mod study_manifest;
pub mod study_report;
pub mod surface_samples;
pub mod tables;
mod until;
pub mod warnings;
pub mod work_order;

pub use computation::ValueOrigins;
pub use cost::StudyCost;
pub use memory::MemoryLimit;
pub use observer::{Observer, StudyProgress};
pub use plan::{RunOptions, StudyPlan};
pub use rated_runs::RatedRun;

pub use study_folder::Reuse;
pub use study_report::{StudyOutcome, StudyReport};
pub use work_order::{RunId, Shard};
