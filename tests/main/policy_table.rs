//! The table of the spec's section 4.4: what policies without learning reach, in parts of the optimum.

use latentlink::judge::QualityModel;
use latentlink::policy::{ChannelInversion, EqualSplit, Exhaustive, Greedy, Policy, RandomAllocation};
use latentlink::scenario::GivenSteps;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::policy_states::{LIMITS, ask, random_problem, search};

/// States of a scenario.
const STATES: usize = 400;

/// Mean Σ Q_k at the optimum; random, equal and channel inversion in percent of it; greedy, by an ascent of its own; states in
/// which all users have Q_k ≥ 0.6 at the optimum, in percent. Of 200 states that are not ours.
struct Row {
    users: usize,
    distances_m: (f64, f64),
    optimum: f64,
    percents: [f64; 3],
    greedy: f64,
    satisfied: f64,
}

const TABLE: [Row; 4] = [
    Row {
        users: 2,
        distances_m: (400.0, 900.0),
        optimum: 1.789,
        percents: [70.5, 99.1, 99.0],
        greedy: 99.9,
        satisfied: 99.0,
    },
    Row {
        users: 3,
        distances_m: (400.0, 900.0),
        optimum: 2.673,
        percents: [60.7, 96.4, 98.1],
        greedy: 99.8,
        satisfied: 97.0,
    },
    Row {
        users: 2,
        distances_m: (800.0, 1300.0),
        optimum: 1.559,
        percents: [57.9, 90.1, 87.7],
        greedy: 98.5,
        satisfied: 72.5,
    },
    Row {
        users: 3,
        distances_m: (800.0, 1300.0),
        optimum: 2.201,
        percents: [47.5, 85.2, 72.2],
        greedy: 97.7,
        satisfied: 51.5,
    },
];

/// Mean and the square of its standard error.
fn mean(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    (mean, numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1.0) / count)
}

/// Both are means of random states: theirs has the scatter of ours, with 200 states.
fn assert_within_error(found: f64, variance: f64, expected: f64, what: &str) {
    let error = (variance * (1.0 + STATES as f64 / 200.0)).sqrt();
    assert!((found - expected).abs() < 3.5 * error, "{what}: {found:.4}, expected {expected} ± {error:.4}");
}

#[test]
fn the_four_scenarios_of_the_spec_are_reproduced_within_their_sampling_error() {
    for (index, row) in TABLE.iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(index as u64);
        let given = GivenSteps { t0: 3, tk: vec![8; row.users] };
        let greedy = Greedy::new(search(1.0), QualityModel::Synthetic);
        let policies: [(&str, Box<dyn Policy>); 3] = [
            ("random", Box::new(RandomAllocation::new(LIMITS))),
            ("equal", Box::new(EqualSplit::new(given.clone()))),
            ("channel inversion", Box::new(ChannelInversion::new(given))),
        ];
        let exhaustive = Exhaustive::new(search(1.0), QualityModel::Synthetic);
        let (mut optima, mut satisfied) = (Vec::new(), Vec::new());
        let mut others: [Vec<f64>; 3] = Default::default();
        let mut climbed = 0.0;
        for number in 0..STATES as u64 {
            let problem = random_problem(row.users, row.distances_m, &mut rng);
            let qualities =
                |policy: &dyn Policy| problem.qualities(&ask(policy, &problem, number), &QualityModel::Synthetic);
            let best = qualities(&exhaustive);
            satisfied.push(100.0 * f64::from(u8::from(best.iter().all(|quality| *quality >= problem.qoe_threshold))));
            optima.push(best.iter().sum());
            climbed += qualities(&greedy).iter().sum::<f64>();
            for ((_, policy), found) in policies.iter().zip(&mut others) {
                found.push(qualities(policy.as_ref()).iter().sum::<f64>());
            }
        }
        let scenario = format!("K = {}, {:?} m", row.users, row.distances_m);
        let (optimum, variance) = mean(&optima);
        println!("{scenario}: optimum {optimum:.3}, expected {}", row.optimum);
        assert_within_error(optimum, variance, row.optimum, &scenario);
        for (((name, _), found), expected) in policies.iter().zip(&others).zip(row.percents) {
            // the ratio of two means, by its linearisation
            let ratio = 100.0 * mean(found).0 / optimum;
            let residuals: Vec<f64> =
                found.iter().zip(&optima).map(|(found, best)| (100.0 * found - ratio * best) / optimum).collect();
            println!("  {name}: {ratio:.1} %, expected {expected}");
            // rows of the table are rounded to a tenth
            assert_within_error(ratio, mean(&residuals).1 + 0.05f64.powi(2), expected, &format!("{scenario}, {name}"));
        }
        // How that greedy climbs is not written down: ours must not be worse.
        let climbed = 100.0 * climbed / optima.iter().sum::<f64>();
        println!("  greedy: {climbed:.2} %, expected {} or more", row.greedy);
        assert!((row.greedy..100.01).contains(&climbed), "{scenario}: greedy has {climbed} %");
        let (part, variance) = mean(&satisfied);
        println!("  all satisfied: {part:.1} %, expected {}", row.satisfied);
        assert_within_error(part, variance, row.satisfied, &format!("{scenario}, all satisfied"));
    }
}
