//! The diffusion actor's schedule against the vector of the specification.

use latentlink::learn::vp_schedule::vp_schedule;

#[test]
fn schedule_is_that_of_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/gdmopt_vp_schedule_reference.csv");
    let mut rows = 0;
    for row in csv::Reader::from_path(path).unwrap().into_records() {
        let numbers: Vec<f64> = row.unwrap().iter().map(|cell| cell.parse().unwrap()).collect();
        let step = vp_schedule(numbers[0] as u32)[numbers[1] as usize];
        let found = [
            step.beta,
            step.alpha_cumprod,
            step.posterior_variance,
            step.coefficient_x0,
            step.coefficient_xt,
            step.sqrt_reciprocal_alpha,
            step.sqrt_reciprocal_alpha_minus_one,
        ];
        for (found, expected) in found.iter().zip(&numbers[2..]) {
            assert!((found - expected).abs() < 1e-8, "T = {}, step {}: {step:?}", numbers[0], numbers[1]);
        }
        rows += 1;
    }
    assert_eq!(rows, 11);
}

#[test]
fn last_step_of_any_chain_is_the_estimate_itself() {
    for steps in [1, 3, 5, 6, 20] {
        let last = vp_schedule(steps)[0];
        assert_eq!((last.coefficient_x0, last.coefficient_xt, last.posterior_variance), (1.0, 0.0, 0.0));
    }
}
