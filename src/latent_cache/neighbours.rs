//! Which prompts are similar enough to a prompt to be worth looking for, worked out once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::network::PromptBook;

/// Books with more prompts than this are not listed.
const LARGEST_BOOK: usize = 4096;
/// Pairs that are kept at most, 64 MiB of them: where everything resembles everything, lists help nobody.
const KEPT_PAIRS: usize = 1 << 22;

/// A prompt, and how similar it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Neighbour {
    pub prompt: u32,
    /// Cosine, at most 1.
    pub similarity: f64,
}

/// For each prompt of a book those others that reach a similarity, most similar first.
///
/// A list is made when it is first asked for, which costs one similarity per prompt of the book. The caches of all cells
/// can share one table, since it holds nothing that changes. What it says is what [`PromptBook::similarity`] says:
/// whether there is a list decides how fast a look-up is, never what it finds.
#[derive(Debug)]
pub struct PromptNeighbours {
    least_similarity: f64,
    lists: Vec<OnceLock<Option<Vec<Neighbour>>>>,
    kept_pairs: AtomicUsize,
}

impl PromptNeighbours {
    /// No list is made yet. `least_similarity`: see [`super::ReuseThresholds::least`].
    pub fn new(prompts: &PromptBook, least_similarity: f64) -> Self {
        let listed = if prompts.len() <= LARGEST_BOOK { prompts.len() } else { 0 };
        Self {
            least_similarity,
            lists: (0..listed).map(|_| OnceLock::new()).collect(),
            kept_pairs: AtomicUsize::new(0),
        }
    }

    /// The neighbours of a prompt; `None` where there is no room for a list.
    pub(super) fn of(&self, prompt: u32, prompts: &PromptBook) -> Option<&[Neighbour]> {
        let list = self.lists.get(prompt as usize)?;
        list.get_or_init(|| self.list(prompt, prompts)).as_deref()
    }

    fn list(&self, prompt: u32, prompts: &PromptBook) -> Option<Vec<Neighbour>> {
        if self.kept_pairs.load(Ordering::Relaxed) >= KEPT_PAIRS {
            return None;
        }
        let mut neighbours: Vec<Neighbour> = (0..prompts.len() as u32)
            .filter(|&other| other != prompt)
            .map(|other| Neighbour { prompt: other, similarity: similarity(prompts, prompt, other) })
            .filter(|neighbour| neighbour.similarity >= self.least_similarity)
            .collect();
        neighbours.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
        neighbours.shrink_to_fit();
        self.kept_pairs.fetch_add(neighbours.len(), Ordering::Relaxed);
        Some(neighbours)
    }
}

/// Cosine of two prompts, rounding errors above 1 cut off, so that nothing is more similar to a prompt than itself.
pub(super) fn similarity(prompts: &PromptBook, one: u32, other: u32) -> f64 {
    prompts.similarity(one, other).min(1.0)
}
