//! One ONNX model in memory: its session, what tensors it declares, and how arrays of ours become tensors of the
//! element type it wants.
//!
//! Models of one architecture come with 32- or 16-bit floats and 32- or 64-bit integers, depending on who exported
//! them; the declarations are read once, when the model is loaded, and a model that doesn't fit is refused there.

mod declaration;
mod tensors;

use std::fmt;
use std::path::{Path, PathBuf};

use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{
    HasSelectedOutputs, IoBinding, OutputSelector, RunOptions, Session, SessionInputValue, SessionOutputs,
};
use ort::value::{Outlet, TensorElementType, ValueType};

use super::pack_error::PackError;
use super::provider::ResolvedProvider;
use super::runtime::environment;

pub use self::declaration::{FloatType, NumberType, TensorDeclaration};
pub use self::tensors::{FloatInput, FloatOutput, number_tensor, read_floats};

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
        Self::of(file, provider, intra_threads, |mut builder| builder.commit_from_file(file))
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
        Self::of(name, provider, intra_threads, |mut builder| builder.commit_from_memory(bytes))
    }

    fn of(
        file: &Path,
        provider: ResolvedProvider,
        intra_threads: usize,
        commit: impl FnOnce(SessionBuilder) -> ort::Result<Session>,
    ) -> Result<Self, PackError> {
        let environment = environment().map_err(Box::new)?;
        let load = || -> ort::Result<Session> {
            let builder = Session::builder(environment)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(intra_threads)?
                .with_inter_threads(1)?
                .with_intra_op_spinning(false)?
                .with_deterministic_compute(true)?;
            let builder = match provider {
                ResolvedProvider::Cpu => builder,
                ResolvedProvider::Cuda(device) => {
                    builder.with_execution_providers([device.provider().build().error_on_failure()])?
                }
            };
            commit(builder)
        };
        match load() {
            Ok(session) => Ok(Self { file: file.to_owned(), provider, session }),
            Err(reason) => Err(PackError::load(file, reason)),
        }
    }

    /// What the file says under this key of its metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
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
        let file = &self.file;
        self.session.run(values).map_err(|reason| PackError::Run { file: file.clone(), batch, reason })
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
        let failed = |reason| PackError::Run { file: self.file.clone(), batch, reason };
        inputs.into_iter().map(|(name, value)| Ok((name, value.map_err(failed)?))).collect()
    }

    /// Runs the model for these outputs and leaves them on the device where they were computed, for calls to come, but for
    /// `here`, which comes over to this machine's memory. `read` is given all of them.
    ///
    /// Inputs must own their values ([`FloatInput::feed_owned`]) where the session is on a GPU: `ort` copies others
    /// before it binds them, and waits for itself when it does.
    ///
    /// # Errors
    /// [`PackError::Run`], and those of `read`.
    pub fn run_resident<'i, T>(
        &mut self,
        wanted: &WantedOutputs,
        here: Option<&str>,
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
        read: impl FnOnce(SessionOutputs<'_>) -> Result<T, PackError>,
    ) -> Result<T, PackError> {
        match self.provider {
            // All of them are in this machine's memory, and nothing is copied.
            ResolvedProvider::Cpu => read(self.run_for(wanted, batch, inputs)?),
            ResolvedProvider::Cuda(device) => {
                self.run_bound(wanted, here, (AllocationDevice::CUDA, device.device_id), batch, inputs, read)
            }
        }
    }

    /// Whether [`ModelSession::run_resident`] needs inputs that own their values.
    pub fn is_on_gpu(&self) -> bool {
        matches!(self.provider, ResolvedProvider::Cuda(_))
    }

    fn run_bound<'i, T>(
        &mut self,
        wanted: &WantedOutputs,
        here: Option<&str>,
        (device, device_id): (AllocationDevice<'static>, i32),
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
        read: impl FnOnce(SessionOutputs<'_>) -> Result<T, PackError>,
    ) -> Result<T, PackError> {
        let values = self.values(batch, inputs)?;
        let file = self.file.clone();
        let failed = |reason| PackError::Run { file: file.clone(), batch, reason };
        let bind = || -> ort::Result<IoBinding> {
            let ours = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?;
            let its_own = MemoryInfo::new(device, device_id, AllocatorType::Device, MemoryType::Default)?;
            let mut binding = self.session.create_binding()?;
            values.iter().try_for_each(|(name, value)| binding.bind_input(*name, value))?;
            for name in &wanted.names {
                let memory = if here == Some(name.as_str()) { &ours } else { &its_own };
                binding.bind_output_to_device(name.as_str(), memory)?;
            }
            binding.synchronize_inputs()?;
            Ok(binding)
        };
        let binding = bind().map_err(failed)?;
        let outputs = self.session.run_binding(&binding).map_err(failed)?;
        binding.synchronize_outputs().map_err(failed)?;
        read(outputs)
    }

    /// The outputs of these names, for [`ModelSession::run_for`].
    ///
    /// # Errors
    /// [`PackError::Load`].
    pub fn wanted<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<WantedOutputs, PackError> {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let selector = names.iter().fold(OutputSelector::no_default(), OutputSelector::with);
        let options = RunOptions::new().map_err(|reason| PackError::Load { file: self.file.clone(), reason })?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ort::value::Tensor;

    use super::*;

    #[test]
    fn bound_outputs_are_those_of_a_plain_run_and_go_into_the_next_one_as_they_are() {
        let model = include_bytes!("judge_models/take_rows_f32.onnx");
        let mut session =
            ModelSession::from_bytes(model, Path::new("take_rows"), ResolvedProvider::Cpu, 1).expect("it loads");
        let wanted = session.wanted(["taken"]).expect("it has that output");
        let rows = |rows: Vec<i64>| Tensor::from_array(([rows.len()], rows)).map(SessionInputValue::from);
        let values =
            Tensor::from_array(([3_usize, 1, 2, 1], vec![0.0_f32, 1.0, 10.0, 11.0, 20.0, 21.0])).expect("a tensor");
        let mut take = |values: SessionInputValue<'_>, chosen: Vec<i64>| {
            let inputs = [("values", Ok(values)), ("rows", rows(chosen))];
            session
                .run_bound(&wanted, None, (AllocationDevice::CPU, 0), 3, inputs, |mut outputs| {
                    Ok(outputs.remove("taken").expect("it was bound"))
                })
                .expect("it runs")
        };
        let first = take((&values).into(), vec![2, 0, 2, 1]);
        let second = take((&first).into(), vec![3, 0]);
        let floats =
            |value: &ort::value::DynValue| value.try_extract_array::<f32>().expect("floats").iter().copied().collect();
        let (first, second): (Vec<f32>, Vec<f32>) = (floats(&first), floats(&second));
        assert_eq!(first, [20.0, 21.0, 0.0, 1.0, 20.0, 21.0, 10.0, 11.0]);
        assert_eq!(second, [10.0, 11.0, 20.0, 21.0]);
    }
}
