//! States of groups for the tests of policies: the link of the spec's section 2, the energies of the paper.

use latentlink::judge::Persona;
use latentlink::judge::QualityModel;
use latentlink::policy::{
    Allocation, AllocationProblem, AllocationRequest, LinkModel, Policy, PolicyError, UserAllocation, UserState,
    Violations,
};
use latentlink::radio::{
    Fading, FisherSnedecorConvention, LinkBudget, LinkGeometry, Modulation, PathLoss, linear_to_db,
};
use latentlink::random::StreamKey;
use latentlink::scenario::{SearchPolicy, StepLimits};
use rand::{Rng, RngExt};

pub const LIMITS: StepLimits = StepLimits { maximum_shared_steps: 10, maximum_own_steps: 8 };

/// A grid of this step [W].
pub fn search(power_step_w: f64) -> SearchPolicy {
    SearchPolicy { limits: LIMITS, power_step_w }
}

/// Of the paper.
pub const FADING: Fading = Fading::FisherSnedecor { m: 2.0, ms: 1.5, convention: FisherSnedecorConvention::UnitMean };

pub fn user(persona: Persona, similarity: f64, channel_gain_db: f64) -> UserState {
    UserState {
        device: 0,
        persona,
        similarity,
        channel_gain_db: Some(channel_gain_db),
        step_energy_j: 1.0,
        energy_budget_j: Some(8.0),
        battery_left_j: None,
        battery_level: 1.0,
    }
}

/// E_T = 20, δ_0 = 0.5, β = 0.1; BPSK over 5 MHz. Devices are numbered in the order of the users.
pub fn problem(mut users: Vec<UserState>, averaged_over: Option<Fading>) -> AllocationProblem {
    users.iter_mut().enumerate().for_each(|(index, user)| user.device = index);
    AllocationProblem {
        users,
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

/// A state of the spec's section 4.4: everybody somewhere between two distances, the first asks for the server's prompt.
pub fn random_problem(users: usize, (from_m, to_m): (f64, f64), rng: &mut impl Rng) -> AllocationProblem {
    let users = (0..users).map(|index| {
        let distance_m = rng.random_range(from_m..to_m);
        let loss_db = PathLoss::UmaNlos.loss_db(&LinkGeometry {
            distance_m,
            carrier_hz: 3.5e9,
            base_station_height_m: 25.0,
            device_height_m: 1.5,
        });
        let persona = Persona::new(std::array::from_fn(|_| rng.random())).expect("traits in [0, 1]");
        let similarity = if index == 0 { 1.0 } else { rng.random_range(0.6..1.0) };
        user(persona, similarity, linear_to_db(FADING.sample(rng)) - loss_db)
    });
    problem(users.collect(), None)
}

/// What a policy answers to a problem; `number` picks the draws of policies that draw.
pub fn try_ask(policy: &dyn Policy, problem: &AllocationProblem, number: u64) -> Result<Allocation, PolicyError> {
    let devices: Vec<usize> = problem.users.iter().map(|user| user.device).collect();
    policy.allocate(&AllocationRequest {
        devices: &devices,
        problem: &|| problem.clone(),
        draws: StreamKey::new(41, 0, "policy", "group").child(number),
    })
}

/// The same of a policy that has an answer within the budgets.
pub fn ask(policy: &dyn Policy, problem: &AllocationProblem, number: u64) -> Allocation {
    let allocation = try_ask(policy, problem, number).expect("an answer");
    assert_eq!(allocation.users.len(), problem.users.len());
    let violations = Violations::of(problem, &allocation);
    assert!(!violations.any(), "{allocation:?} breaks a budget: {violations:?}");
    allocation
}

/// Σ Q_k.
pub fn sum(problem: &AllocationProblem, allocation: &Allocation) -> f64 {
    problem.qualities(allocation, &QualityModel::Synthetic).iter().sum()
}

pub fn shares(tk: &[u32], tx_power_w: &[f64]) -> Vec<UserAllocation> {
    tk.iter().zip(tx_power_w).map(|(&tk, &tx_power_w)| UserAllocation { tk, tx_power_w }).collect()
}
