//! Policies that follow a rule, or none: equal split, channel inversion, random allocation, and the decoder.

use std::collections::HashSet;

use latentlink::judge::Persona;
use latentlink::policy::{ActionSpace, ChannelInversion, Decoder, EqualSplit, RandomAllocation, Violations};
use latentlink::scenario::{GivenSteps, StepLimits};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::policy_states::{LIMITS, ask, problem, random_problem, try_ask, user};

fn given(t0: u32, tk: &[u32]) -> GivenSteps {
    GivenSteps { t0, tk: tk.to_vec() }
}

#[test]
fn an_equal_split_gives_everyone_the_same_part_of_what_the_steps_leave() {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let mut problem = random_problem(3, (400.0, 900.0), &mut rng);
    // the third device of the scenario is the first of the group
    problem.users.rotate_right(1);
    let found = ask(&EqualSplit::new(given(3, &[8, 6, 4])), &problem, 0);
    assert_eq!(found.t0, 3);
    assert_eq!(found.users.iter().map(|user| user.tk).collect::<Vec<_>>(), [4, 8, 6]);
    // (20 − 1.5)/(0.1 · 3)
    found.users.iter().for_each(|user| assert!((user.tx_power_w - 61.0 - 2.0 / 3.0).abs() < 1e-9));
    // steps that cost more than there is leave no power
    problem.server_step_energy_j = 9.0;
    let broken = try_ask(&EqualSplit::new(given(3, &[8, 6, 4])), &problem, 0).expect("an answer");
    assert!(broken.users.iter().all(|user| user.tx_power_w == 0.0));
    assert_eq!(Violations::of(&problem, &broken).server_excess_j, 7.0);
}

#[test]
fn channel_inversion_makes_all_receive_the_same_power() {
    let state = problem(
        vec![user(Persona::GA1, 1.0, -120.0), user(Persona::GA2, 0.8, -130.0), user(Persona::GA1, 0.8, -123.0)],
        None,
    );
    let found = ask(&ChannelInversion::new(given(4, &[8; 3])), &state, 0);
    let received: Vec<f64> = found
        .users
        .iter()
        .zip(&state.users)
        .map(|(share, user)| share.tx_power_w * 10f64.powf(user.channel_gain_db.expect("a gain") / 10.0))
        .collect();
    assert!(received.iter().all(|power_w| (power_w / received[0] - 1.0).abs() < 1e-12), "{received:?}");
    let sum_w: f64 = found.users.iter().map(|user| user.tx_power_w).sum();
    assert!((sum_w - 180.0).abs() < 1e-9);
    // a user that hears nothing gets all, and no power is no number
    let mut deaf = state.clone();
    deaf.users[1].channel_gain_db = Some(f64::NEG_INFINITY);
    let found = ask(&ChannelInversion::new(given(4, &[8; 3])), &deaf, 0);
    assert!((found.users[1].tx_power_w - 180.0).abs() < 1e-9 && found.users[0].tx_power_w < 1e-9);
    // pinned links are all the same
    let mut pinned = state;
    pinned.users.iter_mut().for_each(|user| user.channel_gain_db = None);
    let found = ask(&ChannelInversion::new(given(4, &[8; 3])), &pinned, 0);
    assert!(found.users.iter().all(|user| (user.tx_power_w - 60.0).abs() < 1e-9));
}

#[test]
fn random_allocations_cover_all_steps_stay_in_the_budget_and_follow_their_stream() {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let state = random_problem(2, (400.0, 900.0), &mut rng);
    let policy = RandomAllocation::new(LIMITS);
    let found: Vec<_> = (0..400).map(|number| ask(&policy, &state, number)).collect();
    let shared: HashSet<u32> = found.iter().map(|allocation| allocation.t0).collect();
    let own: HashSet<u32> = found.iter().map(|allocation| allocation.users[1].tk).collect();
    assert_eq!((shared, own), ((1..=10).collect(), (1..=8).collect()));
    assert_eq!(found[7], ask(&policy, &state, 7));
    assert_ne!(found[7], found[8]);
    // Uniform on [0, 200] each, scaled where the sum is above 200 − 5·t0 or so: half of the budget or more on average.
    let mean_w = found.iter().map(|allocation| allocation.users[0].tx_power_w).sum::<f64>() / 400.0;
    assert!((60.0..100.0).contains(&mean_w), "{mean_w}");
}

#[test]
fn ties_of_an_action_go_to_the_lowest_and_projection_scales_all_powers_alike() {
    let state = problem(vec![user(Persona::GA1, 1.0, -120.0), user(Persona::GA2, 0.8, -130.0)], None);
    let limits = StepLimits { maximum_shared_steps: 4, maximum_own_steps: 3 };
    let space = ActionSpace {
        users: 2,
        shared_steps: limits.maximum_shared_steps as usize,
        own_steps: limits.maximum_own_steps as usize,
    };
    assert_eq!(space.len(), 2 + 4 + 2 * 3);
    #[rustfmt::skip]
    let action = [
        1.0, 0.0,
        -0.5, 0.25, 0.25, -1.0,
        0.0, 0.0, 0.0,
        -1.0, -1.0, -0.9,
    ];
    let soft = space.decode(&action, &state, 200.0);
    assert_eq!((soft.t0, soft.users[0].tk, soft.users[1].tk), (2, 1, 3));
    assert_eq!((soft.users[0].tx_power_w, soft.users[1].tx_power_w), (200.0, 100.0));
    let violations = Violations::of(&state, &soft);
    // 0.5·2 + 0.1·300 − 20
    assert!((violations.server_excess_j - 11.0).abs() < 1e-9 && violations.any());
    let projected = Decoder::Projected.carry_out(soft.clone(), &state);
    assert!(!Violations::of(&state, &projected).any());
    assert!((projected.users[0].tx_power_w - 380.0 / 3.0).abs() < 1e-9);
    assert!((projected.users[0].tx_power_w - 2.0 * projected.users[1].tx_power_w).abs() < 1e-9);
    // what is within the budget stays as it is
    let mut modest = action;
    (modest[0], modest[1]) = (-0.9, -0.9);
    let soft = space.decode(&modest, &state, 200.0);
    assert_eq!(Decoder::Projected.carry_out(soft.clone(), &state), soft);
}
