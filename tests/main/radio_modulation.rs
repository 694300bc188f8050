//! Bit error probability on the Gaussian channel, against counted decision regions.

use latentlink::radio::{Modulation, db_to_linear};

use crate::radio_fading::{assert_relative, rows};

fn modulation_of(name: &str) -> Modulation {
    Modulation::ALL.into_iter().find(|modulation| modulation.name() == name).expect("a modulation of the table")
}

#[test]
fn gray_mapped_constellations_have_the_counted_bit_error_probability() {
    for row in rows("radio_qam_reference.csv") {
        let es_n0_db: f64 = row[1].parse().expect("a number");
        let expected: f64 = row[2].parse().expect("a number");
        let value = modulation_of(&row[0]).bit_error_probability(db_to_linear(es_n0_db));
        // An SNR rounded to double precision shifts the exponent -γ by γ·1e-16.
        assert_relative(value, expected, 1e-14 + 4e-16 * db_to_linear(es_n0_db), &row);
    }
}

#[test]
fn generated_terms_of_16_and_64_qam_are_those_of_cho_and_yoon() {
    let qam16 = [(3.0 / 4.0, 1.0 / 5.0), (1.0 / 2.0, 9.0 / 5.0), (-1.0 / 4.0, 5.0)];
    let qam64 = [
        (7.0 / 12.0, 1.0 / 21.0),
        (1.0 / 2.0, 9.0 / 21.0),
        (-1.0 / 12.0, 25.0 / 21.0),
        (1.0 / 12.0, 81.0 / 21.0),
        (-1.0 / 12.0, 169.0 / 21.0),
    ];
    for (modulation, expected) in [(Modulation::Qam16, &qam16[..]), (Modulation::Qam64, &qam64[..])] {
        let terms = modulation.terms();
        assert_eq!(terms.len(), expected.len(), "{modulation:?}");
        for (term, &(weight, snr_factor)) in terms.iter().zip(expected) {
            assert_relative(term.weight, weight, 1e-15, modulation);
            assert_relative(term.snr_factor, snr_factor, 1e-15, modulation);
        }
    }
}

#[test]
fn half_the_bits_are_wrong_without_a_signal() {
    for modulation in Modulation::ALL {
        assert!((modulation.bit_error_probability(0.0) - 0.5).abs() < 1e-15, "{modulation:?}");
    }
}

#[test]
fn more_signal_means_fewer_errors_and_more_bits_per_symbol_more_of_them() {
    for db in -20..=14 {
        let at = |modulation: Modulation, db: i32| modulation.bit_error_probability(db_to_linear(f64::from(db)));
        for modulation in Modulation::ALL {
            assert!(at(modulation, db + 1) < at(modulation, db), "{modulation:?} at {db} dB");
        }
        for pair in Modulation::ALL.windows(2) {
            assert!(at(pair[0], db) < at(pair[1], db), "{pair:?} at {db} dB");
        }
    }
}
