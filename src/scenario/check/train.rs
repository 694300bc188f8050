//! `[train]`

use super::policy::{actor_file, step_limits};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{ActorHead, DiffusionSettings, RewardSettings, TrainSettings};
use crate::scenario::words::{ACTOR_HEADS, ALGORITHMS, CRITIC_INPUTS, DECODERS, QOE_TERMS};

/// Interactions, updates and remembered transitions at most: a training has the numbers of 2²⁴ replications for its own.
const MOST: u64 = 10_000_000;

/// Keys of other algorithms are taken: the algorithm may be swept.
pub(super) fn read(table: &mut TableReader<'_>, diffusion: &DiffusionSettings) -> Option<TrainSettings> {
    if !table.is_there() {
        return None;
    }
    let usual = TrainSettings::default();
    let count = |table: &mut TableReader<'_>, key: &str, usual: u32, most: u64| {
        table.integer(key, usual.into(), 1, most) as u32
    };
    let interactions = table.integer("interactions", usual.interactions, 1, MOST);
    let warm_up_interactions =
        table.integer("warm_up_interactions", usual.warm_up_interactions.min(interactions - 1), 0, MOST);
    if warm_up_interactions >= interactions
        && let Some(origin) = table.origin("warm_up_interactions").or_else(|| table.origin("interactions"))
    {
        let message = format!(
            "`warm_up_interactions` = {warm_up_interactions} leaves nothing of the {interactions} `interactions` to learn from"
        );
        let problem = Problem::new(message).at(origin).expected(format!("less than {interactions}"));
        table.push(problem.help("lower it, or raise `interactions`"));
    }
    let limits = step_limits(table, diffusion)?;
    let start_from = if table.has("start_from") { Some(actor_file(table, "start_from")?) } else { None };
    Some(TrainSettings {
        algorithm: table.word("algorithm", usual.algorithm, ALGORITHMS),
        start_from,
        seeds: count(table, "seeds", usual.seeds, 250),
        interactions,
        warm_up_interactions,
        updates: table.integer("updates", usual.updates, 1, MOST),
        environments: count(table, "environments", usual.environments, 1024),
        batch_size: count(table, "batch_size", usual.batch_size, 65_536),
        hidden: count(table, "hidden", usual.hidden, 8192),
        denoising_steps: count(table, "denoising_steps", usual.denoising_steps, 100),
        head: table.word("head", ActorHead::X0, ACTOR_HEADS),
        actor_learning_rate: table.number("actor_learning_rate", usual.actor_learning_rate, Range::Above(0.0)),
        critic_learning_rate: table.number("critic_learning_rate", usual.critic_learning_rate, Range::Above(0.0)),
        final_learning_rate_fraction: table.number(
            "final_learning_rate_fraction",
            usual.final_learning_rate_fraction,
            Range::Fraction,
        ),
        weight_decay: table.number("weight_decay", usual.weight_decay, Range::AtLeast(0.0)),
        soft_update: table.number("soft_update", usual.soft_update, Range::Fraction),
        discount: table.number("discount", usual.discount, Range::Between(0.0, 1.0)),
        policy_delay: count(table, "policy_delay", usual.policy_delay, 1000),
        target_noise: table.number("target_noise", usual.target_noise, Range::AtLeast(0.0)),
        target_noise_clip: table.number("target_noise_clip", usual.target_noise_clip, Range::AtLeast(0.0)),
        replay_capacity: table.integer("replay_capacity", usual.replay_capacity, 1, MOST),
        exploration_noise: table.number("exploration_noise", usual.exploration_noise, Range::AtLeast(0.0)),
        decoder: table.word("decoder", usual.decoder, DECODERS),
        critic_input: table.word("critic_input", usual.critic_input, CRITIC_INPUTS),
        reward: RewardSettings {
            device_penalty: table.number("device_penalty", usual.reward.device_penalty, Range::AtLeast(0.0)),
            qoe_penalty: table.number("qoe_penalty", usual.reward.qoe_penalty, Range::AtLeast(0.0)),
            server_penalty: table.number("server_penalty", usual.reward.server_penalty, Range::AtLeast(0.0)),
            qoe_term: table.word("qoe_term", usual.reward.qoe_term, QOE_TERMS),
        },
        maximum_shared_steps: limits.maximum_shared_steps,
        maximum_own_steps: limits.maximum_own_steps,
        evaluations: table.integer("evaluations", usual.evaluations.into(), 0, 10_000) as u32,
        evaluation_replications: count(table, "evaluation_replications", usual.evaluation_replications, 1_000_000),
        best_of: count(table, "best_of", usual.best_of, 1024),
    })
}
