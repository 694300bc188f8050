//! Text embeddings: each prompt is encoded once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, Array3, Axis};

use super::worker::TextEmbedding;
use crate::onnx::{DiffusionPack, PackError, Tokenized};

/// Values of all embeddings that are kept at most, a quarter of a gibibyte: beyond, all are forgotten and those that are
/// needed are computed again.
const KEPT_VALUES: usize = 1 << 26;

/// The embeddings of the prompts seen lately.
#[derive(Default)]
pub struct TextEmbeddings {
    by_prompt: Mutex<HashMap<String, TextEmbedding>>,
}

impl TextEmbeddings {
    /// The embedding [tokens × hidden] of `prompt`, from memory or through `encode` ([1 × tokens × hidden]).
    ///
    /// # Errors
    /// What the tokenizer or `encode` says.
    pub fn get_or_encode<E: From<PackError>>(
        &self,
        prompt: &str,
        pack: &DiffusionPack,
        encode: impl FnOnce(&[Tokenized]) -> Result<Array3<f32>, E>,
    ) -> Result<TextEmbedding, E> {
        let lock = || self.by_prompt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedding) = lock().get(prompt) {
            return Ok(Arc::clone(embedding));
        }
        let tokens = pack.tokenizer().encode(prompt)?;
        let embedding = Arc::new(encode(&[tokens])?.index_axis_move(Axis(0), 0));
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
