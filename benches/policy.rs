//! How long policies that search take for one state of a group.
//!
//! ```text
//! cargo bench --bench policy
//! ```
//!
//! States are those of the spec's section 4.4 on the hard link (800 to 1300 m), T_s = 10, T_e = 8, E_T/β = 200 W.

use std::hint::black_box;
use std::time::Instant;

use latentlink::judge::{Persona, QualityModel};
use latentlink::policy::{AllocationProblem, Exhaustive, Greedy, LinkModel, PolicyError, UserState};
use latentlink::radio::{
    Fading, FisherSnedecorConvention, LinkBudget, LinkGeometry, Modulation, PathLoss, linear_to_db,
};
use latentlink::scenario::{SearchPolicy, StepLimits};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STATES: usize = 200;

const FADING: Fading = Fading::FisherSnedecor { m: 2.0, ms: 1.5, convention: FisherSnedecorConvention::UnitMean };

fn main() -> Result<(), PolicyError> {
    let limits = StepLimits { maximum_shared_steps: 10, maximum_own_steps: 8 };
    println!("{:<12} {:>2} {:>8} {:>24} {:>14}", "policy", "K", "step [W]", "link", "ms per state");
    for averaged_over in [None, Some(FADING)] {
        for users in [2, 3, 8] {
            let states = states(users, averaged_over);
            for power_step_w in [1.0, 5.0] {
                let search = SearchPolicy { limits, power_step_w };
                let exhaustive = Exhaustive::new(search, QualityModel::Synthetic);
                let greedy = Greedy::new(search, QualityModel::Synthetic);
                time("exhaustive", &states, power_step_w, |problem| exhaustive.best(problem).map(drop))?;
                time("greedy", &states, power_step_w, |problem| greedy.climb(problem).map(drop))?;
            }
        }
    }
    Ok(())
}

fn time(
    name: &str,
    states: &[AllocationProblem],
    power_step_w: f64,
    solve: impl Fn(&AllocationProblem) -> Result<(), PolicyError>,
) -> Result<(), PolicyError> {
    let begin = Instant::now();
    for problem in states {
        solve(black_box(problem))?;
    }
    let milliseconds = begin.elapsed().as_secs_f64() * 1e3 / states.len() as f64;
    let link = if states[0].link.averaged_over.is_some() { "averaged over the fading" } else { "known gain" };
    println!("{name:<12} {:>2} {power_step_w:>8} {link:>24} {milliseconds:>14.3}", states[0].users.len());
    Ok(())
}

fn states(users: usize, averaged_over: Option<Fading>) -> Vec<AllocationProblem> {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    (0..STATES).map(|_| state(users, averaged_over, &mut rng)).collect()
}

fn state(users: usize, averaged_over: Option<Fading>, rng: &mut ChaCha8Rng) -> AllocationProblem {
    let users = (0..users).map(|device| {
        let loss_db = PathLoss::UmaNlos.loss_db(&LinkGeometry {
            distance_m: rng.random_range(800.0..1300.0),
            carrier_hz: 3.5e9,
            base_station_height_m: 25.0,
            device_height_m: 1.5,
        });
        UserState {
            device,
            persona: Persona::new(std::array::from_fn(|_| rng.random())).expect("traits in [0, 1]"),
            similarity: if device == 0 { 1.0 } else { rng.random_range(0.6..1.0) },
            channel_gain_db: Some(linear_to_db(FADING.sample(rng)) - loss_db),
            step_energy_j: 1.0,
            energy_budget_j: Some(8.0),
            battery_left_j: None,
            battery_level: 1.0,
        }
    });
    AllocationProblem {
        users: users.collect(),
        server_step_energy_j: 0.5,
        server_energy_budget_j: Some(20.0),
        link: LinkModel {
            budget: LinkBudget { bandwidth_hz: 5e6, noise_figure_db: 7.0 },
            modulation: Modulation::Bpsk,
            averaged_over,
            energy_per_watt_j: 0.1,
            longest_history: 0,
            history_part: 0.0,
            pinned_bit_error_probability: None,
        },
        qoe_threshold: 0.6,
        queue_length: 0,
    }
}
