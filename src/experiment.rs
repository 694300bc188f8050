//! Studies: many runs, and what can be said from them.

pub mod budget;
pub mod figures;
pub mod images;
pub mod results_folder;
pub mod run_study;
pub mod statistics;
pub mod study;
pub mod summary;
pub mod tables;
pub mod warnings;

pub use run_study::{Observer, RunOptions, StudyPlan, StudyReport};
pub use study::StudyCost;
