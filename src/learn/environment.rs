//! The environment: simulations that ask what to do.
//!
//! ```text
//!             ┌ thread ┐ a run of the simulator, whose policy asks and waits
//!  problem ◄──┤  run 0 ├◄── allocation
//!  problem ◄──┤  run 1 ├◄── allocation          all waiting: one batch for the actor
//!     …       └────────┘
//!  finished runs ─► pictures and scores, all together ─► episodes
//! ```
//!
//! A decision of the trained policy is a call of [`Policy::allocate`] inside the simulator of `network/`, so what is learned is
//! what runs. A round asks once: an episode of a single step. A run in time asks at each group it forms, and its batteries, queue
//! and cache persist from one to the next: a sequential episode.
//!
//! Environments are waited for in their order, and every draw of a run is keyed by its replication: the same seed gives the same
//! transitions, whatever the threads do.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::network::{NetworkError, SimulatedRun};
use crate::policy::{Allocation, AllocationProblem, AllocationRequest, Policy, PolicyError};

/// Replications that one training may use. Those below are for evaluation.
pub const REPLICATIONS_PER_TRAINING: u32 = 1 << 24;

/// Runs side by side.
pub struct Environments {
    plan: Arc<StudyPlan>,
    point: Arc<StudyPoint>,
    environments: Vec<Environment>,
}

/// Where an environment is: the simulator is deterministic, so this is all it takes to bring it there again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentState {
    /// Episodes that are over.
    pub episodes: u64,
    /// What was answered in the episode that goes on.
    pub answers: Vec<Allocation>,
}

/// An episode that is over: the quality of experience of each user, by decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Index of its environment.
    pub environment: usize,
    pub qualities: Vec<Vec<f64>>,
}

/// All environments wait for an answer.
pub struct Waiting {
    /// What was finished on the way, in the order of the environments.
    pub episodes: Vec<Episode>,
    /// By environment.
    pub problems: Vec<AllocationProblem>,
}

struct Environment {
    answer: Sender<Allocation>,
    messages: Receiver<Message>,
    state: EnvironmentState,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Asked(Box<AllocationProblem>),
    Finished(u32, Box<Result<SimulatedRun, Error>>),
}

impl Environments {
    /// First replication of training number `seed`.
    pub fn first_replication(seed: u32) -> u32 {
        (seed + 1) * REPLICATIONS_PER_TRAINING
    }

    /// Starts environments, each where it was, which share the replications from `first` on.
    pub fn start(plan: Arc<StudyPlan>, point: Arc<StudyPoint>, first: u32, states: Vec<EnvironmentState>) -> Self {
        let count = states.len() as u64;
        let start = |(index, state): (usize, EnvironmentState)| {
            let replication = move |episode: u64| {
                first + ((episode * count + index as u64) % u64::from(REPLICATIONS_PER_TRAINING)) as u32
            };
            Environment::start(Arc::clone(&plan), Arc::clone(&point), state, replication)
        };
        let environments = states.into_iter().enumerate().map(start).collect();
        Self { plan, point, environments }
    }

    pub fn len(&self) -> usize {
        self.environments.len()
    }

    pub fn is_empty(&self) -> bool {
        self.environments.is_empty()
    }

    /// Waits until every environment asks.
    ///
    /// # Errors
    /// What stopped a simulation or the rating of its pictures; [`Error::NoDecision`] of a run that never asked.
    pub fn wait(&mut self) -> Result<Waiting, Error> {
        let mut finished = Vec::new();
        let mut problems = Vec::with_capacity(self.environments.len());
        for (index, environment) in self.environments.iter_mut().enumerate() {
            loop {
                match environment.messages.recv() {
                    Ok(Message::Asked(problem)) => {
                        problems.push(*problem);
                        break;
                    }
                    Ok(Message::Finished(replication, run)) => {
                        let decisions = std::mem::take(&mut environment.state.answers).len();
                        environment.state.episodes += 1;
                        if decisions == 0 {
                            return Err(Error::NoDecision { replication });
                        }
                        finished.push((index, decisions, replication, (*run)?));
                    }
                    Err(_) => unreachable!("an environment sends until it is told to end"),
                }
            }
        }
        Ok(Waiting { episodes: self.rate(finished)?, problems })
    }

    /// Answers all problems; the environments go on.
    pub fn answer(&mut self, allocations: Vec<Allocation>) {
        assert_eq!(allocations.len(), self.environments.len(), "one answer for each environment");
        for (environment, allocation) in self.environments.iter_mut().zip(allocations) {
            environment.state.answers.push(allocation.clone());
            environment.answer.send(allocation).expect("an environment that asked waits for its answer");
        }
    }

    /// Where each of them is; all wait for an answer.
    pub fn states(&self) -> Vec<EnvironmentState> {
        self.environments.iter().map(|environment| environment.state.clone()).collect()
    }

    /// Scores of the finished runs, whose pictures are made together.
    fn rate(&self, finished: Vec<(usize, usize, u32, SimulatedRun)>) -> Result<Vec<Episode>, Error> {
        let of: Vec<(usize, usize)> = finished.iter().map(|(index, decisions, ..)| (*index, *decisions)).collect();
        let runs = finished.into_iter().map(|(_, _, replication, run)| (replication, run)).collect();
        let rated = self.plan.rate(&self.point, runs)?;
        of.into_iter()
            .zip(rated)
            .map(|((environment, decisions), run)| {
                let mut by_group: HashMap<u64, Vec<f64>> = HashMap::new();
                for (group, quality) in run.qualities()? {
                    by_group.entry(group).or_default().push(quality);
                }
                // Groups are numbered as they ask.
                let qualities =
                    (0..decisions as u64).map(|group| by_group.remove(&group).unwrap_or_default()).collect();
                Ok(Episode { environment, qualities })
            })
            .collect()
    }
}

impl Drop for Environments {
    fn drop(&mut self) {
        for environment in &mut self.environments {
            // Whoever waits for an answer gets none, and ends.
            environment.answer = channel().0;
        }
        for environment in &mut self.environments {
            while environment.messages.recv().is_ok() {}
            if let Some(thread) = environment.thread.take() {
                // A panic was reported where it happened.
                let _ = thread.join();
            }
        }
    }
}

impl Environment {
    fn start(
        plan: Arc<StudyPlan>,
        point: Arc<StudyPoint>,
        state: EnvironmentState,
        replication: impl Fn(u64) -> u32 + Send + 'static,
    ) -> Self {
        let ((answer, answers), (messages, received)) = (channel(), channel());
        let past: VecDeque<Allocation> = state.answers.iter().cloned().collect();
        let first = state.episodes;
        let thread = std::thread::spawn(move || {
            let asking =
                Arc::new(Asking { messages: messages.clone(), answers: Mutex::new(answers), past: Mutex::new(past) });
            for episode in first.. {
                let replication = replication(episode);
                let run = plan.simulate_under(&point, replication, Arc::clone(&asking) as Arc<dyn Policy>);
                let is_over =
                    matches!(&run, Err(Error::Network { source: NetworkError::Policy(PolicyError::Ended), .. }));
                if is_over || messages.send(Message::Finished(replication, Box::new(run))).is_err() {
                    return;
                }
            }
        });
        Self { answer, messages: received, state, thread: Some(thread) }
    }
}

/// The policy of a run whose decisions are made elsewhere.
struct Asking {
    messages: Sender<Message>,
    answers: Mutex<Receiver<Allocation>>,
    /// What was answered before this process came.
    past: Mutex<VecDeque<Allocation>>,
}

impl Policy for Asking {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        if let Some(answer) = self.past.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Ok(answer);
        }
        let problem = Box::new((request.problem)());
        self.messages.send(Message::Asked(problem)).map_err(|_| PolicyError::Ended)?;
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(|_| PolicyError::Ended)
    }
}
