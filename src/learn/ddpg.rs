//! One update of DDPG (T. P. Lillicrap et al., *ICLR* 2016), with two critics of which the lower one is believed.
//!
//! ```text
//! 1  draw a batch of (s, a, r [, s', done])
//! 2  y = r                                                 single-step episodes, (29)
//!    y = r + γ (1 − done) min(Q1', Q2')(s', A'(s'))        episodes that go on
//! 3  critic: a step down MSE(Q1(s, a), y) + MSE(Q2(s, a), y)
//! 4  actor:  a step up mean min(Q1, Q2)(s, A(s))           (28)
//! 5  targets: θ' ← θ' + τ (θ − θ')                         episodes that go on
//! ```

use super::actor_critic::{ActorCritic, ClimbedValue, UpdateNoise};
use super::learner::UpdateLosses;
use super::replay::Batch;

/// Lines 2 to 5.
pub(super) fn update(agent: &mut ActorCritic, batch: &Batch) -> UpdateLosses {
    let returns = match agent.settings.discount {
        None => batch.rewards.clone(),
        Some(discount) => {
            let next_actions = agent.target_actions(batch, &[]);
            agent.bootstrapped_returns(batch, &next_actions, discount)
        }
    };
    let (critic_loss, mean_q) = agent.regress_critic(batch, &returns);
    let actor_loss = agent.climb_value(batch, &[], ClimbedValue::Lower);
    agent.move_targets();
    UpdateLosses { critic_loss, actor_loss: Some(actor_loss), mean_q }
}

/// The actor is deterministic: nothing is drawn.
pub(super) fn noise() -> UpdateNoise {
    UpdateNoise::default()
}
