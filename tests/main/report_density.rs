//! Densities against SciPy's `gaussian_kde`, on observations from the formula of `tests/reference/figures.py`.

use latentlink::report::density::{KernelDensity, distinct, histogram};

#[test]
fn kernel_densities_agree_with_scipy() {
    #[derive(serde::Deserialize)]
    struct Row {
        n: u64,
        base: f64,
        scale: f64,
        bandwidth: f64,
        at: f64,
        density: f64,
    }
    let mut rows = csv::Reader::from_path("tests/vectors/density_reference.csv").unwrap();
    let mut count = 0;
    for row in rows.deserialize() {
        let row: Row = row.unwrap();
        let observation = |index: u64| {
            let raw = (7919 * index * index + 104_729 * index) % 1000;
            row.base + row.scale * (raw as f64 / 1000.0)
        };
        let observations: Vec<f64> = (0..row.n).map(observation).collect();
        let kernels = KernelDensity::of(&observations).unwrap();
        assert!((kernels.bandwidth() / row.bandwidth - 1.0).abs() < 1e-9, "n = {}: {}", row.n, kernels.bandwidth());
        let ours = kernels.at(row.at);
        assert!((ours - row.density).abs() <= 1e-9 * row.density.max(1e-12), "n = {} at {}: {ours}", row.n, row.at);
        count += 1;
    }
    assert_eq!(count, 42);
}

#[test]
fn observations_without_spread_have_no_kernel_density() {
    for observations in [&[][..], &[0.5], &[0.5, 0.5, 0.5], &[0.1, f64::NAN], &[0.1, f64::INFINITY]] {
        assert_eq!(KernelDensity::of(observations), None, "{observations:?}");
    }
}

#[test]
fn a_histogram_counts_borders_upwards_and_its_area_is_one() {
    let observations = [0.0, 0.05, 0.1, 0.15, 0.3, 0.6, 0.95, 1.0];
    let densities = histogram(&observations, (0.0, 1.0), 20);
    // Each of eight observations has the area 1/8 over a width of 1/20.
    let filled: Vec<(usize, f64)> =
        densities.iter().copied().enumerate().filter(|(_, density)| *density > 0.0).collect();
    let expected = [(0, 2.5), (1, 2.5), (2, 2.5), (3, 2.5), (6, 2.5), (12, 2.5), (19, 5.0)];
    assert_eq!(filled.len(), expected.len(), "{filled:?}");
    for ((bin, density), (expected_bin, expected_density)) in filled.into_iter().zip(expected) {
        assert_eq!(bin, expected_bin);
        assert!((density - expected_density).abs() < 1e-12);
    }
    assert!((densities.iter().sum::<f64>() / 20.0 - 1.0).abs() < 1e-12);
    assert_eq!(distinct(&[0.2, 0.1, 0.2, 0.1, 0.3]), 3);
}
