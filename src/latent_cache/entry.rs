//! One entry of the cache: a chain's latents, who may have them, and how much it has been worth so far.

use serde::{Deserialize, Serialize};

use crate::diffusion::NodeId;
use crate::scenario::{CacheSharing, Eviction};

/// Who is given an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Audience {
    /// Everybody who shares.
    Sharing,
    /// The device of this index.
    Device(u32),
}

impl Audience {
    /// Whose an entry is that a device puts in. A device shares for a whole run or never: what it shares it finds among
    /// the shared ones.
    pub fn of_entry(sharing: CacheSharing, device: u32, shares: bool) -> Self {
        match sharing {
            CacheSharing::Everyone => Self::Sharing,
            CacheSharing::OptIn if shares => Self::Sharing,
            CacheSharing::OptIn | CacheSharing::Own => Self::Device(device),
        }
    }
}

/// Entries that are given to the same requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Shelf {
    /// Chains through other timesteps have other tags.
    pub chain: u32,
    pub audience: Audience,
}

/// The latents of one chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub shelf: Shelf,
    pub prompt: u32,
    /// Who put it in.
    pub device: u32,
    /// By step, ascending; never empty.
    pub latents: Vec<(u32, NodeId)>,
    /// See [`super::NewEntry::lineage`].
    pub lineage: Vec<(u32, u32)>,
    /// [s]
    pub inserted_s: f64,
    /// `None`: it lives until it is evicted [s].
    pub expires_s: Option<f64>,
    pub hits: u64,
    /// When it was last used, as a number that grows with every use of any entry.
    pub last_use: u64,
    /// Its place in the order of eviction.
    pub rank: Rank,
}

/// Place in the order of eviction: the entry with the least goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(super) struct Rank {
    worth: u64,
    recency: u64,
}

impl Entry {
    /// Steps that its deepest latent has behind it.
    pub fn depth(&self) -> u32 {
        self.latents.last().map_or(0, |&(step, _)| step)
    }

    /// Its deepest latent of at most that many steps for which `is_reusable` holds.
    pub fn deepest(&self, at_most: u32, is_reusable: impl Fn(u32) -> bool) -> Option<(u32, NodeId)> {
        self.latents.iter().rev().copied().find(|&(step, _)| step <= at_most && is_reusable(step))
    }

    /// Where it stands now. The least recently used of equals goes first.
    pub fn rank_under(&self, eviction: Eviction) -> Rank {
        let worth = match eviction {
            // Entries were numbered as they came in, which is what decides among equals.
            Eviction::Fifo => return Rank::default(),
            Eviction::Lru => 0,
            Eviction::Lfu => self.hits,
            Eviction::Lcbfu => self.hits * u64::from(self.depth()),
        };
        Rank { worth, recency: self.last_use }
    }
}
