//! The average bit error probability against reference rows, closed forms and limits.

use latentlink::radio::{
    Fading, FisherSnedecorConvention, Modulation, average_bit_error_probability, db_to_linear, required_mean_snr,
};

use crate::radio_fading::{assert_relative, fading_of_row, fisher_snedecor, rows};

fn modulation_of(name: &str) -> Modulation {
    Modulation::ALL.into_iter().find(|modulation| modulation.name() == name).expect("a modulation of the table")
}

#[test]
fn every_row_of_the_bep_reference_is_met_to_nine_digits() {
    let rows = rows("bep_reference.csv");
    assert_eq!(rows.len(), 154);
    for row in rows {
        let number = |i: usize| row[i].parse::<f64>().expect("a number");
        let fading = fisher_snedecor(number(0), number(1));
        let value = average_bit_error_probability(modulation_of(&row[3]), &fading, db_to_linear(number(2)));
        assert_relative(value, number(4), 1e-9, &row);
    }
}

/// Closed forms, Craig's form with the moment-generating function, quadrature of the density: none uses a CDF.
#[test]
fn averages_agree_with_closed_forms_and_integrals_of_another_form() {
    for row in rows("radio_average_bep_reference.csv") {
        let fading = fading_of_row(&row[0], &row[1], &row[2]);
        let mean_es_n0_db: f64 = row[3].parse().expect("a number");
        let expected: f64 = row[5].parse().expect("a number");
        let value = average_bit_error_probability(modulation_of(&row[4]), &fading, db_to_linear(mean_es_n0_db));
        assert_relative(value, expected, 1e-10, &row);
    }
}

#[test]
fn rayleigh_bpsk_has_its_closed_form_at_any_snr() {
    for db in [-80.0, -30.0, 0.0, 10.0, 20.0, 60.0] {
        let snr = db_to_linear(db);
        // ½(1 − √(γ̄/(1+γ̄))) without its cancellation.
        let root = (snr / (1.0 + snr)).sqrt();
        let expected = 0.5 / ((1.0 + snr) * (1.0 + root));
        let value = average_bit_error_probability(Modulation::Bpsk, &Fading::Rayleigh, snr);
        assert_relative(value, expected, 1e-12, db);
    }
}

#[test]
fn light_shadowing_with_m_1_tends_to_rayleigh() {
    for db in [0.0, 10.0, 25.0] {
        let snr = db_to_linear(db);
        let limit = average_bit_error_probability(Modulation::Qam16, &Fading::Rayleigh, snr);
        let gap =
            |ms: f64| average_bit_error_probability(Modulation::Qam16, &fisher_snedecor(1.0, ms), snr) / limit - 1.0;
        assert!(gap(1e6).abs() < 2e-6, "{db} dB: {:e}", gap(1e6));
        // The distance to the limit goes as 1/m_s.
        assert!((gap(1e3) / gap(1e4) - 10.0).abs() < 0.1, "{db} dB");
    }
}

#[test]
fn ever_milder_fading_tends_to_the_gaussian_channel() {
    for modulation in Modulation::ALL {
        for db in [0.0, 8.0] {
            let snr = db_to_linear(db);
            let limit = modulation.bit_error_probability(snr);
            assert_eq!(average_bit_error_probability(modulation, &Fading::None, snr), limit);
            let milder = [fisher_snedecor(1e5, 1e5), Fading::NakagamiM { m: 1e5 }, Fading::Rician { k_db: 50.0 }];
            for fading in milder {
                let value = average_bit_error_probability(modulation, &fading, snr);
                assert_relative(value, limit, 2e-3, (modulation, db, fading));
                assert!(value > limit, "fading costs, {modulation:?} {db} dB {fading:?}");
            }
        }
    }
}

/// Γ(m+½)Γ(m+m_s)/(2√π Γ(m+1)Γ(m_s))·(2m/(cλ))^m, here m = 2, m_s = 1.5, c = 2 (BPSK); `spec` 2 gives the ratios.
#[test]
fn f_fading_reaches_its_high_snr_asymptote_with_diversity_m() {
    let asymptote = |snr: f64| {
        let sqrt_pi = std::f64::consts::PI.sqrt();
        // Γ(5/2) = 3√π/4, Γ(7/2) = 15√π/8, Γ(3) = 2, Γ(3/2) = √π/2.
        let factor = (0.75 * sqrt_pi) * (1.875 * sqrt_pi) / (2.0 * sqrt_pi * 2.0 * 0.5 * sqrt_pi);
        factor * (4.0 / (2.0 * 0.5 * snr)).powi(2)
    };
    for (db, ratio, tolerance) in [(20.0, 1.234, 1e-3), (30.0, 1.0233, 1e-4), (40.0, 1.0023, 1e-4), (80.0, 1.0, 1e-6)] {
        let snr = db_to_linear(db);
        let exact = average_bit_error_probability(Modulation::Bpsk, &fisher_snedecor(2.0, 1.5), snr);
        assert!((asymptote(snr) / exact - ratio).abs() < tolerance, "{db} dB: {}", asymptote(snr) / exact);
    }
}

#[test]
fn the_letter_s_convention_is_worth_4_77_db_at_ms_1_5() {
    let letter = Fading::FisherSnedecor { m: 2.0, ms: 1.5, convention: FisherSnedecorConvention::Letter2017 };
    for modulation in Modulation::ALL {
        let by_letter = average_bit_error_probability(modulation, &letter, db_to_linear(10.0));
        let unit_mean = average_bit_error_probability(modulation, &fisher_snedecor(2.0, 1.5), 3.0 * db_to_linear(10.0));
        assert_relative(by_letter, unit_mean, 1e-12, modulation);
    }
}

#[test]
fn the_average_falls_with_power_from_one_half() {
    for fading in
        [Fading::Rayleigh, Fading::Rician { k_db: 6.0 }, fisher_snedecor(2.0, 1.5), Fading::NakagamiM { m: 0.5 }]
    {
        for modulation in Modulation::ALL {
            assert!((average_bit_error_probability(modulation, &fading, 0.0) - 0.5).abs() < 1e-15);
            let values: Vec<f64> = (-120..=60)
                .step_by(4)
                .map(|db| average_bit_error_probability(modulation, &fading, db_to_linear(f64::from(db))))
                .collect();
            assert!((values[0] - 0.5).abs() < 1e-4, "{fading:?} {modulation:?}: {}", values[0]);
            assert!(values.windows(2).all(|pair| pair[1] < pair[0]), "{fading:?} {modulation:?}: {values:?}");
        }
    }
}

/// The table of `spec` 2 that calibrates the paper's Figures 12 to 14.
#[test]
fn the_mean_snr_for_5_and_3_percent_is_the_calibrated_one() {
    let f = fisher_snedecor(2.0, 1.5);
    let table = [
        (Modulation::Bpsk, 8.122, 10.131, 2.27, 1.312, 2.477),
        (Modulation::Qpsk, 11.132, 13.141, 2.27, 4.323, 5.487),
        (Modulation::Qam16, 16.995, 19.133, 2.39, 10.518, 11.854),
        (Modulation::Qam64, 22.105, 24.398, 2.52, 15.942, 17.472),
    ];
    for (modulation, five, three, at_3_db_more, five_instantaneous, three_instantaneous) in table {
        let db = |fading: &Fading, target: f64| 10.0 * required_mean_snr(modulation, fading, target).unwrap().log10();
        for (target, average, instantaneous) in [(0.05, five, five_instantaneous), (0.03, three, three_instantaneous)] {
            assert!((db(&f, target) - average).abs() < 6e-4, "{modulation:?} {target}: {}", db(&f, target));
            let gaussian = db(&Fading::None, target);
            assert!((gaussian - instantaneous).abs() < 6e-4, "{modulation:?} {target}: {gaussian}");
        }
        let bep = average_bit_error_probability(modulation, &f, db_to_linear(db(&f, 0.05) + 3.0));
        assert!((100.0 * bep - at_3_db_more).abs() < 6e-3, "{modulation:?}: {bep}");
    }
}
