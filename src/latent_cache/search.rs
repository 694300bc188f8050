//! Finding the best latent for a request.
//!
//! ```text
//!  the very same prompt ── as deep as may be? ── yes ─► that one: nothing is deeper or closer
//!                                │ no
//!                                ▼
//!  its neighbours, most similar first, until the rest is too far away to be deeper or closer;
//!  without a list of neighbours, and on small shelves: every entry of the shelf
//! ```

use std::sync::Arc;

use super::entry::{Audience, Shelf};
use super::neighbours::similarity;
use super::{CacheRequest, LatentCache, PromptNeighbours};
use crate::diffusion::NodeId;
use crate::network::PromptBook;
use crate::scenario::CacheSharing;

/// A shelf with fewer entries is searched as it is, without a list of neighbours.
const SMALL_SHELF: usize = 5;

/// A latent that could be given, while others are still being looked at.
pub(super) struct Candidate {
    pub number: u64,
    pub step: u32,
    pub latent: NodeId,
    pub similarity: f64,
    is_same_prompt: bool,
}

impl Candidate {
    fn beats(&self, other: &Self) -> bool {
        let merit = |own: &Self| (own.step, own.similarity, own.is_same_prompt);
        merit(self) > merit(other) || (merit(self) == merit(other) && self.number < other.number)
    }
}

impl LatentCache {
    /// The best latent for a request, which may be found without being used.
    pub(super) fn find(
        &mut self,
        sharing: CacheSharing,
        request: &CacheRequest,
        prompts: &PromptBook,
    ) -> Option<Candidate> {
        let deepest = self.thresholds.reusable_step(1.0, request.at_most)?;
        let own = Audience::Device(request.device);
        let audiences: &[Audience] = match sharing {
            CacheSharing::Everyone => &[Audience::Sharing],
            CacheSharing::OptIn if request.shares => &[Audience::Sharing, own],
            CacheSharing::OptIn | CacheSharing::Own => &[own],
        };
        let chain = request.chain;
        let shelves: Vec<_> =
            audiences.iter().filter_map(|&audience| self.shelves.get(&Shelf { chain, audience })).collect();
        let mut best: Option<Candidate> = None;
        let consider = |best: &mut Option<Candidate>, number: u64, similarity: f64, is_same_prompt: bool| {
            let is_reusable = |step| similarity >= self.thresholds.at(step);
            if let Some((step, latent)) = self.entries[&number].deepest(request.at_most, is_reusable) {
                let candidate = Candidate { number, step, latent, similarity, is_same_prompt };
                if best.as_ref().is_none_or(|best| candidate.beats(best)) {
                    *best = Some(candidate);
                }
            }
        };
        for &number in shelves.iter().filter_map(|shelf| shelf.get(&request.prompt)) {
            consider(&mut best, number, 1.0, true);
        }
        if best.as_ref().is_some_and(|best| best.step == deepest) || !prompts.knows_similarities() {
            return best;
        }
        for shelf in shelves {
            let list = match shelf.len() < SMALL_SHELF {
                true => None,
                false => self
                    .neighbours
                    .get_or_insert_with(|| Arc::new(PromptNeighbours::new(prompts, self.thresholds.least())))
                    .of(request.prompt, prompts),
            };
            let Some(list) = list else {
                for (&prompt, &number) in shelf.iter().filter(|&(&prompt, _)| prompt != request.prompt) {
                    consider(&mut best, number, similarity(prompts, request.prompt, prompt), false);
                }
                continue;
            };
            for neighbour in list {
                let Some(&number) = shelf.get(&neighbour.prompt) else { continue };
                // From here on prompts are less similar: neither deeper nor closer.
                let reach = self.thresholds.reusable_step(neighbour.similarity, request.at_most);
                let is_beaten = |best: &Candidate| {
                    reach < Some(best.step) || (reach == Some(best.step) && neighbour.similarity < best.similarity)
                };
                if best.as_ref().is_some_and(is_beaten) {
                    break;
                }
                consider(&mut best, number, neighbour.similarity, false);
            }
        }
        best
    }
}
