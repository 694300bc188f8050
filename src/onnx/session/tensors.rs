//! How arrays of ours become tensors of the element type that a model wants, and back.

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::{Array, CowArray, Dimension, IxDyn};
use ort::session::{SessionInputValue, SessionOutputs};
use ort::value::{DynTensor, DynValue, Tensor, TensorRef};

use super::declaration::{FloatType, NumberType, TensorDeclaration};
use crate::onnx::pack_error::PackError;

/// The way of a float array into a session: 32-bit arrays are lent as they are, for 16-bit models they are
/// converted into a buffer that is kept from call to call.
#[derive(Debug)]
pub struct FloatInput {
    pub name: String,
    pub float_type: FloatType,
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

impl FloatInput {
    /// As [`FloatInput::feed`], with a copy of the values.
    pub fn feed_owned<'a, D: Dimension>(
        &'a self,
        values: &CowArray<'_, f32, D>,
    ) -> (&'a str, ort::Result<SessionInputValue<'a>>) {
        let (shape, values) = (values.shape().to_vec(), values.iter());
        let tensor = match self.float_type {
            FloatType::F32 => Tensor::from_array((shape, values.copied().collect::<Vec<_>>())).map(Into::into),
            FloatType::F16 => {
                Tensor::from_array((shape, values.map(|&value| f16::from_f32(value)).collect::<Vec<_>>()))
                    .map(Into::into)
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

    /// The output as it was declared, and the type of its floats.
    pub fn declared(&self) -> (&TensorDeclaration, FloatType) {
        (&self.declaration, self.float_type)
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

/// A small tensor of `number_type` with `values`, for a session. Integer types take the nearest integer.
pub fn number_tensor<'a>(
    number_type: NumberType,
    shape: &[usize],
    values: impl Iterator<Item = f64>,
) -> ort::Result<SessionInputValue<'a>> {
    numbers(number_type, shape, values).map(Into::into)
}

/// A small tensor of `number_type` with `values`. Integer types take the nearest integer.
pub fn numbers(number_type: NumberType, shape: &[usize], values: impl Iterator<Item = f64>) -> ort::Result<DynTensor> {
    let shape = shape.to_vec();
    match number_type {
        NumberType::I64 => Tensor::from_array((shape, values.map(|value| value.round() as i64).collect::<Vec<_>>()))
            .map(Tensor::upcast),
        NumberType::I32 => Tensor::from_array((shape, values.map(|value| value.round() as i32).collect::<Vec<_>>()))
            .map(Tensor::upcast),
        NumberType::F64 => Tensor::from_array((shape, values.collect::<Vec<_>>())).map(Tensor::upcast),
        NumberType::F32 => {
            Tensor::from_array((shape, values.map(|value| value as f32).collect::<Vec<_>>())).map(Tensor::upcast)
        }
        NumberType::F16 => {
            Tensor::from_array((shape, values.map(f16::from_f64).collect::<Vec<_>>())).map(Tensor::upcast)
        }
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
