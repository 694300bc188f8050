//! Studies: many runs, and what can be said from them.

pub mod budget;
pub mod computation;
pub mod figures;
pub mod images;
pub mod judges;
pub mod prompt_directions;
pub mod results_folder;
pub mod run_study;
pub mod scores;
pub mod statistics;
pub mod study;
mod study_manifest;
pub mod summary;
pub mod tables;
pub mod warnings;

pub use computation::ValueOrigins;
pub use run_study::{Observer, RunOptions, StudyPlan, StudyReport};
pub use study::StudyCost;
