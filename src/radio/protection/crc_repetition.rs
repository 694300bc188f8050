//! Error detection and repetition (ARQ, `spec` 3 B): an attempt is not combined with the ones before.

use super::attempt::Attempt;
use super::rounds::BlockReceiver;

/// Finds every block with an error in it.
pub(super) struct CrcReceiver {
    /// Payload and check bits of a block.
    checked_bits: f64,
    last_bit_error_probability: f64,
    last_block_error_rate: f64,
}

impl CrcReceiver {
    pub fn new(checked_bits: u64) -> Self {
        Self { checked_bits: checked_bits as f64, last_bit_error_probability: 0.0, last_block_error_rate: 0.0 }
    }
}

impl BlockReceiver for CrcReceiver {
    /// PER = 1 − (1 − p)^(L + 24).
    fn receive(&mut self, attempt: &Attempt) -> f64 {
        let p = attempt.bit_error_probability;
        self.last_bit_error_probability = p;
        self.last_block_error_rate = -(self.checked_bits * (-p).ln_1p()).exp_m1();
        self.last_block_error_rate
    }

    /// P(bit wrong | block wrong) = p/PER: a block that is delivered in the end is known to have an error, so that its bits are
    /// worse than others. With one attempt the mean over all blocks is p again: nothing is gained by looking.
    fn bit_error_probability_of_wrong_block(&self) -> f64 {
        if self.last_block_error_rate > 0.0 {
            self.last_bit_error_probability / self.last_block_error_rate
        } else {
            0.0
        }
    }
}
