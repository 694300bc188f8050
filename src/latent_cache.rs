//! Latents that the server keeps, so that somebody who asks for something similar need not start from noise.
//!
//! ```text
//!  noise ─► z_1 ─► z_2 ─► z_3 ─► z_4 ─► …          the chain of “a dog under a tree”; kept: z_2, z_3, z_4
//!                   │      │      │
//!                   │      │      └─ θ_4 = 0.89    only for prompts that mean nearly the same
//!                   │      └─ θ_3 = 0.80           “a puppy under a tree”, similarity 0.84, goes on from here
//!                   └─ θ_2 = 0.60                  “a tiger in the grass”, 0.65, from here
//! ```
//!
//! The cache is a plain data structure: it holds node ids, never tensors, and it is told the time. An *entry* is what one
//! chain left behind, a *hit* the latent from which another can go on:
//!
//! - Of the entries that a request may be given, the one that avoids the most steps is taken. Of several of these the one
//!   with the most similar prompt; of several of these that of the very same prompt, then the oldest. (Taking the most
//!   similar prompt whatever its latents would pass over a deeper latent that may be reused.)
//! - A hit that reaches less deep than the request wants is a *partial hit*. The steps are run on from there, and the
//!   deeper latents can be put in again: they replace the entry of the same prompt, and inherit its hits.
//! - Entries whose time is over are gone at the next look-up or insertion. Room is made at an insertion only.
//!
//! Cost: a hit on the same prompt that nothing can beat takes about a microsecond, logarithmic in the number of entries.
//! Else the similar prompts are tried: those of a list that is made once per prompt ([`PromptNeighbours`], again about a
//! microsecond for some hundred entries), or all entries of the same chain and audience, at one similarity each.

mod entry;
mod neighbours;
mod search;
mod thresholds;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use neighbours::PromptNeighbours;
pub use thresholds::{ReuseThresholds, USUAL_DIVERGENCE};

use self::entry::{Audience, Entry, Rank, Shelf};
use crate::diffusion::NodeId;
use crate::network::PromptBook;
use crate::scenario::{CacheSettings, TimeToLive};

/// Somebody asks for a latent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheRequest {
    pub prompt: u32,
    /// Index of the device in the scenario.
    pub device: u32,
    /// `device.shares_latents`.
    pub shares: bool,
    /// Only chains with this tag are of use: those through the same timesteps, from the same start.
    pub chain: u32,
    /// Shared steps that are wanted: a latent beyond them is of no use.
    pub at_most: u32,
    /// Now [s].
    pub time_s: f64,
}

/// The latent that a request is given.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheHit {
    pub latent: NodeId,
    /// Steps that it has behind it, and that nobody has to run.
    pub step: u32,
    /// The prompt of the entry.
    pub prompt: u32,
    /// With which prompts those steps were run: see [`NewEntry::lineage`].
    pub lineage: Vec<(u32, u32)>,
    /// Index of the device for which they were run.
    pub device: u32,
    /// Cosine similarity of that prompt to the one asked for.
    pub similarity: f64,
    /// Since the latent was put in [s].
    pub age_s: f64,
}

/// What a chain leaves behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEntry {
    pub prompt: u32,
    /// Index of the device in the scenario.
    pub device: u32,
    /// `device.shares_latents`.
    pub shares: bool,
    /// See [`CacheRequest::chain`].
    pub chain: u32,
    /// By step, ascending. Steps that are not kept are left out.
    pub latents: Vec<(u32, NodeId)>,
    /// With which prompts the chain was run, each with the step up to which it was, ascending: a chain that went on from
    /// another prompt's latent has that one first.
    pub lineage: Vec<(u32, u32)>,
    /// Now [s].
    pub time_s: f64,
}

/// The cache of one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "SavedCache")]
pub struct LatentCache {
    thresholds: ReuseThresholds,
    latent_bytes: u64,
    /// Earlier model outputs that are kept with a latent at most; after j steps there are j of them.
    longest_history: u32,
    key_bytes: u64,
    /// By number, in the order of insertion.
    entries: BTreeMap<u64, Entry>,
    counters: Counters,
    /// Numbers of the entries by who may have them and by prompt. Nothing depends on the order of the inner map.
    #[serde(skip)]
    shelves: BTreeMap<Shelf, HashMap<u32, u64>>,
    /// Next to be evicted first.
    #[serde(skip)]
    eviction_order: BTreeSet<(Rank, u64)>,
    /// Next to run out of time first; times as bits, whose order is that of times from 0 on.
    #[serde(skip)]
    expiries: BTreeSet<(u64, u64)>,
    #[serde(skip)]
    neighbours: Option<Arc<PromptNeighbours>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Counters {
    bytes: u64,
    largest_bytes: u64,
    insertions: u64,
    replacements: u64,
    evictions: u64,
    too_large: u64,
    uses: u64,
}

/// What is saved of a cache; the rest follows from it.
#[derive(Deserialize)]
struct SavedCache {
    thresholds: ReuseThresholds,
    latent_bytes: u64,
    longest_history: u32,
    key_bytes: u64,
    entries: BTreeMap<u64, Entry>,
    counters: Counters,
}

impl From<SavedCache> for LatentCache {
    fn from(saved: SavedCache) -> Self {
        let mut cache = Self {
            counters: saved.counters,
            longest_history: saved.longest_history,
            ..Self::with_sizes(saved.thresholds, saved.latent_bytes, saved.key_bytes)
        };
        for (number, entry) in saved.entries {
            cache.put(number, entry);
        }
        cache
    }
}

impl LatentCache {
    /// An empty cache. `latent_bytes`: of one latent as it is stored; `key_bytes`: of the text embedding of an entry.
    pub fn new(thresholds: ReuseThresholds, latent_bytes: u64, key_bytes: u64) -> Self {
        Self::with_sizes(thresholds, latent_bytes, key_bytes)
    }

    fn with_sizes(thresholds: ReuseThresholds, latent_bytes: u64, key_bytes: u64) -> Self {
        Self {
            thresholds,
            latent_bytes,
            longest_history: 0,
            key_bytes,
            entries: BTreeMap::new(),
            counters: Counters::default(),
            shelves: BTreeMap::new(),
            eviction_order: BTreeSet::new(),
            expiries: BTreeSet::new(),
            neighbours: None,
        }
    }

    /// With the history of a multistep method beside each latent, `longest` tensors of its size at most.
    pub fn with_history(mut self, longest: u32) -> Self {
        self.longest_history = longest;
        self
    }

    /// With a table of neighbours that several caches share. A cache without makes its own, and so does one that was
    /// restored.
    pub fn with_neighbours(mut self, neighbours: Arc<PromptNeighbours>) -> Self {
        self.neighbours = Some(neighbours);
        self
    }

    /// The best latent for a request, which counts as a use of its entry.
    pub fn look_up(
        &mut self,
        settings: &CacheSettings,
        request: &CacheRequest,
        prompts: &PromptBook,
    ) -> Option<CacheHit> {
        self.expire(request.time_s);
        let found = self.find(settings.sharing, request, prompts)?;
        let use_number = self.next_use();
        let entry = self.entries.get_mut(&found.number).expect("what was found is there");
        self.eviction_order.remove(&(entry.rank, found.number));
        entry.hits += 1;
        entry.last_use = use_number;
        entry.rank = entry.rank_under(settings.eviction);
        self.eviction_order.insert((entry.rank, found.number));
        if let (Some(TimeToLive { time_s, is_reset_by_hits: true }), Some(expires_s)) =
            (settings.time_to_live, entry.expires_s)
        {
            self.expiries.remove(&(expires_s.to_bits(), found.number));
            let expires_s = request.time_s + time_s;
            entry.expires_s = Some(expires_s);
            self.expiries.insert((expires_s.to_bits(), found.number));
        }
        Some(CacheHit {
            latent: found.latent,
            step: found.step,
            prompt: entry.prompt,
            lineage: lineage_until(&entry.lineage, found.step),
            device: entry.device,
            similarity: found.similarity,
            age_s: request.time_s - entry.inserted_s,
        })
    }

    /// Puts in what a chain left behind. It takes the place of an entry of the same prompt, chain and audience, unless
    /// that one is deeper: then nothing changes. Others are evicted until there is room; what is larger than the whole
    /// cache is not put in.
    pub fn insert(&mut self, settings: &CacheSettings, new: NewEntry) {
        self.expire(new.time_s);
        let NewEntry { prompt, device, shares, chain, mut latents, lineage, time_s } = new;
        latents.retain(|(step, _)| self.thresholds.kept_steps().binary_search(step).is_ok());
        let Some(&(depth, _)) = latents.last() else { return };
        let shelf = Shelf { chain, audience: Audience::of_entry(settings.sharing, device, shares) };
        let bytes = self.bytes_of(&latents);
        let capacity_bytes = settings.capacity_bytes.unwrap_or(u64::MAX);
        let capacity_entries = settings.capacity_entries.unwrap_or(u64::MAX);
        if bytes > capacity_bytes || capacity_entries == 0 {
            self.counters.too_large += 1;
            return;
        }
        let mut hits = 0;
        if let Some(&number) = self.shelves.get(&shelf).and_then(|shelf| shelf.get(&prompt)) {
            let there = &self.entries[&number];
            // As deep, but begun later: it lacks what less similar prompts could go on from.
            if there.depth() > depth || (there.depth() == depth && there.latents.len() > latents.len()) {
                return;
            }
            hits = self.remove(number).hits;
            self.counters.replacements += 1;
        }
        while self.counters.bytes + bytes > capacity_bytes || self.entries.len() as u64 >= capacity_entries {
            let &(_, next) = self.eviction_order.first().expect("an empty cache has room for what is not too large");
            self.remove(next);
            self.counters.evictions += 1;
        }
        let expires_s = settings.time_to_live.map(|time_to_live| time_s + time_to_live.time_s);
        let last_use = self.next_use();
        let rank = Rank::default();
        let mut entry =
            Entry { shelf, prompt, device, latents, lineage, inserted_s: time_s, expires_s, hits, last_use, rank };
        entry.rank = entry.rank_under(settings.eviction);
        // Uses are numbered without a gap, so no two entries have the same number.
        self.put(last_use, entry);
        self.counters.insertions += 1;
        self.counters.bytes += bytes;
        self.counters.largest_bytes = self.counters.largest_bytes.max(self.counters.bytes);
    }

    pub fn thresholds(&self) -> &ReuseThresholds {
        &self.thresholds
    }

    /// Of latents and keys. Entries whose time is over count until the next look-up or insertion.
    pub fn bytes(&self) -> u64 {
        self.counters.bytes
    }

    /// The most bytes that it ever held.
    pub fn largest_bytes(&self) -> u64 {
        self.counters.largest_bytes
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries that were put in: those that are there, were replaced or were evicted.
    pub fn insertions(&self) -> u64 {
        self.counters.insertions
    }

    /// Entries whose place was taken by deeper or newer latents of the same prompt.
    pub fn replacements(&self) -> u64 {
        self.counters.replacements
    }

    /// Entries that were evicted or ran out of time.
    pub fn evictions(&self) -> u64 {
        self.counters.evictions
    }

    /// Entries that were not put in because they are larger than the whole cache.
    pub fn too_large(&self) -> u64 {
        self.counters.too_large
    }

    fn bytes_of(&self, latents: &[(u32, NodeId)]) -> u64 {
        let tensors: u64 = latents.iter().map(|&(step, _)| 1 + u64::from(step.min(self.longest_history))).sum();
        tensors * self.latent_bytes + self.key_bytes
    }

    fn next_use(&mut self) -> u64 {
        self.counters.uses += 1;
        self.counters.uses
    }

    /// Takes out what has no time left.
    fn expire(&mut self, now_s: f64) {
        while let Some(&(expires, number)) = self.expiries.first() {
            if f64::from_bits(expires) > now_s {
                break;
            }
            self.remove(number);
            self.counters.evictions += 1;
        }
    }

    /// Puts an entry onto its shelf and into the orders.
    fn put(&mut self, number: u64, entry: Entry) {
        self.shelves.entry(entry.shelf).or_default().insert(entry.prompt, number);
        self.eviction_order.insert((entry.rank, number));
        if let Some(expires_s) = entry.expires_s {
            self.expiries.insert((expires_s.to_bits(), number));
        }
        self.entries.insert(number, entry);
    }

    fn remove(&mut self, number: u64) -> Entry {
        let entry = self.entries.remove(&number).expect("numbers are of entries that are there");
        self.counters.bytes -= self.bytes_of(&entry.latents);
        self.eviction_order.remove(&(entry.rank, number));
        if let Some(expires_s) = entry.expires_s {
            self.expiries.remove(&(expires_s.to_bits(), number));
        }
        if let Some(shelf) = self.shelves.get_mut(&entry.shelf) {
            shelf.remove(&entry.prompt);
            if shelf.is_empty() {
                self.shelves.remove(&entry.shelf);
            }
        }
        entry
    }
}

/// The part of a lineage that leads to a step.
fn lineage_until(lineage: &[(u32, u32)], step: u32) -> Vec<(u32, u32)> {
    let mut until = Vec::with_capacity(lineage.len());
    for &(prompt, end) in lineage {
        until.push((prompt, end.min(step)));
        if end >= step {
            break;
        }
    }
    until
}
