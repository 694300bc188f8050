//! What goes into the language model and what comes out, one sequence at a time.

use std::sync::Arc;

use ndarray::{Array3, ArrayView2};

use super::position::{Position, positions_after};
use super::resident::ResidentBatch;

/// What the language model keeps of a sequence that it read: keys and values of every token in every layer.
#[derive(Debug, Clone)]
pub struct KeysAndValues {
    pub(super) tokens: usize,
    /// Of the token that comes next; the number of tokens, where positions just count.
    pub(super) next_position: usize,
    pub(super) stored: Stored,
}

/// Where keys and values are.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    /// In this machine's memory: keys of layer 0, its values, keys of layer 1, …; each [heads, tokens, head size].
    Here(Vec<Array3<f32>>),
    /// One row of what a call left where it was computed.
    Resident { batch: Arc<ResidentBatch>, row: usize },
}

/// Whether a call keeps what was read, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// In this machine's memory, to go on in any company.
    Here,
    /// On the device, as it is. Rows of one call that go on together need no copy, other choices of its rows one on the
    /// device.
    Resident,
}

impl KeysAndValues {
    /// Number of tokens that were read.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Size in memory.
    pub fn bytes(&self) -> usize {
        match &self.stored {
            Stored::Here(parts) => parts.iter().map(|part| size_of::<f32>() * part.len()).sum(),
            Stored::Resident { batch, .. } => batch.bytes_of_row(),
        }
    }

    /// The call whose row it is, where it was left there.
    pub(super) fn resident(&self) -> Option<(&Arc<ResidentBatch>, usize)> {
        match &self.stored {
            Stored::Here(_) => None,
            Stored::Resident { batch, row } => Some((batch, *row)),
        }
    }
}

/// One sequence on its way.
#[derive(Debug, Clone, Copy)]
pub struct DecoderRow<'a> {
    pub past: Option<&'a KeysAndValues>,
    /// What comes next [new tokens, hidden], at least one token.
    pub embeddings: ArrayView2<'a, f32>,
    /// Where a picture whose tokens lie on a grid stands in it.
    pub picture: Option<PictureSpan>,
}

/// The tokens of a picture among the new ones of a row: `rows` × `columns` of them, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSpan {
    /// Index of its first token.
    pub first: usize,
    pub rows: usize,
    pub columns: usize,
}

impl DecoderRow<'_> {
    /// Tokens of the past, and new ones.
    pub(super) fn lengths(&self) -> [usize; 2] {
        [self.past.map_or(0, KeysAndValues::tokens), self.embeddings.nrows()]
    }

    /// The call that left its past on the device, if one did; rows of one call have the same.
    pub(super) fn source(&self) -> Option<*const ResidentBatch> {
        self.past.and_then(KeysAndValues::resident).map(|(batch, _)| Arc::as_ptr(batch))
    }

    /// The positions of the new tokens, and of what comes after them. `has_axes`: whether pictures lie on grids.
    pub(super) fn positions(&self, has_axes: bool) -> (Vec<Position>, usize) {
        let start = self.past.map_or(0, |past| past.next_position);
        positions_after(start, self.embeddings.nrows(), self.picture.filter(|_| has_axes))
    }
}

/// What the model makes of a row.
#[derive(Debug)]
pub struct Continuation {
    /// After its last token: one number for each token of the vocabulary.
    pub logits: Vec<f32>,
    /// Where it was asked for.
    pub cache: Option<KeysAndValues>,
}
