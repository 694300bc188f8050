//! One update of TD3 (S. Fujimoto, H. van Hoof and D. Meger, *ICML* 2018).
//!
//! ```text
//! 1  draw a batch of (s, a, r [, s', done])
//! 2  y = r                                                 single-step episodes
//!    a' = clip(A'(s') + clip(σ ε, ±c), ±1)                 episodes that go on: smoothed targets
//!    y = r + γ (1 − done) min(Q1', Q2')(s', a')
//! 3  critic: a step down MSE(Q1(s, a), y) + MSE(Q2(s, a), y)
//! 4  in every d-th update only:
//! 5      actor:  a step up mean Q1(s, A(s))
//! 6      targets: θ' ← θ' + τ (θ − θ')                     episodes that go on
//! ```

use rand_chacha::ChaCha8Rng;

use super::actor_critic::{ActorCritic, ClimbedValue, UpdateNoise};
use super::learner::UpdateLosses;
use super::replay::Batch;

/// Lines 2 to 6.
pub(super) fn update(agent: &mut ActorCritic, batch: &Batch, noise: &UpdateNoise) -> UpdateLosses {
    let returns = match agent.settings.discount {
        None => batch.rewards.clone(),
        Some(discount) => {
            let next_actions = smoothed_target_actions(agent, batch, &noise.target);
            agent.bootstrapped_returns(batch, &next_actions, discount)
        }
    };
    let (critic_loss, mean_q) = agent.regress_critic(batch, &returns);
    let mut losses = UpdateLosses { critic_loss, actor_loss: None, mean_q };
    if agent.updates.is_multiple_of(u64::from(agent.settings.policy_delay)) {
        losses.actor_loss = Some(agent.climb_value(batch, &[], ClimbedValue::First));
        agent.move_targets();
    }
    losses
}

fn smoothed_target_actions(agent: &ActorCritic, batch: &Batch, noise: &[f32]) -> Vec<f32> {
    let (deviation, limit) = (agent.settings.target_noise as f32, agent.settings.target_noise_clip as f32);
    let actions = agent.target_actions(batch, &[]);
    let smoothed =
        |(action, normal): (&f32, &f32)| (action + (deviation * normal).clamp(-limit, limit)).clamp(-1.0, 1.0);
    actions.iter().zip(noise).map(smoothed).collect()
}

/// ε where episodes go on, one number for each of an action's.
pub(super) fn noise(agent: &ActorCritic, size: usize, rng: &mut ChaCha8Rng) -> UpdateNoise {
    let smoothing = if agent.settings.discount.is_some() { size * agent.settings.action_len } else { 0 };
    UpdateNoise::draw(smoothing, 0, rng)
}
