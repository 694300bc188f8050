//! Noise, SNR, required SNR, airtime: the numbers of the reference link.

use latentlink::radio::{
    Fading, LinkBudget, LinkGeometry, Modulation, PathLoss, RequiredSnrError, airtime_s, average_bit_error_probability,
    db_to_linear, energy_per_watt_j, linear_to_db, noise_rise_at_load_db, outage_probability, required_mean_snr,
};

use crate::radio_fading::{assert_relative, fisher_snedecor};

const REFERENCE: LinkBudget = LinkBudget { bandwidth_hz: 5e6, noise_figure_db: 7.0 };

/// Antenna distance [m] at which UMa without line of sight loses `loss_db` at 3.5 GHz, by bisection.
fn distance_m(loss_db: f64) -> f64 {
    let loss_at = |antenna_distance_m: f64| {
        let distance_m = (antenna_distance_m * antenna_distance_m - 23.5 * 23.5).sqrt();
        let geometry =
            LinkGeometry { distance_m, carrier_hz: 3.5e9, base_station_height_m: 25.0, device_height_m: 1.5 };
        PathLoss::UmaNlos.loss_db(&geometry)
    };
    let (mut low, mut high) = (50.0, 5000.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if loss_at(middle) < loss_db { low = middle } else { high = middle }
    }
    low
}

#[test]
fn noise_over_5_mhz_with_a_7_db_receiver_is_minus_130_01_dbw() {
    assert!((REFERENCE.noise_power_dbw() + 130.0103).abs() < 1e-4);
}

#[test]
fn snr_adds_up_in_decibels_and_inverts_to_the_power() {
    let snr = REFERENCE.snr(db_to_linear(18.0), 139.89, 0.5);
    assert!((linear_to_db(snr) - (18.0 - 139.89 + 130.0103 - 3.0103)).abs() < 1e-4);
    assert_relative(REFERENCE.tx_power_w(snr, 139.89, 0.5), db_to_linear(18.0), 1e-14, snr);
    assert_eq!(REFERENCE.snr(0.0, 139.89, 1.0), 0.0);
}

/// 18 dBW for 5 % and 21 dBW for 3 %: where the paper's two devices then stand (`spec` 2, last table).
#[test]
fn the_paper_s_powers_and_error_rates_put_the_devices_where_the_calibration_says() {
    let f = fisher_snedecor(2.0, 1.5);
    let wide = LinkBudget { bandwidth_hz: 20e6, ..REFERENCE };
    let table = [
        (REFERENCE, Modulation::Bpsk, 901.0, 955.0),
        (REFERENCE, Modulation::Qpsk, 754.0, 800.0),
        (REFERENCE, Modulation::Qam16, 534.0, 562.0),
        (REFERENCE, Modulation::Qam64, 395.0, 412.0),
        (wide, Modulation::Bpsk, 632.0, 670.0),
    ];
    for (budget, modulation, first_m, second_m) in table {
        for (power_dbw, target, expected_m) in [(18.0, 0.05, first_m), (21.0, 0.03, second_m)] {
            let snr_db = linear_to_db(required_mean_snr(modulation, &f, target).unwrap());
            let loss_db = power_dbw - snr_db - budget.noise_power_dbw();
            let at_m = distance_m(loss_db);
            // The table's distances are rounded, and follow from losses rounded to 0.01 dB (0.6 m).
            assert!((at_m - expected_m).abs() < 1.2, "{modulation:?} {target}: {at_m} m, {loss_db} dB");
        }
    }
}

#[test]
fn the_required_snr_gives_the_target_back() {
    for fading in [Fading::None, Fading::Rayleigh, fisher_snedecor(2.0, 1.5), Fading::Rician { k_db: 3.0 }] {
        for target in [0.4, 0.05, 1e-6] {
            let snr = required_mean_snr(Modulation::Qam16, &fading, target).unwrap();
            let back = average_bit_error_probability(Modulation::Qam16, &fading, snr);
            assert_relative(back, target, 1e-11, (fading, target));
        }
    }
}

#[test]
fn targets_that_no_snr_reaches_are_refused() {
    for target in [0.0, 0.5, 0.7, -0.1, f64::NAN] {
        let result = required_mean_snr(Modulation::Bpsk, &Fading::Rayleigh, target);
        assert!(matches!(result, Err(RequiredSnrError::TargetOutOfRange { .. })), "{target}: {result:?}");
    }
    let hopeless = required_mean_snr(Modulation::Bpsk, &Fading::NakagamiM { m: 0.1 }, 1e-9);
    assert!(matches!(hopeless, Err(RequiredSnrError::OutOfReach { .. })), "{hopeless:?}");
}

#[test]
fn outage_is_the_cdf_of_the_gain_at_the_threshold() {
    // Rayleigh: 1 − exp(−γ_th/γ̄).
    let outage = outage_probability(&Fading::Rayleigh, db_to_linear(10.0), db_to_linear(3.0));
    assert_relative(outage, -(-db_to_linear(-7.0)).exp_m1(), 1e-14, "rayleigh");
    assert_eq!(outage_probability(&Fading::None, 2.0, 1.9), 0.0);
    assert_eq!(outage_probability(&Fading::None, 2.0, 2.0), 0.0);
    assert_eq!(outage_probability(&Fading::None, 2.0, 2.1), 1.0);
    assert_eq!(outage_probability(&Fading::Rayleigh, 0.0, 1.0), 1.0);
}

/// `spec` 3: one 4×64×64 latent over 5 MHz with efficiency 0.75.
#[test]
fn airtimes_of_a_latent_are_those_of_the_table() {
    let table = [
        (32, Modulation::Bpsk, 139.81),
        (16, Modulation::Qpsk, 34.95),
        (8, Modulation::Qpsk, 17.48),
        (8, Modulation::Qam16, 8.74),
    ];
    for (bits_per_value, modulation, expected_ms) in table {
        let airtime = airtime_s(16_384 * bits_per_value, 5e6, modulation, 0.75);
        assert!((1e3 * airtime - expected_ms).abs() < 0.005, "{modulation:?} {bits_per_value}: {airtime}");
    }
    // The paper's β = 0.1 is close to an fp32 latent over 5 MHz BPSK, all symbols data, lossless amplifier: 0.1049.
    let beta = energy_per_watt_j(airtime_s(524_288, 5e6, Modulation::Bpsk, 1.0), 1.0);
    assert!((beta - 0.1049).abs() < 5e-5);
    assert_eq!(energy_per_watt_j(0.07, 0.35), 0.07 / 0.35);
}

#[test]
fn interference_shrinks_with_the_cells_that_are_on_the_air() {
    assert_eq!(noise_rise_at_load_db(6.0, 0.0), 0.0);
    assert_eq!(noise_rise_at_load_db(0.0, 1.0), 0.0);
    // All cells make the noise four times as strong: I = 3 N, and with half of them (I + N)/N = 2.5.
    let all_db = 10.0 * 4f64.log10();
    assert!((noise_rise_at_load_db(all_db, 1.0) - all_db).abs() < 1e-12);
    assert!((noise_rise_at_load_db(all_db, 0.5) - 10.0 * 2.5f64.log10()).abs() < 1e-12);
}
