//! Saving a learner, going on from it, and what is refused.

use std::thread;

use latentlink::learn::{Learner, LearnerError, UpdateLosses};
use latentlink::random::StreamKey;
use latentlink::scenario::{ActorHead, Algorithm};
use rand_chacha::ChaCha8Rng;

use crate::learn_fixture::{KINDS, Uniform, small};

fn updates(learner: &mut Learner, uniform: &mut Uniform, rng: &mut ChaCha8Rng, count: usize) -> Vec<UpdateLosses> {
    (0..count)
        .map(|_| {
            let (batch, _) = uniform.batch(learner);
            learner.update(&batch, rng)
        })
        .collect()
}

fn trained(algorithm: Algorithm, head: ActorHead, discount: Option<f64>) -> (Vec<UpdateLosses>, Vec<u8>) {
    let mut learner = Learner::new(&small(algorithm, head, discount), &StreamKey::new(5, 0, "test", "learner"));
    let mut rng = StreamKey::new(5, 0, "test", "noise").rng();
    let losses = updates(&mut learner, &mut Uniform(3), &mut rng, 9);
    (losses, learner.save())
}

#[test]
fn training_goes_on_from_a_checkpoint_with_the_same_bits() {
    for (algorithm, head) in KINDS {
        for discount in [None, Some(0.9)] {
            let settings = small(algorithm, head, discount);
            let mut learner = Learner::new(&settings, &StreamKey::new(5, 0, "test", "learner"));
            let mut rng = StreamKey::new(5, 0, "test", "noise").rng();
            let mut uniform = Uniform(3);
            let mut losses = updates(&mut learner, &mut uniform, &mut rng, 5);
            let mut resumed = Learner::load(&settings, &learner.save()).unwrap();
            assert_eq!(resumed.updates(), 5);
            losses.extend(updates(&mut resumed, &mut uniform, &mut rng, 4));
            let unbroken = trained(algorithm, head, discount);
            assert_eq!((losses, resumed.save()), unbroken, "{algorithm:?} {head:?} {discount:?}");
        }
    }
}

#[test]
fn trainings_side_by_side_give_the_same_bits_as_one_alone() {
    for (algorithm, head) in KINDS {
        let alone = trained(algorithm, head, Some(0.9));
        let beside = || trained(algorithm, head, Some(0.9));
        thread::scope(|scope| {
            let handles: Vec<_> = (0..4).map(|_| scope.spawn(beside)).collect();
            for handle in handles {
                assert_eq!(handle.join().unwrap(), alone, "{algorithm:?} {head:?}");
            }
        });
    }
}

#[test]
fn seeds_give_different_learners_within_the_bounds_of_their_layers() {
    let settings = small(Algorithm::GDdpg, ActorHead::X0, None);
    let learner = |seed| Learner::new(&settings, &StreamKey::new(seed, 0, "test", "learner"));
    let (first, second) = (learner(1), learner(2));
    assert_ne!(first.actor_critic().actor_values(), second.actor_critic().actor_values());
    assert_eq!(first.save(), learner(1).save());
    // Nothing is wider than the layer with the fewest inputs: 1/√5.
    let widest = first.actor_critic().actor_values().iter().fold(0.0_f32, |widest, value| widest.max(value.abs()));
    assert!(widest <= 1.0 / 5.0_f32.sqrt() && widest > 0.4, "{widest}");
}

#[test]
fn sizes_are_counted_as_on_paper() {
    // S 5, h 16, A 4, T 3.
    let mlp = Learner::new(&small(Algorithm::Ddpg, ActorHead::X0, None), &StreamKey::NOTHING);
    assert_eq!(mlp.parameter_count(), (5 * 16 + 16) + 2 * (16 * 16 + 16) + (16 * 4 + 4));
    assert_eq!(mlp.actor_flops(), 5 * 16 + 2 * 16 * 16 + 16 * 4);
    assert_eq!(mlp.noise_len(), 0);
    let chain = Learner::new(&small(Algorithm::GDdpg, ActorHead::X0, None), &StreamKey::NOTHING);
    let state = (5 * 16 + 16) + (16 * 16 + 16);
    let time = (16 * 32 + 32) + (32 * 16 + 16);
    let mid = ((16 + 4 + 16) * 16 + 16) + (16 * 16 + 16) + (16 * 4 + 4);
    assert_eq!(chain.parameter_count(), state + time + mid);
    assert_eq!(chain.actor_flops(), (5 * 16 + 2 * 16 * 16) + 3 * (4 * 16 + 16 * 16 + 16 * 4));
    assert_eq!(chain.noise_len(), 12);
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let settings = small(Algorithm::Td3, ActorHead::X0, Some(0.9));
    let (_, bytes) = trained(Algorithm::Td3, ActorHead::X0, Some(0.9));
    let load = |bytes: &[u8]| Learner::load(&settings, bytes).map(|_| ());
    assert_eq!(load(b""), Err(LearnerError::NotALearner));
    assert_eq!(load(b"{\"learner\": 1}"), Err(LearnerError::NotALearner));
    for len in (21..bytes.len()).step_by(997) {
        assert!(matches!(load(&bytes[..len]), Err(LearnerError::Damaged { .. })), "cut off after {len} bytes");
    }
    for at in (21..bytes.len()).step_by(1009) {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        assert!(matches!(load(&changed), Err(LearnerError::Damaged { .. })), "byte {at} changed");
    }
    assert_eq!(load(&bytes), Ok(()));
}

#[test]
fn checkpoint_of_other_networks_is_refused_by_the_name_of_what_differs() {
    let (_, bytes) = trained(Algorithm::GDdpg, ActorHead::X0, None);
    let settings = small(Algorithm::GDdpg, ActorHead::X0, None);
    let refused = |change: &dyn Fn(&mut latentlink::learn::LearnerSettings)| {
        let mut other = settings.clone();
        change(&mut other);
        match Learner::load(&other, &bytes) {
            Err(LearnerError::OtherNetwork { key, .. }) => key,
            other => panic!("{:?}", other.map(|_| ())),
        }
    };
    assert_eq!(refused(&|other| other.algorithm = Algorithm::Ddpg), "algorithm");
    assert_eq!(refused(&|other| other.state_len = 6), "state_len");
    assert_eq!(refused(&|other| other.action_len = 3), "action_len");
    assert_eq!(refused(&|other| other.hidden = 17), "hidden");
    assert_eq!(refused(&|other| other.denoising_steps = 5), "denoising_steps");
    assert_eq!(refused(&|other| other.head = ActorHead::Epsilon), "head");
    assert_eq!(refused(&|other| other.discount = Some(0.9)), "discount");
    // Rates may change.
    let faster = latentlink::learn::LearnerSettings { actor_learning_rate: 1e-2, ..settings };
    assert_eq!(Learner::load(&faster, &bytes).unwrap().settings().actor_learning_rate, 1e-2);
}
