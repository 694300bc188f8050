//! One ONNX model in memory: its session, what tensors it declares, and how arrays of ours become tensors of the
//! element type it wants.
//!
//! Models of one architecture come with 32- or 16-bit floats and 32- or 64-bit integers, depending on who exported
//! them; the declarations are read once, when the model is loaded, and a model that doesn't fit is refused there.

mod bound;
mod declaration;
mod fixed_call;
mod tensors;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue, SessionOutputs};
use ort::value::{Outlet, TensorElementType, ValueType};

use self::fixed_call::GraphOptions;
use super::pack_error::PackError;
use super::provider::ResolvedProvider;
use super::runtime::environment;

pub use self::bound::Place;
pub use self::declaration::{FloatType, NumberType, TensorDeclaration};
pub use self::fixed_call::FixedCall;
pub use self::tensors::{FloatInput, FloatOutput, number_tensor, numbers, read_floats};

/// Some outputs of a model.
pub struct WantedOutputs {
    names: Vec<String>,
    options: RunOptions<HasSelectedOutputs>,
}

impl fmt::Debug for WantedOutputs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WantedOutputs").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A loaded model.
#[derive(Debug)]
pub struct ModelSession {
    file: PathBuf,
    provider: ResolvedProvider,
    session: Session,
    /// For calls that are no [`FixedCall`] of a session that captures these in CUDA graphs; none where it captures nothing.
    uncaptured: Option<GraphOptions>,
    /// The number of the next of them.
    fixed_calls: AtomicU32,
}

impl ModelSession {
    /// Loads `file` (and its external data beside it).
    ///
    /// The options make results reproducible: one batch gives the same bytes at every call and in every session, and
    /// (on the CPU, as far as the kernels chosen for a model allow) in whatever batch a sample stands. An
    /// explicit CUDA never falls back to the CPU.
    ///
    /// # Errors
    /// [`PackError::Runtime`] without ONNX Runtime, [`PackError::Load`] where it refuses the file or the provider.
    pub fn load(file: &Path, provider: ResolvedProvider, intra_threads: usize) -> Result<Self, PackError> {
        Self::of(file, provider, intra_threads, false, |mut builder| builder.commit_from_file(file))
    }

    /// As [`ModelSession::load`], for a model that is run in [`FixedCall`]s: where the GPU's settings ask for CUDA graphs, it
    /// captures these.
    ///
    /// # Errors
    /// As [`ModelSession::load`]. ONNX Runtime refuses to capture models of which a part has to run on the CPU.
    pub fn load_for_fixed_calls(
        file: &Path,
        provider: ResolvedProvider,
        intra_threads: usize,
    ) -> Result<Self, PackError> {
        Self::of(file, provider, intra_threads, true, |mut builder| builder.commit_from_file(file))
    }

    /// Loads a model whose file is in memory; `name` is for messages.
    ///
    /// # Errors
    /// As [`ModelSession::load`].
    pub fn from_bytes(
        bytes: &[u8],
        name: &Path,
        provider: ResolvedProvider,
        intra_threads: usize,
    ) -> Result<Self, PackError> {
        Self::of(name, provider, intra_threads, false, |mut builder| builder.commit_from_memory(bytes))
    }

    fn of(
        file: &Path,
        provider: ResolvedProvider,
        intra_threads: usize,
        has_fixed_calls: bool,
        commit: impl FnOnce(SessionBuilder) -> ort::Result<Session>,
    ) -> Result<Self, PackError> {
        let environment = environment().map_err(Box::new)?;
        let captures = has_fixed_calls && provider.captures_graphs();
        let load = || -> ort::Result<(Session, Option<GraphOptions>)> {
            let builder = Session::builder(environment)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(intra_threads)?
                .with_inter_threads(1)?
                .with_intra_op_spinning(false)?
                .with_deterministic_compute(true)?;
            let builder = match provider {
                ResolvedProvider::Cpu => builder,
                ResolvedProvider::Cuda(device) => {
                    let provider = device.provider().with_cuda_graph(captures);
                    builder.with_execution_providers([provider.build().error_on_failure()])?
                }
            };
            Ok((commit(builder)?, captures.then(GraphOptions::of_no_graph).transpose()?))
        };
        match load() {
            Ok((session, uncaptured)) => {
                Ok(Self { file: file.to_owned(), provider, session, uncaptured, fixed_calls: AtomicU32::new(1) })
            }
            Err(reason) => Err(PackError::load(file, reason)),
        }
    }

    /// What the file says under this key of its metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Where it computes.
    pub fn provider(&self) -> ResolvedProvider {
        self.provider
    }

    /// The file it was loaded from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether 16-bit floats go in or come out.
    pub fn computes_in_16_bits(&self) -> bool {
        let is_narrow = |outlet: &Outlet| match outlet.dtype() {
            ValueType::Tensor { ty, .. } => matches!(ty, TensorElementType::Float16 | TensorElementType::Bfloat16),
            _ => false,
        };
        self.session.inputs().iter().chain(self.session.outputs()).any(is_narrow)
    }

    /// The names of all outputs.
    pub fn output_names(&self) -> impl Iterator<Item = &str> {
        self.session.outputs().iter().map(Outlet::name)
    }

    /// Whether the model has an input `name`.
    pub fn has_input(&self, name: &str) -> bool {
        self.session.inputs().iter().any(|input| input.name() == name)
    }

    /// The declaration of the input `name`.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where the model has no such input.
    pub fn input(&self, name: &str) -> Result<TensorDeclaration, PackError> {
        let inputs = self.session.inputs();
        let named = inputs.iter().find(|input| input.name() == name);
        self.declaration(named, name, "an input", inputs)
    }

    /// The declaration of the input of a model that has one only, which is `name` or, by its place, any other.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where the model has several and none is called so.
    pub fn sole_input(&self, name: &str) -> Result<TensorDeclaration, PackError> {
        let inputs = self.session.inputs();
        self.declaration(named_or_sole(inputs, name), name, "an input", inputs)
    }

    /// The declaration of the output `name`, or of the only output, whatever its name.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where the model has several and none is called so.
    pub fn output(&self, name: &str) -> Result<TensorDeclaration, PackError> {
        let outputs = self.session.outputs();
        self.declaration(named_or_sole(outputs, name), name, "an output", outputs)
    }

    /// The declaration of the output `name`, and of no other.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where the model has no such output.
    pub fn named_output(&self, name: &str) -> Result<TensorDeclaration, PackError> {
        let outputs = self.session.outputs();
        self.declaration(outputs.iter().find(|output| output.name() == name), name, "an output", outputs)
    }

    /// The error for a call on a batch of `batch` samples.
    pub fn failed(&self, batch: usize, reason: ort::Error) -> PackError {
        PackError::Run { file: self.file.clone(), batch, reason }
    }

    /// The error for outputs that should be there, `expected`, and are not.
    pub fn absent_output(&self, name: &str, expected: &str) -> PackError {
        PackError::UnfitTensor {
            file: self.file.clone(),
            tensor: name.to_owned(),
            expected: expected.into(),
            found: list(self.output_names()).into(),
            help: None,
        }
    }

    /// Refuses a model that wants more inputs than `fed`.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] naming the first other input.
    pub fn require_no_input_but(&self, fed: &[&TensorDeclaration]) -> Result<(), PackError> {
        let unknown = |input: &&Outlet| fed.iter().all(|declared| declared.name != input.name());
        match self.session.inputs().iter().find(unknown) {
            None => Ok(()),
            Some(input) => Err(PackError::UnfitTensor {
                file: self.file.clone(),
                tensor: input.name().to_owned(),
                expected: format!(
                    "absent: this kind of model is fed {}",
                    list(fed.iter().map(|declared| declared.name.as_str()))
                )
                .into(),
                found: "an input that the model wants as well".into(),
                help: None,
            }),
        }
    }

    /// Runs the model on a batch of `batch` samples (said in the error, should it fail).
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn run<'i>(
        &mut self,
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
    ) -> Result<SessionOutputs<'_>, PackError> {
        let values = self.values(batch, inputs)?;
        let run = match &self.uncaptured {
            Some(options) => self.session.run_with_options(values, &options.0),
            None => self.session.run(values),
        };
        run.map_err(|reason| PackError::Run { file: self.file.clone(), batch, reason })
    }

    /// Runs the model for some of its outputs; the others stay where they were computed.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn run_for<'r, 's: 'r, 'i>(
        &'s mut self,
        wanted: &'r WantedOutputs,
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
    ) -> Result<SessionOutputs<'r>, PackError> {
        let values = self.values(batch, inputs)?;
        let file = &self.file;
        let run = self.session.run_with_options(values, &wanted.options);
        run.map_err(|reason| PackError::Run { file: file.clone(), batch, reason })
    }

    fn values<'i>(
        &self,
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
    ) -> Result<Vec<(&'i str, SessionInputValue<'i>)>, PackError> {
        inputs
            .into_iter()
            .map(|(name, value)| Ok((name, value.map_err(|reason| self.failed(batch, reason))?)))
            .collect()
    }

    /// The outputs of these names, for [`ModelSession::run_for`].
    ///
    /// # Errors
    /// [`PackError::Load`].
    pub fn wanted<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<WantedOutputs, PackError> {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let selector = names.iter().fold(OutputSelector::no_default(), OutputSelector::with);
        let options = || -> ort::Result<_> {
            Ok(if self.uncaptured.is_some() { GraphOptions::of_no_graph()?.0 } else { RunOptions::new()? })
        };
        let options = options().map_err(|reason| PackError::Load { file: self.file.clone(), reason })?;
        Ok(WantedOutputs { names, options: options.with_outputs(selector) })
    }

    fn declaration(
        &self,
        tensor: Option<&Outlet>,
        name: &str,
        role: &str,
        declared: &[Outlet],
    ) -> Result<TensorDeclaration, PackError> {
        let Some(tensor) = tensor else {
            return Err(PackError::UnfitTensor {
                file: self.file.clone(),
                tensor: name.to_owned(),
                expected: format!("{role} of the model").into(),
                found: list(declared.iter().map(Outlet::name)).into(),
                help: None,
            });
        };
        match tensor.dtype() {
            ValueType::Tensor { ty, shape, .. } => Ok(TensorDeclaration {
                file: self.file.clone(),
                name: tensor.name().to_owned(),
                element_type: *ty,
                shape: shape.iter().map(|&length| usize::try_from(length).ok()).collect(),
            }),
            other => Err(PackError::UnfitTensor {
                file: self.file.clone(),
                tensor: tensor.name().to_owned(),
                expected: "a tensor".into(),
                found: format!("{other:?}").into(),
                help: None,
            }),
        }
    }
}

fn named_or_sole<'a>(declared: &'a [Outlet], name: &str) -> Option<&'a Outlet> {
    let named = declared.iter().find(|tensor| tensor.name() == name);
    named.or(match declared {
        [sole] => Some(sole),
        _ => None,
    })
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
