//! Times at which requests arrive.
//!
//! ```text
//!  Poisson        │ ┊  │ │    │   │ ┊ │      exponential gaps
//!  Gamma          │││┊     │││ │  ┊     │    gaps of any coefficient of variation
//!  MMPP           ││││┊│   ┊      ││││││     Poisson, at a rate that changes between two values
//!  deterministic  │  │  │  │  │  │  │  │     equal gaps
//! ```
//!
//! A process draws the gap after the last arrival, so a step costs the same at any time of the run: 10 to 100 ns. Its
//! state is 56 bytes, which lets every one of 10⁵ devices have one.
//!
//! Poisson, Gamma and MMPP processes are *stationary from time 0 on*: the expected number of arrivals up to time t is the
//! mean rate times t for every t. Many devices with bursty arrivals do not all begin with a burst.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, Gamma, OpenClosed01};
use serde::{Deserialize, Serialize};

use crate::random::StreamKey;
use crate::scenario::Arrivals;

/// One stream of arrivals, after those that were drawn already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrivalProcess {
    rng: Xoshiro256PlusPlus,
    /// Of the last arrival; 0 before the first [s].
    time_s: f64,
    /// Arrivals drawn.
    count: u64,
    /// Of the two states of an MMPP, the one that it is in.
    state: u8,
}

impl ArrivalProcess {
    /// The process at time 0.
    pub fn new(arrivals: &Arrivals, stream: StreamKey) -> Self {
        let mut process = Self { rng: stream.compact_rng(), time_s: 0.0, count: 0, state: 0 };
        if let Arrivals::Mmpp { sojourns_s: [first, second], .. } = arrivals {
            // In the long run, a part of the time in proportion to the mean sojourn is spent in each state.
            process.state = u8::from(process.rng.random::<f64>() * (first + second) >= *first);
        }
        process
    }

    /// The time of the next arrival [s], strictly after the one before; infinite for a closed loop and for a trace, whose
    /// arrivals are not drawn from a process.
    pub fn next_s(&mut self, arrivals: &Arrivals) -> f64 {
        let next_s = match *arrivals {
            Arrivals::Poisson { rate_hz } => self.time_s + self.exponential() / rate_hz,
            Arrivals::Gamma { rate_hz, coefficient_of_variation } => {
                self.time_s + self.gamma_gap_s(rate_hz, coefficient_of_variation)
            }
            Arrivals::Mmpp { rates_hz, sojourns_s } => self.time_s + self.mmpp_gap_s(rates_hz, sojourns_s),
            // A product, not a sum: a million intervals of 0.1 s end at 100000 s.
            Arrivals::Deterministic { interval_s } => (self.count + 1) as f64 * interval_s,
            Arrivals::ClosedLoop { .. } | Arrivals::Trace { .. } => return f64::INFINITY,
        };
        self.count += 1;
        // A gap can be too short to move the clock.
        self.time_s = next_s.max(self.time_s.next_up());
        self.time_s
    }

    fn exponential(&mut self) -> f64 {
        Exp1.sample(&mut self.rng)
    }

    /// Gaps are Gamma distributed with shape 1 / CV² and mean 1 / rate. The first one is what is left at a random moment of
    /// a gap (Cox, *Renewal Theory*, 1962, ch. 5): a uniform part of a gap drawn in proportion to its length, which for a
    /// Gamma distribution is Gamma distributed with the shape increased by 1.
    fn gamma_gap_s(&mut self, rate_hz: f64, coefficient_of_variation: f64) -> f64 {
        // Beyond these bounds shape and scale leave the range of numbers.
        let squared = coefficient_of_variation.clamp(1e-6, 1e6).powi(2);
        let (shape, scale_s) = (1.0 / squared, squared / rate_hz);
        if self.count == 0 {
            let part: f64 = self.rng.random();
            part * gamma(shape + 1.0, scale_s, &mut self.rng)
        } else {
            gamma(shape, scale_s, &mut self.rng)
        }
    }

    /// The gap of a Markov-modulated Poisson process with two states, in constant time even where visits to a state are
    /// short against the gaps.
    ///
    /// A visit to state i lasts an exponential time with rate λ_i + 1/s_i, and ends with an arrival with probability
    /// a_i = λ_i / (λ_i + 1/s_i), else in the other state. Two visits in a row, here and there, are both silent with
    /// probability (1 − a_0)(1 − a_1), so the number of such pairs is geometric, and their time is a sum of two Gamma
    /// variables.
    fn mmpp_gap_s(&mut self, rates_hz: [f64; 2], sojourns_s: [f64; 2]) -> f64 {
        let ends_hz = [0, 1].map(|state| rates_hz[state] + 1.0 / sojourns_s[state]);
        let arrival = [0, 1].map(|state| rates_hz[state] / ends_hz[state]);
        let arrival_in_pair = arrival[0] + arrival[1] - arrival[0] * arrival[1];
        let here = usize::from(self.state);
        let there = 1 - here;

        let uniform: f64 = OpenClosed01.sample(&mut self.rng);
        let silent_pairs = (uniform.ln() / (-arrival_in_pair).ln_1p()).floor();
        let mut gap_s = 0.0;
        if silent_pairs >= 1.0 {
            gap_s += gamma(silent_pairs, 1.0 / ends_hz[here], &mut self.rng);
            gap_s += gamma(silent_pairs, 1.0 / ends_hz[there], &mut self.rng);
        }
        gap_s += self.exponential() / ends_hz[here];
        if self.rng.random::<f64>() * arrival_in_pair >= arrival[here] {
            gap_s += self.exponential() / ends_hz[there];
            self.state = there as u8;
        }
        gap_s
    }
}

fn gamma(shape: f64, scale: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    // Subnormal scales are no use to anybody, and the distribution refuses them.
    let scale = scale.max(f64::MIN_POSITIVE);
    Gamma::new(shape, scale).expect("rates, sojourns and shapes are positive and finite").sample(rng)
}

/// How long a user of a closed loop thinks before the next request [s]; infinite for other arrivals, where nobody's request
/// waits for an earlier one.
pub fn think_time_s<R: Rng + ?Sized>(arrivals: &Arrivals, rng: &mut R) -> f64 {
    match arrivals {
        Arrivals::ClosedLoop { think_time_s } => {
            let exponential: f64 = Exp1.sample(rng);
            exponential * think_time_s
        }
        _ => f64::INFINITY,
    }
}

/// Long-run rate of one stream [Hz]; `None` for a closed loop, whose rate depends on the network, and for a trace.
pub fn mean_rate_hz(arrivals: &Arrivals) -> Option<f64> {
    match *arrivals {
        Arrivals::Poisson { rate_hz } | Arrivals::Gamma { rate_hz, .. } => Some(rate_hz),
        Arrivals::Mmpp { rates_hz, sojourns_s } => {
            let [first, second] = sojourns_s;
            Some((rates_hz[0] * first + rates_hz[1] * second) / (first + second))
        }
        Arrivals::Deterministic { interval_s } => Some(1.0 / interval_s),
        Arrivals::ClosedLoop { .. } | Arrivals::Trace { .. } => None,
    }
}
