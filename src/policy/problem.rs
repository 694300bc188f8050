//! What there is to divide, and among whom: the state (26) with what its numbers mean.
//!
//! It is plain data: a policy knows neither the simulation nor the scenario, so that it can be tested, searched and trained
//! on states from anywhere.

use crate::judge::surface::SurfaceInputs;
use crate::judge::{Persona, QualityModel};
use crate::radio::{Fading, LinkBudget, Modulation, average_bit_error_probability};

use super::Allocation;

/// Problem (21)–(24) of one group at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct AllocationProblem {
    /// At least one, in the order of their requests.
    pub users: Vec<UserState>,
    /// δ_0, energy of one step on the server [J].
    pub server_step_energy_j: f64,
    /// E_T of (24) [J]; `None`: unlimited.
    pub server_energy_budget_j: Option<f64>,
    pub link: LinkModel,
    /// Q_th of (23).
    pub qoe_threshold: f64,
    /// Groups that wait for the server.
    pub queue_length: u32,
}

/// One user of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct UserState {
    /// Index of the device in the scenario.
    pub device: usize,
    /// u_k of (25).
    pub persona: Persona,
    /// Cosine similarity of the user's prompt to that of the shared steps.
    pub similarity: f64,
    /// g_k: path loss and fading together [dB]; without the fading where bit errors are averaged over it. `None` where the
    /// scenario pins the bit error probability.
    pub channel_gain_db: Option<f64>,
    /// δ_k, energy of one step on the device [J].
    pub step_energy_j: f64,
    /// E_k of (22) [J]; `None`: unlimited.
    pub energy_budget_j: Option<f64>,
    /// What is left in the battery [J]; `None` where there is none.
    pub battery_left_j: Option<f64>,
    /// Part of the battery that is left, in [0, 1]; 1 where there is none.
    pub battery_level: f64,
}

/// How transmit power becomes bit errors, and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkModel {
    pub budget: LinkBudget,
    pub modulation: Modulation,
    /// Over which the bit error probability is averaged; `None`: the gain is known.
    pub averaged_over: Option<Fading>,
    /// β [J/W], of a latent that nothing goes along with.
    pub energy_per_watt_j: f64,
    /// Earlier model outputs that go along with a latent at most; after t0 steps it is t0 of them.
    pub longest_history: u32,
    /// What each of them adds to the energy of the latent, as a part of it.
    pub history_part: f64,
    /// Of every link, whatever the power; `None`: of its SNR.
    pub pinned_bit_error_probability: Option<f64>,
}

impl LinkModel {
    /// What one watt costs for the time of a latent after `t0` steps, with what goes along [J/W].
    pub fn energy_per_watt_after_j(&self, t0: u32) -> f64 {
        self.energy_per_watt_j * (1.0 + f64::from(t0.min(self.longest_history)) * self.history_part)
    }

    /// Bit error probability of a link of this gain [dB] at this power.
    pub fn bit_error_probability(&self, channel_gain_db: Option<f64>, tx_power_w: f64) -> f64 {
        let (Some(gain_db), None) = (channel_gain_db, self.pinned_bit_error_probability) else {
            return self.pinned_bit_error_probability.unwrap_or(0.5);
        };
        let snr = self.budget.snr(tx_power_w, -gain_db, 1.0);
        match &self.averaged_over {
            Some(fading) => average_bit_error_probability(self.modulation, fading, snr),
            None => self.modulation.bit_error_probability(snr),
        }
    }
}

impl AllocationProblem {
    /// What is left of E_T for the radio after t0 steps [J]; less than nothing where the steps alone cost more.
    pub fn radio_budget_j(&self, t0: u32) -> f64 {
        self.server_energy_budget_j.unwrap_or(f64::INFINITY) - self.server_step_energy_j * f64::from(t0)
    }

    /// Σ P_k that (24) allows beside t0 steps [W]; 0 where the steps alone cost more, `None` where nothing limits it.
    pub fn power_budget_w(&self, t0: u32) -> Option<f64> {
        let power_w = self.radio_budget_j(t0) / self.link.energy_per_watt_after_j(t0);
        power_w.is_finite().then(|| power_w.max(0.0))
    }

    /// Most shared steps that (24) pays for, and at most `limit`.
    pub fn most_shared_steps(&self, limit: u32) -> u32 {
        // As with the steps of a user.
        let slack_j = self.server_energy_budget_j.unwrap_or(0.0) * 1e-12;
        (1..=limit).take_while(|t0| self.radio_budget_j(*t0) >= -slack_j).last().unwrap_or(0)
    }

    /// Most steps of a user within its budget (22) and its battery, and at most `limit`.
    pub fn most_own_steps(&self, user: usize, limit: u32) -> u32 {
        let user = &self.users[user];
        let budget_j = user.energy_budget_j.unwrap_or(f64::INFINITY).min(user.battery_left_j.unwrap_or(f64::INFINITY));
        // A budget of 8 J at 0.1 J a step holds 80 of them, whatever the rounding.
        let steps = (budget_j / user.step_energy_j * (1.0 + 1e-12)).floor();
        if steps < f64::from(limit) { steps.max(0.0) as u32 } else { limit }
    }

    /// What the user at this place would see of an allocation's picture.
    pub fn surface_inputs(&self, user: usize, t0: u32, tk: u32, tx_power_w: f64) -> SurfaceInputs {
        let state = &self.users[user];
        let bit_error_probability =
            if t0 == 0 { 0.0 } else { self.link.bit_error_probability(state.channel_gain_db, tx_power_w) };
        SurfaceInputs { t0, tk, bit_error_probability, similarity: state.similarity, persona: state.persona }
    }

    /// Expected quality of experience of each user.
    pub fn qualities(&self, allocation: &Allocation, model: &QualityModel) -> Vec<f64> {
        let quality = |(user, share): (usize, &super::UserAllocation)| {
            model.quality_of_experience(&self.surface_inputs(user, allocation.t0, share.tk, share.tx_power_w))
        };
        allocation.users.iter().enumerate().map(quality).collect()
    }
}
