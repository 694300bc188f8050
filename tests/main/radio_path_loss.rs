//! Path loss against published figures.

use latentlink::radio::{LinkGeometry, PathLoss};

fn geometry(distance_m: f64, carrier_hz: f64, base_station_height_m: f64) -> LinkGeometry {
    LinkGeometry { distance_m, carrier_hz, base_station_height_m, device_height_m: 1.5 }
}

/// What ns-3's own tests of its TR 38.901 models expect (`three-gpp-propagation-loss-model-test-suite.cc`): 5 GHz, device
/// at 1.5 m, distance along the ground. ns-3 allows 0.05 dB; 0.01 dB is met.
#[test]
fn losses_are_those_that_ns_3_expects() {
    let uma = [
        (10.0, 72.9380, 82.5131),
        (100.0, 86.2362, 106.1356),
        (1000.0, 109.7252, 144.7641),
        (5000.0, 137.6794, 172.0753),
    ];
    let umi = [
        (10.0, 69.8591, 76.7563),
        (100.0, 88.4122, 107.9432),
        (1000.0, 119.3114, 143.1886),
        (5000.0, 147.2696, 167.8617),
    ];
    let cases = [(PathLoss::UmaLos, PathLoss::UmaNlos, 25.0, uma), (PathLoss::UmiLos, PathLoss::UmiNlos, 10.0, umi)];
    for (los, nlos, height_m, table) in cases {
        for (distance_m, los_db, nlos_db) in table {
            let geometry = geometry(distance_m, 5e9, height_m);
            for (model, expected_db) in [(los, los_db), (nlos, nlos_db)] {
                let loss_db = model.loss_db(&geometry);
                assert!((loss_db - expected_db).abs() < 0.01, "{model:?} at {distance_m} m: {loss_db}");
            }
        }
    }
}

#[test]
fn the_reference_link_loses_139_89_and_140_88_db_at_antenna_distances_of_901_and_955_m() {
    for (antenna_distance_m, loss_db) in [(901.0_f64, 139.89), (955.0, 140.88)] {
        let ground_m = (antenna_distance_m * antenna_distance_m - 23.5 * 23.5).sqrt();
        let loss = PathLoss::UmaNlos.loss_db(&geometry(ground_m, 3.5e9, 25.0));
        assert!((loss - loss_db).abs() < 0.005, "{antenna_distance_m} m: {loss}");
        let along_ground = PathLoss::UmaNlos.loss_db(&geometry(antenna_distance_m, 3.5e9, 25.0));
        assert!(along_ground > loss && along_ground - loss < 0.0065, "{along_ground}");
    }
}

#[test]
fn the_breakpoint_lies_at_four_effective_heights_over_the_wavelength() {
    // 4 · 24 m · 0.5 m · 3.5e9 Hz / 3e8 m/s
    let uma = geometry(100.0, 3.5e9, 25.0);
    assert!((uma.breakpoint_distance_m() - 560.0).abs() < 1e-9);
    // The two slopes meet there.
    for (model, height_m) in [(PathLoss::UmaLos, 25.0), (PathLoss::UmiLos, 10.0)] {
        let at_breakpoint_m = geometry(100.0, 3.5e9, height_m).breakpoint_distance_m();
        let before = model.loss_db(&geometry(at_breakpoint_m * (1.0 - 1e-9), 3.5e9, height_m));
        let after = model.loss_db(&geometry(at_breakpoint_m * (1.0 + 1e-9), 3.5e9, height_m));
        assert!((after - before).abs() < 1e-6, "{model:?}: {before} and {after}");
    }
}

#[test]
fn obstruction_never_helps() {
    for (los, nlos, height_m) in
        [(PathLoss::UmaLos, PathLoss::UmaNlos, 25.0), (PathLoss::UmiLos, PathLoss::UmiNlos, 10.0)]
    {
        for distance_m in [10.0, 30.0, 100.0, 700.0, 5000.0] {
            for carrier_hz in [0.7e9, 3.5e9, 28e9] {
                let geometry = geometry(distance_m, carrier_hz, height_m);
                assert!(nlos.loss_db(&geometry) >= los.loss_db(&geometry));
            }
        }
    }
}

#[test]
fn log_distance_and_fixed_gain_are_what_they_say() {
    let at = |distance_m: f64| geometry(distance_m, 3.5e9, 25.0);
    let model = PathLoss::LogDistance { exponent: 3.5, reference_distance_m: 10.0, reference_loss_db: 60.0 };
    assert!((model.loss_db(&at(10.0)) - 60.0).abs() < 1e-12);
    assert!((model.loss_db(&at(1000.0)) - 130.0).abs() < 1e-12);
    let fixed = PathLoss::FixedGain { gain_db: -120.0 };
    assert_eq!(fixed.loss_db(&at(10.0)), 120.0);
    assert_eq!(fixed.loss_db(&at(4000.0)), 120.0);
}

#[test]
fn only_the_3gpp_models_bound_their_distances() {
    for model in [PathLoss::UmaLos, PathLoss::UmaNlos, PathLoss::UmiLos, PathLoss::UmiNlos] {
        let validity = model.validity_m().expect("TR 38.901 states a range");
        assert!(validity.contains(&10.0) && validity.contains(&5000.0));
        assert!(!validity.contains(&9.9) && !validity.contains(&5000.1));
    }
    assert_eq!(PathLoss::FixedGain { gain_db: 0.0 }.validity_m(), None);
}
