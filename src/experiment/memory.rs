//! How much memory a study may take, and what that means for how much of it is looked at together.
//!
//! The limit is a number of the user's, not the machine's: the same limit gives the same blocks, groups and batches, and so
//! the same bytes, on any machine. It is divided by rules of thumb that were measured, with room to spare:
//!
//! | share | for |
//! |---|---|
//! | a quarter | the models, ONNX Runtime and what it holds while it works |
//! | a quarter | the denoising graph and the records of simulated runs, about a kilobyte a node |
//! | a quarter | latents and pictures in flight |
//! | a quarter | the index of finished runs, tables on their way to the disk, figures |

use std::fmt;
use std::str::FromStr;

use crate::onnx::DiffusionPack;

const MIB: u64 = 1 << 20;
/// A node with its key, its place in the index, and its part of the run that asked for it.
const BYTES_PER_NODE: u64 = 1024;
/// Latents of one chain in flight: the one it has, the one it gets, and their copies in a batch.
const LATENTS_PER_CHAIN: u64 = 4;
/// A picture as numbers, as bytes, and in the judge's preprocessing.
const PICTURES_PER_CHAIN: u64 = 3;

/// Memory that a study may take [bytes].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit {
    bytes: u64,
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self { bytes: 2048 * MIB }
    }
}

impl MemoryLimit {
    /// The least that anything runs in.
    const LEAST: u64 = 256 * MIB;

    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// Nodes of one block's graph.
    pub fn nodes(self) -> usize {
        (self.bytes / 4 / BYTES_PER_NODE) as usize
    }

    /// Chains of denoising steps, each with its picture, at least 1.
    pub fn pictures_in_flight(self, pack: &DiffusionPack) -> usize {
        let latent_values = pack.latent_shape().iter().product::<usize>() as u64;
        // A decoder that does not say how large its pictures are enlarges eightfold, as (1) of the paper.
        let [_, height, width] = pack.latent_shape();
        let [height, width] = pack.picture_size().unwrap_or([8 * height, 8 * width]);
        let picture_values = (3 * height * width) as u64;
        let bytes = 4 * (LATENTS_PER_CHAIN * latent_values + PICTURES_PER_CHAIN * picture_values);
        ((self.bytes / 4 / bytes) as usize).max(1)
    }
}

/// `2GiB`, `512 MiB`, `1.5GB`.
impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let unit: f64 = match text[digits..].trim() {
            "GiB" | "G" | "g" => 1024.0 * MIB as f64,
            "MiB" | "M" | "m" => MIB as f64,
            "GB" => 1e9,
            "MB" => 1e6,
            _ => return Err("expected a number with its unit, say 2GiB or 512MiB".to_owned()),
        };
        let number: f64 =
            text[..digits].parse().map_err(|_| "expected a number before the unit, say 2GiB".to_owned())?;
        let bytes = (number * unit) as u64;
        if bytes < Self::LEAST {
            return Err(format!("expected at least {}", Self { bytes: Self::LEAST }));
        }
        Ok(Self { bytes })
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes / MIB {
            mib if mib % 1024 == 0 => write!(formatter, "{}GiB", mib / 1024),
            mib => write!(formatter, "{mib}MiB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_unit_and_is_enough_for_something() {
        let read = |text: &str| text.parse::<MemoryLimit>().map(MemoryLimit::bytes);
        assert_eq!(read("2GiB"), Ok(2 << 30));
        assert_eq!(read(" 512 MiB"), Ok(512 << 20));
        assert_eq!(read("1.5GB"), Ok(1_500_000_000));
        for wrong in ["", "2", "GiB", "1..5GiB", "2TiBx", "1MiB", "-2GiB", "0GiB"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(MemoryLimit::default().to_string(), "2GiB");
    }
}
