//! Coded blocks, once or with combining of the attempts (FEC and HARQ, `spec` 3 C and D).
//!
//! ```text
//!  Chase combining          the same n symbols again       γ = γ₁ + γ₂ + …     C(γ), V(γ) over n uses
//!  incremental redundancy   n other symbols of the code    C = C₁ + C₂ + …     over n + n + … uses
//! ```
//!
//! Log being concave, C(γ₁ + γ₂) ≤ C(γ₁) + C(γ₂): new redundancy is never worse than a repetition, and as good at low SNR.
//! Where only bit error probabilities are known, attempts are looks at a binary symmetric channel of their mean probability.

use super::attempt::{Attempt, ChannelState};
use super::rounds::BlockReceiver;
use crate::radio::Modulation;
use crate::radio::finite_blocklength::{ReceivedInformation, majority_bit_error_probability};

/// What a decoder does with a second attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Combining {
    Chase,
    IncrementalRedundancy,
}

/// Decodes blocks by the normal approximation.
pub(super) struct CodedReceiver {
    /// Payload and check bits of a block.
    checked_bits: f64,
    coded_bits: u64,
    modulation: Modulation,
    combining: Combining,
    attempts: u32,
    /// Of the attempts so far, where they have an SNR each.
    snr_sum: f64,
    bit_error_probability_sum: f64,
    best_bit_error_probability: f64,
    information: ReceivedInformation,
    block_error_rate: f64,
}

impl CodedReceiver {
    /// For blocks of `checked_bits` at this code rate: bits/rate coded bits, to the nearest.
    pub fn new(checked_bits: u64, code_rate: f64, modulation: Modulation, combining: Combining) -> Self {
        Self {
            checked_bits: checked_bits as f64,
            coded_bits: (checked_bits as f64 / code_rate).round() as u64,
            modulation,
            combining,
            attempts: 0,
            snr_sum: 0.0,
            bit_error_probability_sum: 0.0,
            best_bit_error_probability: 0.5,
            information: ReceivedInformation::default(),
            block_error_rate: 1.0,
        }
    }

    /// Bits of a block on the air.
    pub fn coded_bits(&self) -> u64 {
        self.coded_bits
    }

    /// Chase combining: the attempts as one.
    fn combine(&mut self, state: ChannelState) {
        let coded_bits = self.coded_bits as f64;
        let (information, bit_error_probability) = match state {
            ChannelState::Snr(snr) => {
                self.snr_sum += snr;
                let information = ReceivedInformation::modulated(self.symbols(), self.snr_sum, self.modulation);
                (information, self.modulation.bit_error_probability(self.snr_sum))
            }
            ChannelState::BitErrorProbability(_) => {
                let mean = self.bit_error_probability_sum / f64::from(self.attempts);
                let information = ReceivedInformation::binary_symmetric(coded_bits, mean, self.attempts);
                (information, majority_bit_error_probability(mean, self.attempts))
            }
        };
        self.information = information;
        if self.attempts > 1 {
            self.best_bit_error_probability = self.best_bit_error_probability.min(bit_error_probability);
        }
    }

    /// Incremental redundancy: what the attempt brings on top.
    fn information_of(&self, state: ChannelState) -> ReceivedInformation {
        match state {
            ChannelState::Snr(snr) => ReceivedInformation::modulated(self.symbols(), snr, self.modulation),
            ChannelState::BitErrorProbability(p) => ReceivedInformation::binary_symmetric(self.coded_bits as f64, p, 1),
        }
    }

    /// Complex symbols of a block.
    fn symbols(&self) -> f64 {
        self.coded_bits as f64 / f64::from(self.modulation.bits_per_symbol())
    }
}

impl BlockReceiver for CodedReceiver {
    /// εᵢ/εᵢ₋₁, ε₀ = 1.
    fn receive(&mut self, attempt: &Attempt) -> f64 {
        self.attempts += 1;
        self.bit_error_probability_sum += attempt.bit_error_probability;
        self.best_bit_error_probability = self.best_bit_error_probability.min(attempt.bit_error_probability);
        match self.combining {
            Combining::Chase => self.combine(attempt.effective),
            Combining::IncrementalRedundancy => {
                self.information = self.information + self.information_of(attempt.effective);
            }
        }
        let before = self.block_error_rate;
        self.block_error_rate = self.information.block_error_rate(self.checked_bits).min(before);
        if before > 0.0 { self.block_error_rate / before } else { 0.0 }
    }

    fn bit_error_probability_of_wrong_block(&self) -> f64 {
        self.best_bit_error_probability
    }
}
