//! What a model says of its tensors: names, element types, shapes.

use std::path::PathBuf;

use ort::value::TensorElementType;

use crate::onnx::pack_error::PackError;

/// What a model says of one of its inputs or outputs.
#[derive(Debug, Clone)]
pub struct TensorDeclaration {
    pub(super) file: PathBuf,
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
    pub fn unfit(&self, expected: impl Into<Box<str>>) -> PackError {
        let axes = self.shape.iter().map(|length| length.map_or("any".into(), |length| length.to_string()));
        PackError::UnfitTensor {
            file: self.file.clone(),
            tensor: self.name.clone(),
            expected: expected.into(),
            found: format!("{} [{}]", self.element_type, axes.collect::<Vec<_>>().join(", ")).into(),
            help: None,
        }
    }
}

/// Width of the floats in a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatType {
    F32,
    F16,
}

impl FloatType {
    pub(in crate::onnx) fn element_type(self) -> TensorElementType {
        match self {
            Self::F32 => TensorElementType::Float32,
            Self::F16 => TensorElementType::Float16,
        }
    }
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

impl NumberType {
    pub(in crate::onnx) fn element_type(self) -> TensorElementType {
        match self {
            Self::I64 => TensorElementType::Int64,
            Self::I32 => TensorElementType::Int32,
            Self::F64 => TensorElementType::Float64,
            Self::F32 => TensorElementType::Float32,
            Self::F16 => TensorElementType::Float16,
        }
    }
}
