//! What a run of a study left behind, for whoever tells its user.

use std::path::PathBuf;

use super::computation::ValueOrigins;
use super::cost::StudyCost;
use super::findings::Findings;
use crate::error::Error;
use crate::report::Manifest;

/// What a study left behind.
#[derive(Debug)]
pub struct StudyReport {
    pub study: String,
    pub folder: PathBuf,
    /// Figures below the folder.
    pub figures: Vec<String>,
    /// Why the figures could not be drawn; everything else is there.
    pub figure_error: Option<Error>,
    /// PNG files in `images/`.
    pub pictures: usize,
    pub points: u32,
    pub findings: Findings,
    pub cost: StudyCost,
    /// Who judged: the names of the packs, `the surface`, or nobody.
    pub judges: Vec<String>,
    /// What was computed and what was in the score store.
    pub origins: ValueOrigins,
    /// Runs that earlier processes had finished.
    pub found_runs: u64,
    /// Points whose replications are at their cap with an interval that is not narrow; 0 where nobody asks for narrow ones.
    pub capped_points: u32,
    /// Where the score store is, if one was used.
    pub store: Option<PathBuf>,
    /// Whether a neural network was loaded, be it for one prompt.
    pub opened_sessions: bool,
    /// The execution provider that was taken.
    pub execution_provider: &'static str,
    pub threads: usize,
    /// Of it, until every run was in the journal [s].
    pub work_time_s: f64,
    /// All of it, tables and figures included [s].
    pub wall_time_s: f64,
}

/// How a run of a study ended.
#[derive(Debug)]
pub enum StudyOutcome {
    Done(Box<StudyReport>),
    /// It was finished before, and nothing was touched.
    FinishedBefore {
        folder: PathBuf,
        manifest: Box<Manifest>,
    },
}
