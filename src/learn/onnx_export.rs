//! The actor as an ONNX model, `actor.onnx`, the chain of a diffusion actor unrolled.
//!
//! ```text
//! state [n, S] ──────────────────────► actor ─► clip ±1 ─┬─► action [n, A]
//! noise [n, T·A], diffusion actors ──►                   │
//!                                                        └─► critic, min ─► value [n]
//! ```
//!
//! The value lets whoever runs the model draw several actions for one state and keep the best one. What depends on the
//! index of a step alone is a constant of the file. Operators are those of opset 18, the first one with Mish.

use std::collections::HashSet;

use prost::Message;

use super::actor_critic::{ActorCritic, ActorNetwork};
use super::networks::DiffusionActor;
use super::networks::layers::{LayerShape, layer_slices, numbers};
use super::onnx_messages::{
    Attribute, Constant, Dimension, FLOAT, Graph, INT64, Model, Node, OperatorSet, Shape, StringEntry, TensorType,
    ValueInfo, ValueType,
};
use super::settings::LearnerSettings;
use crate::scenario::ActorHead;

/// A value of the graph, by its name.
type Name = String;

/// The bytes of the model. `metadata` goes into its `metadata_props`.
pub(super) fn export(agent: &ActorCritic, metadata: &[(String, String)]) -> Vec<u8> {
    let settings = &agent.settings;
    let mut graph = GraphWriter::default();
    graph.input("state", settings.state_len);
    let actor = graph.layers("actor", &agent.actor_network.shapes(), agent.actor_values());
    let actions = match &agent.actor_network {
        ActorNetwork::Mlp(_) => mlp_actor(&mut graph, &actor),
        ActorNetwork::Diffusion(network) => {
            graph.input("noise", network.noise_len());
            let time_terms = numbers(network.time_terms(&network.layers(agent.actor_layers())));
            diffusion_actor(&mut graph, network, &actor, &time_terms)
        }
    };
    let (low, high) = (graph.scalar(-1.0), graph.scalar(1.0));
    graph.node_as("action", "Clip", &[&actions, &low, &high], &[]);
    let critic = graph.layers("critic", &agent.critic_network.shapes(), agent.critic_values());
    let told = told_to_critic(&mut graph, settings);
    twin_critic(&mut graph, &critic, &told);
    graph.output("action", &[("n", None), ("A", Some(settings.action_len))]);
    graph.output("value", &[("n", None)]);
    graph.finish(metadata)
}

/// s ─► h ─► h ─► h ─► A ─► tanh
fn mlp_actor(graph: &mut GraphWriter, layers: &[LayerNames]) -> Name {
    let mut x: Name = "state".into();
    for layer in &layers[..3] {
        x = graph.linear(&x, layer);
        x = graph.node("Mish", &[&x]);
    }
    x = graph.linear(&x, &layers[3]);
    graph.node("Tanh", &[&x])
}

/// The chain from the start in `noise` to the action.
fn diffusion_actor(
    graph: &mut GraphWriter,
    network: &DiffusionActor,
    layers: &[LayerNames],
    time_terms: &[f32],
) -> Name {
    let [state_in, state_out, _, _, mid_state, mid_action, _, mid, out] = layers else {
        unreachable!("a diffusion actor has nine layers");
    };
    let steps = network.schedule.len();
    let noise = graph.split("noise", &vec![network.action_len; steps]);
    let hidden = graph.linear("state", state_in);
    let hidden = graph.node("Mish", &[&hidden]);
    let state_vector = graph.linear(&hidden, state_out);
    let state_term = graph.linear(&state_vector, mid_state);

    let mut x = noise[0].clone();
    for (index, step) in network.schedule.iter().enumerate().rev() {
        let time_term = &time_terms[index * network.hidden..(index + 1) * network.hidden];
        let time_term = graph.floats(&format!("time_{index}"), &[network.hidden], time_term);
        let timed = LayerNames { bias: Some(time_term), ..mid_action.clone() };
        let from_action = graph.linear(&x, &timed);
        let first = graph.node("Add", &[&from_action, &state_term]);
        let first = graph.node("Mish", &[&first]);
        let second = graph.linear(&first, mid);
        let second = graph.node("Mish", &[&second]);
        let output = graph.linear(&second, out);
        let x0 = match network.head {
            ActorHead::X0 => graph.node("Tanh", &[&output]),
            ActorHead::Epsilon => {
                let noisy = graph.scaled(&x, step.sqrt_reciprocal_alpha);
                let of_noise = graph.scaled(&output, step.sqrt_reciprocal_alpha_minus_one);
                let difference = graph.node("Sub", &[&noisy, &of_noise]);
                let (low, high) = (graph.scalar(-1.0), graph.scalar(1.0));
                graph.node("Clip", &[&difference, &low, &high])
            }
        };
        if index == 0 {
            return x0;
        }
        let of_x0 = graph.scaled(&x0, step.coefficient_x0);
        let of_x = graph.scaled(&x, step.coefficient_xt);
        let mean = graph.node("Add", &[&of_x0, &of_x]);
        let fresh = graph.scaled(&noise[steps - index], step.posterior_variance.sqrt());
        x = graph.node("Add", &[&mean, &fresh]);
    }
    unreachable!("a chain has at least one step, and its last one returns")
}

/// The action, or which of its scores won: see [`choices`](super::choices).
fn told_to_critic(graph: &mut GraphWriter, settings: &LearnerSettings) -> Name {
    let lengths = &settings.choices;
    if lengths.is_empty() {
        return "action".into();
    }
    let powers = settings.action_len - lengths.iter().sum::<usize>();
    let all_lengths: Vec<usize> = std::iter::once(powers).chain(lengths.iter().copied()).collect();
    let mut parts = graph.split("action", &all_lengths);
    let values = graph.floats("off_on", &[2], &[0.0, 1.0]);
    for (part, &length) in parts[1..].iter_mut().zip(lengths) {
        let depth = graph.integers(&format!("length_of_{part}"), &[length as i64]);
        let winner = format!("winner_of_{part}");
        graph.node_as(&winner, "ArgMax", &[part], &[("axis", 1), ("keepdims", 0)]);
        let chosen = format!("chosen_of_{part}");
        graph.node_as(&chosen, "OneHot", &[&winner, &depth, &values], &[("axis", 1)]);
        *part = chosen;
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    graph.node_as("told", "Concat", &parts, &[("axis", 1)]);
    "told".into()
}

/// `value` = min(Q1, Q2) of `state` and what is told of the action.
fn twin_critic(graph: &mut GraphWriter, layers: &[LayerNames], told: &str) {
    let hidden = graph.linear("state", &layers[0]);
    let hidden = graph.node("Relu", &[&hidden]);
    let state_vector = graph.linear(&hidden, &layers[1]);
    let [first, second] = [&layers[2..6], &layers[6..10]].map(|head| {
        let (of_state, of_action) = (graph.linear(&state_vector, &head[0]), graph.linear(told, &head[1]));
        let hidden = graph.node("Add", &[&of_state, &of_action]);
        let hidden = graph.node("Relu", &[&hidden]);
        let hidden = graph.linear(&hidden, &head[2]);
        let hidden = graph.node("Relu", &[&hidden]);
        graph.linear(&hidden, &head[3])
    });
    let lower = graph.node("Min", &[&first, &second]);
    let columns = graph.integers("columns", &[1]);
    graph.node_as("value", "Squeeze", &[&lower, &columns], &[]);
}

/// The names of a layer's constants.
#[derive(Debug, Clone)]
struct LayerNames {
    weight: Name,
    bias: Option<Name>,
}

/// A graph that is written node by node, each value named after its place.
#[derive(Debug, Default)]
struct GraphWriter {
    graph: Graph,
}

impl GraphWriter {
    fn input(&mut self, name: &str, len: usize) {
        self.graph.input.push(value_info(name, &[("n", None), (name, Some(len))]));
    }

    fn output(&mut self, name: &str, dimensions: &[(&str, Option<usize>)]) {
        self.graph.output.push(value_info(name, dimensions));
    }

    /// The constants of a network, layer by layer.
    fn layers(&mut self, network: &str, shapes: &[LayerShape], values: &[f32]) -> Vec<LayerNames> {
        let slices = layer_slices(shapes, values).into_iter().enumerate();
        let of_layer = |(place, (weight, bias)): (usize, (&[f32], &[f32]))| {
            let shape = &shapes[place];
            let weight = self.floats(&format!("{network}_{place}_w"), &[shape.inputs, shape.outputs], weight);
            let bias = shape.bias.then(|| self.floats(&format!("{network}_{place}_b"), &[shape.outputs], bias));
            LayerNames { weight, bias }
        };
        slices.map(of_layer).collect()
    }

    fn linear(&mut self, x: &str, layer: &LayerNames) -> Name {
        match &layer.bias {
            Some(bias) => self.node("Gemm", &[x, &layer.weight, bias]),
            None => self.node("MatMul", &[x, &layer.weight]),
        }
    }

    fn scaled(&mut self, x: &str, factor: f64) -> Name {
        let factor = self.scalar(factor as f32);
        self.node("Mul", &[x, &factor])
    }

    /// Parts of so many columns.
    fn split(&mut self, x: &str, lengths: &[usize]) -> Vec<Name> {
        let names: Vec<Name> = (0..lengths.len()).map(|part| format!("{x}_{part}")).collect();
        let lengths: Vec<i64> = lengths.iter().map(|&length| length as i64).collect();
        let lengths = self.integers(&format!("{x}_parts"), &lengths);
        self.push(names.clone(), "Split", &[x, &lengths], &[("axis", 1)]);
        names
    }

    fn node(&mut self, operator: &str, inputs: &[&str]) -> Name {
        let name = format!("{}_{}", operator.to_lowercase(), self.graph.node.len());
        self.node_as(&name, operator, inputs, &[]);
        name
    }

    fn node_as(&mut self, name: &str, operator: &str, inputs: &[&str], attributes: &[(&str, i64)]) {
        self.push(vec![name.into()], operator, inputs, attributes);
    }

    fn push(&mut self, output: Vec<Name>, operator: &str, inputs: &[&str], attributes: &[(&str, i64)]) {
        let attribute =
            |&(name, integer): &(&str, i64)| Attribute { name: name.into(), integer: Some(integer), attribute_type: 2 };
        self.graph.node.push(Node {
            name: format!("node_{}", self.graph.node.len()),
            op_type: operator.into(),
            input: inputs.iter().map(|&input| input.into()).collect(),
            output,
            attribute: attributes.iter().map(attribute).collect(),
        });
    }

    fn scalar(&mut self, value: f32) -> Name {
        let name = format!("scalar_{}", self.graph.initializer.len());
        self.floats(&name, &[], &[value])
    }

    fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> Name {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, dims, FLOAT, bytes)
    }

    fn integers(&mut self, name: &str, values: &[i64]) -> Name {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, &[values.len()], INT64, bytes)
    }

    fn constant(&mut self, name: &str, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> Name {
        let dims = dims.iter().map(|&dim| dim as i64).collect();
        self.graph.initializer.push(Constant { dims, data_type, name: name.into(), raw_data: Some(raw_data) });
        name.into()
    }

    fn finish(mut self, metadata: &[(String, String)]) -> Vec<u8> {
        self.graph.name = "actor".into();
        // The layers that see the step's index only are constants by now, and nothing reads their weights.
        let read: HashSet<&String> = self.graph.node.iter().flat_map(|node| &node.input).collect();
        self.graph.initializer.retain(|constant| read.contains(&constant.name));
        let entry = |(key, value): &(String, String)| StringEntry { key: key.clone(), value: value.clone() };
        Model {
            ir_version: 8,
            producer_name: "latentlink".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph),
            opset_import: vec![OperatorSet { domain: Some(String::new()), version: 18 }],
            metadata_props: metadata.iter().map(entry).collect(),
        }
        .encode_to_vec()
    }
}

/// A tensor of floats, its dimensions numbers or names.
fn value_info(name: &str, dimensions: &[(&str, Option<usize>)]) -> ValueInfo {
    let dimension = |&(name, len): &(&str, Option<usize>)| match len {
        Some(len) => Dimension { value: Some(len as i64), parameter: None },
        None => Dimension { value: None, parameter: Some(name.into()) },
    };
    let shape = Shape { dim: dimensions.iter().map(dimension).collect() };
    let tensor_type = TensorType { element_type: FLOAT, shape: Some(shape) };
    ValueInfo { name: name.into(), value_type: Some(ValueType { tensor_type: Some(tensor_type) }) }
}
