//! Real denoising on the shipped pack: the split identity, eager against deferred, failures, common random numbers.

use std::collections::HashMap;
use std::sync::Arc;

use latentlink::diffusion::executor::Evaluation;
use latentlink::diffusion::graph::{BitChannel, DenoisingGraph, NodeId, Operation};
use latentlink::diffusion::value::Value;
use latentlink::diffusion::{
    DenoisingStep, Executor, Failure, History, LatentCodec, NoiseSchedule, Recorder, Sampler, Sanitize, Split,
    SplitChain,
};
use latentlink::random::StreamKey;

use crate::shipped_pack;

const PROMPT: &str = "a tiger sits in front of a bush";
const N_REF: u32 = 5;

fn seed(component: &str) -> StreamKey {
    StreamKey::new(41, 0, component, "round")
}

/// Adds steps; the noise of a step is keyed by its position in the whole chain.
fn denoise(graph: &mut DenoisingGraph, mut from: NodeId, steps: &[DenoisingStep], first: u32) -> NodeId {
    let prompt = graph.prompt(PROMPT);
    for (index, step) in steps.iter().enumerate() {
        let noise = step.is_stochastic().then(|| seed("step-noise").child(u64::from(first) + index as u64));
        from = graph.insert(Operation::Denoise { from, prompt, guidance: 3.0, step: *step, noise });
    }
    from
}

fn error_free_link() -> BitChannel {
    BitChannel {
        codec: LatentCodec::Fp32,
        latent_range: 100.0,
        sanitize: Sanitize::None,
        bit_error_probability: 0.0,
        protected: None,
        history: 0,
        seed: seed("bit-errors"),
    }
}

/// The final latent of one graph, computed on its own.
fn latent(executor: &Executor, graph: &DenoisingGraph, node: NodeId) -> Vec<f32> {
    let mut found = Vec::new();
    let mut sink = |_: NodeId, value: &Value| {
        if let Value::Latent(latent) = value {
            found = latent.values.clone();
        }
        Ok(())
    };
    executor.run(graph, &[node], &|_| {}, &mut sink).unwrap();
    found
}

fn unsplit(executor: &Executor, schedule: &NoiseSchedule, sampler: Sampler) -> Vec<f32> {
    let mut graph = DenoisingGraph::new(executor.pack().digest());
    let chain = schedule.chain(sampler, N_REF).unwrap();
    let start = graph.insert(Operation::Noise { seed: seed("start-latent"), scale: chain.start_scale });
    let end = denoise(&mut graph, start, &chain.steps, 0);
    latent(executor, &graph, end)
}

/// Server, fp32 link without errors, device: a graph of its own, so that nothing is taken from the unsplit chain.
fn split(executor: &Executor, schedule: &NoiseSchedule, sampler: Sampler, split: Split, t0: u32) -> Vec<f32> {
    let mut graph = DenoisingGraph::new(executor.pack().digest());
    let chain = SplitChain::new(schedule, sampler, split, N_REF, t0, N_REF - t0).unwrap();
    let start = graph.insert(Operation::Noise { seed: seed("start-latent"), scale: chain.start_scale });
    let sent = denoise(&mut graph, start, &chain.server, 0);
    let channel = BitChannel { history: History::Send.sent_after(sampler, t0), ..error_free_link() };
    let received = graph.insert(Operation::Corrupt { from: sent, channel });
    let end = denoise(&mut graph, received, &chain.device, t0);
    latent(executor, &graph, end)
}

#[test]
fn a_split_chain_over_an_error_free_link_equals_the_unsplit_chain_bit_for_bit() {
    let executor = shipped_pack::executor(2);
    let schedule = shipped_pack::schedule(executor.pack());
    let samplers = [
        Sampler::Ddim { eta: 0.0 },
        Sampler::Euler,
        Sampler::Ddpm,
        Sampler::EulerAncestral,
        Sampler::Pndm,
        Sampler::DpmSolver,
        Sampler::Lcm,
    ];
    for sampler in samplers {
        let whole = unsplit(&executor, &schedule, sampler);
        assert!(whole.iter().all(|value| value.is_finite()));
        for reading in [Split::Respaced, Split::Joint] {
            for t0 in 1..=N_REF {
                let parts = split(&executor, &schedule, sampler, reading, t0);
                assert!(whole == parts, "{sampler:?}, {reading:?}, t0 = {t0}");
            }
        }
    }
}

#[test]
fn eager_and_deferred_execution_agree_whatever_the_batches() {
    let executor = shipped_pack::executor(2);
    let schedule = shipped_pack::schedule(executor.pack());
    let chain = SplitChain::new(&schedule, Sampler::Ddim { eta: 0.0 }, Split::Respaced, N_REF, 2, 3).unwrap();
    // Twelve pictures at different bit error probabilities: batches of several in the deferred run, of one in the eager.
    let build = |recorder: &mut Recorder| -> Vec<NodeId> {
        let prompt = recorder.prompt(PROMPT);
        let step = |recorder: &mut Recorder, from, step: &DenoisingStep| {
            recorder.insert(Operation::Denoise { from, prompt, guidance: 3.0, step: *step, noise: None }).unwrap()
        };
        let start = Operation::Noise { seed: seed("start-latent"), scale: chain.start_scale };
        let mut sent = recorder.insert(start).unwrap();
        for server_step in &chain.server {
            sent = step(recorder, sent, server_step);
        }
        (0..12)
            .map(|index| {
                let channel = BitChannel {
                    codec: LatentCodec::Int8,
                    latent_range: 5.0,
                    sanitize: Sanitize::Clip,
                    bit_error_probability: 0.01 * f64::from(index),
                    protected: None,
                    history: 0,
                    seed: seed("bit-errors"),
                };
                let mut latent = recorder.insert(Operation::Corrupt { from: sent, channel }).unwrap();
                for device_step in &chain.device {
                    latent = step(recorder, latent, device_step);
                }
                recorder.insert(Operation::Decode { from: latent }).unwrap()
            })
            .collect()
    };
    let graph = || DenoisingGraph::new(executor.pack().digest());
    let mut eager = Recorder::eager(graph(), Arc::clone(&executor));
    let pictures = build(&mut eager);
    let (_, eager_values) = eager.finish();
    let eager_values = eager_values.unwrap();
    let mut deferred = Recorder::deferred(graph());
    assert_eq!(build(&mut deferred), pictures);
    let (deferred_graph, _) = deferred.finish();
    let mut deferred_values = HashMap::new();
    let mut sink = |id: NodeId, value: &Value| {
        deferred_values.insert(id, value.clone());
        Ok(())
    };
    executor.run(&deferred_graph, &pictures, &|_| {}, &mut sink).unwrap();

    for picture in pictures {
        let (Value::Picture(eager), Value::Picture(deferred)) = (&eager_values[&picture], &deferred_values[&picture])
        else {
            panic!("every picture is made");
        };
        let worst = eager.rgb().iter().zip(deferred.rgb()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "pictures differ by {worst:e}");
    }
}

#[test]
fn a_latent_with_not_a_number_fails_all_that_depends_on_it_and_nothing_else() {
    let executor = shipped_pack::executor(1);
    let schedule = shipped_pack::schedule(executor.pack());
    let mut graph = DenoisingGraph::new(executor.pack().digest());
    let chain = schedule.chain(Sampler::Ddim { eta: 0.0 }, 2).unwrap();
    let start = graph.insert(Operation::Noise { seed: seed("start-latent"), scale: 1.0 });
    // Raw floats with every second bit wrong: some exponents are all ones.
    let broken = BitChannel { bit_error_probability: 0.5, ..error_free_link() };
    let received = graph.insert(Operation::Corrupt { from: start, channel: broken });
    let broken_end = denoise(&mut graph, received, &chain.steps, 0);
    let broken_picture = graph.insert(Operation::Decode { from: broken_end });
    let sound_end = denoise(&mut graph, start, &chain.steps, 0);
    let sound_picture = graph.insert(Operation::Decode { from: sound_end });
    let comparison = graph.insert(Operation::Compare { picture: broken_picture, reference: sound_picture });
    let mut values = HashMap::new();
    let mut sink = |id: NodeId, value: &Value| {
        values.insert(id, value.clone());
        Ok(())
    };
    let wanted = [broken_picture, sound_picture, comparison, received];
    executor.run(&graph, &wanted, &|_| {}, &mut sink).unwrap();
    assert!(matches!(values[&broken_picture], Value::Failed(Failure::NonFiniteLatent)));
    assert!(matches!(values[&comparison], Value::Failed(Failure::NonFiniteLatent)));
    assert!(matches!(values[&sound_picture], Value::Picture(_)));
    let Value::Latent(latent) = &values[&received] else { panic!("the broken latent itself is there") };
    assert!(latent.link_errors.unwrap().non_finite > 0);
}

#[test]
fn what_parts_share_is_computed_once_and_handed_out_once_whichever_part_asks_for_it() {
    let executor = shipped_pack::executor(2);
    let schedule = shipped_pack::schedule(executor.pack());
    let chain = schedule.chain(Sampler::Ddim { eta: 0.0 }, N_REF).unwrap();
    let mut graph = DenoisingGraph::new(executor.pack().digest());
    let start = graph.insert(Operation::Noise { seed: seed("start-latent"), scale: chain.start_scale });
    let shared = denoise(&mut graph, start, &chain.steps[..2], 0);
    let ends = [3, 4].map(|first| denoise(&mut graph, shared, &chain.steps[first..], first as u32));
    let latent_of = |value: &Value| match value {
        Value::Latent(latent) => latent.values.clone(),
        other => panic!("{other:?} is no latent"),
    };
    // The first part needs the shared latent on its way; only the last one asks for it.
    let parts = [vec![ends[0]], vec![ends[1]], vec![shared]];
    let mut evaluation = Evaluation::new(&graph, &parts.concat(), HashMap::new());
    let mut found: HashMap<NodeId, Vec<f32>> = HashMap::new();
    for part in &parts {
        let mut sink = |id: NodeId, value: &Value| {
            assert!(found.insert(id, latent_of(value)).is_none(), "{id:?} is handed out twice");
            Ok(())
        };
        evaluation.run(&executor, part, &|_| (), &mut sink).unwrap();
    }
    assert_eq!(found.len(), 3);
    // Two shared steps, then two and one; each with guidance.
    assert_eq!((evaluation.done().unet_evaluations, evaluation.total().unet_evaluations), (10, 10));
    for node in [shared, ends[0], ends[1]] {
        assert_eq!(found[&node], latent(&executor, &graph, node), "in parts and on its own");
    }
}
