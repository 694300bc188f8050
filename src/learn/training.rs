//! One training: environments, replay memory, learner and what is written down of it.
//!
//! ```text
//!  wait ─► states ─► actor + N(0, σ²) ─► allocations ─► environments ─┐
//!   ▲                                                                 │ rewards
//!   └──────────── updates that are due ◄─── replay memory ◄───────────┘
//! ```
//!
//! Updates are spread evenly over the interactions after the warm-up, so that two algorithms with equal settings see as many
//! transitions and make as many updates. Every draw is keyed by the number of its interaction or update: nothing of a generator
//! has to be saved, and a training that was stopped goes on as if it had not been.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::environment::{EnvironmentState, Environments, Waiting};
use super::evaluation::{Evaluated, Evaluation, evaluate};
use super::learner::Learner;
use super::replay::Replay;
use super::reward::Decided;
use super::settings::LearnerSettings;
use super::spaces::Spaces;
use super::starting_point::StartingPoint;
use super::training_curve::{Since, TrainingRow};
use super::training_error::TrainingError;
use super::training_state::{self, TrainingState};
use crate::diffusion::executor::StopRequest;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::policy::actor::CARD_KEY;
use crate::policy::{Actor, ActorCard, Allocation, AllocationProblem, EpisodeKind, TrainingManifest};
use crate::random::StreamKey;
use crate::scenario::{Algorithm, CriticInput, TrainSettings};

/// One training of a point.
pub struct Training {
    plan: Arc<StudyPlan>,
    point: Arc<StudyPoint>,
    settings: TrainSettings,
    seed: u32,
    keys: StreamKey,
    spaces: Spaces,
    environments: Environments,
    learner: Learner,
    replay: Replay,
    state: TrainingState,
    /// Whatever changes what it does, in words.
    configuration: String,
    /// Since the last row.
    since: Since,
}

/// One decision that waits for its reward.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub state: Vec<f32>,
    pub action: Vec<f32>,
    pub decided: Decided,
}

/// Where a training ended.
#[derive(Debug, Clone)]
pub struct TrainedActor {
    /// `actor.onnx`
    pub actor: Vec<u8>,
    /// The learner, for a training that starts from it.
    pub learner: Vec<u8>,
    pub rows: Vec<TrainingRow>,
    pub evaluations: Vec<Evaluation>,
    pub parameters: u64,
    /// Multiply-adds of one action.
    pub multiply_adds: u64,
}

impl Training {
    /// Begins a training, or goes on with the one whose checkpoint is in `folder`.
    ///
    /// `point` has the scenario that the environments run.
    ///
    /// # Errors
    /// [`Error::Training`] where a checkpoint is unreadable or of another configuration, and what the simulator says.
    pub fn begin(
        plan: &Arc<StudyPlan>,
        point: &Arc<StudyPoint>,
        settings: &TrainSettings,
        seed: u32,
        folder: &Path,
    ) -> Result<Self, Error> {
        let mut spaces = Spaces::of(plan, point, settings, seed)?;
        let start = settings.start_from.as_deref().map(StartingPoint::read).transpose()?;
        if let Some(start) = &start {
            spaces = start.spaces(spaces)?;
        }
        let inputs = [plan.packs_sha256(), start.as_ref().map(StartingPoint::sha256_hex).unwrap_or_default()].concat();
        let configuration = training_state::configuration(&point.scenario, settings, &spaces, &inputs);
        let learner_settings = learner_settings(settings, &spaces);
        let keys = StreamKey::new(point.scenario.study.seed, seed, "training", settings.algorithm.name());
        let sequential = spaces.observations.episode == EpisodeKind::Sequential;
        let (learner, replay, state) = match TrainingState::read(folder, &configuration, &learner_settings)? {
            Some(saved) => saved,
            None => {
                let replay = Replay::new(
                    settings.replay_capacity.min(settings.interactions) as usize,
                    spaces.observations.len(),
                    spaces.actions.len(),
                    sequential,
                );
                let learner = match start {
                    Some(start) => start.learner(&learner_settings)?,
                    None => Learner::new(&learner_settings, &keys.child(0)),
                };
                (learner, replay, TrainingState::new(settings))
            }
        };
        let environments = Environments::start(
            Arc::clone(plan),
            Arc::clone(point),
            Environments::first_replication(seed),
            state.environments.clone(),
        );
        let since = state.since.clone();
        Ok(Self {
            plan: Arc::clone(plan),
            point: Arc::clone(point),
            settings: settings.clone(),
            seed,
            keys,
            spaces,
            environments,
            learner,
            replay,
            state,
            configuration,
            since,
        })
    }

    /// Whatever changes what it does, in words: a checkpoint is of one configuration.
    pub fn configuration(&self) -> &str {
        &self.configuration
    }

    /// Trains to the end, and saves a checkpoint at each twentieth of its interactions and where it is stopped.
    ///
    /// `tell` hears of every row.
    ///
    /// # Errors
    /// [`TrainingError::Diverged`]: the checkpoint is then the last good one. [`ExecutorError::Stopped`] where somebody stops
    /// it. What the simulator says.
    ///
    /// [`ExecutorError::Stopped`]: crate::diffusion::ExecutorError::Stopped
    pub fn run(
        mut self,
        folder: &Path,
        stop: &StopRequest,
        tell: &dyn Fn(&TrainingRow),
    ) -> Result<TrainedActor, Error> {
        let mut clock = Instant::now();
        let mut waiting = self.environments.wait()?;
        while self.state.interactions < self.settings.interactions {
            if stop.is_set() {
                self.state.wall_time_s += clock.elapsed().as_secs_f64();
                self.save(folder)?;
                return Err(crate::diffusion::ExecutorError::Stopped.into());
            }
            self.decide(&waiting);
            waiting = self.environments.wait()?;
            self.learn_of(&waiting)?;
            let due = self.settings.updates_due(self.state.interactions);
            // The first episodes may be longer than the warm-up: what is due is made up for when they have ended.
            let is_last = self.state.interactions >= self.settings.interactions;
            while self.state.updates < due && (is_last || !self.replay.is_empty()) {
                self.update()?;
                let updates = self.state.updates;
                let is_evaluated = self.settings.evaluates_at(updates);
                if is_evaluated || self.settings.has_row_at(updates) {
                    self.state.wall_time_s += clock.elapsed().as_secs_f64();
                    let evaluation = if is_evaluated { Some(self.evaluate(1)?) } else { None };
                    self.add_row(evaluation.as_ref().map(Evaluation::mean_sum_qoe), tell);
                    clock = Instant::now();
                }
            }
            // Between two waits nothing is on its way: a good place to save.
            if self.state.interactions >= self.state.saved_at + self.settings.checkpoint_interval() {
                self.save(folder)?;
            }
        }
        self.state.wall_time_s += clock.elapsed().as_secs_f64();
        let mut evaluations = vec![self.evaluate(1)?];
        self.add_row(Some(evaluations[0].mean_sum_qoe()), tell);
        if self.settings.algorithm == Algorithm::GDdpg && self.settings.best_of > 1 {
            evaluations.push(self.evaluate(self.settings.best_of)?);
        }
        Ok(TrainedActor {
            actor: self.export(),
            learner: self.learner.save(),
            rows: self.state.rows,
            evaluations,
            parameters: self.learner.parameter_count() as u64,
            multiply_adds: self.learner.actor_flops(),
        })
    }

    /// Answers everybody who waits.
    fn decide(&mut self, waiting: &Waiting) {
        let count = waiting.problems.len();
        let states: Vec<Vec<f32>> =
            waiting.problems.iter().map(|problem| self.spaces.observations.observe(problem)).collect();
        let mut rng = self.keys.child(1).child(self.state.interactions).rng();
        let action_len = self.spaces.actions.len();
        let actions: Vec<f32> = if self.state.interactions < self.settings.warm_up_interactions {
            (0..count * action_len).map(|_| rng.random_range(-1.0..=1.0)).collect()
        } else {
            let noise: Vec<f32> = normal(count * self.learner.noise_len(), &mut rng);
            let meant = self.learner.act(&states.concat(), count, &noise);
            let exploration = normal(meant.len(), &mut rng);
            let spread = self.settings.exploration_noise as f32;
            meant.iter().zip(exploration).map(|(action, noise)| (action + spread * noise).clamp(-1.0, 1.0)).collect()
        };
        let mut allocations = Vec::with_capacity(count);
        for (index, (problem, state)) in waiting.problems.iter().zip(states).enumerate() {
            let action = actions[index * action_len..][..action_len].to_vec();
            let (allocation, decision) = self.decision(problem, state, action);
            self.state.pending[index].push(decision);
            allocations.push(allocation);
        }
        self.state.interactions += count as u64;
        self.environments.answer(allocations);
    }

    fn decision(&self, problem: &AllocationProblem, state: Vec<f32>, action: Vec<f32>) -> (Allocation, Decision) {
        let Spaces { actions, maximum_power_w, .. } = &self.spaces;
        let meant = actions.decode(&action, problem, *maximum_power_w);
        let (allocation, decided) = Decided::of(problem, meant, self.settings.decoder);
        (allocation, Decision { state, action, decided })
    }

    /// Puts what is finished into the replay memory.
    fn learn_of(&mut self, waiting: &Waiting) -> Result<(), Error> {
        for episode in &waiting.episodes {
            let next = self.state.pending[episode.environment].split_off(episode.qualities.len());
            let decisions = std::mem::replace(&mut self.state.pending[episode.environment], next);
            for (index, (decision, qualities)) in decisions.iter().zip(&episode.qualities).enumerate() {
                let outcome = decision.decided.outcome(qualities.clone());
                let reward = outcome.reward(&self.settings.reward);
                if !reward.is_finite() {
                    return Err(TrainingError::RewardNotANumber { interactions: self.state.interactions }.into());
                }
                self.since.add_decision(&outcome, reward);
                let next = (self.spaces.observations.episode == EpisodeKind::Sequential).then(|| {
                    match decisions.get(index + 1) {
                        Some(next) => (&next.state[..], false),
                        // What comes after the last decision is worth nothing; its state is never looked at.
                        None => (&decision.state[..], true),
                    }
                });
                self.replay.push(&decision.state, &decision.action, reward as f32, next);
            }
        }
        Ok(())
    }

    fn update(&mut self) -> Result<(), Error> {
        let mut rng = self.keys.child(2).child(self.state.updates).rng();
        let batch = self.replay.sample(self.settings.batch_size as usize, &mut rng).map_err(TrainingError::from)?;
        self.learner.scale_learning_rates(self.settings.learning_rate_part(self.state.updates));
        let losses = self.learner.update(&batch, &mut rng);
        self.state.updates += 1;
        if !losses.are_finite() {
            return Err(TrainingError::Diverged { updates: self.state.updates }.into());
        }
        self.since.add_update(&losses);
        Ok(())
    }

    fn evaluate(&self, samples: u32) -> Result<Evaluation, Error> {
        let name = format!("the actor after {} updates", self.state.updates);
        let actor = Actor::from_bytes(&self.export(), Path::new(&name))?.with_samples(samples);
        evaluate(&self.plan, &self.point, &Evaluated::Actor(actor), self.settings.evaluation_replications)
    }

    fn add_row(&mut self, evaluation_sum_qoe: Option<f64>, tell: &dyn Fn(&TrainingRow)) {
        let since = std::mem::take(&mut self.since);
        let now = (self.state.interactions, self.state.updates);
        let row = since.row(now, evaluation_sum_qoe, self.state.wall_time_s);
        tell(&row);
        self.state.rows.push(row);
    }

    fn save(&mut self, folder: &Path) -> Result<(), Error> {
        self.state.environments = self.environments.states();
        self.state.since = self.since.clone();
        self.state.saved_at = self.state.interactions;
        self.state.write(folder, &self.configuration, &self.learner, &self.replay)
    }

    fn export(&self) -> Vec<u8> {
        let study = &self.point.scenario.study;
        let point = self.point.coordinates.iter();
        let card = ActorCard {
            version: ActorCard::VERSION,
            actions: self.spaces.actions,
            observations: self.spaces.observations,
            maximum_power_w: self.spaces.maximum_power_w,
            noise_len: self.learner.noise_len(),
            training: TrainingManifest {
                latentlink_version: env!("CARGO_PKG_VERSION").to_owned(),
                study: study.name.clone(),
                study_seed: study.seed,
                seed: self.seed,
                algorithm: self.settings.algorithm.name().to_owned(),
                interactions: self.state.interactions,
                updates: self.state.updates,
                point: point.map(|at| (at.path.clone(), at.value.to_string())).collect(),
            },
        };
        let card = serde_json::to_string(&card).expect("a card of plain numbers and names is written");
        self.learner.export_onnx(&[(CARD_KEY.to_owned(), card)])
    }
}

fn learner_settings(settings: &TrainSettings, spaces: &Spaces) -> LearnerSettings {
    let choices = match settings.critic_input {
        CriticInput::Scores => Vec::new(),
        CriticInput::Choices => spaces.actions.choices(),
    };
    LearnerSettings {
        choices,
        hidden: settings.hidden as usize,
        denoising_steps: settings.denoising_steps,
        head: settings.head,
        actor_learning_rate: settings.actor_learning_rate,
        critic_learning_rate: settings.critic_learning_rate,
        weight_decay: settings.weight_decay,
        soft_update: settings.soft_update,
        discount: (spaces.observations.episode == EpisodeKind::Sequential).then_some(settings.discount),
        policy_delay: settings.policy_delay,
        target_noise: settings.target_noise,
        target_noise_clip: settings.target_noise_clip,
        ..LearnerSettings::new(settings.algorithm, spaces.observations.len(), spaces.actions.len())
    }
}

fn normal(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| StandardNormal.sample(rng)).collect()
}

/// The states of environments that have not begun.
pub(super) fn new_environments(settings: &TrainSettings) -> Vec<EnvironmentState> {
    vec![EnvironmentState::default(); settings.environments as usize]
}
