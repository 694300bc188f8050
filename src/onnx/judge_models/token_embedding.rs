//! Token ids to the vectors that the language model reads.

use ndarray::{Array2, Array3, Axis};

use crate::onnx::pack_error::PackError;
use crate::onnx::session::{FloatOutput, ModelSession, NumberType, number_tensor};

#[derive(Debug)]
pub(super) struct TokenEmbedding {
    session: ModelSession,
    ids_name: String,
    ids_type: NumberType,
    embeddings: FloatOutput,
    hidden: Option<usize>,
}

impl TokenEmbedding {
    pub fn new(session: ModelSession) -> Result<Self, PackError> {
        let ids = session.sole_input("input_ids")?;
        let ids_type = ids.number_type()?;
        if !matches!(ids_type, NumberType::I64 | NumberType::I32) || ids.shape.len() != 2 {
            return Err(ids.unfit("of type i64 or i32, [batch, tokens]"));
        }
        session.require_no_input_but(&[&ids])?;
        let embeddings = session.output("inputs_embeds")?;
        if embeddings.shape.len() != 3 {
            return Err(embeddings.unfit("[batch, tokens, hidden]"));
        }
        let hidden = embeddings.shape[2];
        Ok(Self { ids_name: ids.name, ids_type, embeddings: FloatOutput::new(embeddings)?, hidden, session })
    }

    /// Width of an embedding, where the model declares it.
    pub fn hidden(&self) -> Option<usize> {
        self.hidden
    }

    pub fn run(&mut self, ids: &[i64]) -> Result<Array2<f32>, PackError> {
        let shape = [1, ids.len()];
        // Ids are far below 2⁵³, so a float carries them exactly.
        let input = number_tensor(self.ids_type, &shape, ids.iter().map(|&id| id as f64));
        let outputs = self.session.run(1, [(self.ids_name.as_str(), input)])?;
        let embeddings: Array3<f32> = self.embeddings.read(&outputs, &shape)?;
        Ok(embeddings.index_axis_move(Axis(0), 0))
    }
}
