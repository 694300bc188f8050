//! Trainings for scenarios that are made at random.

use latentlink::diffusion::Split;
use latentlink::policy::Decoder;
use latentlink::radio::{FadingProcess, Protection};
use latentlink::scenario::{
    ActorHead, Algorithm, ArchitectureKind, CriticInput, QoeTerm, RewardSettings, Scenario, TrainSettings,
};
use rand::{Rng, RngExt};

use crate::scenario_round_trip::{one_of, positive};

/// Where a policy can be trained: it divides the budget of a server whose links it knows.
pub fn train(rng: &mut impl Rng, scenario: &Scenario) -> Option<TrainSettings> {
    let Scenario { radio, diffusion, .. } = scenario;
    let is_known = radio.protection == Protection::None && radio.fading_process == FadingProcess::PerLatent;
    let is_of_edge = scenario.architecture.kind == ArchitectureKind::Edge;
    if scenario.server.energy_budget_j.is_none() || !is_known || !is_of_edge || diffusion.steps < 2 {
        return None;
    }
    let most_shared = diffusion.steps - u32::from(diffusion.split == Split::Respaced);
    let warm_up_interactions = rng.random_range(0..1000);
    Some(TrainSettings {
        start_from: None,
        algorithm: one_of(rng, &[Algorithm::Ddpg, Algorithm::GDdpg, Algorithm::Td3]),
        seeds: rng.random_range(1..=250),
        interactions: warm_up_interactions + rng.random_range(1..9000),
        warm_up_interactions,
        updates: rng.random_range(1..9000),
        environments: rng.random_range(1..=1024),
        batch_size: rng.random_range(1..900),
        hidden: rng.random_range(1..900),
        denoising_steps: rng.random_range(1..=100),
        head: one_of(rng, &[ActorHead::X0, ActorHead::Epsilon]),
        actor_learning_rate: positive(rng),
        critic_learning_rate: positive(rng),
        final_learning_rate_fraction: rng.random_range(0.001..=1.0),
        weight_decay: positive(rng),
        soft_update: rng.random_range(0.001..=1.0),
        discount: rng.random_range(0.0..=1.0),
        policy_delay: rng.random_range(1..=1000),
        target_noise: positive(rng),
        target_noise_clip: positive(rng),
        replay_capacity: rng.random_range(1..10_000_000),
        exploration_noise: positive(rng),
        decoder: one_of(rng, &[Decoder::Soft, Decoder::Projected]),
        critic_input: one_of(rng, &[CriticInput::Scores, CriticInput::Choices]),
        reward: RewardSettings {
            device_penalty: positive(rng),
            qoe_penalty: positive(rng),
            server_penalty: positive(rng),
            qoe_term: one_of(rng, &[QoeTerm::Corrected, QoeTerm::AsPrinted]),
        },
        maximum_shared_steps: rng.random_range(1..=most_shared.min(100)),
        maximum_own_steps: rng.random_range(1..=diffusion.steps.min(100)),
        evaluations: rng.random_range(0..=10_000),
        evaluation_replications: rng.random_range(1..=1_000_000),
        best_of: rng.random_range(1..=1024),
    })
}
