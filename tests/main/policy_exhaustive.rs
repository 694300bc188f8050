//! The exhaustive policy finds the best there is.

use latentlink::judge::{Persona, QualityModel};
use latentlink::policy::{Allocation, AllocationProblem, EqualSplit, Exhaustive, Greedy, PolicyError, UserAllocation};
use latentlink::scenario::{GivenSteps, SearchPolicy, StepLimits};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::policy_states::{FADING, LIMITS, ask, problem, random_problem, search, shares, sum, try_ask, user};

const EASY_M: (f64, f64) = (400.0, 900.0);
const HARD_M: (f64, f64) = (800.0, 1300.0);

fn exhaustive(settings: SearchPolicy) -> Exhaustive {
    Exhaustive::new(settings, QualityModel::Synthetic)
}

/// Every t0, every vector of t_k and of powers within the budget, the lowest first.
fn brute_force(problem: &AllocationProblem, settings: SearchPolicy) -> (f64, Allocation) {
    let SearchPolicy { limits, power_step_w } = settings;
    let count = problem.users.len();
    let mut best = (f64::NEG_INFINITY, None);
    for t0 in 1..=limits.maximum_shared_steps {
        let budget_w = (problem.server_energy_budget_j.expect("E_T") - problem.server_step_energy_j * f64::from(t0))
            / problem.link.energy_per_watt_j;
        let steps = (budget_w / power_step_w + 1e-9).floor() as usize;
        // odometers: the last user's power runs fastest, then come the t_k
        let mut powers = vec![0; count];
        loop {
            if powers.iter().sum::<usize>() <= steps {
                let mut tk = vec![1; count];
                loop {
                    let powers_w: Vec<f64> = powers.iter().map(|power| *power as f64 * power_step_w).collect();
                    let allocation = Allocation { t0, users: shares(&tk, &powers_w) };
                    let quality = problem.qualities(&allocation, &QualityModel::Synthetic);
                    // in the order of the programme's sums, so that ties are the same
                    let quality = quality.iter().rev().fold(0.0, |rest, own| own + rest);
                    if quality > best.0 {
                        best = (quality, Some(allocation));
                    }
                    if !advance(&mut tk, 1, limits.maximum_own_steps) {
                        break;
                    }
                }
            }
            if !advance(&mut powers, 0, steps) {
                break;
            }
        }
    }
    (best.0, best.1.expect("something was tried"))
}

/// The next in the order of the digits; false after the last.
fn advance<T: PartialOrd + Copy + std::ops::AddAssign<T> + From<u8>>(digits: &mut [T], low: T, high: T) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < high {
            *digit += T::from(1);
            return true;
        }
        *digit = low;
    }
    false
}

#[test]
fn it_equals_brute_force_on_a_coarse_grid() {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    // (users, T_s, T_e, grid): budgets are whole numbers of its steps, nothing is left over
    for (users, shared, own, power_step_w, states) in [(2, 4, 3, 5.0, 12), (3, 3, 2, 15.0, 6)] {
        let limits = StepLimits { maximum_shared_steps: shared, maximum_own_steps: own };
        let settings = SearchPolicy { limits, power_step_w };
        for number in 0..states {
            let mut problem = random_problem(users, if number % 2 == 0 { EASY_M } else { HARD_M }, &mut rng);
            // 200 W less 5 W a step, in steps of 5 W; of 15 W with steps of the server that cost 15 W
            problem.server_step_energy_j = 0.1 * power_step_w;
            problem.server_energy_budget_j = Some(0.1 * power_step_w * (195.0 / power_step_w).floor());
            let found = ask(&exhaustive(settings), &problem, 0);
            let (quality, expected) = brute_force(&problem, settings);
            assert_eq!(found, expected, "{problem:?}");
            assert!((sum(&problem, &found) - quality).abs() < 1e-12);
        }
    }
}

/// Section 4.4 of the spec: the link of section 2 with bit errors averaged over the fading.
fn reference_link(second: Persona) -> AllocationProblem {
    problem(vec![user(Persona::GA1, 1.0, -139.89), user(second, 0.8, -140.88)], Some(FADING))
}

#[test]
fn it_solves_the_two_worked_cases_of_the_reference_link() {
    for (second, t0, powers_w, quality) in
        [(Persona::GA1, 3, [73.0, 112.0], 1.862), (Persona::GA2, 4, [71.0, 109.0], 1.869)]
    {
        let problem = reference_link(second);
        let found = ask(&exhaustive(search(1.0)), &problem, 0);
        assert_eq!((found.t0, found.users[0].tk, found.users[1].tk), (t0, 8, 8));
        for (user, expected_w) in found.users.iter().zip(powers_w) {
            assert!((user.tx_power_w - expected_w).abs() < 1.01, "{found:?}, expected {powers_w:?}");
        }
        assert!((sum(&problem, &found) - quality).abs() < 5e-4, "{}, expected {quality}", sum(&problem, &found));
    }
}

#[test]
fn its_optimum_grows_with_the_budget_of_the_server_and_of_the_devices() {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    for _ in 0..5 {
        let mut problem = random_problem(3, HARD_M, &mut rng);
        let mut before = 0.0;
        // whole watts, so that the grid of a larger budget has all of a smaller one's
        for budget_j in [4.0, 8.0, 12.0, 16.0, 20.0, 24.0] {
            problem.server_energy_budget_j = Some(budget_j);
            let quality = sum(&problem, &ask(&exhaustive(search(2.0)), &problem, 0));
            assert!(quality >= before, "{budget_j} J: {quality} after {before}");
            before = quality;
        }
        assert!(before > 0.0);
        let mut before = 0.0;
        for budget_j in [1.0, 2.0, 3.5, 5.0, 8.0, 20.0] {
            problem.users.iter_mut().for_each(|user| user.energy_budget_j = Some(budget_j));
            let found = ask(&exhaustive(search(2.0)), &problem, 0);
            assert!(found.users.iter().all(|user| f64::from(user.tk) <= budget_j.min(8.0)));
            let quality = sum(&problem, &found);
            assert!(quality >= before, "{budget_j} J: {quality} after {before}");
            before = quality;
        }
    }
}

#[test]
fn it_is_at_least_as_good_as_the_ascent_which_beats_an_equal_split() {
    let mut rng = ChaCha8Rng::seed_from_u64(43);
    let greedy = Greedy::new(search(1.0), QualityModel::Synthetic);
    let equal = EqualSplit::new(GivenSteps { t0: 3, tk: vec![8; 3] });
    let mut sums = [0.0; 3];
    for users in [1, 2, 3] {
        for number in 0..40 {
            let problem = random_problem(users, if number % 2 == 0 { EASY_M } else { HARD_M }, &mut rng);
            let qualities = [
                sum(&problem, &ask(&exhaustive(search(1.0)), &problem, 0)),
                sum(&problem, &ask(&greedy, &problem, 0)),
                sum(&problem, &ask(&equal, &problem, 0)),
            ];
            // What is between two powers of the grid.
            let of_grid = 1e-3;
            assert!(qualities[0] >= qualities[1] - of_grid, "{qualities:?}");
            assert!(qualities[0] >= qualities[2] - of_grid, "{qualities:?}");
            sums.iter_mut().zip(qualities).for_each(|(sum, quality)| *sum += quality);
        }
    }
    assert!(sums[0] > sums[1] && sums[1] > sums[2], "{sums:?}");
}

#[test]
fn users_in_another_order_get_the_same() {
    let mut rng = ChaCha8Rng::seed_from_u64(44);
    for _ in 0..5 {
        let straight = random_problem(3, HARD_M, &mut rng);
        let order = [2, 0, 1];
        let turned = AllocationProblem {
            users: order.iter().map(|&index| straight.users[index].clone()).collect(),
            ..straight.clone()
        };
        let of_straight = ask(&exhaustive(search(1.0)), &straight, 0);
        let of_turned = ask(&exhaustive(search(1.0)), &turned, 0);
        let expected: Vec<UserAllocation> = order.iter().map(|&index| of_straight.users[index]).collect();
        assert_eq!((of_turned.t0, of_turned.users), (of_straight.t0, expected));
    }
}

#[test]
fn equally_good_allocations_go_by_the_lowest_steps_and_powers() {
    // A pinned link: power buys nothing. Everybody is of the server's prompt, whose surface only grows with steps.
    let mut pinned = problem(vec![user(Persona::GA1, 1.0, 0.0), user(Persona::GA1, 1.0, 0.0)], None);
    pinned.users.iter_mut().for_each(|user| user.channel_gain_db = None);
    pinned.link.pinned_bit_error_probability = Some(0.03);
    let found = ask(&exhaustive(search(1.0)), &pinned, 0);
    assert_eq!(found, Allocation { t0: 10, users: shares(&[8, 8], &[0.0, 0.0]) });
    // Every bit is wrong half of the time and the errors' factor is about 10⁻⁵, yet steps still tell.
    let mut useless = pinned.clone();
    useless.link.pinned_bit_error_probability = Some(0.5);
    useless.users.iter_mut().for_each(|user| user.similarity = -1.0);
    let found = ask(&exhaustive(search(1.0)), &useless, 0);
    assert_eq!(found.users[0], found.users[1]);
    // Two of the same: the first one's powers are the lower, where the budget is odd.
    let twins = problem(vec![user(Persona::GA1, 1.0, -120.0), user(Persona::GA1, 1.0, -120.0)], None);
    let found = ask(&exhaustive(search(1.0)), &twins, 0);
    assert!(found.users[0].tx_power_w <= found.users[1].tx_power_w, "{found:?}");
}

#[test]
fn what_the_grid_leaves_is_given_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(45);
    let problem = random_problem(3, HARD_M, &mut rng);
    let found = ask(&exhaustive(search(7.0)), &problem, 0);
    let given_w: f64 = found.users.iter().map(|user| user.tx_power_w).sum();
    let budget_w = 200.0 - 5.0 * f64::from(found.t0);
    assert!((given_w - budget_w).abs() < 1e-9, "{given_w} of {budget_w} W");
    // also where not one step of the grid fits into the budget
    let found = ask(&exhaustive(search(500.0)), &problem, 0);
    let given_w: f64 = found.users.iter().map(|user| user.tx_power_w).sum();
    assert!((given_w - 200.0 + 5.0 * f64::from(found.t0)).abs() < 1e-9);
}

#[test]
fn budgets_that_pay_for_no_step_leave_the_devices_alone_or_idle() {
    let mut poor = problem(vec![user(Persona::GA1, 1.0, -120.0), user(Persona::GA2, 0.8, -120.0)], None);
    poor.users[1].battery_left_j = Some(0.5);
    let greedy = Greedy::new(search(1.0), QualityModel::Synthetic);
    for found in [ask(&exhaustive(search(1.0)), &poor, 0), ask(&greedy, &poor, 0)] {
        assert_eq!((found.users[0].tk, found.users[1].tk), (8, 0));
    }
    poor.users[1].battery_left_j = Some(3.5);
    poor.server_energy_budget_j = Some(0.4);
    for found in [ask(&exhaustive(search(1.0)), &poor, 0), ask(&greedy, &poor, 0)] {
        assert_eq!(found, Allocation { t0: 0, users: shares(&[8, 3], &[0.0, 0.0]) });
    }
    // exactly what ten steps cost
    poor.server_energy_budget_j = Some(1.0);
    poor.server_step_energy_j = 0.1;
    poor.link.pinned_bit_error_probability = Some(0.0);
    poor.users[1].similarity = 1.0;
    assert_eq!(ask(&exhaustive(search(1.0)), &poor, 0).t0, 10);
}

#[test]
fn a_server_without_limits_and_a_grid_without_end_are_refused() {
    let mut unlimited = random_problem(2, EASY_M, &mut ChaCha8Rng::seed_from_u64(46));
    let fine = try_ask(&exhaustive(search(1e-6)), &unlimited, 0).expect_err("too many powers");
    let PolicyError::Unfit { message, help } = fine else { panic!("{fine:?}") };
    assert!(message.contains("195.0 W in steps of 0.000001 W") && help.contains("`power_step_w`"), "{message} {help}");
    unlimited.server_energy_budget_j = None;
    let error = try_ask(&exhaustive(search(1.0)), &unlimited, 0).expect_err("no budget");
    assert!(matches!(&error, PolicyError::Unfit { help, .. } if help.contains("server.energy_budget_j")), "{error:?}");
}

#[test]
fn whatever_the_state_no_budget_is_broken() {
    let mut rng = ChaCha8Rng::seed_from_u64(47);
    let greedy = Greedy::new(search(0.7), QualityModel::Synthetic);
    for _ in 0..60 {
        let users = rng.random_range(1..=4);
        let mut problem = random_problem(users, (50.0, 3000.0), &mut rng);
        problem.server_energy_budget_j = Some(rng.random_range(0.0..20.0));
        problem.server_step_energy_j = rng.random_range(0.01..3.0);
        for user in &mut problem.users {
            user.step_energy_j = rng.random_range(0.1..3.0);
            user.energy_budget_j = rng.random_bool(0.7).then(|| rng.random_range(0.0..9.0));
        }
        let settings = SearchPolicy { limits: LIMITS, power_step_w: rng.random_range(0.5..9.0) };
        // `ask` looks at the budgets; alone, a device runs one step whatever it has
        if problem.server_energy_budget_j >= Some(problem.server_step_energy_j) {
            ask(&exhaustive(settings), &problem, 0);
            ask(&greedy, &problem, 0);
        }
    }
}
