//! Fading over time: the gain of one link, asked for whenever something is sent.
//!
//! ```text
//!  per latent        ▪ ▪   ▪      a new gain for every latent, whenever it is sent
//!  block          ▁▁▁▇▇▇▂▂▂▅▅▅    a new gain in every coherence time, the same whoever asks, in any order
//!  Gaussian copula   ╱╲╱‾╲__╱     x(t) Gauss–Markov, ⟨x(t)·x(t + Δ)⟩ = e^(−Δ/Tc);   h(t) = F⁻¹(Φ(x(t)))
//! ```
//!
//! The copula gives the gain the distribution F of its [`Fading`] at every time, and leaves to a Gaussian process how one time
//! goes with another. The process is stepped exactly from one time it is asked for to the next, however far: with
//! ρ = e^(−Δ/Tc), x(t + Δ) = ρ·x(t) + √(1 − ρ²)·z, z standard normal (D. T. Gillespie, "Exact numerical simulation of the
//! Ornstein–Uhlenbeck process and its integral", Physical Review E, 1996).
//!
//! A link remembers 32 bytes. A draw hashes a key and starts a stream, up to a microsecond; the copula's quantile is a Newton
//! iteration on top: about 10 µs for F fading, 2 for Nakagami-m, 70 for Rician.

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::Fading;
use super::special_functions::{Tails, gaussian_q};
use crate::random::StreamKey;

/// `radio.fading_process`: how the gain of a link at one time goes with its gain at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FadingProcess {
    /// A new gain for every latent (default).
    PerLatent,
    /// A new gain in every block of the coherence time.
    Block,
    /// A Gauss–Markov process with this coherence time, mapped to the distribution of the gain (a Gaussian copula).
    GaussianCopula,
}

/// What one link remembers of its fading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkFading {
    last: Option<LastDraw>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct LastDraw {
    /// When the link was last asked for a new value [s].
    time_s: f64,
    /// Draws before this one: it took the child of that number from the link's stream.
    draws_before: u64,
    /// The gain h; with the copula the Gaussian x.
    value: f64,
}

impl LinkFading {
    /// Power gain h at a time [s].
    ///
    /// `stream` is the key of this link's fading, the same at every call. `coherence_time_s` > 0; gains per latent have none.
    /// Asked twice for one time, the gain is the same. Times of one link must not go backwards but for blocks: an earlier time
    /// than the last one gets the gain of the last one.
    pub fn gain(
        &mut self,
        process: FadingProcess,
        fading: &Fading,
        coherence_time_s: f64,
        time_s: f64,
        stream: impl Fn() -> StreamKey,
    ) -> f64 {
        match process {
            _ if *fading == Fading::None => 1.0,
            FadingProcess::PerLatent => self.value_at(time_s, |draw, _| fading.sample(&mut stream().child(draw).rng())),
            FadingProcess::Block => {
                let block = (time_s / coherence_time_s).floor() as u64;
                fading.sample(&mut stream().child(block).rng())
            }
            FadingProcess::GaussianCopula => {
                let gaussian = self.value_at(time_s, |draw, before| {
                    let fresh: f64 = StandardNormal.sample(&mut stream().child(draw).rng());
                    before.map_or(fresh, |last| {
                        let decay = (time_s - last.time_s) / coherence_time_s;
                        (-decay).exp() * last.value + (-(-2.0 * decay).exp_m1()).sqrt() * fresh
                    })
                });
                gain_of_gaussian(fading, gaussian)
            }
        }
    }

    /// The value of a time: the last one where time has not gone on, else what `draw` makes of its number and the last one.
    fn value_at(&mut self, time_s: f64, draw: impl FnOnce(u64, Option<&LastDraw>) -> f64) -> f64 {
        if let Some(last) = self.last.filter(|last| time_s <= last.time_s) {
            return last.value;
        }
        let draws_before = self.last.map_or(0, |last| last.draws_before + 1);
        let value = draw(draws_before, self.last.as_ref());
        self.last = Some(LastDraw { time_s, draws_before, value });
        value
    }
}

/// h = F⁻¹(Φ(x)): the gain that is as unlikely as a standard normal `gaussian`, on either side.
pub fn gain_of_gaussian(fading: &Fading, gaussian: f64) -> f64 {
    fading.quantile_of(Tails { lower: gaussian_q(-gaussian), upper: gaussian_q(gaussian) })
}
