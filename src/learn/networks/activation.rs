//! Mish and ReLU as a straight line through each number: y = slope·x + offset, slope and offset found in one pass.
//!
//! Written with the operations of a tensor library, Mish is a chain of seven operations forward and more back, each of
//! which reads and writes a large array; here the derivative is found together with the value, and automatic
//! differentiation sees one product and one sum with constants. The value is off by roundings of slope·x only.

use burn::tensor::{Tensor, TensorData};

/// x·tanh(ln(1 + eˣ)).
pub fn mish(inputs: Tensor<2>) -> Tensor<2> {
    let shape = inputs.dims();
    let device = inputs.device().inner();
    let constant = inputs.clone().inner();
    if cfg!(feature = "cuda") {
        let (slopes, offsets) = mish_line_of_tensor(constant);
        return inputs * slopes + offsets;
    }
    let tracked = inputs.is_autodiff();
    let mut slopes = constant.into_data().try_into_vec::<f32>().expect("all tensors here are f32");
    if !tracked {
        slopes.iter_mut().for_each(|number| *number = mish_line(*number).0);
        return Tensor::from_data(TensorData::new(slopes, shape), &device);
    }
    let mut offsets = vec![0.0; slopes.len()];
    for (number, offset) in slopes.iter_mut().zip(&mut offsets) {
        let input = *number;
        let (value, slope) = mish_line(input);
        *number = slope;
        *offset = value - slope * input;
    }
    let line = |numbers| Tensor::<2>::from_data(TensorData::new(numbers, shape), &device);
    inputs * line(slopes) + line(offsets)
}

/// max(x, 0).
pub fn relu(inputs: Tensor<2>) -> Tensor<2> {
    burn::tensor::activation::relu(inputs)
}

/// Mish and its derivative. With e = eˣ and n = e (e + 2): tanh(ln(1 + e)) = n / (n + 2).
#[inline(always)]
fn mish_line(input: f32) -> (f32, f32) {
    // From 15 on Mish is x to the last bit, and e² stays finite.
    let e = exp(input.clamp(-80.0, 15.0));
    let n = e * (e + 2.0);
    let reciprocal = 1.0 / (n + 2.0);
    let tanh = n * reciprocal;
    (input * tanh, tanh + 4.0 * input * e * (1.0 + e) * reciprocal * reciprocal)
}

/// eˣ to about one unit in the last place, for |x| ≤ 87, in operations that a compiler can make vector instructions of:
/// x = k ln 2 + r with |r| ≤ ln 2 / 2, a Taylor polynomial of eʳ, and k added to the exponent bits.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5·2²³ leaves no room for fractions: the sum's lowest bits are the rounded integer.
    const ROUNDING: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let k = shifted - ROUNDING;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let tail = 1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0)));
    let polynomial = 1.0 + r * (1.0 + r * (0.5 + r * tail));
    let power_of_two = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000));
    polynomial * power_of_two
}

/// The slopes and offsets of [`mish`] in operations of the device, where its numbers are not to leave it (a GPU).
pub fn mish_line_of_tensor(inputs: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let e = inputs.clone().clamp(-80.0, 15.0).exp();
    let n = e.clone() * (e.clone() + 2.0);
    let reciprocal = (n.clone() + 2.0).recip();
    let tanh = n * reciprocal.clone();
    let bend = e.clone() * (e + 1.0) * reciprocal.clone() * reciprocal * 4.0;
    let slopes = tanh.clone() + inputs.clone() * bend;
    let offsets = inputs * (tanh - slopes.clone());
    (slopes, offsets)
}
