//! The normal approximation: against reference values, against exact bounds of the best codes, and where it fails.

use latentlink::radio::finite_blocklength::{ReceivedInformation, majority_bit_error_probability, saturation_snr};
use latentlink::radio::{Modulation, db_to_linear};

use crate::radio_fading::{assert_relative, rows};

fn number(text: &str) -> f64 {
    text.parse().expect("the reference table holds numbers")
}

#[test]
fn every_row_of_the_reference_of_the_specification_is_met_to_nine_digits() {
    let rows = rows("fbl_bler_reference.csv");
    assert_eq!(rows.len(), 28);
    for row in rows {
        let (symbols, payload, snr) = (number(&row[0]), number(&row[1]), db_to_linear(number(&row[2])));
        let value = ReceivedInformation::gaussian(symbols, snr).block_error_rate(payload);
        match number(&row[3]) {
            0.0 => assert!(value < 1e-300, "{row:?}: {value:e}"),
            expected => assert_relative(value, expected, 1e-9, &row),
        }
    }
}

/// Chase combining is i times the SNR, incremental redundancy i times the information; hard decisions are listed one by one.
#[test]
fn repeated_attempts_agree_with_40_digit_arithmetic() {
    let rows = rows("radio_block_error_reference.csv");
    assert_eq!(rows.len(), 130);
    for row in rows {
        let (uses, payload, parameter) = (number(&row[1]), number(&row[2]), number(&row[3]));
        let attempts: u32 = row[4].parse().expect("a number of attempts");
        let received = match row[0].as_str() {
            "chase" => ReceivedInformation::gaussian(uses, f64::from(attempts) * db_to_linear(parameter)),
            "incremental-redundancy" => (0..attempts)
                .map(|_| ReceivedInformation::gaussian(uses, db_to_linear(parameter)))
                .fold(ReceivedInformation::default(), |sum, one| sum + one),
            "binary-symmetric" => ReceivedInformation::binary_symmetric(uses, parameter, attempts),
            other => panic!("unknown combining {other}"),
        };
        assert_relative(received.block_error_rate(payload), number(&row[5]), 1e-9, &row);
    }
}

#[test]
fn one_look_at_a_binary_channel_has_the_textbook_capacity_and_dispersion() {
    for p in [1e-6, 0.01, 0.11, 0.3, 0.49] {
        let one = ReceivedInformation::binary_symmetric(1.0, p, 1);
        let entropy = -p * p.log2() - (1.0 - p) * (1.0 - p).log2();
        assert!((one.information_bits - (1.0 - entropy)).abs() < 1e-14, "{p}");
        assert!((one.dispersion_bits2 - p * (1.0 - p) * ((1.0 - p) / p).log2().powi(2)).abs() < 1e-13, "{p}");
    }
}

/// Converse and achievability of the best code at all, from the whole weight distribution of the errors.
#[test]
fn the_approximation_keeps_to_the_exact_bounds_but_for_short_blocks_and_tiny_error_rates() {
    for row in rows("radio_block_error_bounds.csv") {
        let (coded, payload, p) = (number(&row[0]), number(&row[1]), number(&row[2]));
        let (converse, achievable) = (number(&row[3]), number(&row[4]));
        let value = ReceivedInformation::binary_symmetric(coded, p, 1).block_error_rate(payload);
        let stated_as_invalid = coded < 100.0 || converse < 1e-6;
        if !stated_as_invalid {
            assert!(0.9 * converse <= value && value <= 1.25 * achievable, "{row:?}: {value:e}");
        } else if p < 0.1 {
            assert!(value < 0.2 * converse, "{row:?}: {value:e} is not far beyond what the best code can do");
        }
    }
}

#[test]
fn a_modulation_never_carries_more_bits_than_its_symbols_have() {
    let (symbols, payload) = (1000.0, 2050.0);
    let very_good = db_to_linear(60.0);
    assert!(ReceivedInformation::gaussian(symbols, very_good).block_error_rate(payload) < 1e-100);
    let qpsk = ReceivedInformation::modulated(symbols, very_good, Modulation::Qpsk);
    assert_relative(qpsk.information_bits, 2000.0, 1e-12, "2 bits a symbol");
    assert!(qpsk.block_error_rate(payload) > 0.5);
    assert_eq!(saturation_snr(Modulation::Qam16), 15.0);
    // The floor that the module's documentation states: 1024 bits at rate 0.9.
    let floor =
        ReceivedInformation::modulated(1024.0 / 0.9 / 2.0, very_good, Modulation::Qpsk).block_error_rate(1024.0);
    assert!((1e-4..4e-4).contains(&floor), "{floor:e}");
    // At rate 0.5 there is none worth the name.
    assert!(ReceivedInformation::modulated(1024.0, very_good, Modulation::Qpsk).block_error_rate(1024.0) < 1e-100);
}

#[test]
fn channels_without_noise_or_without_signal_are_certain() {
    let rate_half = |received: ReceivedInformation| received.block_error_rate(1000.0);
    assert_eq!(rate_half(ReceivedInformation::binary_symmetric(2000.0, 0.0, 3)), 0.0);
    assert_eq!(rate_half(ReceivedInformation::binary_symmetric(2000.0, 0.5, 3)), 1.0);
    assert_eq!(rate_half(ReceivedInformation::gaussian(2000.0, 0.0)), 1.0);
    assert_eq!(rate_half(ReceivedInformation::gaussian(2000.0, f64::INFINITY)), 0.0);
    assert_eq!(rate_half(ReceivedInformation::default()), 1.0);
}

#[test]
fn a_majority_of_three_is_wrong_where_two_or_three_are() {
    for p in [0.0, 1e-5, 0.03, 0.2, 0.5] {
        assert_eq!(majority_bit_error_probability(p, 1), p);
        assert!((majority_bit_error_probability(p, 2) - p).abs() < 1e-16, "a tie is a coin: {p}");
        assert!((majority_bit_error_probability(p, 3) - (3.0 - 2.0 * p) * p * p).abs() < 1e-15, "{p}");
    }
}
