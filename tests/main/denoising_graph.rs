//! Hash-consing: what is the same is one node, and what differs in anything is another.

use latentlink::diffusion::graph::{BitChannel, DenoisingGraph, NodeId, Operation};
use latentlink::diffusion::{LatentCodec, NoiseSchedule, Sampler, Sanitize};
use latentlink::random::StreamKey;

const PACK: [u8; 32] = [7; 32];

fn seed(entity: &str) -> StreamKey {
    StreamKey::new(41, 0, "test", entity)
}

fn schedule() -> NoiseSchedule {
    let config = serde_json::json!({
        "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "clip_sample": false, "set_alpha_to_one": false, "steps_offset": 1,
        "prediction_type": "epsilon", "timestep_spacing": "leading",
    });
    NoiseSchedule::from_config(std::path::Path::new("scheduler_config.json"), &config).unwrap()
}

/// A chain of `steps` DDIM steps with one prompt.
fn chain(graph: &mut DenoisingGraph, prompt: &str, steps: u32) -> NodeId {
    let chain = schedule().chain(Sampler::Ddim { eta: 0.0 }, steps).unwrap();
    let mut node = graph.insert(Operation::Noise { seed: seed("noise"), scale: chain.start_scale });
    let prompt = graph.prompt(prompt);
    for step in chain.steps {
        node = graph.insert(Operation::Denoise { from: node, prompt, guidance: 3.0, step, noise: None });
    }
    node
}

fn channel(bit_error_probability: f64) -> BitChannel {
    BitChannel {
        codec: LatentCodec::Int8,
        latent_range: 5.0,
        sanitize: Sanitize::Clip,
        bit_error_probability,
        seed: seed("link"),
    }
}

#[test]
fn asking_twice_for_the_same_work_gives_the_same_node() {
    let mut graph = DenoisingGraph::new(PACK);
    let first = chain(&mut graph, "a dog", 10);
    let nodes = graph.len();
    assert_eq!(chain(&mut graph, "a dog", 10), first);
    assert_eq!((nodes, graph.len()), (11, 11));
}

#[test]
fn a_change_of_prompt_guidance_seed_channel_or_pack_changes_the_key() {
    let mut graph = DenoisingGraph::new(PACK);
    let dog = chain(&mut graph, "a dog", 10);
    let cat = chain(&mut graph, "a cat", 10);
    assert_ne!(graph.key(dog), graph.key(cat));
    let mut keys: Vec<_> = [channel(0.03), channel(0.04), BitChannel { codec: LatentCodec::Int8Gray, ..channel(0.03) }]
        .into_iter()
        .chain([
            BitChannel { sanitize: Sanitize::Zero, ..channel(0.03) },
            BitChannel { latent_range: 4.0, ..channel(0.03) },
            BitChannel { seed: seed("other link"), ..channel(0.03) },
        ])
        .map(|channel| {
            let id = graph.insert(Operation::Corrupt { from: dog, channel });
            graph.key(id)
        })
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6);
    let mut other_pack = DenoisingGraph::new([8; 32]);
    let other_dog = chain(&mut other_pack, "a dog", 10);
    assert_ne!(other_pack.key(other_dog), graph.key(dog));
}

#[test]
fn a_merged_graph_holds_shared_prefixes_once_and_keeps_every_key() {
    let branch = |bit_error_probability| {
        let mut graph = DenoisingGraph::new(PACK);
        let sent = chain(&mut graph, "a tiger", 4);
        let received = graph.insert(Operation::Corrupt { from: sent, channel: channel(bit_error_probability) });
        let picture = graph.insert(Operation::Decode { from: received });
        (graph, picture)
    };
    let (first, first_picture) = branch(0.01);
    let (second, second_picture) = branch(0.02);
    let mut merged = DenoisingGraph::new(PACK);
    let first_ids = merged.absorb(&first);
    let second_ids = merged.absorb(&second);
    // One noise and four steps are common; a link and a decoding each are not.
    assert_eq!(merged.len(), 5 + 2 + 2);
    assert_eq!(merged.key(first_ids[first_picture.index()]), first.key(first_picture));
    assert_eq!(merged.key(second_ids[second_picture.index()]), second.key(second_picture));
}

#[test]
fn guided_steps_count_two_evaluations_and_unguided_ones_one() {
    let mut graph = DenoisingGraph::new(PACK);
    let guided = chain(&mut graph, "a dog", 10);
    assert_eq!(graph.unshared_unet_evaluations(guided), 20);
    let step = schedule().chain(Sampler::Ddim { eta: 0.0 }, 10).unwrap().steps[0];
    let prompt = graph.prompt("a dog");
    let unguided = graph.insert(Operation::Denoise { from: guided, prompt, guidance: 1.0, step, noise: None });
    assert_eq!(graph.unshared_unet_evaluations(unguided), 21);
}
