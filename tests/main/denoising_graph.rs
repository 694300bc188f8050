//! Hash-consing: what is the same is one node, and what differs in anything is another.

use latentlink::diffusion::graph::{BitChannel, DenoisingGraph, NodeId, Operation};
use latentlink::diffusion::{LatentCodec, NoiseSchedule, ProtectedBits, Sampler, Sanitize};
use latentlink::judge::Persona;
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
        protected: None,
        history: 0,
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
            BitChannel { history: 1, ..channel(0.03) },
            BitChannel { history: 2, ..channel(0.03) },
        ])
        .map(|channel| {
            let id = graph.insert(Operation::Corrupt { from: dog, channel });
            graph.key(id)
        })
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 8);
    let mut other_pack = DenoisingGraph::new([8; 32]);
    let other_dog = chain(&mut other_pack, "a dog", 10);
    assert_ne!(other_pack.key(other_dog), graph.key(dog));
}

#[test]
fn a_change_of_picture_persona_request_judge_or_seed_changes_the_key_of_a_score() {
    let mut graph = DenoisingGraph::new(PACK);
    let (dog, cat) = (chain(&mut graph, "a dog", 2), chain(&mut graph, "a cat", 2));
    let pictures = [dog, cat].map(|from| graph.insert(Operation::Decode { from }));
    let requests = ["a dog", "a cat"].map(|text| graph.prompt(text));
    let mut scores = Vec::new();
    for (picture, persona, request, judge, seed) in [
        (pictures[0], Persona::GA1, requests[0], [1; 32], None),
        (pictures[1], Persona::GA1, requests[0], [1; 32], None),
        (pictures[0], Persona::GA2, requests[0], [1; 32], None),
        (pictures[0], Persona::GA1, requests[1], [1; 32], None),
        (pictures[0], Persona::GA1, requests[0], [2; 32], None),
        (pictures[0], Persona::GA1, requests[0], [1; 32], Some(seed("one"))),
        (pictures[0], Persona::GA1, requests[0], [1; 32], Some(seed("other"))),
    ] {
        let score = Operation::Score { picture, persona, request, judge, seed };
        let id = graph.insert(score.clone());
        assert_eq!(graph.insert(score), id, "the same question is one node");
        assert_eq!((graph.operation(id).scores(), graph.unet_evaluations(id)), (1, 0));
        scores.push(id);
    }
    let mut keys: Vec<_> = scores.iter().map(|id| graph.key(*id)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 7);

    // A merged graph asks the same questions, though its nodes and prompts are numbered otherwise.
    let mut merged = DenoisingGraph::new(PACK);
    merged.prompt("a cat");
    let ids = merged.absorb(&graph);
    for id in scores {
        assert_eq!(merged.key(ids[id.index()]), graph.key(id));
    }
    // What is known already needs nothing above it.
    let last = ids.len() - 1;
    assert_eq!(merged.ancestors_beyond(&ids[last..], |id| id == ids[pictures[0].index()]), ids[last..]);
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
fn guided_steps_count_two_evaluations_unguided_ones_one_and_the_first_of_pndm_twice_as_many() {
    let mut graph = DenoisingGraph::new(PACK);
    let guided = chain(&mut graph, "a dog", 10);
    assert_eq!(graph.unshared_unet_evaluations(guided), 20);
    let step = schedule().chain(Sampler::Ddim { eta: 0.0 }, 10).unwrap().steps[0];
    let prompt = graph.prompt("a dog");
    let unguided = graph.insert(Operation::Denoise { from: guided, prompt, guidance: 1.0, step, noise: None });
    assert_eq!(graph.unshared_unet_evaluations(unguided), 21);
    let pndm = schedule().chain(Sampler::Pndm, 10).unwrap().steps;
    let mut node = graph.insert(Operation::Noise { seed: seed("noise"), scale: 1.0 });
    for step in pndm {
        node = graph.insert(Operation::Denoise { from: node, prompt, guidance: 3.0, step, noise: None });
    }
    // diffusers' eleven timesteps for ten steps, each with guidance.
    assert_eq!(graph.unshared_unet_evaluations(node), 22);
}

/// Expected keys: `tests/reference/node_keys.py`.
#[test]
fn protection_of_some_bits_and_a_history_enter_the_key_and_their_absence_leaves_the_key_as_it_was() {
    let mut graph = DenoisingGraph::new(PACK);
    let noise = graph.insert(Operation::Noise { seed: seed("noise"), scale: 1.0 });
    assert_eq!(graph.key(noise).to_hex(), "83552809c36468bd8a8b3619ee339aefae40f0318f63429dff094d4446a42582");
    let plain = graph.insert(Operation::Corrupt { from: noise, channel: channel(0.03) });
    assert_eq!(graph.key(plain).to_hex(), "056a28e36c9521f90823639fff69ce0be2d8414dddd04852b44e2d7f772a54eb");
    let protected = Some(ProtectedBits { bits: 2, bit_error_probability: 0.001 });
    let better = graph.insert(Operation::Corrupt { from: noise, channel: BitChannel { protected, ..channel(0.03) } });
    assert_eq!(graph.key(better).to_hex(), "1b5c16e21fdb3698f09cfbf713b7cfca80d7d1448f8c7c2f351741a469e70399");
    let longer = graph.insert(Operation::Corrupt { from: noise, channel: BitChannel { history: 3, ..channel(0.03) } });
    assert_eq!(graph.key(longer).to_hex(), "c7303fb8e61dd435e779c41eb0b4943971f85e138f33a8720e40cd3da81a3d46");
}
