//! Coded latents: forward error correction, hybrid repetition with both ways of combining, and which is worth its energy.

use latentlink::radio::{
    AirInterface, ChannelState, Modulation, Payload, ProtectedTransmission, Protection, db_to_linear,
};
use latentlink::random::StreamKey;

use crate::radio_fading::{assert_relative, rows};
use crate::radio_protection::{AIR, send};

const BLOCKS: u64 = 100_000;

/// So many blocks of 1024 bits, 1048 with their check.
fn payload(blocks: u64) -> Payload {
    Payload { latent_values: blocks * 128, bits_per_value: 8, header_bits: 0 }
}

fn send_as(modulation: Modulation, protection: Protection, state: ChannelState) -> ProtectedTransmission {
    let mut rng = StreamKey::new(41, 0, "protection-test", "codes").rng();
    protection.transmit(&payload(BLOCKS), &AirInterface { modulation, ..AIR }, &mut |_| state, &mut rng)
}

/// Rows of 1048 bits of one kind: channel uses, parameter, and the block error rates after 1, 2, … attempts, as far as they go.
fn failure_rates(combining: &str) -> Vec<(f64, f64, Vec<f64>)> {
    let mut found: Vec<(f64, f64, Vec<f64>)> = Vec::new();
    for row in rows("radio_block_error_reference.csv").iter().filter(|row| row[0] == combining && row[2] == "1048") {
        let number = |i: usize| row[i].parse::<f64>().expect("a number");
        match found.iter_mut().find(|(uses, parameter, _)| (*uses, *parameter) == (number(1), number(3))) {
            Some((_, _, rates)) => rates.push(number(5)),
            None => found.push((number(1), number(3), vec![number(5)])),
        }
    }
    found
}

/// E[attempts] = Σ P(wrong after i), i from 0, and its standard error over the blocks.
fn expected_attempts(rates: &[f64], most: u32) -> (f64, f64) {
    let wrong_after = |i: u32| if i == 0 { 1.0 } else { rates.get(i as usize - 1).copied().unwrap_or(0.0) };
    let mean: f64 = (0..most).map(wrong_after).sum();
    let square: f64 = (0..most).map(|i| f64::from(2 * i + 1) * wrong_after(i)).sum();
    (mean, ((square - mean * mean).max(0.0) / BLOCKS as f64).sqrt())
}

#[track_caller]
fn assert_attempts(sent: &ProtectedTransmission, rates: &[f64], most: u32, what: &str) {
    let (mean, standard_error) = expected_attempts(rates, most);
    assert!((sent.attempts - mean).abs() <= 3.5 * standard_error + 1e-9, "{what}: {} instead of {mean}", sent.attempts);
    let wrong = rates.get(most as usize - 1).copied().unwrap_or(0.0);
    let part = sent.residual_blocks as f64 / BLOCKS as f64;
    let standard_error = (wrong * (1.0 - wrong) / BLOCKS as f64).sqrt();
    assert!((part - wrong).abs() <= 3.5 * standard_error + 1e-9, "{what}: {part} instead of {wrong} still wrong");
}

#[test]
fn chase_combining_at_a_steady_snr_fails_like_coding_at_a_multiple_of_it() {
    let mut partly = 0;
    for (uses, db, rates) in failure_rates("chase") {
        // 2048 or 682 symbols of four bits: capacities stay below the cap of the modulation.
        let code_rate = 1048.0 / (4.0 * uses);
        for most in 1..=4 {
            let protection =
                Protection::HarqChase { block_bits: 1024, code_rate, maximum_attempts: most, round_trip_s: 0.0 };
            let sent = send_as(Modulation::Qam16, protection, ChannelState::Snr(db_to_linear(db)));
            assert_attempts(&sent, &rates, most, &format!("{uses} symbols at {db} dB, {most} attempts"));
            partly += u32::from(sent.residual_blocks > 0 && sent.residual_blocks < BLOCKS);
        }
    }
    assert!(partly >= 3, "some cases lose a part of the blocks");
}

#[test]
fn incremental_redundancy_adds_up_information() {
    for (uses, db, rates) in failure_rates("incremental-redundancy") {
        let code_rate = 1048.0 / (4.0 * uses);
        let state = ChannelState::Snr(db_to_linear(db));
        let protection = Protection::HarqIncrementalRedundancy {
            block_bits: 1024,
            code_rate,
            maximum_attempts: 4,
            round_trip_s: 0.0,
        };
        let sent = send_as(Modulation::Qam16, protection, state);
        assert_attempts(&sent, &rates, 4, &format!("{uses} symbols at {db} dB"));

        let chase = Protection::HarqChase { block_bits: 1024, code_rate, maximum_attempts: 4, round_trip_s: 0.0 };
        let chase = send_as(Modulation::Qam16, chase, state);
        assert!(sent.attempts <= chase.attempts + 0.01, "never more attempts than chase combining");
        assert!(sent.residual_blocks <= chase.residual_blocks);
    }
}

#[test]
fn hard_decisions_combine_too_where_only_a_bit_error_probability_is_known() {
    for (uses, p, rates) in failure_rates("binary-symmetric") {
        // The table has 1, 2, 3 and 5 looks.
        let rates = &rates[..rates.len().min(3)];
        let protection = Protection::HarqChase {
            block_bits: 1024,
            code_rate: 1048.0 / uses,
            maximum_attempts: 3,
            round_trip_s: 0.0,
        };
        let sent = send_as(Modulation::Qpsk, protection, ChannelState::BitErrorProbability(p));
        assert_attempts(&sent, rates, 3, &format!("p = {p}"));
    }
}

#[test]
fn coding_once_loses_the_blocks_that_the_reference_table_says() {
    // (block bits + 24) information bits over 2048 symbols.
    for row in rows("fbl_bler_reference.csv") {
        let number = |i: usize| row[i].parse::<f64>().expect("a number");
        let (symbols, payload_bits, db, expected) = (number(0), number(1), number(2), number(3));
        if payload_bits > 4096.0 || db > 6.0 {
            continue; // beyond what 64-QAM's six bits a symbol are for
        }
        let protection =
            Protection::Fec { block_bits: payload_bits as u32 - 24, code_rate: payload_bits / (symbols * 6.0) };
        let values = (payload_bits as u64 - 24) * 1_000_000 / 8;
        let payload = Payload { latent_values: values, bits_per_value: 8, header_bits: 0 };
        let mut rng = StreamKey::new(41, 0, "protection-test", "fec").rng();
        let state = ChannelState::Snr(db_to_linear(db));
        let air = AirInterface { modulation: Modulation::Qam64, ..AIR };
        let sent = protection.transmit(&payload, &air, &mut |_| state, &mut rng);
        assert_eq!((sent.blocks, sent.attempts), (1_000_000, 1.0));
        let part = sent.residual_blocks as f64 / 1e6;
        assert!((part - expected).abs() <= 3.5 * (expected * (1.0 - expected) / 1e6).sqrt() + 1e-12, "{row:?}: {part}");
        let raw = Modulation::Qam64.bit_error_probability(db_to_linear(db));
        assert_relative(sent.bit_error_probability + 1e-30, part * raw + 1e-30, 1e-12, "lost blocks as they came");
    }
}

#[test]
fn a_lost_block_is_delivered_as_the_receiver_has_it() {
    let hopeless = ChannelState::Snr(db_to_linear(-15.0));
    let snr = db_to_linear(-15.0);
    let (block_bits, code_rate, maximum_attempts, round_trip_s) = (1024, 0.5, 4, 0.008);
    let raw = |snr| Modulation::Qpsk.bit_error_probability(snr);
    let fec = send_as(Modulation::Qpsk, Protection::Fec { block_bits, code_rate }, hopeless);
    assert_relative(fec.bit_error_probability, raw(snr), 1e-12, "as it crossed the air");
    let chase = Protection::HarqChase { block_bits, code_rate, maximum_attempts, round_trip_s };
    let chase = send_as(Modulation::Qpsk, chase, hopeless);
    assert_relative(chase.bit_error_probability, raw(4.0 * snr), 1e-9, "at the sum of the SNRs");
    let redundancy = Protection::HarqIncrementalRedundancy { block_bits, code_rate, maximum_attempts, round_trip_s };
    let redundancy = send_as(Modulation::Qpsk, redundancy, hopeless);
    assert_relative(redundancy.bit_error_probability, raw(snr), 1e-12, "each bit was sent once");
    for harq in [chase, redundancy] {
        assert_eq!((harq.attempts, harq.residual_blocks), (4.0, BLOCKS));
        assert_relative(harq.on_air_s, 4.0 * fec.on_air_s, 1e-12, "four times the energy");
        assert_relative(harq.duration_s, 4.0 * fec.on_air_s + 3.0 * 0.008, 1e-12, "and three round trips");
    }
}

#[test]
fn a_channel_that_changes_between_attempts_adds_up_what_each_brings() {
    // Neither attempt is enough for 1048 bits over 682 symbols, their sum is for most blocks.
    let (first, second) = (0.9, 1.05);
    let code_rate = 1048.0 / 2728.0;
    let mut rng = StreamKey::new(41, 0, "protection-test", "change").rng();
    let air = AirInterface { modulation: Modulation::Qam16, ..AIR };
    let chase = Protection::HarqChase { block_bits: 1024, code_rate, maximum_attempts: 2, round_trip_s: 1.0 };
    let mut channel = |offset_s: f64| ChannelState::Snr(if offset_s == 0.0 { first } else { second });
    let combined = chase.transmit(&payload(BLOCKS), &air, &mut channel, &mut rng);
    let at_once =
        send_as(Modulation::Qam16, Protection::Fec { block_bits: 1024, code_rate }, ChannelState::Snr(first + second));
    let (one, other) = (combined.residual_blocks as f64, at_once.residual_blocks as f64);
    assert!(one > 100.0 && one < 0.9 * BLOCKS as f64, "{one}");
    assert!((one - other).abs() < 4.0 * (one + other).sqrt(), "{one} and {other}");
}

#[test]
fn certain_channels_draw_nothing() {
    let (block_bits, code_rate, maximum_attempts, round_trip_s) = (1024, 0.5, 3, 0.0);
    for protection in [
        Protection::Fec { block_bits, code_rate },
        Protection::HarqChase { block_bits, code_rate, maximum_attempts, round_trip_s },
        Protection::HarqIncrementalRedundancy { block_bits, code_rate, maximum_attempts, round_trip_s },
    ] {
        let clean = send(&protection, &payload(10), ChannelState::BitErrorProbability(0.0), 0);
        assert_eq!((clean.attempts, clean.residual_blocks, clean.bit_error_probability), (1.0, 0, 0.0));
        let noise = send(&protection, &payload(10), ChannelState::BitErrorProbability(0.5), 0);
        assert_eq!((noise.residual_blocks, noise.bit_error_probability), (10, 0.5));
    }
}

/// The question of a user: at each SNR, which protection brings most right bits for the energy? Power is the same for all, so
/// that energy goes with the time on the air.
#[test]
fn goodput_grows_with_the_snr_and_the_cheapest_protection_changes_on_the_way() {
    let (block_bits, maximum_attempts, round_trip_s) = (1024, 4, 0.0);
    let protections = [
        Protection::Arq { block_bits, maximum_attempts, round_trip_s },
        Protection::Fec { block_bits, code_rate: 0.5 },
        Protection::HarqChase { block_bits, code_rate: 0.5, maximum_attempts, round_trip_s },
        Protection::HarqIncrementalRedundancy { block_bits, code_rate: 0.5, maximum_attempts, round_trip_s },
    ];
    let right_bits_per_airtime = |protection: Protection, db: i32| {
        let sent = send_as(Modulation::Qpsk, protection, ChannelState::Snr(db_to_linear(f64::from(db))));
        sent.right_bits / sent.on_air_s
    };
    let table: Vec<Vec<f64>> = protections
        .iter()
        .map(|&protection| (-8..=14).map(|db| right_bits_per_airtime(protection, db)).collect())
        .collect();
    for (protection, goodputs) in protections.iter().zip(&table) {
        for pair in goodputs.windows(2) {
            // 10⁵ blocks vary by less than a hundredth.
            assert!(pair[1] >= 0.99 * pair[0], "{protection:?}: {goodputs:?}");
        }
    }
    let best_at = |db: i32| {
        let at = (db + 8) as usize;
        (0..4).max_by(|&one, &other| table[one][at].total_cmp(&table[other][at])).expect("four protections")
    };
    assert_eq!(best_at(-5), 3, "below the rate of the code only new redundancy arrives");
    assert_eq!(best_at(14), 0, "above it the code is a waste");
    assert!(table[1][8 + 3] > 100.0 * table[0][8 + 3], "at 3 dB coding works and repetition does not");
    assert_eq!(table[1][8 + 8], table[3][8 + 8], "where the first attempt is right, nothing is combined");
}
