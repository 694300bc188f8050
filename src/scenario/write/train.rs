//! `[train]`

use super::{float, line, quote, table, word};
use crate::scenario::settings::TrainSettings;
use crate::scenario::words::{ACTOR_HEADS, ALGORITHMS, CRITIC_INPUTS, DECODERS, QOE_TERMS};

pub(super) fn train(text: &mut String, settings: &TrainSettings) {
    table(text, "[train]");
    word(text, "algorithm", ALGORITHMS, settings.algorithm);
    if let Some(actor) = &settings.start_from {
        line(text, "start_from", quote(&actor.to_string_lossy()));
    }
    line(text, "seeds", settings.seeds);
    line(text, "interactions", settings.interactions);
    line(text, "warm_up_interactions", settings.warm_up_interactions);
    line(text, "updates", settings.updates);
    line(text, "environments", settings.environments);
    line(text, "batch_size", settings.batch_size);
    line(text, "hidden", settings.hidden);
    line(text, "denoising_steps", settings.denoising_steps);
    word(text, "head", ACTOR_HEADS, settings.head);
    line(text, "best_of", settings.best_of);
    line(text, "actor_learning_rate", float(settings.actor_learning_rate));
    line(text, "critic_learning_rate", float(settings.critic_learning_rate));
    line(text, "final_learning_rate_fraction", float(settings.final_learning_rate_fraction));
    line(text, "weight_decay", float(settings.weight_decay));
    line(text, "soft_update", float(settings.soft_update));
    line(text, "discount", float(settings.discount));
    line(text, "policy_delay", settings.policy_delay);
    line(text, "target_noise", float(settings.target_noise));
    line(text, "target_noise_clip", float(settings.target_noise_clip));
    line(text, "replay_capacity", settings.replay_capacity);
    line(text, "exploration_noise", float(settings.exploration_noise));
    word(text, "decoder", DECODERS, settings.decoder);
    word(text, "critic_input", CRITIC_INPUTS, settings.critic_input);
    line(text, "device_penalty", float(settings.reward.device_penalty));
    line(text, "qoe_penalty", float(settings.reward.qoe_penalty));
    line(text, "server_penalty", float(settings.reward.server_penalty));
    word(text, "qoe_term", QOE_TERMS, settings.reward.qoe_term);
    line(text, "maximum_shared_steps", settings.maximum_shared_steps);
    line(text, "maximum_own_steps", settings.maximum_own_steps);
    line(text, "evaluations", settings.evaluations);
    line(text, "evaluation_replications", settings.evaluation_replications);
}
