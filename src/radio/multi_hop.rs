//! Bit errors of a latent that crosses several links, without being denoised in between.
//!
//! ```text
//!  device 2 ──p₁──► device 1 ──p₂──► device 3        p = (1 − (1 − 2p₁)(1 − 2p₂)) / 2
//! ```
//!
//! Binary symmetric channels one after the other are one: a bit arrives wrong where an odd number of hops flipped it (`spec` 3).

/// p = (1 − Π(1 − 2pᵢ))/2 over the bit error probabilities of the hops; 0 of no hop.
///
/// Hop by hop as p·(1 − pᵢ) + pᵢ·(1 − p), which keeps the digits of small probabilities.
pub fn multi_hop_bit_error_probability(hops: impl IntoIterator<Item = f64>) -> f64 {
    hops.into_iter().fold(0.0, |so_far, hop| so_far * (1.0 - hop) + hop * (1.0 - so_far))
}
