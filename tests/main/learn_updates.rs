//! Twenty updates from the weights, batches and noise that PyTorch had (`tests/reference/learners_torch.py`).

use latentlink::scenario::{ActorHead, Algorithm};
use serde::Deserialize;

use crate::learn_fixture::{KINDS, Uniform, small};

const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct LossRow {
    algorithm: Algorithm,
    head: ActorHead,
    discount: Option<f64>,
    update: usize,
    critic_loss: f64,
    actor_loss: Option<f64>,
    mean_q: f64,
}

#[derive(Deserialize)]
struct WeightRow {
    algorithm: Algorithm,
    head: ActorHead,
    discount: Option<f64>,
    network: String,
    index: usize,
    value: f64,
}

fn rows<R: for<'de> Deserialize<'de>>(file: &str) -> Vec<R> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    csv::Reader::from_path(path).unwrap().into_deserialize().collect::<Result<_, _>>().unwrap()
}

#[test]
fn twenty_updates_are_those_of_pytorch() {
    let losses: Vec<LossRow> = rows("learners_losses_reference.csv");
    let weights: Vec<WeightRow> = rows("learners_weights_reference.csv");
    let near = |ours: f32, theirs: f64, what: &str| {
        let difference = (f64::from(ours) - theirs).abs();
        assert!(difference < TOLERANCE, "{what}: {ours} here, {theirs} in PyTorch");
    };
    for (algorithm, head) in KINDS {
        for discount in [None, Some(0.95)] {
            let mut uniform = Uniform(7);
            let mut learner = uniform.learner(&small(algorithm, head, discount));
            let of_case = |a: Algorithm, h: ActorHead, d: Option<f64>| (a, h, d) == (algorithm, head, discount);
            let expected: Vec<&LossRow> =
                losses.iter().filter(|row| of_case(row.algorithm, row.head, row.discount)).collect();
            assert_eq!(expected.len(), 20);
            for row in expected {
                let case = format!("{algorithm:?} {head:?} {discount:?}, update {}", row.update);
                // The generator runs on over next states and target noise, read or not.
                let (batch, noise) = uniform.batch(&learner);
                let found = learner.update_with_noise(&batch, &noise);
                near(found.critic_loss, row.critic_loss, &format!("{case}, critic loss"));
                near(found.mean_q, row.mean_q, &format!("{case}, mean Q"));
                assert_eq!(found.actor_loss.is_some(), row.actor_loss.is_some(), "{case}");
                if let (Some(ours), Some(theirs)) = (found.actor_loss, row.actor_loss) {
                    near(ours, theirs, &format!("{case}, actor loss"));
                }
            }
            let of_network = |row: &WeightRow| match row.network.as_str() {
                "actor" => learner.actor_critic().actor_values()[row.index],
                _ => learner.actor_critic().critic_values()[row.index],
            };
            let expected = weights.iter().filter(|row| of_case(row.algorithm, row.head, row.discount));
            let mut compared = 0;
            for row in expected {
                near(of_network(row), row.value, &format!("{algorithm:?} {head:?}, {} {}", row.network, row.index));
                compared += 1;
            }
            assert!(compared > 100, "{compared} weights compared");
        }
    }
}
