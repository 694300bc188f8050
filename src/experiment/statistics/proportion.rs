//! How often something happened.

/// z₀.₉₇₅, the 97.5 % quantile of the standard normal distribution.
const NORMAL_QUANTILE_975: f64 = 1.959_963_984_540_054;

/// A rate of independent yes-or-no observations, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// Observations in which it happened, at most `n`.
    pub successes: u64,
    /// Observations, at least 1.
    pub n: u64,
    /// `successes` / `n`.
    pub rate: f64,
    /// Lower end of the interval, at least 0.
    pub low_95: f64,
    /// Upper end of the interval, at most 1.
    pub high_95: f64,
}

impl Proportion {
    /// The rate with Wilson's score interval (E. B. Wilson, "Probable inference, the law of succession, and statistical
    /// inference", J. Am. Stat. Assoc. 22(158), 1927): with p = `successes` / n and z = z₀.₉₇₅,
    ///
    /// ```text
    ///   ( p + z²/2n  ±  z √( p(1 − p)/n + z²/4n² ) ) / (1 + z²/n)
    /// ```
    ///
    /// It holds for few observations, and says something where all or none were successes. `None` without an observation,
    /// and for more successes than observations.
    pub fn of(successes: u64, n: u64) -> Option<Self> {
        if n == 0 || successes > n {
            return None;
        }
        let count = n as f64;
        let rate = successes as f64 / count;
        let shrinkage = NORMAL_QUANTILE_975 * NORMAL_QUANTILE_975 / count; // z²/n
        let centre = (rate + shrinkage / 2.0) / (1.0 + shrinkage);
        let half_width = (shrinkage * (rate * (1.0 - rate) + shrinkage / 4.0)).sqrt() / (1.0 + shrinkage);
        Some(Self {
            successes,
            n,
            rate,
            // Without a success the two terms are equal, up to rounding; likewise without a failure.
            low_95: if successes == 0 { 0.0 } else { centre - half_width },
            high_95: if successes == n { 1.0 } else { centre + half_width },
        })
    }
}
