//! The state of a group as a policy sees it (26), before anything is run or sent.

use crate::network::context::RunContext;
use crate::network::messages::PromptRequest;
use crate::network::radio_links::{airtime, channel_gain_db, energy_per_watt_j, history_part};
use crate::policy::{AllocationProblem, LinkModel, UserState};
use crate::radio::LinkBudget;
use crate::scenario::ErrorModel;

/// A group that a policy is asked about.
pub struct GroupState<'a> {
    pub requests: &'a [PromptRequest],
    /// Similarity of each request's prompt to that of the shared steps.
    pub similarities: &'a [f64],
    /// Numbers of the transmissions that will bring the requests their latents.
    pub transmissions: &'a [Option<u64>],
    /// Groups that wait for the server.
    pub queue_length: u32,
    pub now_s: f64,
}

impl GroupState<'_> {
    /// The problem to be solved for the group.
    pub fn problem(&self, context: &RunContext) -> AllocationProblem {
        let scenario = &context.scenario;
        let radio = &scenario.radio;
        let members = self.requests.iter().zip(self.similarities).zip(self.transmissions);
        let users = members.map(|((request, &similarity), transmission)| {
            let journey = &request.journey;
            let device = &scenario.devices[journey.device];
            let battery_left_j = context.state().batteries.left_j(journey.device, self.now_s);
            let battery_level = match (battery_left_j, device.battery_j) {
                (Some(left_j), Some(capacity_j)) => left_j / capacity_j,
                _ => 1.0,
            };
            UserState {
                device: journey.device,
                persona: scenario.persona_of(journey.device, context.replication).persona,
                similarity,
                channel_gain_db: transmission.and_then(|number| channel_gain_db(journey, number, context)),
                step_energy_j: device.step_energy_j,
                energy_budget_j: device.energy_budget_j,
                battery_left_j,
                battery_level,
            }
        });
        AllocationProblem {
            users: users.collect(),
            server_step_energy_j: scenario.server.step_energy_j,
            server_energy_budget_j: scenario.server.energy_budget_j,
            link: LinkModel {
                budget: LinkBudget {
                    bandwidth_hz: airtime(context, 0).bandwidth_hz,
                    noise_figure_db: radio.noise_figure_db + radio.noise_rise_db,
                },
                modulation: radio.modulation,
                averaged_over: (radio.error_model == ErrorModel::Average).then_some(radio.fading),
                energy_per_watt_j: energy_per_watt_j(context),
                longest_history: scenario.diffusion.history.sent_after(scenario.diffusion.sampler, u32::MAX),
                history_part: history_part(context),
                pinned_bit_error_probability: radio.bit_error_probability,
            },
            qoe_threshold: scenario.judge.qoe_threshold,
            queue_length: self.queue_length,
        }
    }
}
