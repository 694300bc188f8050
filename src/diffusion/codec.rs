//! The latent as bits: pack, flip, unpack, sanitise.
//!
//! The link is a binary symmetric channel: each of the L·b bits of a latent flips on its own with the link's bit error
//! probability, or, with unequal protection, the most significant bits of each value with a smaller one. What that does to a value depends on the codec. In floating point a flipped exponent bit makes values of
//! up to 10³⁸, or NaN, so a receiver has to sanitise what it hands to the denoiser; in the 8-bit codecs every code is a
//! value within the range.
//!
//! The 8-bit codecs put 256 levels on [−range, range], both ends included: level k stands for
//! `−range + k · 2 range / 255`. Two's complement sends k − 128, Gray sends k XOR (k >> 1); values beyond the range
//! saturate in the encoder.

use half::f16;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::random::StreamKey;

/// How one latent value is written as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LatentCodec {
    /// IEEE 754 single precision, 32 bits a value.
    Fp32,
    /// IEEE 754 half precision, 16 bits a value.
    Fp16,
    /// 8-bit two's complement over a symmetric range.
    Int8,
    /// 8-bit Gray code over a symmetric range.
    Int8Gray,
}

/// What a receiver does with NaN, infinite and out-of-range values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sanitize {
    /// Nothing: the values go into the denoiser as they are.
    None,
    /// They become zero.
    Zero,
    /// NaN becomes zero, the others the nearest end of the range.
    Clip,
}

/// Bits of every value that are protected better than the others: sign and exponent of a float, say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProtectedBits {
    /// How many of each value, from its most significant bit on.
    pub bits: u32,
    /// Probability that one of them flips, in [0, 0.5].
    pub bit_error_probability: f64,
}

/// A latent after the link, and what happened to it on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The values, sanitised; as many as were sent.
    pub latent: Vec<f32>,
    /// Bits sent: values × [`LatentCodec::bits_per_value`], headers not counted.
    pub bits: u64,
    /// Bits that flipped.
    pub flipped_bits: u64,
    /// Values that arrived as NaN or infinite, before sanitising.
    pub non_finite: u64,
    /// Finite values that arrived beyond ±range, before sanitising.
    pub out_of_range: u64,
}

impl LatentCodec {
    /// Bits on the air for one value.
    pub fn bits_per_value(self) -> u32 {
        match self {
            Self::Fp32 => 32,
            Self::Fp16 => 16,
            Self::Int8 | Self::Int8Gray => 8,
        }
    }

    /// The value's bits, in the low end of the word.
    fn encode(self, value: f32, range: f32) -> u32 {
        match self {
            Self::Fp32 => value.to_bits(),
            Self::Fp16 => u32::from(f16::from_f32(value).to_bits()),
            Self::Int8 => u32::from(quantise(value, range).wrapping_sub(128)),
            Self::Int8Gray => {
                let level = quantise(value, range);
                u32::from(level ^ (level >> 1))
            }
        }
    }

    fn decode(self, bits: u32, range: f32) -> f32 {
        match self {
            Self::Fp32 => f32::from_bits(bits),
            Self::Fp16 => f16::from_bits(bits as u16).to_f32(),
            Self::Int8 => dequantise((bits as u8).wrapping_add(128), range),
            Self::Int8Gray => {
                // A prefix XOR undoes k XOR (k >> 1).
                let mut level = bits as u8;
                level ^= level >> 1;
                level ^= level >> 2;
                level ^= level >> 4;
                dequantise(level, range)
            }
        }
    }
}

/// The nearest of the 256 levels; NaN becomes the lowest.
fn quantise(value: f32, range: f32) -> u8 {
    // `as` saturates at both ends.
    ((value / range + 1.0) * 127.5).round_ties_even() as u8
}

fn dequantise(level: u8, range: f32) -> f32 {
    // Exact at both ends, which therefore never count as out of range.
    (f32::from(level) * 2.0 - 255.0) / 255.0 * range
}

/// Sends a latent over a link of the given bit error probability; the `protected` bits have their own.
///
/// `latent` holds any number of values, `range` is the R of ±R (> 0), `key` names the stream of bit-error thresholds.
///
/// **Nested flips.** Bit i flips where a uniform U_i, a function of `key` and i alone, lies below the probability. With
/// the same key the bits that flip at a smaller probability are therefore a subset of those at a larger one, and a sweep
/// over bit error probabilities varies nothing but them (common random numbers): U_i does not know whether bit i is protected.
/// Probabilities are resolved to 2⁻⁶⁴.
///
/// With probability 0 an `Fp32` latent within the range arrives bit for bit; what lies beyond the range is sanitised all
/// the same, as a receiver cannot know that it was sent so.
pub fn transmit(
    latent: &[f32],
    codec: LatentCodec,
    range: f32,
    sanitize: Sanitize,
    bit_error_probability: f64,
    protected: Option<ProtectedBits>,
    key: &StreamKey,
) -> Received {
    // The number of bits is a constant of the inner loop, which makes it several times faster.
    let link = Link { codec, range, sanitize, bit_error_probability, protected, key };
    match codec {
        LatentCodec::Fp32 => link.send::<32>(latent),
        LatentCodec::Fp16 => link.send::<16>(latent),
        LatentCodec::Int8 | LatentCodec::Int8Gray => link.send::<8>(latent),
    }
}

/// The arguments of [`transmit`] but for the latent.
struct Link<'a> {
    codec: LatentCodec,
    range: f32,
    sanitize: Sanitize,
    bit_error_probability: f64,
    protected: Option<ProtectedBits>,
    key: &'a StreamKey,
}

impl Link<'_> {
    fn send<const BITS: usize>(&self, latent: &[f32]) -> Received {
        let mut errors = BitErrors::<BITS>::new(self.bit_error_probability, self.protected, self.key);
        let mut received = Received {
            latent: Vec::with_capacity(latent.len()),
            bits: latent.len() as u64 * BITS as u64,
            flipped_bits: 0,
            non_finite: 0,
            out_of_range: 0,
        };
        for &value in latent {
            let flips = errors.next_mask();
            received.flipped_bits += u64::from(flips.count_ones());
            let mut value = self.codec.decode(self.codec.encode(value, self.range) ^ flips, self.range);
            // Written so that NaN counts as beyond the range.
            let within = value.abs() <= self.range;
            if !within {
                if value.is_finite() {
                    received.out_of_range += 1;
                } else {
                    received.non_finite += 1;
                }
                value = match self.sanitize {
                    Sanitize::None => value,
                    Sanitize::Zero => 0.0,
                    Sanitize::Clip if value.is_nan() => 0.0,
                    Sanitize::Clip => self.range.copysign(value),
                };
            }
            received.latent.push(value);
        }
        received
    }
}

/// Words of the stream drawn at a time; a multiple of the bits of every codec.
const BUFFERED_WORDS: usize = 1024;

/// Draws, value after value of `BITS` ≤ 32 bits, which of its bits flip.
///
/// U_i has 64 bits. Its upper half is word i of the key's stream; the lower half decides only where the upper half equals
/// that of the probability, once in 2³² bits, and comes from a stream of its own, the key's child i.
struct BitErrors<'a, const BITS: usize> {
    key: &'a StreamKey,
    /// `None` where nothing can flip.
    stream: Option<ChaCha8Rng>,
    /// Upper and lower half of the probability, by place; the most significant bit has the last place.
    upper: [u32; BITS],
    lower: [u32; BITS],
    words: [u8; 4 * BUFFERED_WORDS],
    /// Words of the buffer that are used up.
    used: usize,
    /// i of the next bit.
    next_bit: u64,
}

impl<'a, const BITS: usize> BitErrors<'a, BITS> {
    fn new(bit_error_probability: f64, protected: Option<ProtectedBits>, key: &'a StreamKey) -> Self {
        // `as` saturates: certainty becomes 1 − 2⁻⁶⁴.
        let threshold = |probability: f64| (probability * 2f64.powi(64)) as u64;
        let mut thresholds = [threshold(bit_error_probability); BITS];
        if let Some(protected) = protected {
            let others = BITS.saturating_sub(protected.bits as usize);
            thresholds[others..].fill(threshold(protected.bit_error_probability));
        }
        Self {
            key,
            stream: thresholds.iter().any(|&threshold| threshold > 0).then(|| key.rng()),
            upper: thresholds.map(|threshold| (threshold >> 32) as u32),
            lower: thresholds.map(|threshold| threshold as u32),
            words: [0; 4 * BUFFERED_WORDS],
            used: BUFFERED_WORDS,
            next_bit: 0,
        }
    }

    /// The flips of the next value, its first bit in the lowest place.
    fn next_mask(&mut self) -> u32 {
        let Some(stream) = &mut self.stream else {
            return 0;
        };
        if self.used == BUFFERED_WORDS {
            stream.fill_bytes(&mut self.words);
            self.used = 0;
        }
        let words: &[[u8; 4]; BITS] =
            self.words.as_chunks().0[self.used..].first_chunk().expect("the buffer holds a whole number of masks");
        let first_bit = self.next_bit;
        self.used += BITS;
        self.next_bit += BITS as u64;

        let uniforms = words.map(u32::from_le_bytes);
        let mut mask = 0;
        let mut tie = false;
        for (place, (&uniform, &upper)) in uniforms.iter().zip(&self.upper).enumerate() {
            mask |= u32::from(uniform < upper) << place;
            tie |= uniform == upper;
        }
        if tie {
            for place in (0..BITS).filter(|&place| uniforms[place] == self.upper[place]) {
                let mut finer = self.key.child(first_bit + place as u64).rng();
                mask |= u32::from(finer.next_u32() < self.lower[place]) << place;
            }
        }
        mask
    }
}
