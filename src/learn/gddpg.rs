//! One update of G-DDPG: Algorithm 3 of the paper. DDPG whose actor is a diffusion model, trained through its whole chain.
//!
//! ```text
//! 1  draw a batch of (s, a, r [, s', done])
//! 2  y = r                                                 single-step episodes, (29)
//!    y = r + γ (1 − done) min(Q1', Q2')(s', A'(s', ε'))    episodes that go on; ε' drawn for each s'
//! 3  critic: a step down MSE(Q1(s, a), y) + MSE(Q2(s, a), y)
//! 4  a~ = A(s, ε): from x_T down to x_0 by (7), (8), ε drawn for each s
//! 5  actor:  a step up mean min(Q1, Q2)(s, a~)             (28), the gradient runs through all T steps
//! 6  targets: θ' ← θ' + τ (θ − θ')                         episodes that go on
//! ```
//!
//! The box of the paper keeps target networks and never reads them, for its episodes have a single step; here they are
//! there only where something reads them.

use rand_chacha::ChaCha8Rng;

use super::actor_critic::{ActorCritic, ClimbedValue, UpdateNoise};
use super::learner::UpdateLosses;
use super::replay::Batch;

/// Lines 2 to 6.
pub(super) fn update(agent: &mut ActorCritic, batch: &Batch, noise: &UpdateNoise) -> UpdateLosses {
    let returns = match agent.settings.discount {
        None => batch.rewards.clone(),
        Some(discount) => {
            let next_actions = agent.target_actions(batch, &noise.target);
            agent.bootstrapped_returns(batch, &next_actions, discount)
        }
    };
    let (critic_loss, mean_q) = agent.regress_critic(batch, &returns);
    let actor_loss = agent.climb_value(batch, &noise.actor, ClimbedValue::Lower);
    agent.move_targets();
    UpdateLosses { critic_loss, actor_loss: Some(actor_loss), mean_q }
}

/// ε' where episodes go on, then ε.
pub(super) fn noise(agent: &ActorCritic, size: usize, rng: &mut ChaCha8Rng) -> UpdateNoise {
    let of_batch = size * agent.actor_network.noise_len();
    UpdateNoise::draw(if agent.settings.discount.is_some() { of_batch } else { 0 }, of_batch, rng)
}
