//! The reward (27), term by term.

use latentlink::learn::reward::Outcome;
use latentlink::policy::Violations;
use latentlink::scenario::{QoeTerm, RewardSettings};

const THRESHOLD: f64 = 0.6;

fn outcome(qualities: &[f64], server_excess_j: f64, device_excess_j: f64) -> Outcome {
    let violations = Violations { server_excess_j, device_excess_j };
    Outcome { qualities: qualities.to_vec(), qoe_threshold: THRESHOLD, violations, paid: violations }
}

#[test]
fn without_penalties_it_is_the_sum_of_quality() {
    let outcome = outcome(&[0.7, 0.8, 0.9], 0.0, 0.0);
    assert!((outcome.reward(&RewardSettings::default()) - 2.4).abs() < 1e-12);
}

#[test]
fn each_penalty_has_its_own_weight() {
    let outcome = outcome(&[0.7, 0.5], 3.0, 2.0);
    let settings = RewardSettings {
        device_penalty: 10.0,
        qoe_penalty: 100.0,
        server_penalty: 1000.0,
        ..RewardSettings::default()
    };
    assert!((outcome.reward(&settings) - (1.2 - 20.0 - 10.0 - 3000.0)).abs() < 1e-9);
}

/// `spec` 5.5, identity 11: with λ2 = 1 the printed term leaves Σ min(Q_k, Q_th).
#[test]
fn the_printed_term_leaves_nothing_to_gain_above_the_threshold() {
    let settings = RewardSettings { qoe_term: QoeTerm::AsPrinted, ..RewardSettings::default() };
    for qualities in [[0.1, 0.95, 0.6], [0.61, 0.59, 0.0], [1.0, 1.0, 1.0]] {
        let expected: f64 = qualities.iter().map(|quality: &f64| quality.min(THRESHOLD)).sum::<f64>() - 0.2 * 5.0;
        assert!((outcome(&qualities, 5.0, 0.0).reward(&settings) - expected).abs() < 1e-12);
    }
}

#[test]
fn the_corrected_term_charges_whoever_is_below_the_threshold() {
    let settings = RewardSettings::default();
    let (above, below) = (outcome(&[0.6], 0.0, 0.0), outcome(&[0.5], 0.0, 0.0));
    assert!((above.reward(&settings) - 0.6).abs() < 1e-12);
    assert!((below.reward(&settings) - 0.4).abs() < 1e-12);
    assert_eq!((above.outages(), below.outages()), (0, 1));
}
