//! Latents on the air: raw, repeated until right, or with their most significant bits coded.

use latentlink::radio::{AirInterface, ChannelState, Modulation, Payload, ProtectedTransmission, Protection};
use latentlink::random::StreamKey;

use crate::radio_fading::assert_relative;

/// The reference link of the specification, 5 MHz with three quarters of the symbols for coded bits.
pub const AIR: AirInterface = AirInterface {
    bandwidth_hz: 5e6,
    modulation: Modulation::Qpsk,
    efficiency: 0.75,
    coherence_time_s: None,
    coherence_elapsed_s: 0.0,
};
/// Seconds that a bit takes on it.
pub const BIT_S: f64 = 1.0 / 7.5e6;

/// 128 blocks of 1024 bits.
const LATENT: Payload = Payload { latent_values: 16_384, bits_per_value: 8, header_bits: 512 };

fn arq(maximum_attempts: u32) -> Protection {
    Protection::Arq { block_bits: 1024, maximum_attempts, round_trip_s: 0.008 }
}

pub fn send(protection: &Protection, payload: &Payload, state: ChannelState, draw: u64) -> ProtectedTransmission {
    let mut rng = StreamKey::new(41, 0, "protection-test", "blocks").child(draw).rng();
    protection.transmit(payload, &AIR, &mut |_| state, &mut rng)
}

fn sends(protection: Protection, p: f64, runs: u64) -> Vec<ProtectedTransmission> {
    (0..runs).map(|run| send(&protection, &LATENT, ChannelState::BitErrorProbability(p), run)).collect()
}

/// The mean of a quantity over transmissions lies within three standard errors of what it should be.
#[track_caller]
fn assert_mean(
    transmissions: &[ProtectedTransmission],
    quantity: impl Fn(&ProtectedTransmission) -> f64,
    expected: f64,
) {
    let count = transmissions.len() as f64;
    let mean = transmissions.iter().map(&quantity).sum::<f64>() / count;
    let variance = transmissions.iter().map(|one| (quantity(one) - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let standard_error = (variance / count).sqrt();
    assert!(standard_error > 0.0, "the quantity varies");
    assert!((mean - expected).abs() < 3.0 * standard_error, "{mean} instead of {expected}, s.e. {standard_error}");
}

#[test]
fn an_unprotected_latent_crosses_the_air_once_with_the_errors_of_the_modulation() {
    let payload = Payload { header_bits: 0, ..LATENT };
    let mut offsets = Vec::new();
    let mut rng = StreamKey::new(41, 0, "protection-test", "none").rng();
    let mut channel = |offset_s| {
        offsets.push(offset_s);
        ChannelState::Snr(3.54)
    };
    let sent = Protection::None.transmit(&payload, &AIR, &mut channel, &mut rng);
    assert_eq!(offsets, [0.0]);
    assert_eq!(sent.bit_error_probability, Modulation::Qpsk.bit_error_probability(3.54));
    assert_eq!(sent.raw_bit_error_probability, sent.bit_error_probability);
    assert_eq!((sent.payload_bits, sent.transmitted_bits), (131_072, 131_072));
    assert_eq!((sent.attempts, sent.blocks, sent.residual_blocks, sent.protected), (1.0, 0, 0, None));
    // int8 over QPSK: 17.48 ms (`spec` 3).
    assert!((sent.on_air_s - 17.48e-3).abs() < 5e-6);
    assert_eq!(sent.duration_s, sent.on_air_s);
    assert_relative(sent.goodput_bps(), 7.5e6 * (1.0 - sent.bit_error_probability), 1e-12, "goodput");
}

#[test]
fn attempts_and_residual_errors_of_repetition_have_their_closed_forms() {
    // A block of 1024 + 24 bits is wrong with probability 0.3.
    let p = 1.0 - 0.7_f64.powf(1.0 / 1048.0);
    for most in [1, 2, 4] {
        let transmissions = sends(arq(most), p, 2000);
        let still_wrong = 0.3_f64.powi(most as i32);
        if most > 1 {
            let attempts: f64 = (0..most as i32).map(|failed| 0.3_f64.powi(failed)).sum();
            assert_mean(&transmissions, |one| one.attempts, attempts);
        }
        assert_mean(&transmissions, |one| one.residual_blocks as f64 / 128.0, still_wrong);
        // A bit is wrong in the end if it was in the last attempt and no attempt before was right.
        assert_mean(&transmissions, |one| one.bit_error_probability, p * 0.3_f64.powi(most as i32 - 1));
        assert!(transmissions.iter().all(|one| one.blocks == 128));
    }
}

/// `spec` 3 B: at 3 % and 1024 bits a block is never right.
#[test]
fn repetition_alone_is_useless_at_three_percent_and_1024_bits() {
    let sent = send(&arq(5), &LATENT, ChannelState::BitErrorProbability(0.03), 0);
    assert_eq!((sent.attempts, sent.residual_blocks), (5.0, 128));
    assert!((sent.bit_error_probability - 0.03).abs() < 1e-12, "five times the energy for nothing");
    let raw = send(&Protection::None, &LATENT, ChannelState::BitErrorProbability(0.03), 0);
    assert!(sent.on_air_s > 5.0 * raw.on_air_s);
    assert_relative(sent.goodput_bps(), 512.0 / sent.duration_s, 1e-12, "the header alone");
}

#[test]
fn bits_airtime_and_delay_of_repetition_add_up() {
    for (draw, p) in (0..).zip([0.0, 1e-4, 1e-3, 0.5]) {
        let sent = send(&arq(3), &LATENT, ChannelState::BitErrorProbability(p), draw);
        let transmissions = (sent.attempts * 128.0).round() as u64;
        assert_eq!(sent.transmitted_bits, 512 + transmissions * 1048);
        assert_eq!(sent.payload_bits, 131_072 + 512);
        assert_relative(sent.on_air_s, sent.transmitted_bits as f64 * BIT_S, 1e-12, p);
        let round_trips = (sent.duration_s - sent.on_air_s) / 0.008;
        assert!((round_trips - round_trips.round()).abs() < 1e-9 && round_trips < 2.5, "{round_trips}");
        assert_relative(sent.raw_bit_error_probability.max(1e-30), p.max(1e-30), 1e-12, p);
        match p {
            0.0 => assert_eq!((sent.attempts, sent.residual_blocks, sent.bit_error_probability), (1.0, 0, 0.0)),
            0.5 => assert_eq!((sent.attempts, sent.residual_blocks, sent.bit_error_probability), (3.0, 128, 0.5)),
            _ => assert!(sent.attempts > 1.0 && sent.attempts < 3.0),
        }
    }
}

#[test]
fn a_repetition_sees_the_channel_of_its_own_time() {
    // 132,232 bits take 17.62 ms; after the round trip the channel is without errors.
    let first_s = (512.0 + 128.0 * 1048.0) * BIT_S;
    let mut rng = StreamKey::new(41, 0, "protection-test", "own time").rng();
    let mut offsets = Vec::new();
    let mut channel = |offset_s| {
        offsets.push(offset_s);
        ChannelState::BitErrorProbability(if offset_s < first_s { 0.2 } else { 0.0 })
    };
    let sent = arq(4).transmit(&LATENT, &AIR, &mut channel, &mut rng);
    assert_eq!((sent.attempts, sent.residual_blocks, sent.bit_error_probability), (2.0, 0, 0.0));
    assert_eq!(offsets.len(), 2);
    assert!((offsets[1] - first_s - 0.008).abs() < 1e-12);
}

#[test]
fn the_mean_over_coherence_blocks_weighs_them_by_their_part_of_the_transmission() {
    let air = AirInterface { coherence_time_s: Some(3e-3), coherence_elapsed_s: 1e-3, ..AIR };
    let mut channel = |offset_s: f64| {
        let block = ((offset_s + 1e-3) / 3e-3).floor();
        ChannelState::BitErrorProbability(0.1 * (block + 1.0))
    };
    // 2 ms of block 0, 3 ms of blocks 1 and 2, 2 ms of block 3.
    let mean = air.mean_bit_error_probability(0.0, 10e-3, &mut channel);
    assert_relative(mean, 0.2 * 0.1 + 0.3 * 0.2 + 0.3 * 0.3 + 0.2 * 0.4, 1e-12, "from the start");
    // From 4.5 ms to 5.5 ms: half of it in block 1, half in block 2.
    assert_relative(air.mean_bit_error_probability(4.5e-3, 1e-3, &mut channel), 0.25, 1e-12, "later");
    // Within one block.
    assert_relative(air.mean_bit_error_probability(0.0, 1e-3, &mut channel), 0.1, 1e-12, "one block");
}

#[test]
fn a_transmission_over_a_million_coherence_blocks_looks_at_evenly_spaced_ones() {
    let air = AirInterface { coherence_time_s: Some(1e-6), ..AIR };
    let mut looks = 0;
    let mean = air.mean_bit_error_probability(0.0, 1.0, &mut |offset_s| {
        looks += 1;
        ChannelState::BitErrorProbability(0.4 * offset_s)
    });
    assert_eq!(looks, 256);
    assert_relative(mean, 0.2, 1e-12, "the mean of a straight line");
}

#[test]
fn unequal_protection_codes_the_most_significant_bits_and_leaves_the_others_raw() {
    let protection = Protection::Unequal { protected_bits: 2, block_bits: 1024, code_rate: 0.5 };
    let sent = send(&protection, &LATENT, ChannelState::BitErrorProbability(0.05), 0);
    // 32 blocks of (1024 + 24)/0.5 bits, 16,384 values with 6 raw bits, 512 bits of header.
    assert_eq!(sent.transmitted_bits, 32 * 2096 + 98_304 + 512);
    assert_eq!((sent.blocks, sent.residual_blocks), (32, 0));
    assert_relative(sent.on_air_s, sent.transmitted_bits as f64 * BIT_S, 1e-12, "airtime counts both");
    assert_eq!(sent.bit_error_probability, 0.05);
    let protected = sent.protected.expect("two bits are protected");
    assert_eq!((protected.bits, protected.bit_error_probability), (2, 0.0));
    assert_relative(sent.right_bits, 512.0 + 32_768.0 + 98_304.0 * 0.95, 1e-12, "right bits");

    // A rate-½ code cannot work at 20 %: its capacity is 0.28.
    let hopeless = send(&protection, &LATENT, ChannelState::BitErrorProbability(0.2), 0);
    assert_eq!(hopeless.residual_blocks, 32);
    assert_relative(hopeless.protected.expect("two bits").bit_error_probability, 0.2, 1e-12, "taken as they came");
}

#[test]
fn unequal_protection_of_no_bit_is_raw_and_of_all_bits_is_coding() {
    let unequal = |protected_bits| Protection::Unequal { protected_bits, block_bits: 1024, code_rate: 0.5 };
    let state = ChannelState::BitErrorProbability(0.095);
    let (none, raw) = (send(&unequal(0), &LATENT, state, 1), send(&Protection::None, &LATENT, state, 1));
    assert_eq!(none, raw);
    let all = send(&unequal(8), &LATENT, state, 1);
    let coded = send(&Protection::Fec { block_bits: 1024, code_rate: 0.5 }, &LATENT, state, 1);
    assert!(coded.residual_blocks > 0, "about 1 % of the blocks");
    assert_eq!(all.protected.expect("all bits").bit_error_probability, coded.bit_error_probability);
    assert_eq!(
        (all.transmitted_bits, all.residual_blocks, all.right_bits, all.on_air_s),
        (coded.transmitted_bits, coded.residual_blocks, coded.right_bits, coded.on_air_s)
    );
}

#[test]
fn a_latent_that_does_not_fill_its_blocks_is_cut_into_equal_ones() {
    let payload = Payload { latent_values: 125, bits_per_value: 8, header_bits: 0 };
    let blocks_of = |block_bits, expected_blocks, expected_bits| {
        let protection = Protection::Arq { block_bits, maximum_attempts: 1, round_trip_s: 0.0 };
        let sent = send(&protection, &payload, ChannelState::BitErrorProbability(0.0), 0);
        assert_eq!((sent.blocks, sent.transmitted_bits), (expected_blocks, expected_bits), "{block_bits}");
    };
    blocks_of(1000, 1, 1024);
    blocks_of(5000, 1, 1024);
    blocks_of(999, 2, 2 * 524);
    blocks_of(300, 4, 4 * 274);
    blocks_of(1, 1000, 1000 * 25);
}
