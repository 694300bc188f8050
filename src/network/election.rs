//! Who leads a group of devices: runs the first steps for all of them and sends the latent.
//!
//! Whoever leads spends `δ_ℓ t_0` on the shared steps and the radio's energy on the hand-over, on top of its own steps.
//! Those whose battery does not last for it are no candidates.

use super::prompt_book::PromptBook;
use crate::scenario::Election;

/// A device that could lead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Index in the scenario.
    pub device: u32,
    pub prompt: u32,
    /// δ_ℓ, energy of one denoising step [J].
    pub step_energy_j: f64,
    /// Energy of sending the latent to the others, should it lead [J].
    pub radio_j: f64,
    /// Energy of its own picture, whoever leads [J]. Its battery must last for that as well.
    pub own_j: f64,
    /// `None`: it has no battery to care for [J].
    pub battery_left_j: Option<f64>,
    /// Energy it has spent so far [J].
    pub drained_j: f64,
}

impl Candidate {
    /// Energy that its leading costs the group: `δ_ℓ t_0`, and the radio [J].
    pub fn leadership_j(&self, t0: u32) -> f64 {
        self.step_energy_j * f64::from(t0) + self.radio_j
    }

    fn can_pay(&self, t0: u32) -> bool {
        self.battery_left_j.is_none_or(|left| left >= self.own_j + self.leadership_j(t0))
    }
}

/// The leader's position among the candidates; `None` where nobody can pay for it. Ties go to the device that comes first
/// in the scenario.
///
/// - [`Election::LeastEnergy`]: `argmin δ_ℓ t_0 + radio_ℓ`. The group's other energy is the same whoever leads.
/// - [`Election::Medoid`]: the prompt whose summed similarity to all candidates' prompts is highest; n² similarities.
/// - [`Election::ResidualEnergy`]: the most energy left. A device without a battery has more than any with one; among
///   these, who has spent the least.
pub fn elect(election: Election, candidates: &[Candidate], book: &PromptBook, t0: u32) -> Option<usize> {
    let payers = candidates.iter().enumerate().filter(|(_, candidate)| candidate.can_pay(t0));
    // The least of (merit, then a second merit), then the least device.
    let least = |merit: &dyn Fn(&Candidate) -> (f64, f64)| {
        let ranked = payers.map(|(position, candidate)| (merit(candidate), candidate.device, position));
        let order = |one: &((f64, f64), u32, usize), other: &((f64, f64), u32, usize)| {
            let first = one.0.0.total_cmp(&other.0.0);
            first.then(one.0.1.total_cmp(&other.0.1)).then(one.1.cmp(&other.1))
        };
        ranked.min_by(order).map(|(_, _, position)| position)
    };
    match election {
        Election::LeastEnergy => least(&|candidate| (candidate.leadership_j(t0), 0.0)),
        Election::ResidualEnergy => least(&|candidate| {
            let left = candidate.battery_left_j.unwrap_or(f64::INFINITY);
            (-left, candidate.drained_j)
        }),
        Election::Medoid => {
            // Added up in the order of prompts: equal sums are then equal to the last bit.
            let mut prompts: Vec<u32> = candidates.iter().map(|candidate| candidate.prompt).collect();
            prompts.sort_unstable();
            least(&|candidate| {
                let total: f64 = prompts.iter().map(|&other| book.similarity(candidate.prompt, other)).sum();
                // Sums of different prompts may differ by rounding alone.
                ((-total * 1e9).round(), 0.0)
            })
        }
    }
}
