//! Everything that can end the program, and the exit code it ends with.

use std::path::{Path, PathBuf};

use crate::diffusion::{ExecutorError, ScheduleError};
use crate::judge::measured_surface::file::SurfaceFileError;
use crate::judge::{JudgeError, TemplateError};
#[cfg(feature = "learn")]
use crate::learn::{TrainingError, TrainingFigureError};
use crate::network::NetworkError;
use crate::onnx::{PackError, RuntimeError};
use crate::picture::PictureError;
use crate::policy::PolicyError;
use crate::report::ReportError;
use crate::scenario::ScenarioError;
use crate::score_store::StoreError;

/// An error a command ends with.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The scenario is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// The command line is wrong.
    #[error("{message}")]
    Usage {
        message: String,
        #[help]
        help: String,
    },
    /// The template of the prompt to an agent is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),
    /// A model pack is missing, damaged, or does not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] PackError),
    /// ONNX Runtime cannot be had.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Runtime(#[from] RuntimeError),
    /// The pack's noise schedule cannot do what the scenario asks for.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Schedule(#[from] ScheduleError),
    /// A session failed during the run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Executor(#[from] ExecutorError),
    /// The simulation of a run failed.
    #[error("point {point}, replication {replication}: the simulation failed")]
    Network {
        point: u32,
        replication: u32,
        #[source]
        #[diagnostic_source]
        source: NetworkError,
    },
    /// The results folder is there already.
    #[error("results are there already: {}", folder.display())]
    #[diagnostic(help(
        "a finished result is never overwritten by accident: give --force to replace it, --out for another folder, \
         or another study.name"
    ))]
    ResultsExist { folder: PathBuf },
    /// `--force` may replace results, nothing else.
    #[error("{} is there already and holds no results of latentlink", place.display())]
    #[diagnostic(help(
        "a results folder has a manifest.json and --force replaces nothing else: choose another --out, or another \
         study.name"
    ))]
    NotResults { place: PathBuf },
    /// A file or folder cannot be written or read.
    #[error("cannot {action} {}", path.display())]
    #[diagnostic(help(
        "check that its folder exists, is a folder, is writable and has room; --out chooses another one"
    ))]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    /// There is no room left for results.
    #[error("the disk is full: cannot write {}", path.display())]
    #[diagnostic(help(
        "the runs that were finished are on the disk and none of them is computed again: make room and give the same command \
         once more, and it goes on from there; --out chooses another place"
    ))]
    DiskFull { path: PathBuf, source: std::io::Error },
    /// The folder went away while it was written to.
    #[error("the results folder {} is gone: it was moved or removed while the study ran", folder.display())]
    #[diagnostic(help("move it back and give the same command once more: it goes on where this one stopped"))]
    ResultsMoved { folder: PathBuf },
    /// Another process works on the same study.
    #[error("another process is working on {}", folder.display())]
    #[diagnostic(help("wait for it, give this run another folder with --out, or share the work with --shard i/n"))]
    StudyInUse { folder: PathBuf },
    /// An unfinished study of something else is in the way.
    #[error("{} holds finished runs of another scenario, pack, shard or version", folder.display())]
    #[diagnostic(help(
        "go on with that one first, choose another place with --out or another study.name, or give its runs up with --force"
    ))]
    UnfinishedExists { folder: PathBuf },
    /// Something else is where the journal of a study should be.
    #[error("{} is no journal of a study, or was changed by hand", path.display())]
    #[diagnostic(help("--force begins the study anew; what the score store holds is not computed again"))]
    NotAJournal { path: PathBuf },
    /// Ctrl-C.
    #[error("stopped: {done} of {total} runs of {study} are finished{}", saved_in(*done, folder))]
    #[diagnostic(help("give the same command once more, and it goes on from there"))]
    Interrupted { study: String, done: u64, total: u64, folder: PathBuf },
    /// Runs failed; the others are in the results.
    #[error("{failed} of {runs} runs of {study} failed{first}")]
    #[diagnostic(help(
        "the other runs are in the results, and {} says why these are not: mend it and give the same command with \
         --retry-failed", table.display()
    ))]
    RunsFailed {
        study: String,
        failed: u64,
        runs: u64,
        /// The first of them with its reason, as the end of a sentence.
        first: String,
        table: PathBuf,
    },
    /// A policy is to be trained on, or measured by, scores that are not there.
    #[error("the judge gave no score in replication {replication} of point {point}")]
    #[diagnostic(help(
        "choose a judge under [judge], and with kind = \"vlm\" or \"endpoint\" a readout that always finds one: \"expectation\""
    ))]
    NoScore { point: u32, replication: u32 },
    /// A policy is to be trained on, or measured in, runs that ask it nothing.
    #[error("nobody asks for anything in replication {replication}: there is nothing to decide")]
    #[diagnostic(help("raise the rate or the number of requests under [demand]"))]
    NoDecision { replication: u32 },
    /// A language model that should name objects ran out of them.
    #[error("{model} named {found} of {wanted} objects in {requests} requests; nothing was written")]
    #[diagnostic(help(
        "ask for fewer with --objects, more often with --requests, with another --seed, or ask a model that follows instructions better"
    ))]
    TooFewObjects { model: String, found: usize, wanted: usize, requests: u16 },
    /// Ctrl-C, of a training study.
    #[error("stopped: {done} of {total} trainings are finished; the others are saved in {}", folder.display())]
    #[diagnostic(help("give the same command once more, and it goes on from there"))]
    TrainingStopped { done: usize, total: usize, folder: PathBuf },
    /// A policy could not be trained.
    #[cfg(feature = "learn")]
    #[error(transparent)]
    #[diagnostic(transparent)]
    Training(#[from] TrainingError),
    /// A figure of a training could not be drawn.
    #[cfg(feature = "learn")]
    #[error(transparent)]
    #[diagnostic(transparent)]
    TrainingFigure(TrainingFigureError),
    /// The policy is unfit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(#[from] PolicyError),
    /// Scores make no measured surface.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Surface(#[from] SurfaceFileError),
    /// Parts cannot be joined.
    #[error("{message}")]
    Merge {
        message: String,
        #[help]
        help: String,
    },
    /// A table or figure could not be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] ReportError),
    /// A picture could not be encoded.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Picture(#[from] PictureError),
    /// The judge cannot be asked what the scenario wants to know.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Judge(#[from] JudgeError),
    /// The score store cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// `models` found no pack.
    #[error("there is no model pack in {}", folder.display())]
    #[diagnostic(help(
        "a diffusion pack is a folder there with a model_index.json, a judge pack one with a config.json and a folder \
         onnx/: run latentlink in the folder of the project, or name another folder with --folder"
    ))]
    NoPacks { folder: PathBuf },
    /// `models` found packs that cannot be used.
    #[error("{broken} of {packs} model packs in {} cannot be used", folder.display())]
    #[diagnostic(help("the list above says what is wrong and what mends it"))]
    Packs { folder: PathBuf, broken: usize, packs: usize },
    /// Some of the files of `run` failed; each error is printed already.
    #[error("{failed} of {files} scenarios failed")]
    #[diagnostic(help("each says above what is wrong; the others are done"))]
    SomeFailed {
        failed: usize,
        files: usize,
        /// Exit code of the last failure.
        last_code: u8,
    },
    /// `doctor` found that the default cannot run, or a pack that was named.
    #[error("the default scenario, or a pack that was named, cannot run here")]
    #[diagnostic(help("each problem above comes with the command that mends it"))]
    Unhealthy,
}

/// Where runs are saved, if there are any.
fn saved_in(done: u64, folder: &Path) -> String {
    if done == 0 { String::new() } else { format!(" and saved in {}", folder.display()) }
}

impl Error {
    /// What became of a file below the draft of a results folder that cannot be written.
    pub(crate) fn while_writing(draft: &Path, path: PathBuf, source: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match source.kind() {
            ErrorKind::NotFound if !draft.exists() => Self::ResultsMoved { folder: draft.to_owned() },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::DiskFull { path, source }
            }
            _ => Self::File { action: "write", path, source },
        }
    }

    /// 2: bad command line or scenario; 3: missing or broken model pack or runtime; 1: a failure in the run; 130: stopped by
    /// Ctrl-C.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::SomeFailed { last_code, .. } => *last_code,
            Self::Scenario(_)
            | Self::Usage { .. }
            | Self::Template(_)
            | Self::ResultsExist { .. }
            | Self::NotResults { .. }
            | Self::UnfinishedExists { .. }
            | Self::Surface(_)
            | Self::Merge { .. } => 2,
            Self::NoDecision { .. } => 2,
            #[cfg(feature = "learn")]
            Self::TrainingFigure(_) => 1,
            #[cfg(feature = "learn")]
            Self::Training(error) => error.exit_code(),
            Self::Policy(PolicyError::Model(_)) => 3,
            Self::Policy(_) => 2,
            Self::Interrupted { .. } | Self::TrainingStopped { .. } => 130,
            Self::Pack(_) | Self::Runtime(_) | Self::NoPacks { .. } | Self::Packs { .. } | Self::Unhealthy => 3,
            Self::Schedule(error) if error.is_in_pack() => 3,
            Self::Schedule(_) => 2,
            Self::Executor(ExecutorError::Pack(_)) => 3,
            Self::Judge(error) | Self::Executor(ExecutorError::Judge(error)) => match error {
                JudgeError::Pack(_) | JudgeError::ScoreTokens { .. } => 3,
                JudgeError::Endpoint(error) if !error.is_of_settings() => 1,
                _ => 2,
            },
            Self::Executor(_)
            | Self::Network { .. }
            | Self::File { .. }
            | Self::DiskFull { .. }
            | Self::ResultsMoved { .. }
            | Self::StudyInUse { .. }
            | Self::NotAJournal { .. }
            | Self::RunsFailed { .. }
            | Self::NoScore { .. }
            | Self::TooFewObjects { .. }
            | Self::Report(_)
            | Self::Picture(_)
            | Self::Store(_) => 1,
        }
    }
}
