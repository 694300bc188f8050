//! The solvers of the reverse chain, as numbers.
//!
//! A chain is a list of [`DenoisingStep`]s, each of which holds everything that decides its outcome but the latent, what
//! goes along with it, the prompt and the noise. Two steps with the same numbers do the same work, whoever takes them: that
//! is what makes a split chain equal an unsplit one bit for bit, and what the denoising graph shares.
//!
//! ```text
//!   model output ──► ẑ_0 (9), clipped if asked ──► DDIM:        z_s = α_s ẑ_0 + √(σ_s² − n²) ε_θ + n·noise
//!        │                                         posterior:   z_s = (8) of ẑ_0 and z_t          + n·noise
//!        │                                         consistency: z_s = α_s (c_out ẑ_0 + c_skip z_t) + n·noise
//!        └─► with up to three earlier ones ──────► PLMS, DPM-Solver++: see `multistep`
//! ```
//!
//! All latents are variance preserving, also those of Euler and Euler ancestral: where diffusers' schedulers keep
//! `x = z·√(1 + σ²)`, we keep z, whose variance is about 1, so that it can be quantised and sent like any other. In these
//! coordinates Euler's step `x' = x + (x − x̂_0)(σ' − σ)/σ = x̂_0 + σ' ε` is DDIM's with η = 0, the ancestral one DDIM's with
//! η = 1, and the model is fed z in either.

mod chains;
mod denoising_step;
mod factors;
mod multistep;

pub use self::denoising_step::{DenoisingStep, SecondEvaluation, StepRule};
pub use self::factors::{FactorPair, StepFactors};
pub(super) use self::multistep::{KnownOutputs, restarted};

/// How one denoising step is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampler {
    /// DDIM; `eta` = 0 is deterministic, 1 is as noisy as ancestral sampling.
    Ddim { eta: f64 },
    /// Ancestral sampling after (7)–(9).
    Ddpm,
    /// Euler's method on the probability-flow equation.
    Euler,
    /// Euler's method towards less noise than the next level has, and fresh noise for the rest.
    EulerAncestral,
    /// PNDM (arXiv 2202.09778) as Stable Diffusion takes it: linear multistep of order 4, without Runge-Kutta steps.
    Pndm,
    /// DPM-Solver++ (arXiv 2211.01095) 2M: second order by the estimate of the step before.
    DpmSolver,
    /// Multistep sampling of a latent consistency model (arXiv 2310.04378).
    Lcm,
}

impl Sampler {
    /// The name in scenarios and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddim { .. } => "ddim",
            Self::Ddpm => "ddpm",
            Self::Euler => "euler",
            Self::EulerAncestral => "euler-ancestral",
            Self::Pndm => "pndm",
            Self::DpmSolver => "dpm-solver++",
            Self::Lcm => "lcm",
        }
    }

    /// Whether steps draw fresh noise.
    pub fn is_stochastic(self) -> bool {
        match self {
            Self::Ddim { eta } => eta > 0.0,
            Self::Ddpm | Self::EulerAncestral | Self::Lcm => true,
            Self::Euler | Self::Pndm | Self::DpmSolver => false,
        }
    }

    /// The history that a latent has after that many steps: earlier model outputs that the next step goes by. 0 for all
    /// methods of one step.
    pub fn history_after(self, steps: u32) -> u32 {
        steps.min(self.longest_history())
    }

    /// The most earlier model outputs that a step goes by.
    pub fn longest_history(self) -> u32 {
        match self {
            Self::Pndm => multistep::PLMS_HISTORY,
            Self::DpmSolver => 1,
            Self::Ddim { .. } | Self::Ddpm | Self::Euler | Self::EulerAncestral | Self::Lcm => 0,
        }
    }
}

/// A whole chain from noise to a clean latent.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Factor on the standard normal start latent. 1 for DDIM and DDPM. For Euler diffusers scales x by
    /// `init_noise_sigma`: √(σ² + 1) with leading spacing, which is 1 here; σ with trailing and linspace, which is
    /// σ/√(1 + σ²) = √(1 − ᾱ) here.
    pub start_scale: f64,
    /// Noisiest first.
    pub steps: Vec<DenoisingStep>,
}

/// Classifier-free guidance, the conditional step of (13): `unconditional` becomes ε_∅ + w (ε_c − ε_∅).
///
/// `scale` is w; 1 leaves the conditional output, up to rounding (an executor then skips the unconditional call). Holds
/// for v- and z_0-prediction alike, as they are affine in ε.
///
/// # Panics
/// If lengths differ.
pub fn guide(unconditional: &mut [f32], conditional: &[f32], scale: f32) {
    assert!(unconditional.len() == conditional.len(), "both model outputs have one length");
    for (without, &with) in unconditional.iter_mut().zip(conditional) {
        *without += scale * (with - *without);
    }
}
