//! Random streams: every draw of a study comes from a ChaCha8 stream keyed by
//! (study seed, replication, component name, entity name).
//!
//! The coordinates of a sweep are never in the key, so all points of a sweep see the same channels, bit-error
//! thresholds and start latents (common random numbers); and adding a device, a point or a replication changes no
//! other stream.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The 256-bit key of one stream; it also serves as the seed of a graph node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamKey([u8; 32]);

impl StreamKey {
    /// A key that no stream has, for what is never drawn.
    pub const NOTHING: Self = Self([0; 32]);

    /// The key of the stream that `component` (say `"fading"`) uses for `entity` (say `"device-1"`).
    pub fn new(study_seed: u64, replication: u32, component: &str, entity: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"latentlink stream 1");
        hash.update(study_seed.to_le_bytes());
        hash.update(replication.to_le_bytes());
        for text in [component, entity] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// A key that depends on this one and on a counter, for draws that repeat (one per denoising step, say).
    pub fn child(&self, index: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(index.to_le_bytes());
        Self(hash.finalize().into())
    }

    /// The stream, from its start.
    pub fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.0)
    }

    /// The stream from its start, by a generator whose whole state is 32 bytes: for models that hold one stream per device
    /// and are saved in mid-stream. (A ChaCha8 generator holds a buffer of 256 bytes.)
    pub fn compact_rng(&self) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::from_seed(self.0)
    }

    /// The key itself, to be hashed into a node's key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
