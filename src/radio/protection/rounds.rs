//! Rounds of transmission: all blocks, then the wrong ones, then those that are still wrong.

use rand::Rng;
use rand_distr::{Binomial, Distribution};

use super::attempt::Attempt;
use super::{ProtectedTransmission, Transmission, TransportBlocks};

/// What becomes of the blocks in an attempt.
pub(super) trait BlockReceiver {
    /// Takes in an attempt: the probability that a block that was wrong before it is still wrong after it.
    fn receive(&mut self, attempt: &Attempt) -> f64;

    /// Probability that a bit is wrong within a block that is wrong after the attempts so far.
    fn bit_error_probability_of_wrong_block(&self) -> f64;
}

/// How often blocks are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rounds {
    /// At most; one at least.
    pub most: u32,
    /// Between the end of a round and the start of the next [s].
    pub round_trip_s: f64,
}

impl Rounds {
    pub const ONE: Self = Self { most: 1, round_trip_s: 0.0 };

    /// Sends all blocks, each `sent_bits` on the air, until none is wrong or the rounds are over.
    pub fn run<R: Rng + ?Sized>(
        self,
        blocks: TransportBlocks,
        sent_bits: u64,
        receiver: &mut impl BlockReceiver,
        transmission: Transmission<'_, R>,
    ) -> ProtectedTransmission {
        let Transmission { payload, air, channel, rng } = transmission;
        let mut wrong = blocks.count;
        let mut transmissions = 0;
        let (mut transmitted_bits, mut raw_errors) = (0, 0.0);
        let (mut offset_s, mut on_air_s) = (0.0, 0.0);
        for round in 1..=self.most.max(1) {
            if round > 1 {
                offset_s += self.round_trip_s;
            }
            let header_bits = if round == 1 { payload.header_bits } else { 0 };
            let bits = wrong * sent_bits + header_bits;
            let airtime_s = air.airtime_s(bits);
            let attempt = air.attempt(offset_s, airtime_s, channel);
            transmissions += wrong;
            transmitted_bits += bits;
            raw_errors += bits as f64 * attempt.bit_error_probability;
            offset_s += airtime_s;
            on_air_s += airtime_s;
            wrong = draw_wrong_blocks(wrong, receiver.receive(&attempt), rng);
            if wrong == 0 {
                break;
            }
        }
        let wrong_part = blocks.share(wrong);
        ProtectedTransmission {
            bit_error_probability: match wrong {
                0 => 0.0,
                _ => wrong_part * receiver.bit_error_probability_of_wrong_block(),
            },
            protected: None,
            raw_bit_error_probability: raw_errors / transmitted_bits as f64,
            transmitted_bits,
            payload_bits: payload.bits(),
            attempts: blocks.share(transmissions),
            blocks: blocks.count,
            residual_blocks: wrong,
            right_bits: payload.header_bits as f64 + payload.latent_bits() as f64 * (1.0 - wrong_part),
            on_air_s,
            duration_s: offset_s,
        }
    }
}

/// How many of so many blocks are wrong where each is with this probability; nothing is drawn where that is certain.
pub(super) fn draw_wrong_blocks<R: Rng + ?Sized>(blocks: u64, probability: f64, rng: &mut R) -> u64 {
    match Binomial::new(blocks, probability.clamp(0.0, 1.0)) {
        _ if blocks == 0 || probability <= 0.0 => 0,
        _ if probability >= 1.0 => blocks,
        Ok(law) => law.sample(rng),
        Err(error) => unreachable!("a probability in [0, 1] makes a binomial law: {error}"),
    }
}
