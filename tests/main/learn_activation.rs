//! Mish, which is computed here by a formula of its own.

use burn::tensor::{Tensor, TensorData};
use latentlink::learn::networks::activation::{mish, mish_line_of_tensor};

/// x·tanh(ln(1 + eˣ)) and its derivative in f64.
fn exact(x: f64) -> (f64, f64) {
    let tanh = x.exp().ln_1p().tanh();
    let logistic = 1.0 / (1.0 + (-x).exp());
    (x * tanh, tanh + x * (1.0 - tanh * tanh) * logistic)
}

#[test]
fn mish_and_its_slope_are_exact_to_rounding() {
    let inputs: Vec<f32> = (-4000..=4000).map(|number| number as f32 / 40.0).collect();
    let shape = [1, inputs.len()];
    let device = latentlink::learn::device();
    let constant = Tensor::<2>::from_data(TensorData::new(inputs.clone(), shape), &device);
    let tracked = constant.clone().autodiff().require_grad();
    let output = mish(tracked.clone());
    let gradients = output.clone().sum().backward();
    let numbers = |tensor: Tensor<2>| tensor.into_data().try_into_vec::<f32>().unwrap();
    let untracked = numbers(mish(constant.clone()));
    let (device_slopes, device_offsets) = mish_line_of_tensor(constant.clone());
    let of_device = numbers(device_slopes.clone() * constant + device_offsets);
    let device_slopes = numbers(device_slopes);
    let values = numbers(output.inner());
    let slopes = numbers(tracked.grad(&gradients).unwrap());
    for (at, &input) in inputs.iter().enumerate() {
        let (value, slope) = exact(f64::from(input));
        let tolerance = 4e-7 * (1.0 + f64::from(input.abs()));
        for found in [values[at], untracked[at], of_device[at]] {
            assert!((f64::from(found) - value).abs() < tolerance, "mish({input}) = {found}, expected {value}");
        }
        for found in [slopes[at], device_slopes[at]] {
            assert!((f64::from(found) - slope).abs() < 2e-6, "mish'({input}) = {found}, expected {slope}");
        }
    }
}
