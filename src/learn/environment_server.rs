//! The environment for learners in other languages: lines of JSON over a pipe.
//!
//! ```text
//!  latentlink environment FILE               a learner, say in Python
//!      │── {"state_len": 29, "action_len": 37, "environments": 8, "episode": "single-step"} ──►│
//!      │── {"states": [[…], …], "finished": []} ──────────────────────────────────────────────►│
//!      │◄───────────────────────────────────────────────────── {"actions": [[…], …]} ──────────│
//!      │── {"states": [[…], …], "finished": [{"environment": 0, "rewards": [1.9], …}, …]} ────►│
//!      │                                                           …           end of the pipe │
//! ```
//!
//! An episode is told of when it has ended: the rewards of its decisions, in their order. In a round each action ends one, so
//! every answer finishes all environments.

use std::io::{BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::environment::{EnvironmentState, Environments};
use super::reward::{Decided, Outcome};
use super::spaces::Spaces;
use super::training_error::TrainingError;
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::policy::EpisodeKind;
use crate::scenario::TrainSettings;

/// The first line.
#[derive(Debug, Serialize)]
struct Greeting {
    state_len: usize,
    action_len: usize,
    environments: usize,
    episode: EpisodeKind,
}

/// Each further line of ours.
#[derive(Debug, Serialize)]
struct Observation {
    /// [environments, state_len]
    states: Vec<Vec<f32>>,
    finished: Vec<FinishedEpisode>,
}

#[derive(Debug, Serialize)]
struct FinishedEpisode {
    environment: usize,
    /// By decision.
    rewards: Vec<f64>,
    sum_qoe: Vec<f64>,
    /// Whether the action meant to break a budget.
    violations: Vec<bool>,
}

/// Each line of theirs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// [environments, action_len], in [−1, 1]
    actions: Vec<Vec<f32>>,
}

/// Which runs are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replications {
    /// Those of a training of this number, as `latentlink train` uses them.
    OfTraining(u32),
    /// 0, 1, …, on which policies are evaluated.
    OfEvaluation,
}

/// Runs environments until the other side closes the pipe.
///
/// # Errors
/// What the simulator says; [`TrainingError::Protocol`] of an answer that is none.
pub fn serve(
    plan: &Arc<StudyPlan>,
    point: &Arc<StudyPoint>,
    settings: &TrainSettings,
    replications: Replications,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Error> {
    let (seed, first) = match replications {
        Replications::OfTraining(seed) => (seed, Environments::first_replication(seed)),
        Replications::OfEvaluation => (0, 0),
    };
    let spaces = Spaces::of(plan, point, settings, seed)?;
    let count = settings.environments as usize;
    let states = vec![EnvironmentState::default(); count];
    let mut environments = Environments::start(Arc::clone(plan), Arc::clone(point), first, states);
    let greeting = Greeting {
        state_len: spaces.observations.len(),
        action_len: spaces.actions.len(),
        environments: count,
        episode: spaces.observations.episode,
    };
    if !say(output, &greeting) {
        return Ok(());
    }
    let mut pending: Vec<Vec<Decided>> = vec![Vec::new(); count];
    let mut line = String::new();
    for number in 1.. {
        let waiting = environments.wait()?;
        let finished = waiting.episodes.into_iter().map(|episode| {
            let decisions: Vec<Decided> = pending[episode.environment].drain(..episode.qualities.len()).collect();
            let outcomes: Vec<Outcome> = decisions
                .into_iter()
                .zip(episode.qualities)
                .map(|(decision, qualities)| decision.outcome(qualities))
                .collect();
            FinishedEpisode {
                environment: episode.environment,
                rewards: outcomes.iter().map(|outcome| outcome.reward(&settings.reward)).collect(),
                sum_qoe: outcomes.iter().map(Outcome::sum_qoe).collect(),
                violations: outcomes.iter().map(|outcome| outcome.violations.any()).collect(),
            }
        });
        let finished = finished.collect();
        let states = waiting.problems.iter().map(|problem| spaces.observations.observe(problem)).collect();
        if !say(output, &Observation { states, finished }) {
            return Ok(());
        }
        line.clear();
        let read = input.read_line(&mut line).map_err(|error| protocol(number, error.to_string()))?;
        if read == 0 {
            return Ok(());
        }
        let answer: Answer = serde_json::from_str(&line).map_err(|error| protocol(number, error.to_string()))?;
        check(&answer, count, spaces.actions.len()).map_err(|message| protocol(number, message))?;
        let mut allocations = Vec::with_capacity(count);
        for (index, (problem, action)) in waiting.problems.iter().zip(&answer.actions).enumerate() {
            let meant = spaces.actions.decode(action, problem, spaces.maximum_power_w);
            let (allocation, decided) = Decided::of(problem, meant, settings.decoder);
            pending[index].push(decided);
            allocations.push(allocation);
        }
        environments.answer(allocations);
    }
    Ok(())
}

/// Whether anybody still reads.
fn say(output: &mut dyn Write, what: &impl Serialize) -> bool {
    let text = serde_json::to_string(what).expect("numbers and names are written");
    writeln!(output, "{text}").and_then(|()| output.flush()).is_ok()
}

fn check(answer: &Answer, count: usize, action_len: usize) -> Result<(), String> {
    if answer.actions.len() != count {
        return Err(format!("it has {} actions for {count} environments", answer.actions.len()));
    }
    for (index, action) in answer.actions.iter().enumerate() {
        if action.len() != action_len {
            return Err(format!("action {index} has {} numbers, not {action_len}", action.len()));
        }
        if action.iter().any(|number| !number.is_finite()) {
            return Err(format!("action {index} has numbers that are none"));
        }
    }
    Ok(())
}

fn protocol(line: u64, message: String) -> Error {
    TrainingError::Protocol { line, message }.into()
}
