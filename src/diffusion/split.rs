//! Who runs which step: the two readings of Algorithm 1.
//!
//! ```text
//!   respaced   server:  N_ref-step chain ●──●──●──●┄┄○┄┄○┄┄○      device k:  ●─●─●─●─●  t_k uniform steps over the rest
//!   joint      one chain of t0 + t_k steps:  ●──●──●│●──●──●──●    server │ device k
//! ```
//!
//! Respaced, the server's steps are the same for every device and so shared by all; joint, they depend on t_k, but t0/t_k
//! is a fixed place in the schedule, on which the paper's figures rest. With t_k = N_ref − t0 the two coincide.
//!
//! A multistep method goes by what the model said in the steps before. Whoever takes a latent over has that only if it comes
//! along; otherwise it begins anew, with a first step of first order:
//!
//! ```text
//!   send       ●──●──●──● z, e_1, e_2, e_3 ──►●──●──●        the steps of the unsplit chain
//!   restart    ●──●──●──● z ─────────────────►①──②──③        orders 1, 2, 3, … once more
//! ```

use std::borrow::Cow;

use super::noise_schedule::{NoiseSchedule, ScheduleError, StepStart};
use super::sampler::{DenoisingStep, KnownOutputs, Sampler, restarted};

/// How a chain is divided between the server and a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// The server runs t0 steps of one N_ref-step schedule; the device re-spaces what is left into t_k steps.
    Respaced,
    /// Server and device run one schedule of N = t0 + t_k steps.
    Joint,
}

/// What becomes of the earlier model outputs that a multistep method goes by, where a latent is handed over or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum History {
    /// They are dropped: whoever goes on begins with a step of first order.
    #[default]
    Restart,
    /// They go along, as more values of the latent.
    Send,
}

impl History {
    /// Earlier outputs that go along with the latent after that many steps.
    pub fn sent_after(self, sampler: Sampler, steps: u32) -> u32 {
        match self {
            Self::Restart => 0,
            Self::Send => sampler.history_after(steps),
        }
    }
}

/// A chain with its hand-over.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitChain {
    /// Factor on the standard normal start latent, whoever starts; see [`Chain::start_scale`](super::Chain).
    pub start_scale: f64,
    /// The server's t0 steps; the latent after the last is handed over. Empty: nothing is sent.
    pub server: Vec<DenoisingStep>,
    /// The device's t_k steps. Empty: the device only decodes.
    pub device: Vec<DenoisingStep>,
    history: History,
}

impl SplitChain {
    /// The chain, with its history sent along at the hand-over, of `t0` server steps and `tk` device steps; `n_ref` is the length of the server's chain where `split` is
    /// [`Split::Respaced`].
    ///
    /// Without server steps both readings are the plain chain of `tk` steps. Respaced with tk = N_ref − t0, the device
    /// takes exactly the remaining steps of the N_ref chain; with another tk, with τ the timestep of the N_ref chain's next
    /// step, those through `round((τ + 1)(1 − j/tk)) − 1`, j = 0 … tk − 1, the last ending where every chain ends (with
    /// Karras's levels, through `tk` of them down to the one from which the N_ref chain's last step goes). Where
    /// tk = 0 < N_ref − t0 the device decodes a latent that is still noisy.
    ///
    /// # Errors
    /// t0 = tk = 0, steps that do not fit the schedule, and whatever [`NoiseSchedule::chain`] refuses.
    pub fn new(
        schedule: &NoiseSchedule,
        sampler: Sampler,
        split: Split,
        n_ref: u32,
        t0: u32,
        tk: u32,
    ) -> Result<Self, ScheduleError> {
        let length = match split {
            Split::Joint => t0.saturating_add(tk),
            Split::Respaced if t0 == 0 => tk,
            Split::Respaced => n_ref,
        };
        if t0 > length || (tk > 0 && t0 == length) {
            return Err(ScheduleError::NothingLeft { t0, tk, n_ref });
        }
        let chain = schedule.chain(sampler, length)?;
        let mut server = chain.steps;
        let rest = server.split_off(t0 as usize);
        let device = if rest.len() == tk as usize {
            rest
        } else if tk == 0 {
            Vec::new()
        } else {
            let starts = respace(schedule, sampler, &rest, tk).ok_or(ScheduleError::TooManyDeviceSteps {
                t0,
                tk,
                from_timestep: rest[0].timestep,
            })?;
            schedule.chain_through(sampler, &starts, KnownOutputs::after(&server))?.steps
        };
        Ok(Self { start_scale: chain.start_scale, server, device, history: History::Send })
    }

    /// The same chain with another fate of the history; nothing changes for methods of one step.
    pub fn with_history(mut self, history: History) -> Self {
        if history == History::Restart && !self.server.is_empty() {
            self.device = restarted(&self.device);
        }
        Self { history, ..self }
    }

    /// The server's steps for somebody who has a latent after `done` of them from elsewhere.
    pub fn server_from(&self, done: u32) -> Cow<'_, [DenoisingStep]> {
        let rest = &self.server[done as usize..];
        match self.history {
            History::Restart if done > 0 => Cow::Owned(restarted(rest)),
            _ => Cow::Borrowed(rest),
        }
    }

    /// Whether both begin with the same steps on the server, which is then the same work.
    pub fn begins_as(&self, other: &Self) -> bool {
        self.start_scale == other.start_scale && self.server == other.server
    }
}

/// Where `tk` ≥ 1 steps over what `rest` covers begin: at uniform timesteps, or at Karras's levels down to that of its last
/// step. `None` where two would coincide.
fn respace(schedule: &NoiseSchedule, sampler: Sampler, rest: &[DenoisingStep], tk: u32) -> Option<Vec<StepStart>> {
    let (first, last) = (&rest[0], &rest[rest.len() - 1]);
    let from = StepStart { timestep: first.timestep, alpha_bar: first.alpha_bar_from };
    let starts = schedule.karras_starts_between(sampler, from, last.alpha_bar_from, tk).unwrap_or_else(|| {
        let timestep = |j: u32| ((from.timestep + 1.0) * (1.0 - f64::from(j) / f64::from(tk))).round() - 1.0;
        // The first as it is: Euler's may lie between two timesteps.
        let later = (1..tk).map(timestep).map(|timestep| StepStart {
            timestep,
            alpha_bar: if timestep < 0.0 { 1.0 } else { schedule.level(sampler, timestep) },
        });
        std::iter::once(from).chain(later).collect()
    });
    let falls = starts.windows(2).all(|pair| pair[1].alpha_bar > pair[0].alpha_bar);
    (falls && starts.iter().all(|start| start.timestep >= 0.0)).then_some(starts)
}
