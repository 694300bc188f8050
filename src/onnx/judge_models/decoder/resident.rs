//! Keys and values that stay on the device where they were computed, from one call to the next: an answer grows token by token,
//! and what was read of its prompt, megabytes a token in large models, need not come over and go back each time.
//!
//! ```text
//!  call ─► [m rows] ─────────────────────────────► call        the same rows in the same order: as they are
//!              └─── take_rows, on the device ────► call        some of them, one of them several times
//! ```

use std::path::Path;

use ort::session::{SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Tensor};

use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FloatType, ModelSession, TensorDeclaration, WantedOutputs};

/// What one call left on the device.
#[derive(Debug)]
pub(super) struct ResidentBatch {
    /// Keys of layer 0, its values, keys of layer 1, …; each [rows, heads, places, head size].
    pub parts: Vec<DynValue>,
    /// Which places of each row hold tokens; the others are padding.
    pub shown: Vec<Vec<bool>>,
    /// Bytes of all parts.
    pub bytes: usize,
}

impl ResidentBatch {
    pub fn bytes_of_row(&self) -> usize {
        self.bytes / self.shown.len().max(1)
    }

    /// Places of each row.
    pub fn places(&self) -> usize {
        self.shown.first().map_or(0, Vec::len)
    }
}

/// Chooses rows of a batch on the device where it is: `take_rows_*.onnx`, 162 bytes made by
/// `tests/reference/take_rows_models.py`.
#[derive(Debug)]
pub(super) struct TakeRows {
    session: ModelSession,
    taken: WantedOutputs,
}

impl TakeRows {
    pub fn load(declared: &TensorDeclaration, provider: ResolvedProvider) -> Result<Self, PackError> {
        let (model, name): (&[u8], _) = match declared.float_type()? {
            FloatType::F32 => (include_bytes!("../take_rows_f32.onnx"), "take_rows_f32.onnx"),
            FloatType::F16 => (include_bytes!("../take_rows_f16.onnx"), "take_rows_f16.onnx"),
        };
        let session = ModelSession::from_bytes(model, Path::new(name), provider, 1)?;
        Ok(Self { taken: session.wanted(["taken"])?, session })
    }

    /// `rows` of each part, in this order.
    pub fn take(&mut self, parts: &[DynValue], rows: &[usize]) -> Result<Vec<DynValue>, PackError> {
        let mut taken = Vec::with_capacity(parts.len());
        for part in parts {
            let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
            let indices = Tensor::from_array(([indices.len()], indices)).map(SessionInputValue::from);
            let inputs = [("values", Ok(SessionInputValue::from(part))), ("rows", indices)];
            let take = |mut outputs: SessionOutputs<'_>| Ok(outputs.remove("taken"));
            taken.extend(self.session.run_resident(&self.taken, None, rows.len(), inputs, take)?);
        }
        Ok(taken)
    }
}
