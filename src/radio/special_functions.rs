//! The special functions behind the fading distributions and the bit error probabilities.
//!
//! Both tails of every distribution are to be had, each to near the last digits *relative*: an outage
//! probability of 1e-40 is as good as one of 0.4. Large parameters (m of a million) cost iterations, not digits:
//! the leading factors are written around their maximum (Loader, "Fast and accurate computation of binomial
//! probabilities", 2000), so that nothing of the size of ln Γ is ever subtracted.
//!
//! `erfc` and ln Γ come from `libm`. The ones of `statrs` 0.19 are off by 1e-10 (erfc at 0.5) and 7e-15 (ln Γ at 6.5),
//! and its incomplete beta function stops after 140 terms, whether they suffice or not.

use std::f64::consts::{PI, SQRT_2};

/// Gaussian tail probability Q(x) = erfc(x/√2)/2.
pub fn gaussian_q(x: f64) -> f64 {
    0.5 * libm::erfc(x / SQRT_2)
}

/// Both tails of a distribution at one point; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// Probability at or below the point.
    pub lower: f64,
    /// Probability above the point.
    pub upper: f64,
}

impl Tails {
    const ALL_ABOVE: Self = Self { lower: 0.0, upper: 1.0 };
    const ALL_BELOW: Self = Self { lower: 1.0, upper: 0.0 };

    fn from_lower(lower: f64) -> Self {
        Self { lower, upper: 1.0 - lower }
    }

    fn from_upper(upper: f64) -> Self {
        Self { lower: 1.0 - upper, upper }
    }
}

/// ln Γ(a) − [(a − ½) ln a − a + ½ ln 2π], the correction to Stirling's formula; a > 0.
fn stirling_correction(a: f64) -> f64 {
    if a < 10.0 {
        return libm::lgamma(a) - ((a - 0.5) * a.ln() - a + 0.5 * (2.0 * PI).ln());
    }
    // Bernoulli series (DLMF 5.11.1); the first term left out is below 2e-14 at a = 10.
    let s = 1.0 / (a * a);
    (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / a
}

/// ln(1 + t) − t for t > −1, given both 1 + t and t.
fn log1p_minus(one_plus_t: f64, t: f64) -> f64 {
    if t.abs() < 0.5 { t.ln_1p() - t } else { one_plus_t.ln() - t }
}

/// x^a e^(−x) / Γ(a + 1), the Poisson probability of `a` (not only whole numbers) at mean `x`; a ≥ 0, x > 0.
pub fn poisson_kernel(a: f64, x: f64) -> f64 {
    if a == 0.0 {
        return (-x).exp();
    }
    (a * log1p_minus(x / a, (x - a) / a) - stirling_correction(a)).exp() / (2.0 * PI * a).sqrt()
}

/// Regularised incomplete gamma functions P(a, x) and Q(a, x); a > 0, x ≥ 0.
///
/// Series below x = a + 1 (DLMF 8.11.4), Legendre's continued fraction above (DLMF 8.9.2).
pub fn gamma_tails(a: f64, x: f64) -> Tails {
    if x <= 0.0 {
        return Tails::ALL_ABOVE;
    }
    if x.is_infinite() {
        return Tails::ALL_BELOW;
    }
    let kernel = poisson_kernel(a, x);
    if x < a + 1.0 {
        let (mut sum, mut term, mut n) = (1.0, 1.0, a);
        while term > f64::EPSILON * 0.1 * sum {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return Tails::from_lower(kernel * sum);
    }
    let fraction = continued_fraction(x + 1.0 - a, |n| (-n * (n - a), x + 2.0 * n + 1.0 - a));
    Tails::from_upper(kernel * a / fraction)
}

/// Regularised incomplete beta functions I_x(a, b) and I_y(b, a) with y = 1 − x; a, b > 0.
///
/// Both `x` and `y` are asked for because the caller often knows the small one of the two to more digits than
/// `1 − x` would give. Continued fraction of DLMF 8.17.22, on the side of the mean where it converges fast.
pub fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> Tails {
    if x <= 0.0 {
        return Tails::ALL_ABOVE;
    }
    if y <= 0.0 {
        return Tails::ALL_BELOW;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return Tails::from_upper(beta_lower(b, a, y, x));
    }
    Tails::from_lower(beta_lower(a, b, x, y))
}

fn beta_lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let fraction = continued_fraction(1.0, |n| {
        let m = (n / 2.0).floor();
        let numerator = if n % 2.0 == 0.0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (numerator, 1.0)
    });
    beta_kernel(a, b, x, y) / (a * fraction)
}

/// x^a y^b / B(a, b) with x + y = 1.
pub fn beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let s = a + b;
    let shift = x * b - y * a;
    let exponent = a * log1p_minus(x * s / a, shift / a) + b * log1p_minus(y * s / b, -shift / b);
    let correction = stirling_correction(s) - stirling_correction(a) - stirling_correction(b);
    (a * b / (2.0 * PI * s)).sqrt() * (exponent + correction).exp()
}

/// b₀ + a₁/(b₁ + a₂/(b₂ + …)) by the modified Lentz algorithm; `term(n)` gives (a_n, b_n) from n = 1.
fn continued_fraction(b0: f64, term: impl Fn(f64) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    // Convergence needs of the order of √a terms, and parameters stay below 1e6 (`Fading::validate`).
    const MOST_TERMS: u32 = 100_000;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut value = away_from_zero(b0);
    let (mut c, mut d) = (value, 0.0);
    for n in 1..MOST_TERMS {
        let (numerator, denominator) = term(f64::from(n));
        d = 1.0 / away_from_zero(denominator + numerator * d);
        c = away_from_zero(denominator + numerator / c);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

/// 1 − Q₁(√(2k), √(2x)), Q₁ Marcum's function: the probability that a Gamma(1 + N, 1) variable, N ~ Poisson(`k`), is at
/// most `x` (noncentral chi-square with two degrees of freedom, halved).
///
/// Σ_n Pois(n; k)·P(n + 1, x): all terms are positive, so a small tail keeps its digits. Summed from above the largest
/// term downwards, where P(n, x) = P(n + 1, x) + Pois(n; x) adds and never subtracts.
pub fn marcum_q1_complement(k: f64, x: f64) -> f64 {
    // Q₁ ≤ exp(−(√x − √k)²) above the bulk, and its complement below it (Simon and Alouini).
    let distance = x.sqrt() - k.sqrt();
    if x <= 0.0 || (distance < 0.0 && distance * distance > 745.0) {
        return 0.0;
    }
    if distance > 0.0 && distance * distance > 40.0 {
        return 1.0;
    }
    let largest = k.min((k * x).sqrt());
    let first = (largest + POISSON_REACH * largest.sqrt() + 30.0).ceil();
    let (mut weights, mut steps) = (PoissonDescent::new(first, k), PoissonDescent::new(first, x));
    let mut p = gamma_tails(first + 1.0, x).lower;
    let mut sum = 0.0;
    let mut n = first;
    loop {
        let term = weights.value * p;
        sum += term;
        if n == 0.0 || (n < largest && term <= 1e-18 * sum) {
            return sum;
        }
        p += steps.value;
        weights.descend();
        steps.descend();
        n -= 1.0;
    }
}

/// Marcum's Q₁(√(2k), √(2x)) = Σ_n Pois(n; k)·Q(n + 1, x), from below the largest term upwards.
pub fn marcum_q1(k: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let largest = k.max((k * x).sqrt());
    let width = POISSON_REACH * largest.sqrt() + 30.0;
    let mut n = (largest - width).floor().max(0.0);
    let mut q = if n == 0.0 { 0.0 } else { gamma_tails(n, x).upper };
    let mut sum = 0.0;
    while n <= largest + width {
        q += poisson_kernel(n, x);
        sum += poisson_kernel(n, k) * q;
        n += 1.0;
    }
    sum
}

/// Standard deviations around the largest of a sum of Poisson weights, beyond which they are below 1e-20 of it.
const POISSON_REACH: f64 = 10.0;

/// Pois(n; mean) for n falling by one at a time.
struct PoissonDescent {
    n: f64,
    mean: f64,
    value: f64,
}

impl PoissonDescent {
    fn new(n: f64, mean: f64) -> Self {
        Self { n, mean, value: poisson_kernel(n, mean) }
    }

    fn descend(&mut self) {
        // A value near underflow has lost its digits: the next one is computed afresh.
        let from_this = self.value * self.n / self.mean;
        self.n -= 1.0;
        self.value = if self.value > 1e-200 { from_this } else { poisson_kernel(self.n, self.mean) };
    }
}

/// Σ_n Pois(n; k)·Pois(n; x) = e^(−k−x) I₀(2√(kx)), without overflow.
pub fn marcum_density(k: f64, x: f64) -> f64 {
    let largest = (k * x).sqrt();
    let width = POISSON_REACH * largest.sqrt() + 30.0;
    let mut n = (largest - width).floor().max(0.0);
    let mut sum = 0.0;
    while n <= largest + width {
        sum += poisson_kernel(n, k) * poisson_kernel(n, x);
        n += 1.0;
    }
    sum
}
