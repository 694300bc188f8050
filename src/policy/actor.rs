//! A trained actor: an ONNX file, called at the server's events.
//!
//! ```text
//!  problem ─► state [1, S] ─┐
//!                           ├─► actor.onnx ─► action [n, A], value [n] ─► the action of the highest value ─► allocation
//!  N(0, I) ─► noise [n, N] ─┘                                             (n = 1: the action)
//! ```

mod card;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array1, Array2, CowArray};
use rand_distr::{Distribution, StandardNormal};

use super::{Allocation, AllocationProblem, AllocationRequest, Decoder, Policy, PolicyError};
use crate::onnx::session::{FloatInput, FloatOutput, ModelSession};
use crate::onnx::{PackError, ResolvedProvider};
use crate::random::StreamKey;
use crate::scenario::StepLimits;

pub use card::{ActorCard, CARD_KEY, TrainingManifest};

/// Part by which a budget may differ from the one that an actor was trained for.
const SAME: f64 = 1e-6;

/// `policy.kind = "actor"`.
#[derive(Debug, Clone)]
pub struct Actor {
    model: Arc<ActorModel>,
    /// Actions that are drawn, of which the critic picks one.
    samples: u32,
    decoder: Decoder,
}

/// The file in memory.
#[derive(Debug)]
struct ActorModel {
    file: PathBuf,
    card: ActorCard,
    session: Mutex<ActorSession>,
}

#[derive(Debug)]
struct ActorSession {
    session: ModelSession,
    state: FloatInput,
    /// `None` of an actor without a chain.
    noise: Option<FloatInput>,
    action: FloatOutput,
    value: FloatOutput,
}

impl Actor {
    /// Loads `actor.onnx`.
    ///
    /// # Errors
    /// [`PolicyError::Model`] where it is no model, [`PolicyError::Unfit`] where it is no actor of this program.
    pub fn load(file: &Path) -> Result<Self, PolicyError> {
        Self::of(ModelSession::load(file, ResolvedProvider::Cpu, 1)?, file)
    }

    /// An actor whose file is in memory; `name` is for messages.
    ///
    /// # Errors
    /// As [`Actor::load`].
    pub fn from_bytes(bytes: &[u8], name: &Path) -> Result<Self, PolicyError> {
        Self::of(ModelSession::from_bytes(bytes, name, ResolvedProvider::Cpu, 1)?, name)
    }

    fn of(session: ModelSession, file: &Path) -> Result<Self, PolicyError> {
        let card = read_card(&session, file)?;
        let state = session.input("state")?;
        state.require_shape("[n, state]", &[None, Some(card.observations.len())])?;
        let noise = match card.noise_len {
            0 => None,
            len => {
                let noise = session.input("noise")?;
                noise.require_shape("[n, noise]", &[None, Some(len)])?;
                Some(FloatInput::new(&noise)?)
            }
        };
        let action = session.output("action")?;
        action.require_shape("[n, action]", &[None, Some(card.actions.len())])?;
        let (state, action) = (FloatInput::new(&state)?, FloatOutput::new(action)?);
        let value = FloatOutput::new(session.output("value")?)?;
        let session = Mutex::new(ActorSession { session, state, noise, action, value });
        let model = Arc::new(ActorModel { file: file.to_owned(), card, session });
        Ok(Self { model, samples: 1, decoder: Decoder::Projected })
    }

    /// Draws so many actions, of which the critic picks one. More than one says something only of an actor with a chain.
    pub fn with_samples(self, samples: u32) -> Self {
        Self { samples: samples.max(1), ..self }
    }

    /// What is done with an action that breaks the server's budget.
    pub fn with_decoder(self, decoder: Decoder) -> Self {
        Self { decoder, ..self }
    }

    pub fn card(&self) -> &ActorCard {
        &self.model.card
    }

    /// Refuses a scenario with groups of another size.
    ///
    /// # Errors
    /// [`PolicyError::Unfit`].
    pub fn require_users(&self, users: usize) -> Result<(), PolicyError> {
        let trained = self.model.card.actions.users;
        if trained == users {
            return Ok(());
        }
        Err(PolicyError::Unfit {
            message: format!("{} was trained for groups of {trained} users, not of {users}", self.model.file.display()),
            help: format!(
                "train one for {users} users, or give the scenario {trained} devices (or `grouping.maximum_size`)"
            ),
        })
    }

    /// Refuses an actor that may choose more steps than the scenario allows.
    ///
    /// # Errors
    /// [`PolicyError::Unfit`].
    pub fn require_steps(&self, limits: StepLimits) -> Result<(), PolicyError> {
        let actions = self.model.card.actions;
        let (shared, own) = (limits.maximum_shared_steps as usize, limits.maximum_own_steps as usize);
        if actions.shared_steps <= shared && actions.own_steps <= own {
            return Ok(());
        }
        Err(PolicyError::Unfit {
            message: format!(
                "{} was trained for up to {} shared steps and {} on a device, the scenario allows {shared} and {own}",
                self.model.file.display(),
                actions.shared_steps,
                actions.own_steps
            ),
            help: "raise `maximum_shared_steps` and `maximum_own_steps` under [policy], or train with the limits that hold here"
                .into(),
        })
    }

    /// The action for a problem, in [−1, 1]^A.
    ///
    /// # Errors
    /// [`PolicyError::Unfit`] where the problem is not of those that the actor was trained for, [`PolicyError::Model`].
    pub fn act(&self, problem: &AllocationProblem, draws: &StreamKey) -> Result<Vec<f32>, PolicyError> {
        self.require_limits(problem)?;
        let card = &self.model.card;
        let samples = if card.noise_len == 0 { 1 } else { self.samples as usize };
        let state = card.observations.observe(problem);
        let states = Array2::from_shape_fn((samples, state.len()), |(_, index)| state[index]);
        let mut rng = draws.rng();
        let noise = Array2::from_shape_simple_fn((samples, card.noise_len), || {
            let number: f64 = StandardNormal.sample(&mut rng);
            number as f32
        });
        let (actions, values) = self.model.run(states, noise)?;
        let mut best = 0;
        for (sample, value) in values.iter().enumerate() {
            if *value > values[best] {
                best = sample;
            }
        }
        let action = actions.row(best).to_vec();
        if action.iter().any(|number| !number.is_finite()) {
            return Err(PolicyError::Unfit {
                message: format!("{} answered with numbers that are none", self.model.file.display()),
                help: "the training diverged: take another seed, or an earlier checkpoint".into(),
            });
        }
        Ok(action)
    }

    /// The largest power means something only under the budget that it was taken from.
    fn require_limits(&self, problem: &AllocationProblem) -> Result<(), PolicyError> {
        let card = &self.model.card;
        let budget_w = problem.server_energy_budget_j.map(|budget_j| budget_j / problem.link.energy_per_watt_j);
        if budget_w.is_some_and(|budget_w| (budget_w / card.maximum_power_w - 1.0).abs() <= SAME) {
            return Ok(());
        }
        let here = budget_w.map_or("no budget".into(), |budget_w| format!("{budget_w:.3} W"));
        Err(PolicyError::Unfit {
            message: format!(
                "{} was trained for a radio budget E_T/β of {:.3} W, this scenario has {here}",
                self.model.file.display(),
                card.maximum_power_w
            ),
            help: "set `server.energy_budget_j` and `radio.energy_per_watt_j` as in its training, or train anew".into(),
        })
    }
}

impl ActorModel {
    fn run(&self, states: Array2<f32>, noise: Array2<f32>) -> Result<(Array2<f32>, Array1<f32>), PolicyError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let ActorSession { session, state, noise: noise_input, action, value } = &mut *session;
        let samples = states.nrows();
        let (states, noise) = (CowArray::from(states), CowArray::from(noise));
        let mut inputs = vec![state.feed(&states)];
        if let Some(input) = noise_input {
            inputs.push(input.feed(&noise));
        }
        let outputs = session.run(samples, inputs)?;
        Ok((action.read(&outputs, &[samples])?, value.read(&outputs, &[samples])?))
    }
}

impl Policy for Actor {
    fn allocate(&self, request: &AllocationRequest<'_>) -> Result<Allocation, PolicyError> {
        let problem = (request.problem)();
        let meant = self.meant(&problem, &request.draws)?;
        Ok(self.decoder.carry_out(meant, &problem))
    }
}

impl Actor {
    /// The allocation that it means, whatever it costs.
    ///
    /// # Errors
    /// As [`Actor::act`].
    pub fn meant(&self, problem: &AllocationProblem, draws: &StreamKey) -> Result<Allocation, PolicyError> {
        self.require_at_most(problem.users.len())?;
        let action = self.act(problem, draws)?;
        let card = &self.model.card;
        Ok(card.actions.decode(&action, problem, card.maximum_power_w))
    }

    fn require_at_most(&self, users: usize) -> Result<(), PolicyError> {
        if users <= self.model.card.actions.users { Ok(()) } else { self.require_users(users) }
    }
}

fn read_card(session: &ModelSession, file: &Path) -> Result<ActorCard, PolicyError> {
    let unfit = |message: String| PolicyError::Unfit {
        message,
        help: "give the path of an actor.onnx that `latentlink train` of this version wrote".into(),
    };
    let text = session
        .metadata(CARD_KEY)
        .ok_or_else(|| unfit(format!("{} says nothing of how it was trained (no `{CARD_KEY}`)", file.display())))?;
    let card: ActorCard = serde_json::from_str(&text)
        .map_err(|error| unfit(format!("what {} says of its training is not understood: {error}", file.display())))?;
    if card.version != ActorCard::VERSION {
        let message = format!("{} is of version {}, not {}", file.display(), card.version, ActorCard::VERSION);
        return Err(unfit(message));
    }
    Ok(card)
}

impl From<PackError> for PolicyError {
    fn from(error: PackError) -> Self {
        Self::Model(Arc::new(error))
    }
}
