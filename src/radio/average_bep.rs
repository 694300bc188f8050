//! Bit error probability averaged over the fading distribution.
//!
//! For one term of a modulation, integrating by parts turns the average of the Gaussian tail into one of the CDF,
//! E[Q(√(cγ))] = (1/√π) ∫₀^∞ e^(−x²) F(2x²/(c·γ̄)) dx, F the CDF of the gain. With x = e^y the integrand falls off
//! double-exponentially on the right and exponentially on the left, where the trapezoidal rule converges
//! geometrically: step 0.1 over y ∈ [−12, 2), 140 nodes, is exact to 1e-14 for F fading (`spec` 2).
//!
//! Two cares make the same rule serve every distribution: nodes are added on both sides for as long as they count
//! (small m, or an SNR far from ordinary), and the step is halved where the gain is so concentrated that its CDF rises
//! within a step (large m or K). The nodes are their own check: every second and every fourth of them give the rule at
//! two and four times the step, and halving a step about squares the error.

use std::f64::consts::PI;

use super::{Fading, Modulation};

/// Coarsest step of the trapezoidal rule in y = ln x; halved twice it is the 0.1 of the 140 nodes.
const COARSEST_STEP: f64 = 0.4;
/// Range of y that is always summed.
const FIRST_Y: f64 = -12.0;
const LAST_Y: f64 = 2.0;
/// A rule is taken when it differs by at most this, relatively, from the one at twice its step …
const AGREEMENT: f64 = 1e-6;
/// … and that one by at most this from the one before. The error oscillates with the place of the nodes: that of one
/// rule may vanish by chance, but never those of two in a row.
const EARLIER_AGREEMENT: f64 = 3e-3;
/// Halvings of the step at most; the last resolves a gain whose logarithm varies by 1e-4.
const MOST_HALVINGS: u32 = 14;

/// Average bit error probability; `mean_snr` is the SNR per symbol (linear) at the gain h = 1.
///
/// That is the mean SNR for every fading of mean gain 1; in the 2017 letter's F form the mean is m_s/(m_s − 1) larger
/// ([`Fading::mean`]). Without fading this is the bit error probability at that SNR. ½ at no signal.
pub fn average_bit_error_probability(modulation: Modulation, fading: &Fading, mean_snr: f64) -> f64 {
    if *fading == Fading::None {
        return modulation.bit_error_probability(mean_snr);
    }
    modulation.terms().iter().map(|term| term.weight * average_gaussian_q(fading, term.snr_factor * mean_snr)).sum()
}

/// E[Q(√(scaled_snr·h))].
fn average_gaussian_q(fading: &Fading, scaled_snr: f64) -> f64 {
    if scaled_snr <= 0.0 {
        return 0.5;
    }
    let integrand = |y: f64| {
        let x_squared = (2.0 * y).exp();
        (y - x_squared).exp() * fading.cdf(2.0 * x_squared / scaled_snr)
    };
    let mut step = COARSEST_STEP;
    let mut sum = sum_of_nodes(&integrand, step, 0.0);
    let mut earlier_difference = f64::INFINITY;
    for _ in 0..MOST_HALVINGS {
        step *= 0.5;
        let all = sum + sum_of_nodes(&integrand, 2.0 * step, step);
        // Twice the sum of half the nodes estimates the same integral.
        let difference = (2.0 * sum - all).abs();
        sum = all;
        if difference <= AGREEMENT * sum && earlier_difference <= EARLIER_AGREEMENT * 2.0 * sum {
            break;
        }
        earlier_difference = 2.0 * difference;
    }
    sum * step / PI.sqrt()
}

/// Sum of the integrand over y = FIRST_Y + offset + j·spacing, for all whole j whose terms count.
fn sum_of_nodes(integrand: &impl Fn(f64) -> f64, spacing: f64, offset: f64) -> f64 {
    const NEGLIGIBLE: f64 = 1e-17;
    // exp(y − e^(2y)) is zero in double precision from here on.
    const NOTHING_BEYOND_Y: f64 = 3.31;
    let at = |j: i64| FIRST_Y + offset + j as f64 * spacing;
    let inside = ((LAST_Y - FIRST_Y) / spacing).round() as i64;

    let mut sum: f64 = (0..inside).map(|j| integrand(at(j))).sum();
    for j in inside.. {
        if at(j) >= NOTHING_BEYOND_Y {
            break;
        }
        let term = integrand(at(j));
        sum += term;
        if sum > 0.0 && term <= NEGLIGIBLE * sum {
            break;
        }
    }
    for j in 1.. {
        let term = integrand(at(-j));
        sum += term;
        if term <= NEGLIGIBLE * sum {
            break;
        }
    }
    sum
}
