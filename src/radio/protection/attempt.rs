//! The channel during one attempt: a mean over the coherence blocks that it spans.
//!
//! ```text
//!                 offset_s                          offset_s + duration_s
//!                    ├──────────── attempt ────────────┤
//!   ───┬─────────────┬─────────────┬─────────────┬─────────────┬───   coherence blocks, one channel each
//!      γ₁            γ₂            γ₃            γ₄
//!                    weights: the part of the attempt in each; looked at in the middle of that part
//! ```
//!
//! Bits are interleaved over the attempt, so every one of them, and every transport block, sees the mean: of the bit error
//! probabilities, and for a decoder of the capacities. The effective SNR is the one whose capacity is that mean.

use crate::radio::{Modulation, airtime_s, finite_blocklength};

/// How good the channel is at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChannelState {
    /// Signal-to-noise ratio per symbol, linear.
    Snr(f64),
    /// Probability that a bit is received wrong, where it is pinned or averaged over the fading: a binary symmetric channel.
    BitErrorProbability(f64),
}

/// How bits are put on the air.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AirInterface {
    /// Bandwidth of the transmission [Hz].
    pub bandwidth_hz: f64,
    pub modulation: Modulation,
    /// Part of the symbols that carries coded bits, in (0, 1].
    pub efficiency: f64,
    /// Length of the blocks within which the channel stays what it is [s]; `None`: an attempt sees the channel of its start.
    pub coherence_time_s: Option<f64>,
    /// How much of a coherence block was over when the transmission began [s]; 0 where the channel has no blocks of its own.
    pub coherence_elapsed_s: f64,
}

/// Coherence blocks of one attempt that are looked at; of more, as many evenly spaced ones stand for all.
const MOST_BLOCKS: f64 = 256.0;

impl AirInterface {
    /// Time on the air of so many coded bits [s].
    pub fn airtime_s(&self, coded_bits: u64) -> f64 {
        airtime_s(coded_bits, self.bandwidth_hz, self.modulation, self.efficiency)
    }

    /// Probability that a bit sent within `duration_s` from `offset_s` on is received wrong: the mean over the coherence blocks.
    pub fn mean_bit_error_probability(
        &self,
        offset_s: f64,
        duration_s: f64,
        channel: &mut dyn FnMut(f64) -> ChannelState,
    ) -> f64 {
        let mut mean = 0.0;
        self.for_each_part(offset_s, duration_s, |middle_s, weight| {
            mean += weight * self.bit_error_probability(channel(middle_s));
        });
        mean
    }

    /// Probability that a bit is received wrong over such a channel.
    pub(super) fn bit_error_probability(&self, state: ChannelState) -> f64 {
        match state {
            ChannelState::Snr(snr) => self.modulation.bit_error_probability(snr),
            ChannelState::BitErrorProbability(p) => p,
        }
    }

    /// The channel of an attempt as one.
    pub(super) fn attempt(
        &self,
        offset_s: f64,
        duration_s: f64,
        channel: &mut dyn FnMut(f64) -> ChannelState,
    ) -> Attempt {
        let saturation_snr = finite_blocklength::saturation_snr(self.modulation);
        let (mut bit_error_probability, mut capacity_nats) = (0.0, Some(0.0));
        self.for_each_part(offset_s, duration_s, |middle_s, weight| {
            let state = channel(middle_s);
            bit_error_probability += weight * self.bit_error_probability(state);
            capacity_nats = match (capacity_nats, state) {
                (Some(sum), ChannelState::Snr(snr)) => Some(sum + weight * snr.min(saturation_snr).ln_1p()),
                _ => None,
            };
        });
        let effective = match capacity_nats {
            Some(nats) => ChannelState::Snr(nats.exp_m1()),
            None => ChannelState::BitErrorProbability(bit_error_probability),
        };
        Attempt { bit_error_probability, effective }
    }

    /// Calls `visit` with the middle [s] and the weight of each part of an attempt; the weights add up to 1.
    fn for_each_part(&self, offset_s: f64, duration_s: f64, mut visit: impl FnMut(f64, f64)) {
        let Some(coherence_time_s) = self.coherence_time_s.filter(|_| duration_s > 0.0) else {
            return visit(offset_s, 1.0);
        };
        let end_s = offset_s + duration_s;
        let block_of = |time_s: f64| (time_s + self.coherence_elapsed_s) / coherence_time_s;
        let first = block_of(offset_s).floor();
        let last = (block_of(end_s).ceil() - 1.0).max(first);
        if last - first >= MOST_BLOCKS {
            let part_s = duration_s / MOST_BLOCKS;
            return (0..MOST_BLOCKS as u32)
                .for_each(|part| visit(offset_s + (f64::from(part) + 0.5) * part_s, 1.0 / MOST_BLOCKS));
        }
        let mut start_s = offset_s;
        for block in 1..=(last - first) as u32 {
            let border_s = (first + f64::from(block)) * coherence_time_s - self.coherence_elapsed_s;
            if border_s > start_s {
                visit(0.5 * (start_s + border_s), (border_s - start_s) / duration_s);
                start_s = border_s;
            }
        }
        visit(0.5 * (start_s + end_s), (end_s - start_s) / duration_s);
    }
}

/// One attempt, as a receiver sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Attempt {
    /// Of the bits as they crossed the air.
    pub bit_error_probability: f64,
    /// The steady channel with the same capacity; an SNR is at most where the modulation saturates.
    pub effective: ChannelState,
}
