//! How a latent is protected on the air, and what that costs.
//!
//! The latent is cut into equal transport blocks of at most `block_bits` bits. Blocks are sent together, one round after the
//! other; those that are wrong are sent again, all others are done. Rounds are drawn, not blocks: of w wrong blocks a binomial
//! number stays wrong.
//!
//! ```text
//!  offset 0        on air        round trip     on air      round trip
//!  ├──────────────────────────────┼· · · · · · · ┼─────────┼· · · · · · · ┼──┤ delivered
//!   header, block 1 … block N                     wrong ones                still wrong: delivered with errors
//!  └─────────────────────────────────── duration_s ──────────────────────────┘      on_air_s: the lines without the dots
//! ```
//!
//! | protection               | a block is lost in an attempt with                  | bits within a lost block are wrong with |
//! |--------------------------|-----------------------------------------------------|-----------------------------------------|
//! | none                     | –                                                   | p of the channel                        |
//! | CRC and repetition (ARQ) | PER = 1 − (1 − p)^(L + 24)                          | p/PER: it is known to be wrong          |
//! | coding (FEC)             | ε(n, L + 24, C, V), normal approximation            | p of the channel                        |
//! | HARQ, chase combining    | the same at the sum of the SNRs                     | p at the sum of the SNRs                |
//! | HARQ, incr. redundancy   | the same with the sums of n·C and n·V               | p of the best attempt                   |
//! | unequal                  | as FEC, for the most significant bits of each value | p of the channel, lost or not coded     |
//!
//! Readings. Codes are systematic: where decoding fails, the bits are taken as they crossed the air. A block's L bits carry a CRC of
//! 24 bits, which finds every error. The header arrives without error, as it does today; it takes airtime, once. Errors of the lost
//! blocks are spread over the whole latent: its bits flip independently, with the mean probability. A failed attempt of HARQ
//! fails the earlier ones too, so that of the blocks that are wrong after attempt i − 1 a part εᵢ/εᵢ₋₁ is wrong after attempt i.
//! Within an attempt bits are interleaved over the coherence blocks it spans: [`AirInterface`].
//!
//! What it takes at most is one draw and one look at each coherence block per round, whatever the size of the latent.

mod attempt;
mod coded;
mod crc_repetition;
mod rounds;
mod unequal;

pub use attempt::{AirInterface, ChannelState};

use rand::Rng;

use self::coded::{CodedReceiver, Combining};
use self::crc_repetition::CrcReceiver;
use self::rounds::Rounds;
use crate::diffusion::ProtectedBits;

/// `radio.protection`
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Protection {
    /// Bits arrive as they are, errors and all, and the receiver sanitises (the paper).
    None,
    /// A CRC-24 per transport block; blocks with errors are sent again.
    Arq {
        /// Payload bits of a transport block, `block_bits`.
        block_bits: u32,
        /// Transmissions of a block at most, `maximum_attempts`; a block that still has errors is delivered with them.
        maximum_attempts: u32,
        /// Between a transmission and the next [s], `round_trip_s`.
        round_trip_s: f64,
    },
    /// A forward error-correcting code of this rate, by the normal approximation at finite block length.
    Fec {
        block_bits: u32,
        /// Payload bits per coded bit, in (0, 1), `code_rate`.
        code_rate: f64,
    },
    /// The coded block is sent again as it was; the receiver adds up the signal-to-noise ratios.
    HarqChase { block_bits: u32, code_rate: f64, maximum_attempts: u32, round_trip_s: f64 },
    /// Each attempt sends new redundancy; the receiver adds up the mutual information.
    HarqIncrementalRedundancy { block_bits: u32, code_rate: f64, maximum_attempts: u32, round_trip_s: f64 },
    /// The most significant bits of every value are coded, the others raw.
    Unequal {
        /// Bits of each value that are coded, `protected_bits`.
        protected_bits: u32,
        block_bits: u32,
        code_rate: f64,
    },
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// Values of the latent, and of the history that goes along.
    pub latent_values: u64,
    /// Bits of a value.
    pub bits_per_value: u32,
    /// Bits of the header.
    pub header_bits: u64,
}

impl Payload {
    /// Bits of the latent, without the header.
    pub fn latent_bits(&self) -> u64 {
        self.latent_values * u64::from(self.bits_per_value)
    }

    /// Bits of latent and header.
    pub fn bits(&self) -> u64 {
        self.latent_bits() + self.header_bits
    }
}

/// How a transmission went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProtectedTransmission {
    /// Probability that a bit of the delivered latent is wrong; where some bits are `protected` better, of the others.
    pub bit_error_probability: f64,
    /// With unequal protection: the most significant bits, and the probability that one of them is wrong.
    pub protected: Option<ProtectedBits>,
    /// Probability that a bit was wrong as it crossed the air; of all bits sent.
    pub raw_bit_error_probability: f64,
    /// Bits on the air: header, check bits and repetitions included.
    pub transmitted_bits: u64,
    /// Bits of latent and header alone.
    pub payload_bits: u64,
    /// Transmissions of a block on average; 1 where nothing is repeated.
    pub attempts: f64,
    /// Transport blocks; 0 where the latent is not cut into blocks.
    pub blocks: u64,
    /// Blocks that were still wrong when they were delivered.
    pub residual_blocks: u64,
    /// Payload bits that arrived right: those of the header and of right blocks, and of bits without a block the expected number.
    pub right_bits: f64,
    /// Time on the air [s]: the transmitter pays for it.
    pub on_air_s: f64,
    /// From the first symbol until everything was delivered [s]: `on_air_s`, and the round trips between attempts.
    pub duration_s: f64,
}

impl ProtectedTransmission {
    /// Payload that arrived right, by time [bit/s].
    pub fn goodput_bps(&self) -> f64 {
        if self.duration_s > 0.0 { self.right_bits / self.duration_s } else { 0.0 }
    }
}

impl Protection {
    /// Sends a payload.
    ///
    /// `channel(offset_s)` is the channel at that time after the start; it is asked in the order of time. `rng` draws how many
    /// blocks stay wrong; without protection nothing is drawn.
    pub fn transmit<R: Rng + ?Sized>(
        &self,
        payload: &Payload,
        air: &AirInterface,
        channel: &mut dyn FnMut(f64) -> ChannelState,
        rng: &mut R,
    ) -> ProtectedTransmission {
        let transmission = Transmission { payload, air, channel, rng };
        match *self {
            Self::None => transmission.without_protection(),
            Self::Arq { block_bits, maximum_attempts, round_trip_s } => {
                transmission.repeated(block_bits, Rounds { most: maximum_attempts, round_trip_s })
            }
            Self::Fec { block_bits, code_rate } => {
                transmission.coded(block_bits, code_rate, Combining::IncrementalRedundancy, Rounds::ONE)
            }
            Self::HarqChase { block_bits, code_rate, maximum_attempts, round_trip_s } => {
                let rounds = Rounds { most: maximum_attempts, round_trip_s };
                transmission.coded(block_bits, code_rate, Combining::Chase, rounds)
            }
            Self::HarqIncrementalRedundancy { block_bits, code_rate, maximum_attempts, round_trip_s } => {
                let rounds = Rounds { most: maximum_attempts, round_trip_s };
                transmission.coded(block_bits, code_rate, Combining::IncrementalRedundancy, rounds)
            }
            Self::Unequal { protected_bits, block_bits, code_rate } => {
                unequal::transmit(protected_bits, block_bits, code_rate, transmission)
            }
        }
    }
}

/// One transmission: what, how, over which channel and by which chance.
struct Transmission<'a, R: ?Sized> {
    payload: &'a Payload,
    air: &'a AirInterface,
    channel: &'a mut dyn FnMut(f64) -> ChannelState,
    rng: &'a mut R,
}

impl<R: Rng + ?Sized> Transmission<'_, R> {
    /// Every bit as it crosses the air.
    fn without_protection(self) -> ProtectedTransmission {
        let Self { payload, air, channel, .. } = self;
        let airtime_s = air.airtime_s(payload.bits());
        let p = air.mean_bit_error_probability(0.0, airtime_s, channel);
        ProtectedTransmission {
            bit_error_probability: p,
            protected: None,
            raw_bit_error_probability: p,
            transmitted_bits: payload.bits(),
            payload_bits: payload.bits(),
            attempts: 1.0,
            blocks: 0,
            residual_blocks: 0,
            right_bits: payload.header_bits as f64 + payload.latent_bits() as f64 * (1.0 - p),
            on_air_s: airtime_s,
            duration_s: airtime_s,
        }
    }

    /// Blocks with a check sequence.
    fn repeated(self, block_bits: u32, rounds: Rounds) -> ProtectedTransmission {
        let blocks = TransportBlocks::of(self.payload.latent_bits(), block_bits);
        let mut receiver = CrcReceiver::new(blocks.checked_bits());
        rounds.run(blocks, blocks.checked_bits(), &mut receiver, self)
    }

    /// Coded blocks with a check sequence.
    fn coded(self, block_bits: u32, code_rate: f64, combining: Combining, rounds: Rounds) -> ProtectedTransmission {
        let blocks = TransportBlocks::of(self.payload.latent_bits(), block_bits);
        let mut receiver = CodedReceiver::new(blocks.checked_bits(), code_rate, self.air.modulation, combining);
        rounds.run(blocks, receiver.coded_bits(), &mut receiver, self)
    }
}

/// Bits of the check sequence of a transport block.
const CRC_BITS: u64 = 24;

/// A number of bits cut into equal blocks; what is missing at the end of the last one is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TransportBlocks {
    /// N ≥ 1.
    count: u64,
    /// L, payload bits of each.
    length_bits: u64,
}

impl TransportBlocks {
    fn of(bits: u64, most_block_bits: u32) -> Self {
        let count = bits.div_ceil(u64::from(most_block_bits.max(1))).max(1);
        Self { count, length_bits: bits.div_ceil(count) }
    }

    /// L + 24.
    fn checked_bits(&self) -> u64 {
        self.length_bits + CRC_BITS
    }

    /// Of N blocks, `wrong` are.
    fn share(&self, wrong: u64) -> f64 {
        wrong as f64 / self.count as f64
    }
}
