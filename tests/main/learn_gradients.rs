//! The gradients that the learners follow, against central finite differences of their losses.

use latentlink::learn::actor_critic::ClimbedValue;
use latentlink::learn::{Batch, Learner};

use crate::learn_fixture::{KINDS, Uniform, small};

const STEP: f32 = 4e-3;

/// Compares every few weights. A difference that leans on a kink (of ReLU, of the minimum, of a clip) or on much curvature has
/// another slope to the left than to the right and says nothing; most have not.
fn compare(name: &str, weights: &[f32], gradient: &[f32], noise: f64, loss: impl Fn(Vec<f32>) -> f32) {
    assert_eq!(weights.len(), gradient.len());
    let at = |index: usize, step: f32| {
        let mut moved = weights.to_vec();
        moved[index] += step;
        f64::from(loss(moved))
    };
    let (mut compared, mut passed_over, mut largest) = (0, 0, 0.0_f64);
    for index in (0..weights.len()).step_by(5) {
        let here = at(index, 0.0);
        let right = (at(index, STEP) - here) / f64::from(STEP);
        let left = (here - at(index, -STEP)) / f64::from(STEP);
        let (expected, slope) = ((left + right) / 2.0, f64::from(gradient[index]));
        if (right - left).abs() > 0.03 * expected.abs() + noise {
            passed_over += 1;
            continue;
        }
        assert!(
            (slope - expected).abs() < 0.03 * expected.abs() + noise,
            "{name}, weight {index}: {slope}, by differences {expected}"
        );
        compared += 1;
        largest = largest.max(slope.abs());
    }
    assert!(compared > 2 * passed_over, "{name}: {compared} compared, {passed_over} passed over");
    assert!(largest > 100.0 * noise, "{name}: {largest} is the largest slope, hardly more than rounding");
}

#[test]
fn gradient_of_the_actor_runs_through_the_whole_chain() {
    for (algorithm, head) in KINDS {
        let settings = small(algorithm, head, None);
        let mut uniform = Uniform(11);
        let learner = uniform.learner(&settings);
        let (batch, noise) = uniform.batch(&learner);
        for climbed in [ClimbedValue::Lower, ClimbedValue::First] {
            let agent = learner.actor_critic();
            let found = agent.actor_loss(&batch, &noise.actor, climbed);
            let loss = |actor: Vec<f32>| {
                let moved = Learner::with_weights(&settings, actor, agent.critic_values().to_vec());
                moved.actor_critic().actor_loss(&batch, &noise.actor, climbed).loss
            };
            let name = format!("{algorithm:?} {head:?} {climbed:?}");
            compare(&name, agent.actor_values(), &found.gradient, 1e-5, loss);
        }
    }
}

#[test]
fn gradient_of_the_critic_is_that_of_its_squared_errors() {
    let settings = small(KINDS[0].0, KINDS[0].1, None);
    let mut uniform = Uniform(12);
    let learner = uniform.learner(&settings);
    let (batch, _) = uniform.batch(&learner);
    let returns = uniform.values(batch.size);
    let agent = learner.actor_critic();
    let (found, mean_q) = agent.critic_loss(&batch, &returns);
    let lower = learner.value(&batch.states, &batch.actions, batch.size);
    assert!((mean_q - lower.iter().sum::<f32>() / batch.size as f32).abs() < 1e-6);
    let loss = |critic: Vec<f32>| {
        let moved = Learner::with_weights(&settings, agent.actor_values().to_vec(), critic);
        moved.actor_critic().critic_loss(&batch, &returns).0.loss
    };
    compare("critic", agent.critic_values(), &found.gradient, 1e-4, loss);
}

#[test]
fn loss_of_the_actor_is_minus_the_mean_value_of_its_actions() {
    for (algorithm, head) in KINDS {
        let mut uniform = Uniform(13);
        let learner = uniform.learner(&small(algorithm, head, None));
        let (batch, noise): (Batch, _) = uniform.batch(&learner);
        let actions = learner.act(&batch.states, batch.size, &noise.actor);
        assert!(actions.iter().all(|action| action.abs() <= 1.0));
        let values = learner.value(&batch.states, &actions, batch.size);
        let mean = values.iter().sum::<f32>() / batch.size as f32;
        let loss = learner.actor_critic().actor_loss(&batch, &noise.actor, ClimbedValue::Lower).loss;
        assert!((loss + mean).abs() < 1e-6, "{algorithm:?} {head:?}: {loss}, mean value {mean}");
    }
}
