//! The outputs of one call of the language model: logits after the last token, keys and values with or without padding.

use std::sync::Arc;

use half::f16;
use ndarray::{Array3, ArrayView3, ArrayViewD, Axis, Ix3, Ix4};
use ort::session::SessionOutputs;
use ort::value::DynValue;

use super::resident::ResidentBatch;
use super::row::Stored;
use crate::onnx::pack_error::PackError;
use crate::onnx::session::{FloatType, TensorDeclaration};

/// How the outputs of one call are read.
pub(super) struct Reading<'d> {
    pub logits: &'d TensorDeclaration,
    pub present: &'d [TensorDeclaration],
    /// Lengths of keys and values: batch, heads, places, head size.
    pub whole: [usize; 4],
}

impl Reading<'_> {
    /// Of the last token of each row.
    pub fn logits(&self, outputs: &SessionOutputs<'_>) -> Result<Vec<Vec<f32>>, PackError> {
        let last = |logits: ArrayView3<'_, f32>| -> Vec<Vec<f32>> {
            logits.outer_iter().map(|own| own.index_axis(Axis(0), own.nrows() - 1).to_vec()).collect()
        };
        let found = outputs.get(&self.logits.name).ok_or_else(|| self.logits.unfit("among the outputs of a run"))?;
        with_floats(found, self.logits, |values| {
            let values = values.into_dimensionality::<Ix3>().ok();
            values.filter(|values| values.dim().0 == self.whole[0] && values.dim().1 > 0).map(last)
        })
    }

    /// Keys and values of each row, without padding.
    pub fn here(&self, outputs: &SessionOutputs<'_>, shown: &[Vec<bool>]) -> Result<Vec<Stored>, PackError> {
        let own: Vec<Vec<usize>> =
            shown.iter().map(|row| (0..row.len()).filter(|&place| row[place]).collect()).collect();
        let mut parts: Vec<Vec<Array3<f32>>> = shown.iter().map(|_| Vec::with_capacity(self.present.len())).collect();
        for declared in self.present {
            let found = outputs.get(&declared.name).ok_or_else(|| declared.unfit("among the outputs of a run"))?;
            with_floats(found, declared, |values| {
                let values = values.into_dimensionality::<Ix4>().ok().filter(|values| values.shape() == self.whole)?;
                for ((values, own), parts) in values.outer_iter().zip(&own).zip(&mut parts) {
                    parts.push(values.select(Axis(1), own));
                }
                Some(())
            })?;
        }
        Ok(parts.into_iter().map(Stored::Here).collect())
    }

    /// Keys and values as they are.
    pub fn resident(&self, mut outputs: SessionOutputs<'_>, shown: Vec<Vec<bool>>) -> Result<Vec<Stored>, PackError> {
        let mut parts = Vec::with_capacity(self.present.len());
        let mut bytes = 0;
        for declared in self.present {
            let found = outputs.remove(&declared.name).ok_or_else(|| declared.unfit("among the outputs of a run"))?;
            if !found.shape().iter().copied().eq(self.whole.map(|length| length as i64)) {
                return Err(declared.unfit("as large as the batch asks for"));
            }
            let width = if declared.float_type()? == FloatType::F16 { size_of::<f16>() } else { size_of::<f32>() };
            bytes += width * self.whole.iter().product::<usize>();
            parts.push(found);
        }
        let rows = shown.len();
        let batch = Arc::new(ResidentBatch { parts, shown, bytes });
        Ok((0..rows).map(|row| Stored::Resident { batch: Arc::clone(&batch), row }).collect())
    }
}

/// Reads a float output without a copy where it has 32 bits. `read` gives `None` where the shape is not what it should be.
fn with_floats<T>(
    output: &DynValue,
    declared: &TensorDeclaration,
    read: impl FnOnce(ArrayViewD<'_, f32>) -> Option<T>,
) -> Result<T, PackError> {
    let of_other_type = |_| declared.unfit("of the declared type");
    let result = match declared.float_type()? {
        FloatType::F32 => read(output.try_extract_array::<f32>().map_err(of_other_type)?),
        FloatType::F16 => read(output.try_extract_array::<f16>().map_err(of_other_type)?.mapv(f16::to_f32).view()),
    };
    result.ok_or_else(|| declared.unfit("as large as the batch asks for"))
}
