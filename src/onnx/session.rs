//! One ONNX model in memory: its session, what tensors it declares, and how arrays of ours become tensors of the
//! element type it wants.
//!
//! Models of one architecture come with 32- or 16-bit floats and 32- or 64-bit integers, depending on who exported
//! them; the declarations are read once, when the model is loaded, and a model that doesn't fit is refused there.

use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::{Array, CowArray, Dimension, IxDyn};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Outlet, Tensor, TensorElementType, TensorRef, ValueType};

use super::pack_error::PackError;
use super::provider::ResolvedProvider;
use super::runtime::environment;

/// A loaded model.
#[derive(Debug)]
pub struct ModelSession {
    file: PathBuf,
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
            Ok(session) => Ok(Self { file: file.to_owned(), session }),
            Err(reason) => Err(PackError::Load { file: file.to_owned(), reason }),
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
            expected: expected.to_owned(),
            found: list(self.output_names()),
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
                ),
                found: "an input that the model wants as well".into(),
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
        let failed = |reason| PackError::Run { file: self.file.clone(), batch, reason };
        let mut values = Vec::new();
        for (name, value) in inputs {
            values.push((name, value.map_err(failed)?));
        }
        let file = &self.file;
        self.session.run(values).map_err(|reason| PackError::Run { file: file.clone(), batch, reason })
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
                expected: format!("{role} of the model"),
                found: list(declared.iter().map(Outlet::name)),
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
                found: format!("{other:?}"),
            }),
        }
    }
}

/// What a model says of one of its inputs or outputs.
#[derive(Debug, Clone)]
pub struct TensorDeclaration {
    file: PathBuf,
    pub name: String,
    pub element_type: TensorElementType,
    /// One length for each axis; `None` where any length will do.
    pub shape: Vec<Option<usize>>,
}

impl TensorDeclaration {
    /// Refuses the tensor unless it has as many axes as `expected`, and no fixed length contradicts one of
    /// `expected`. `layout` names the axes for the message: `[batch, 4, 16, 16]`. The first axis is the batch and
    /// must take any length.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`].
    pub fn require_shape(&self, layout: &str, expected: &[Option<usize>]) -> Result<(), PackError> {
        let agrees = |(declared, expected): (&Option<usize>, &Option<usize>)| match (declared, expected) {
            (Some(declared), Some(expected)) => declared == expected,
            _ => true,
        };
        let fits = self.shape.len() == expected.len()
            && self.shape.iter().zip(expected).all(agrees)
            && self.shape.first().is_none_or(Option::is_none);
        if fits { Ok(()) } else { Err(self.unfit(format!("{layout} with any batch size"))) }
    }

    /// The float type of the tensor.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where it is neither 32 nor 16 bits wide.
    pub fn float_type(&self) -> Result<FloatType, PackError> {
        match self.element_type {
            TensorElementType::Float32 => Ok(FloatType::F32),
            TensorElementType::Float16 => Ok(FloatType::F16),
            _ => Err(self.unfit("of type f32 or f16")),
        }
    }

    /// The number type of the tensor, for inputs that some models take as integers and some as floats.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where it is none of them.
    pub fn number_type(&self) -> Result<NumberType, PackError> {
        match self.element_type {
            TensorElementType::Int64 => Ok(NumberType::I64),
            TensorElementType::Int32 => Ok(NumberType::I32),
            TensorElementType::Float32 => Ok(NumberType::F32),
            TensorElementType::Float16 => Ok(NumberType::F16),
            TensorElementType::Float64 => Ok(NumberType::F64),
            _ => Err(self.unfit("of type i64, i32, f64, f32 or f16")),
        }
    }

    /// The error for this tensor, which should have been `expected`.
    pub fn unfit(&self, expected: impl Into<String>) -> PackError {
        let axes = self.shape.iter().map(|length| length.map_or("any".into(), |length| length.to_string()));
        PackError::UnfitTensor {
            file: self.file.clone(),
            tensor: self.name.clone(),
            expected: expected.into(),
            found: format!("{} [{}]", self.element_type, axes.collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Width of the floats in a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatType {
    F32,
    F16,
}

/// Type of the numbers in a small tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    I64,
    I32,
    F64,
    F32,
    F16,
}

/// The way of a float array into a session: 32-bit arrays are lent as they are, for 16-bit models they are
/// converted into a buffer that is kept from call to call.
#[derive(Debug)]
pub struct FloatInput {
    pub name: String,
    float_type: FloatType,
    converted: Vec<f16>,
}

impl FloatInput {
    /// # Errors
    /// [`PackError::UnfitTensor`] where the declaration is not of floats.
    pub fn new(declaration: &TensorDeclaration) -> Result<Self, PackError> {
        Ok(Self { name: declaration.name.clone(), float_type: declaration.float_type()?, converted: Vec::new() })
    }

    /// `values` as the session takes them, under the input's name. They must lie in standard layout
    /// (`as_standard_layout`).
    pub fn feed<'a, D: Dimension>(
        &'a mut self,
        values: &'a CowArray<'_, f32, D>,
    ) -> (&'a str, ort::Result<SessionInputValue<'a>>) {
        let Some(flat) = values.as_slice() else {
            let message = format!("the array for `{}` is not in standard layout", self.name);
            return (&self.name, Err(ort::Error::new(message)));
        };
        let tensor = match self.float_type {
            FloatType::F32 => TensorRef::from_array_view((values.shape(), flat)).map(Into::into),
            FloatType::F16 => {
                self.converted.resize(flat.len(), f16::ZERO);
                self.converted.convert_from_f32_slice(flat);
                TensorRef::from_array_view((values.shape(), self.converted.as_slice())).map(Into::into)
            }
        };
        (&self.name, tensor)
    }
}

/// A float output of a model.
#[derive(Debug)]
pub struct FloatOutput {
    declaration: TensorDeclaration,
    float_type: FloatType,
}

impl FloatOutput {
    /// # Errors
    /// [`PackError::UnfitTensor`] where the declaration is not of floats.
    pub fn new(declaration: TensorDeclaration) -> Result<Self, PackError> {
        Ok(Self { float_type: declaration.float_type()?, declaration })
    }

    /// The output's name.
    pub fn name(&self) -> &str {
        &self.declaration.name
    }

    /// The array in `outputs`, which must begin with `leading` lengths.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where it is not what was declared.
    pub fn read<D: Dimension>(
        &self,
        outputs: &SessionOutputs<'_>,
        leading: &[usize],
    ) -> Result<Array<f32, D>, PackError> {
        let refuse = |found: &[usize]| {
            let mut declaration = self.declaration.clone();
            declaration.shape = found.iter().copied().map(Some).collect();
            declaration.unfit(format!("an output that begins with the lengths {leading:?}"))
        };
        let Some(output) = outputs.get(&self.declaration.name) else {
            return Err(self.declaration.unfit("among the outputs of a run"));
        };
        let values: Array<f32, IxDyn> =
            read_floats(output, self.float_type).map_err(|_| self.declaration.unfit("of the declared type"))?;
        if !values.shape().starts_with(leading) {
            return Err(refuse(values.shape()));
        }
        let shape = values.shape().to_vec();
        values.into_dimensionality().map_err(|_| refuse(&shape))
    }
}

/// A small tensor of `number_type` with `values`. Integer types take the nearest integer.
pub fn number_tensor<'a>(
    number_type: NumberType,
    shape: &[usize],
    values: impl Iterator<Item = f64>,
) -> ort::Result<SessionInputValue<'a>> {
    let shape = shape.to_vec();
    match number_type {
        NumberType::I64 => {
            Tensor::from_array((shape, values.map(|value| value.round() as i64).collect::<Vec<_>>())).map(Into::into)
        }
        NumberType::I32 => {
            Tensor::from_array((shape, values.map(|value| value.round() as i32).collect::<Vec<_>>())).map(Into::into)
        }
        NumberType::F64 => Tensor::from_array((shape, values.collect::<Vec<_>>())).map(Into::into),
        NumberType::F32 => {
            Tensor::from_array((shape, values.map(|value| value as f32).collect::<Vec<_>>())).map(Into::into)
        }
        NumberType::F16 => Tensor::from_array((shape, values.map(f16::from_f64).collect::<Vec<_>>())).map(Into::into),
    }
}

/// A float output as an array of 32-bit floats.
///
/// # Errors
/// Where the tensor is not of `float_type`.
pub fn read_floats(output: &DynValue, float_type: FloatType) -> ort::Result<Array<f32, IxDyn>> {
    match float_type {
        FloatType::F32 => Ok(output.try_extract_array::<f32>()?.to_owned()),
        FloatType::F16 => Ok(output.try_extract_array::<f16>()?.mapv(f16::to_f32)),
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
