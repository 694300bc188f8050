//! Block error rate of the best codes of finite length, by the normal approximation.
//!
//! A block of k information bits is sent over n channel uses. What the receiver learns about it, the information density, is a
//! sum over the channel uses: nearly Gaussian, of mean n·C (capacity) and variance n·V (dispersion). The block is lost where the
//! sum stays below k (Y. Polyanskiy, H. V. Poor and S. Verdú, "Channel coding rate in the finite blocklength regime", IEEE
//! Transactions on Information Theory, 2010; `spec` 3 C):
//!
//! ```text
//!            n·C − k + ½ log2 n
//!  ε ≈ Q( ────────────────────── )
//!               √(n·V)
//! ```
//!
//! | channel                               | n counts        | C                 | V                                  |
//! |---------------------------------------|-----------------|-------------------|------------------------------------|
//! | complex Gaussian, SNR γ per symbol    | complex symbols | log2(1 + γ)       | (1 − (1 + γ)⁻²)·log2²e             |
//! | binary symmetric, bit error prob. p   | coded bits      | 1 − H2(p)         | p(1 − p)·log2²((1 − p)/p)          |
//!
//! Information adds up over transmissions, which is what incremental redundancy lives on: `first + second`.
//!
//! **Where it does not hold.** It says what *some* code of that length does; a given one is worse. From 500 bits on and for ε
//! from 10⁻² to 10⁻⁴ it keeps within a quarter of the exact bounds of the best code. At block lengths below about 100, and where ε
//! is below about 10⁻⁶ (a deviation so large is not Gaussian any more), it is off by factors, even below what no code can do.
//! And Gaussian symbols are assumed: the capacity of the constellation is not modelled. [`ReceivedInformation::modulated`] only
//! caps it, at the SNR where log2(1 + γ) reaches the modulation's bits per symbol. Near that limit (code rates above about 0.8)
//! the approximation is too good below the cap, and above it leaves a floor, as V stays where it was: 2·10⁻⁴ at 1024 bits, rate
//! 0.9 and QPSK.

use std::f64::consts::{LN_2, LOG2_E};
use std::ops::Add;

use super::Modulation;
use super::special_functions::gaussian_q;

/// What has been received about a block: the information density of its channel uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReceivedInformation {
    /// n: complex symbols, or bits of a binary channel.
    pub channel_uses: f64,
    /// n·C, its mean [bit].
    pub information_bits: f64,
    /// n·V, its variance [bit²].
    pub dispersion_bits2: f64,
}

impl ReceivedInformation {
    /// `complex_symbols` uses of the complex Gaussian channel at this SNR per symbol (linear, ≥ 0).
    pub fn gaussian(complex_symbols: f64, snr: f64) -> Self {
        let capacity_nats = snr.ln_1p();
        // 1 − (1 + γ)⁻², without cancellation at small γ.
        let dispersion_nats2 = -(-2.0 * capacity_nats).exp_m1();
        Self {
            channel_uses: complex_symbols,
            information_bits: complex_symbols * capacity_nats / LN_2,
            dispersion_bits2: complex_symbols * dispersion_nats2 * LOG2_E * LOG2_E,
        }
    }

    /// The same, with the SNR capped where a symbol would carry more bits than the modulation has.
    pub fn modulated(complex_symbols: f64, snr: f64, modulation: Modulation) -> Self {
        Self::gaussian(complex_symbols, snr.min(saturation_snr(modulation)))
    }

    /// `coded_bits` uses of the binary symmetric channel, each sent `looks` ≥ 1 times and combined bit by bit; p in [0, ½].
    ///
    /// With d of i looks wrong, which has a binomial probability, the information density of a bit is
    /// 1 − log2(1 + ρ^(i − 2d)), ρ = p/(1 − p). One look gives the row of the table above.
    pub fn binary_symmetric(coded_bits: f64, bit_error_probability: f64, looks: u32) -> Self {
        let (mut mean, mut square) = (0.0, 0.0);
        let log2_odds = (bit_error_probability / (1.0 - bit_error_probability)).log2();
        for_each_count_of_wrong_looks(bit_error_probability, looks, |wrong, weight| {
            let log2_ratio = (f64::from(looks) - 2.0 * f64::from(wrong)) * log2_odds;
            // log2(1 + 2^x), without overflow.
            let density = 1.0 - log2_ratio.max(0.0) - (-log2_ratio.abs()).exp2().ln_1p() / LN_2;
            mean += weight * density;
            square += weight * density * density;
        });
        Self {
            channel_uses: coded_bits,
            information_bits: coded_bits * mean,
            dispersion_bits2: coded_bits * (square - mean * mean).max(0.0),
        }
    }

    /// ε, the probability that a block of `payload_bits` bits is not decoded, in [0, 1].
    pub fn block_error_rate(&self, payload_bits: f64) -> f64 {
        if self.channel_uses <= 0.0 {
            return if payload_bits > 0.0 { 1.0 } else { 0.0 };
        }
        let excess_bits = self.information_bits - payload_bits + 0.5 * self.channel_uses.log2();
        if self.dispersion_bits2 <= 0.0 {
            // A channel without noise, or without signal.
            return if excess_bits >= 0.0 && self.information_bits > 0.0 { 0.0 } else { 1.0 };
        }
        gaussian_q(excess_bits / self.dispersion_bits2.sqrt())
    }
}

impl Add for ReceivedInformation {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            channel_uses: self.channel_uses + other.channel_uses,
            information_bits: self.information_bits + other.information_bits,
            dispersion_bits2: self.dispersion_bits2 + other.dispersion_bits2,
        }
    }
}

/// The SNR per symbol (linear) at which log2(1 + γ) is the modulation's number of bits per symbol.
pub fn saturation_snr(modulation: Modulation) -> f64 {
    2f64.powi(modulation.bits_per_symbol() as i32) - 1.0
}

/// Probability that a bit is decided wrong from `looks` ≥ 1 looks at it over a binary symmetric channel, by majority; a tie is
/// decided by a fair coin.
pub fn majority_bit_error_probability(bit_error_probability: f64, looks: u32) -> f64 {
    let mut sum = 0.0;
    for_each_count_of_wrong_looks(bit_error_probability, looks, |wrong, weight| {
        sum += match (2 * u64::from(wrong)).cmp(&u64::from(looks)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5 * weight,
            std::cmp::Ordering::Greater => weight,
        };
    });
    sum
}

/// Calls `visit(d, Bin(d; looks, p))` for every d that can happen; looks + 1 calls.
fn for_each_count_of_wrong_looks(bit_error_probability: f64, looks: u32, mut visit: impl FnMut(u32, f64)) {
    let odds = bit_error_probability / (1.0 - bit_error_probability);
    let mut weight = (1.0 - bit_error_probability).powi(looks as i32);
    for wrong in 0..=looks {
        if weight > 0.0 {
            visit(wrong, weight);
        }
        weight *= odds * f64::from(looks - wrong) / f64::from(wrong + 1);
    }
}
