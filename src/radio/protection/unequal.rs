//! Unequal protection (`spec` 3 E): what would hurt most is coded, the rest is raw.
//!
//! ```text
//!  value:  s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm        coded: the most significant bits of all values, in blocks
//!          └─ coded ─┘└──────── raw ────────┘        raw: all other bits
//! ```
//!
//! Both go out in one transmission over the same channel.

use rand::Rng;

use super::coded::{CodedReceiver, Combining};
use super::rounds::{BlockReceiver, draw_wrong_blocks};
use super::{ProtectedTransmission, Transmission, TransportBlocks};
use crate::diffusion::ProtectedBits;

pub(super) fn transmit<R: Rng + ?Sized>(
    protected_bits: u32,
    block_bits: u32,
    code_rate: f64,
    transmission: Transmission<'_, R>,
) -> ProtectedTransmission {
    let Transmission { payload, air, channel, rng } = transmission;
    let bits_per_value = protected_bits.min(payload.bits_per_value);
    let significant_bits = payload.latent_values * u64::from(bits_per_value);
    let raw_bits = payload.latent_bits() - significant_bits;

    let blocks = TransportBlocks::of(significant_bits, block_bits);
    let mut receiver = CodedReceiver::new(blocks.checked_bits(), code_rate, air.modulation, Combining::Chase);
    let coded_bits = if significant_bits > 0 { blocks.count * receiver.coded_bits() } else { 0 };

    let transmitted_bits = payload.header_bits + coded_bits + raw_bits;
    let airtime_s = air.airtime_s(transmitted_bits);
    let attempt = air.attempt(0.0, airtime_s, channel);
    let block_error_rate = if significant_bits > 0 { receiver.receive(&attempt) } else { 0.0 };
    let wrong = draw_wrong_blocks(blocks.count, block_error_rate, rng);
    let wrong_part = blocks.share(wrong);

    let p = attempt.bit_error_probability;
    ProtectedTransmission {
        bit_error_probability: p,
        protected: (significant_bits > 0).then_some(ProtectedBits {
            bits: bits_per_value,
            bit_error_probability: wrong_part * receiver.bit_error_probability_of_wrong_block(),
        }),
        raw_bit_error_probability: p,
        transmitted_bits,
        payload_bits: payload.bits(),
        attempts: 1.0,
        blocks: if significant_bits > 0 { blocks.count } else { 0 },
        residual_blocks: wrong,
        right_bits: payload.header_bits as f64
            + significant_bits as f64 * (1.0 - wrong_part)
            + raw_bits as f64 * (1.0 - p),
        on_air_s: airtime_s,
        duration_s: airtime_s,
    }
}
