//! What text encoders make of prompts: each is encoded once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array1, Array2, Axis};

use crate::onnx::{DiffusionPack, EncodedPrompts, PackError, PromptIds};

/// Values of all embeddings that are kept at most, a quarter of a gibibyte: beyond, all are forgotten and those that are
/// needed are computed again.
const KEPT_VALUES: usize = 1 << 26;

/// One prompt as a denoiser is told it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextEmbedding {
    /// [tokens × hidden].
    pub tokens: Array2<f32>,
    /// What the second text encoder makes of the whole prompt, where the pack has two.
    pub pooled: Option<Array1<f32>>,
}

impl TextEmbedding {
    /// The only prompt of a batch of one.
    pub fn sole(encoded: EncodedPrompts) -> Self {
        Self {
            tokens: encoded.text.index_axis_move(Axis(0), 0),
            pooled: encoded.pooled.map(|pooled| pooled.index_axis_move(Axis(0), 0)),
        }
    }

    /// Zeros in its place, as Stable Diffusion XL has for no prompt at all.
    pub fn zeroed(&self) -> Self {
        Self {
            tokens: Array2::zeros(self.tokens.dim()),
            pooled: self.pooled.as_ref().map(|pooled| Array1::zeros(pooled.len())),
        }
    }

    fn len(&self) -> usize {
        self.tokens.len() + self.pooled.as_ref().map_or(0, Array1::len)
    }
}

/// The embeddings of the prompts seen lately.
#[derive(Default)]
pub struct TextEmbeddings {
    by_prompt: Mutex<HashMap<String, Arc<TextEmbedding>>>,
}

impl TextEmbeddings {
    /// The embedding of `prompt`, from memory or through `encode`.
    ///
    /// # Errors
    /// What the tokenizer or `encode` says.
    pub fn get_or_encode<E: From<PackError>>(
        &self,
        prompt: &str,
        pack: &DiffusionPack,
        encode: impl FnOnce(&[PromptIds]) -> Result<EncodedPrompts, E>,
    ) -> Result<Arc<TextEmbedding>, E> {
        let lock = || self.by_prompt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedding) = lock().get(prompt) {
            return Ok(Arc::clone(embedding));
        }
        let ids = pack.tokenize(prompt)?;
        let embedding = Arc::new(TextEmbedding::sole(encode(&[ids])?));
        let mut by_prompt = lock();
        if (by_prompt.len() + 1) * embedding.len() > KEPT_VALUES {
            by_prompt.clear();
        }
        by_prompt.insert(prompt.to_owned(), Arc::clone(&embedding));
        Ok(embedding)
    }
}

/// Direction of an embedding [tokens × hidden] averaged over its tokens: a unit vector [hidden]. The scalar product of
/// two is the cosine similarity of two prompts.
pub fn pooled_direction(embedding: &Array2<f32>) -> Vec<f64> {
    let sums = embedding.columns().into_iter().map(|column| column.iter().map(|&x| f64::from(x)).sum::<f64>());
    let sums: Vec<f64> = sums.collect();
    let norm = sums.iter().map(|x| x * x).sum::<f64>().sqrt();
    sums.into_iter().map(|x| x / norm).collect()
}

/// Cosine similarity of two prompts, from their pooled directions.
pub fn similarity(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>()
}

/// Index of the medoid: the prompt whose summed cosine similarity to the others is highest (the first of equals).
/// Prompts are given by their pooled directions.
pub fn medoid(directions: &[Vec<f64>]) -> usize {
    let total_similarity = |own: &[f64]| -> f64 { directions.iter().map(|other| similarity(own, other)).sum() };
    let mut best = (0, f64::NEG_INFINITY);
    for (index, own) in directions.iter().enumerate() {
        let similarity = total_similarity(own);
        // Equal prompts differ in the last bits of the sum's order: a tie goes to the first.
        if similarity > best.1 + 1e-9 {
            best = (index, similarity);
        }
    }
    best.0
}
