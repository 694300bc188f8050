//! How long a worker takes for the groups of one batch, and what energy that needs.

use crate::scenario::ServerSettings;

/// What one group of a batch takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupCost {
    /// From the beginning of the batch until its own steps are done [s].
    pub duration_s: f64,
    /// Its part of the batch's energy [J].
    pub energy_j: f64,
}

/// Denoises groups in lockstep: each step is taken by all groups that have steps left, and a group leaves with its last.
///
/// `steps` are the chain steps of each group. Without a profile a step takes the same time and each chain the same energy,
/// whatever the batch.
pub fn batch_costs(server: &ServerSettings, steps: &[u32]) -> Vec<GroupCost> {
    let mut levels: Vec<u32> = steps.to_vec();
    levels.sort_unstable();
    levels.dedup();
    let mut costs = vec![GroupCost { duration_s: 0.0, energy_j: 0.0 }; steps.len()];
    let (mut done, mut now_s, mut paid_j) = (0, 0.0, 0.0);
    for level in levels {
        let batch_size = steps.iter().filter(|&&own| own >= level).count() as u32;
        let (step_time_s, step_energy_j) = match &server.profile {
            Some(profile) => {
                let step = profile.profile.step(batch_size);
                (step.time_s, step.energy_j / f64::from(batch_size))
            }
            None => (server.step_time_s, server.step_energy_j),
        };
        let more = f64::from(level - done);
        now_s += more * step_time_s;
        paid_j += more * step_energy_j;
        done = level;
        for (cost, _) in costs.iter_mut().zip(steps).filter(|(_, own)| **own == level) {
            *cost = GroupCost { duration_s: now_s, energy_j: paid_j };
        }
    }
    costs
}
