//! Records as bytes: version, kind, content, and a checksum over all of it and the key.

use sha2::{Digest, Sha256};

use crate::diffusion::graph::NodeKey;
use crate::diffusion::{Failure, LinkErrors, PictureMetrics};
use crate::judge::Answer;

/// Of the layout below. A record of another version counts as missing.
const VERSION: u8 = 1;
/// Bytes of the checksum at a record's end.
const CHECKSUM_BYTES: usize = 8;

/// The key of a record: a hash of everything its content depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey([u8; 32]);

impl RecordKey {
    /// The key of the pooled embedding of a prompt by the text encoder of the pack with this digest.
    pub fn of_prompt(pack_digest: [u8; 32], prompt: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"latentlink pooled text 1");
        hash.update(pack_digest);
        hash.update(prompt.as_bytes());
        Self(hash.finalize().into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<NodeKey> for RecordKey {
    fn from(key: NodeKey) -> Self {
        Self(*key.as_bytes())
    }
}

/// What is kept of a node, or of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A picture as a PNG file, byte for byte as in the results.
    Picture(Vec<u8>),
    Metrics(PictureMetrics),
    LinkErrors(LinkErrors),
    Answer(Answer),
    /// The node has no content, and why.
    Failed(Failure),
    /// Direction of a prompt's embedding, averaged over its tokens [hidden].
    PooledText(Vec<f64>),
}

/// The bytes are not what was written under this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

impl Record {
    pub(super) fn to_bytes(&self, key: RecordKey) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.kind()];
        match self {
            Self::Picture(png) => bytes.extend_from_slice(png),
            Self::Metrics(metrics) => {
                for value in [metrics.mse, metrics.psnr_db, metrics.ssim] {
                    bytes.extend(value.to_le_bytes());
                }
            }
            Self::LinkErrors(errors) => {
                for value in [errors.bits, errors.flipped_bits, errors.non_finite, errors.out_of_range] {
                    bytes.extend(value.to_le_bytes());
                }
            }
            Self::Answer(Answer { score, text, attempts }) => {
                bytes.extend([u8::from(score.is_some()), u8::from(text.is_some())]);
                bytes.extend(attempts.to_le_bytes());
                bytes.extend(score.unwrap_or(0.0).to_le_bytes());
                bytes.extend_from_slice(text.as_deref().unwrap_or("").as_bytes());
            }
            Self::Failed(failure) => bytes.push(match failure {
                Failure::NonFiniteLatent => 0,
                Failure::NonFiniteOutput => 1,
            }),
            Self::PooledText(direction) => bytes.extend(direction.iter().flat_map(|value| value.to_le_bytes())),
        }
        bytes.extend(checksum(key, &bytes));
        bytes
    }

    /// `None`: whole, but of a version or kind that this program does not know.
    pub(super) fn from_bytes(key: RecordKey, bytes: &[u8]) -> Result<Option<Self>, Damaged> {
        let content_length = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(Damaged)?;
        let (content, sum) = bytes.split_at(content_length);
        if sum != checksum(key, content) {
            return Err(Damaged);
        }
        Ok(match content {
            [VERSION, kind, payload @ ..] => Self::from_payload(*kind, payload),
            _ => None,
        })
    }

    fn from_payload(kind: u8, payload: &[u8]) -> Option<Self> {
        Some(match kind {
            0 => Self::Picture(payload.to_vec()),
            1 => {
                let [mse, psnr_db, ssim] = words(payload)?.map(f64::from_le_bytes);
                Self::Metrics(PictureMetrics { mse, psnr_db, ssim })
            }
            2 => {
                let [bits, flipped_bits, non_finite, out_of_range] = words(payload)?.map(u64::from_le_bytes);
                Self::LinkErrors(LinkErrors { bits, flipped_bits, non_finite, out_of_range })
            }
            3 => {
                let (flags, rest) = payload.split_first_chunk::<2>()?;
                let (attempts, rest) = rest.split_first_chunk()?;
                let (score, text) = rest.split_first_chunk()?;
                let text = std::str::from_utf8(text).ok()?;
                Self::Answer(Answer {
                    score: (flags[0] == 1).then(|| f64::from_le_bytes(*score)),
                    text: (flags[1] == 1).then(|| text.to_owned()),
                    attempts: u32::from_le_bytes(*attempts),
                })
            }
            4 => Self::Failed(match payload {
                [0] => Failure::NonFiniteLatent,
                [1] => Failure::NonFiniteOutput,
                _ => return None,
            }),
            5 => {
                let (values, []) = payload.as_chunks::<8>() else { return None };
                Self::PooledText(values.iter().map(|value| f64::from_le_bytes(*value)).collect())
            }
            _ => return None,
        })
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Picture(_) => 0,
            Self::Metrics(_) => 1,
            Self::LinkErrors(_) => 2,
            Self::Answer(_) => 3,
            Self::Failed(_) => 4,
            Self::PooledText(_) => 5,
        }
    }
}

/// Exactly N words of 8 bytes.
fn words<const N: usize>(payload: &[u8]) -> Option<[[u8; 8]; N]> {
    let (words, []) = payload.as_chunks::<8>() else { return None };
    words.try_into().ok()
}

fn checksum(key: RecordKey, content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Sha256::new();
    hash.update(key.0);
    hash.update(content);
    let hash: [u8; 32] = hash.finalize().into();
    *hash.first_chunk().expect("a SHA-256 is longer than the checksum")
}
