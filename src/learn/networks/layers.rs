//! Linear layers: their place in a flat array of weights, their initialisation, and their copies in burn.

use burn::tensor::module::linear;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One linear layer y = x·W + b: W is `[inputs, outputs]`, row after row, b follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerShape {
    pub inputs: usize,
    pub outputs: usize,
    /// Whether there is a b.
    pub bias: bool,
    /// Inputs of the whole layer, where this is only a part of one; the initialisation depends on it.
    pub fan_in: usize,
}

impl LayerShape {
    /// A layer of its own.
    pub const fn whole(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, bias: true, fan_in: inputs }
    }

    /// Those columns of a layer of `fan_in` inputs that some of the inputs meet; one part of a layer has the bias.
    pub const fn part(inputs: usize, outputs: usize, bias: bool, fan_in: usize) -> Self {
        Self { inputs, outputs, bias, fan_in }
    }

    /// Numbers in W and b.
    pub fn values(&self) -> usize {
        self.inputs * self.outputs + if self.bias { self.outputs } else { 0 }
    }

    /// Multiply-adds of one evaluation.
    pub fn multiply_adds(&self) -> u64 {
        (self.inputs * self.outputs) as u64
    }
}

/// Numbers in all layers.
pub fn value_count(shapes: &[LayerShape]) -> usize {
    shapes.iter().map(LayerShape::values).sum()
}

/// Uniform in ±1/√fan_in, weights and biases alike: what PyTorch's `Linear` does.
pub fn initial_values(shapes: &[LayerShape], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut values = Vec::with_capacity(value_count(shapes));
    for shape in shapes {
        let bound = 1.0 / (shape.fan_in as f64).sqrt();
        values.extend((0..shape.values()).map(|_| (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32));
    }
    values
}

/// The part of `values` that each layer has, weights and biases.
pub fn layer_slices<'v>(shapes: &[LayerShape], values: &'v [f32]) -> Vec<(&'v [f32], &'v [f32])> {
    let mut rest = values;
    shapes
        .iter()
        .map(|shape| {
            let (of_layer, others) = rest.split_at(shape.values());
            rest = others;
            of_layer.split_at(shape.inputs * shape.outputs)
        })
        .collect()
}

/// A layer in burn.
#[derive(Debug, Clone)]
pub struct Linear {
    pub weight: Tensor<2>,
    pub bias: Option<Tensor<1>>,
}

impl Linear {
    /// x·W + b.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        linear(inputs, self.weight.clone(), self.bias.clone())
    }

    /// x·W + `bias`, for a part of a layer that has none itself.
    pub fn forward_with_bias(&self, inputs: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
        debug_assert!(self.bias.is_none(), "one bias a layer");
        linear(inputs, self.weight.clone(), Some(bias))
    }
}

/// The layers of one network in burn, constants or leaves that a gradient is wanted of.
#[derive(Debug, Clone)]
pub struct Layers(Vec<Linear>);

impl Layers {
    /// Constants with these values.
    pub fn new(shapes: &[LayerShape], values: &[f32], device: &Device) -> Self {
        let linear = |(shape, (weight, bias)): (&LayerShape, (&[f32], &[f32]))| Linear {
            weight: Tensor::from_data(TensorData::new(weight.to_vec(), [shape.inputs, shape.outputs]), device),
            bias: shape.bias.then(|| Tensor::from_data(TensorData::new(bias.to_vec(), [shape.outputs]), device)),
        };
        Self(shapes.iter().zip(layer_slices(shapes, values)).map(linear).collect())
    }

    /// The same values as leaves of a new graph.
    pub fn tracked(&self) -> Self {
        let linear = |layer: &Linear| Linear {
            weight: layer.weight.clone().autodiff().require_grad(),
            bias: layer.bias.clone().map(|bias| bias.autodiff().require_grad()),
        };
        Self(self.0.iter().map(linear).collect())
    }

    /// Layer by layer, as an array of known length.
    pub fn each<const N: usize>(&self) -> [&Linear; N] {
        let layers: Vec<&Linear> = self.0.iter().collect();
        layers.try_into().expect("a network is loaded with the shapes that it declares itself")
    }

    /// The gradient of all values, in their order; 0 where the loss does not depend on one.
    pub fn gradient(&self, shapes: &[LayerShape], mut gradients: Gradients) -> Vec<f32> {
        let mut flat = Vec::with_capacity(value_count(shapes));
        for (layer, shape) in self.0.iter().zip(shapes) {
            append(&mut flat, layer.weight.grad_remove(&mut gradients), shape.inputs * shape.outputs);
            if let Some(bias) = &layer.bias {
                append(&mut flat, bias.grad_remove(&mut gradients), shape.outputs);
            }
        }
        flat
    }
}

fn append<const D: usize>(flat: &mut Vec<f32>, gradient: Option<Tensor<D>>, values: usize) {
    match gradient {
        Some(gradient) => flat.extend_from_slice(gradient.into_data().as_slice::<f32>().expect("gradients are f32")),
        None => flat.resize(flat.len() + values, 0.0),
    }
}

/// A `[rows, columns]` constant from an array, row after row.
pub fn matrix(values: Vec<f32>, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

/// The numbers of a tensor, row after row.
pub fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("all tensors here are f32")
}
