//! Why a graph could not be evaluated.

use crate::diffusion::image_metrics::MetricsError;
use crate::judge::{EndpointError, JudgeError};
use crate::onnx::PackError;

/// Why a graph could not be evaluated.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExecutorError {
    /// A session could not be created or a call failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] PackError),
    /// The agents could not be asked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Judge(#[from] JudgeError),
    /// Pictures of the pack cannot be compared.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Metrics(#[from] MetricsError),
    /// The threads of the workers could not be started.
    #[error("could not start {threads} worker threads: {source}")]
    #[diagnostic(help("ask for fewer with --threads"))]
    Threads { threads: usize, source: rayon::ThreadPoolBuildError },
    /// A session call failed on one node alone.
    #[error("a neural network stopped with an error: {message}")]
    #[diagnostic(help("the models load, but not every input fits them: look at what this run asks for"))]
    Call { message: String },
    /// Somebody asked to stop. What was handed out before stays valid.
    #[error("stopped on request")]
    Stopped,
    /// The receiver of finished values failed; nothing is wrong with the values.
    #[error("could not store a finished result: {0}")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<EndpointError> for ExecutorError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::Stopped => Self::Stopped,
            error => Self::Judge(error.into()),
        }
    }
}
