//! Gray-mapped modulations and their exact bit error probability on a Gaussian channel.
//!
//! Every one of them is a weighted sum of Gaussian tails, P(γ) = Σ wᵢ·Q(√(cᵢγ)), which is what lets
//! [`average_bit_error_probability`](super::average_bit_error_probability) integrate over any fading.

use super::special_functions::gaussian_q;

/// A modulation with Gray mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Modulation {
    Bpsk,
    Qpsk,
    Qam16,
    Qam64,
    Qam256,
}

/// One term w·Q(√(c·γ)) of a bit error probability, γ the SNR per symbol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianTerm {
    /// w; negative for some terms of QAM.
    pub weight: f64,
    /// c > 0.
    pub snr_factor: f64,
}

impl Modulation {
    /// Every modulation, from the most robust to the fastest.
    pub const ALL: [Self; 5] = [Self::Bpsk, Self::Qpsk, Self::Qam16, Self::Qam64, Self::Qam256];

    /// The name in scenarios, on the command line and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bpsk => "bpsk",
            Self::Qpsk => "qpsk",
            Self::Qam16 => "qam16",
            Self::Qam64 => "qam64",
            Self::Qam256 => "qam256",
        }
    }

    /// Bits carried by one symbol.
    pub const fn bits_per_symbol(self) -> u32 {
        match self {
            Self::Bpsk => 1,
            Self::Qpsk => 2,
            Self::Qam16 => 4,
            Self::Qam64 => 6,
            Self::Qam256 => 8,
        }
    }

    /// The terms of the bit error probability; their weights add up to 1, so that it is ½ at no signal.
    ///
    /// BPSK Q(√(2γ)); QPSK Q(√γ), one bit per axis; square QAM from [`square_qam_terms`].
    pub fn terms(self) -> Vec<GaussianTerm> {
        match self {
            Self::Bpsk => vec![GaussianTerm { weight: 1.0, snr_factor: 2.0 }],
            Self::Qpsk => square_qam_terms(1),
            Self::Qam16 => square_qam_terms(2),
            Self::Qam64 => square_qam_terms(3),
            Self::Qam256 => square_qam_terms(4),
        }
    }

    /// Probability that a bit is received wrong at this SNR per symbol (linear, ≥ 0).
    pub fn bit_error_probability(self, snr: f64) -> f64 {
        self.terms().iter().map(|term| term.weight * gaussian_q((term.snr_factor * snr).sqrt())).sum()
    }
}

/// Exact terms of square M-QAM with Gray mapping, `bits_per_axis` = log2(√M) (K. Cho and D. Yoon, "On the general BER
/// expression of one- and two-dimensional amplitude modulations", IEEE Transactions on Communications, 2002, eq. 14–16).
///
/// Bit k of an axis, k = 1 the most significant, is wrong with probability
/// (2/√M)·Σᵢ (−1)^⌊i·2^(k−1)/√M⌋·(2^(k−1) − ⌊i·2^(k−1)/√M + ½⌋)·Q((2i + 1)·√(3γ/(M − 1))),
/// i = 0 … (1 − 2^(−k))·√M − 1; the bits count alike. Terms whose weights cancel over the bits are left out.
fn square_qam_terms(bits_per_axis: u32) -> Vec<GaussianTerm> {
    let levels = 1_i64 << bits_per_axis;
    let mut weights = vec![0_i64; levels as usize - 1];
    for k in 1..=bits_per_axis {
        let half_period = 1_i64 << (k - 1);
        for i in 0..levels - (levels >> k) {
            let sign = if (i * half_period / levels) % 2 == 0 { 1 } else { -1 };
            let rounded = (2 * i * half_period + levels).div_euclid(2 * levels);
            weights[i as usize] += sign * (half_period - rounded);
        }
    }
    let normalisation = 2.0 / (levels as f64 * f64::from(bits_per_axis));
    let distance = 3.0 / (levels * levels - 1) as f64;
    (0_i64..)
        .zip(weights)
        .filter(|&(_, weight)| weight != 0)
        .map(|(i, weight)| GaussianTerm {
            weight: weight as f64 * normalisation,
            snr_factor: ((2 * i + 1) * (2 * i + 1)) as f64 * distance,
        })
        .collect()
}
