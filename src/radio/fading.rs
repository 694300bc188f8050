//! Small-scale fading: the power gain h of a quasi-static block.
//!
//! The received SNR is γ = γ̄·h. Each distribution has its density, its two tails, its quantile and a sampler; the
//! samplers draw from first principles (Gaussian and Gamma variables), not from the quantile, so that a
//! Kolmogorov–Smirnov test of one against the other means something.
//!
//! Fisher–Snedecor F fading (Yoo et al., "The Fisher–Snedecor F distribution: a simple and accurate composite fading
//! model", IEEE Communications Letters, 2017) is Nakagami-m multipath on top of an inverse-Gamma shadowing: do not add
//! log-normal shadowing to it. With m_s ≤ 2 the variance of h is infinite: never judge its draws by their mean.

use miette::Diagnostic;
use rand::Rng;
use rand_distr::{Distribution, Exp1, Gamma, StandardNormal};
use thiserror::Error;

use super::special_functions::{
    Tails, beta_kernel, beta_tails, gamma_tails, marcum_density, marcum_q1, marcum_q1_complement, poisson_kernel,
};

/// How the mean of the Fisher–Snedecor F power gain is fixed (`spec` 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FisherSnedecorConvention {
    /// λ = (m_s − 1)·γ̄: the corrected form, E[h] = 1.
    #[default]
    UnitMean,
    /// λ = m_s·γ̄: the 2017 letter's form, E[h] = m_s / (m_s − 1).
    Letter2017,
}

/// The distribution of the power gain h.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fading {
    /// h = 1 always.
    None,
    /// h exponential with mean 1.
    Rayleigh,
    /// Line of sight with Rician factor K [dB], E[h] = 1.
    Rician { k_db: f64 },
    /// h ~ Gamma(m, 1/m).
    NakagamiM { m: f64 },
    /// h = X·(m_s − 1)/Y, X ~ Gamma(m, 1/m), Y ~ Gamma(m_s, 1); `ms` > 1.
    FisherSnedecor { m: f64, ms: f64, convention: FisherSnedecorConvention },
}

/// Why a fading distribution cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Error, Diagnostic)]
pub enum FadingError {
    /// The Nakagami or F multipath parameter is out of range.
    #[error("fading parameter m must be above 0 and at most 1e6, not {m}")]
    #[diagnostic(help(
        "m = 1 is Rayleigh-like, larger m fades less; for a gain that never varies choose the fading \"none\""
    ))]
    MultipathParameter { m: f64 },
    /// The F shadowing parameter leaves the gain without a mean, or is out of range.
    #[error("fading parameter ms must be above 1 and at most 1e6, not {ms}")]
    #[diagnostic(help(
        "at ms <= 1 the F distribution has no mean power; heavy shadowing is ms = 1.5, light shadowing ms = 10 and more"
    ))]
    ShadowingParameter { ms: f64 },
    /// The Rician factor is out of range.
    #[error("Rician factor k_db must lie between -100 and 60 dB, not {k_db}")]
    #[diagnostic(help(
        "use the fading \"rayleigh\" for no line of sight (K towards -inf dB) and \"none\" for nothing else (K towards +inf dB)"
    ))]
    RicianFactor { k_db: f64 },
}

/// Largest m and m_s: beyond, the distribution is a step to all practical purposes and its evaluation slow.
const LARGEST_PARAMETER: f64 = 1e6;

impl Fading {
    /// Whether the parameters describe a distribution with a mean.
    ///
    /// The other functions expect this to hold; a checked scenario has been through it.
    pub fn validate(&self) -> Result<(), FadingError> {
        let multipath = |m: f64| {
            if m > 0.0 && m <= LARGEST_PARAMETER { Ok(()) } else { Err(FadingError::MultipathParameter { m }) }
        };
        match *self {
            Self::None | Self::Rayleigh => Ok(()),
            Self::Rician { k_db } if (-100.0..=60.0).contains(&k_db) => Ok(()),
            Self::Rician { k_db } => Err(FadingError::RicianFactor { k_db }),
            Self::NakagamiM { m } => multipath(m),
            Self::FisherSnedecor { m, ms, .. } => {
                multipath(m)?;
                if ms > 1.0 && ms <= LARGEST_PARAMETER { Ok(()) } else { Err(FadingError::ShadowingParameter { ms }) }
            }
        }
    }

    /// E[h]: 1, but for the F distribution in the 2017 letter's form.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::FisherSnedecor { ms, convention: FisherSnedecorConvention::Letter2017, .. } => ms / (ms - 1.0),
            _ => 1.0,
        }
    }

    /// Probability density of the gain at `h`; for [`Fading::None`], which has none, infinite at 1 and zero elsewhere.
    pub fn pdf(&self, h: f64) -> f64 {
        if h < 0.0 || h.is_infinite() {
            return 0.0;
        }
        match *self {
            Self::None => {
                if h == 1.0 {
                    f64::INFINITY
                } else {
                    0.0
                }
            }
            Self::Rayleigh => (-h).exp(),
            Self::Rician { k_db } => {
                let k = rician_factor(k_db);
                if h == 0.0 { (1.0 + k) * (-k).exp() } else { (1.0 + k) * marcum_density(k, (1.0 + k) * h) }
            }
            Self::NakagamiM { m } if h == 0.0 => density_at_zero(m, 1.0),
            Self::NakagamiM { m } => poisson_kernel(m, m * h) * m / h,
            Self::FisherSnedecor { m, ms, convention } => {
                let lambda = f_scale(ms, convention);
                if h == 0.0 {
                    return density_at_zero(m, ms / lambda);
                }
                let total = m * h + lambda;
                beta_kernel(m, ms, m * h / total, lambda / total) / h
            }
        }
    }

    /// Probability that the gain is at most `h`, and above it: both to full relative precision.
    pub fn tails(&self, h: f64) -> Tails {
        if h.is_infinite() || h <= 0.0 {
            let lower = if h > 0.0 { 1.0 } else { 0.0 };
            return Tails { lower, upper: 1.0 - lower };
        }
        match *self {
            Self::None => {
                let lower = if h >= 1.0 { 1.0 } else { 0.0 };
                Tails { lower, upper: 1.0 - lower }
            }
            Self::Rayleigh => Tails { lower: -(-h).exp_m1(), upper: (-h).exp() },
            Self::Rician { k_db } => {
                let k = rician_factor(k_db);
                Tails { lower: marcum_q1_complement(k, (1.0 + k) * h), upper: marcum_q1(k, (1.0 + k) * h) }
            }
            Self::NakagamiM { m } => gamma_tails(m, m * h),
            Self::FisherSnedecor { m, ms, convention } => {
                let lambda = f_scale(ms, convention);
                let total = m * h + lambda;
                beta_tails(m, ms, m * h / total, lambda / total)
            }
        }
    }

    /// P(gain ≤ `h`). For Rician fading 1 − Q₁(√(2K), √(2(1 + K)h)), see [`marcum_q1_complement`].
    pub fn cdf(&self, h: f64) -> f64 {
        match *self {
            // The two tails are separate sums here.
            Self::Rician { k_db } if h > 0.0 && h.is_finite() => {
                let k = rician_factor(k_db);
                marcum_q1_complement(k, (1.0 + k) * h)
            }
            _ => self.tails(h).lower,
        }
    }

    /// The gain that is exceeded with probability 1 − `p`; 0 for p ≤ 0 and infinite for p ≥ 1 (but 1 without fading).
    pub fn quantile(&self, p: f64) -> f64 {
        self.quantile_of(Tails { lower: p, upper: 1.0 - p })
    }

    /// The gain with these probabilities below and above it; of the upper tail an `upper` near 0 keeps the digits that
    /// 1 − `lower` would lose.
    pub fn quantile_of(&self, probability: Tails) -> f64 {
        let Tails { lower, upper } = probability;
        match self {
            Self::None => 1.0,
            _ if lower <= 0.0 => 0.0,
            _ if upper <= 0.0 => f64::INFINITY,
            Self::Rayleigh if lower <= 0.5 => -(-lower).ln_1p(),
            Self::Rayleigh => -upper.ln(),
            _ => self.quantile_by_newton(probability),
        }
    }

    /// Newton's method on ln CDF (or ln of the upper tail, for p above ½) over ln h, where every tail is close to a
    /// straight line; bisection whenever a step would leave the bracket.
    fn quantile_by_newton(&self, probability: Tails) -> f64 {
        let (mut low, mut high) = (-745.0_f64, 709.0_f64);
        let mut log_h: f64 = 0.0;
        for _ in 0..200 {
            let h = log_h.exp();
            let tails = self.tails(h);
            let (excess, tail) = if probability.lower <= 0.5 {
                (tails.lower.ln() - probability.lower.ln(), tails.lower)
            } else {
                (probability.upper.ln() - tails.upper.ln(), tails.upper)
            };
            if excess > 0.0 {
                high = log_h
            } else {
                low = log_h
            }
            let newton = log_h - excess * tail / (self.pdf(h) * h);
            let is_newton = newton > low && newton < high;
            let next = if is_newton { newton } else { 0.5 * (low + high) };
            let step = (next - log_h).abs();
            log_h = next;
            // A Newton step squares the error: after one of 1e-9 nothing is left to improve.
            if step <= if is_newton { 1e-9 } else { f64::EPSILON * log_h.abs().max(1.0) } {
                break;
            }
        }
        log_h.exp()
    }

    /// One draw of the gain.
    ///
    /// # Panics
    /// Where [`Fading::validate`] would have refused the parameters.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let gamma = |shape: f64, scale: f64| {
            Gamma::new(shape, scale).expect("shape and scale of a validated fading distribution are positive")
        };
        match *self {
            Self::None => 1.0,
            Self::Rayleigh => Exp1.sample(rng),
            Self::Rician { k_db } => {
                let k = rician_factor(k_db);
                let scattered = (0.5 / (1.0 + k)).sqrt();
                let in_phase: f64 = StandardNormal.sample(rng);
                let quadrature: f64 = StandardNormal.sample(rng);
                let direct = (k / (1.0 + k)).sqrt();
                (direct + scattered * in_phase).powi(2) + (scattered * quadrature).powi(2)
            }
            Self::NakagamiM { m } => gamma(m, 1.0 / m).sample(rng),
            Self::FisherSnedecor { m, ms, convention } => {
                let multipath = gamma(m, 1.0 / m).sample(rng);
                let shadowing = gamma(ms, 1.0).sample(rng);
                multipath * f_scale(ms, convention) / shadowing
            }
        }
    }
}

fn rician_factor(k_db: f64) -> f64 {
    super::db_to_linear(k_db)
}

/// λ/γ̄ of the F distribution.
fn f_scale(ms: f64, convention: FisherSnedecorConvention) -> f64 {
    match convention {
        FisherSnedecorConvention::UnitMean => ms - 1.0,
        FisherSnedecorConvention::Letter2017 => ms,
    }
}

/// Limit at h = 0 of a density that starts as h^(m − 1); `at_one` is its value for m = 1.
fn density_at_zero(m: f64, at_one: f64) -> f64 {
    if m < 1.0 {
        f64::INFINITY
    } else if m == 1.0 {
        at_one
    } else {
        0.0
    }
}
