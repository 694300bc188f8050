//! What can be wrong with a scheduler configuration or with a chain asked of it.

use std::path::PathBuf;

/// Why a noise schedule or a chain cannot be had. None leaves anything half made.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum ScheduleError {
    /// The file holds something else than one JSON object.
    #[error("{}: expected a JSON object with the fields of a diffusers scheduler", path.display())]
    #[diagnostic(help("export it again: scheduler.save_pretrained(\"…/scheduler\") in Python"))]
    NotAnObject { path: PathBuf },

    /// Defaults differ between diffusers' classes, so the class must be one we know.
    #[error("{}: `_class_name` is {found}, expected one of {expected}", path.display())]
    #[diagnostic(help(
        "in Python: DDIMScheduler.from_config(scheduler.config).save_pretrained(\"…/scheduler\"); \
         the sampler itself is chosen in the scenario"
    ))]
    UnsupportedClass { path: PathBuf, found: String, expected: String },

    /// A field whose effect we do not know: leaving it out could change every picture.
    #[error("{}: unknown field `{field}`, which could change the result", path.display())]
    #[diagnostic(help(
        "known fields are those of diffusers' DDIM, DDPM, Euler, Euler ancestral, PNDM, DPM-Solver++ multistep and LCM \
         schedulers; remove `{field}` if the model does not depend on it"
    ))]
    UnknownField { path: PathBuf, field: String },

    /// A known field with a value that is malformed or not supported.
    #[error("{}: field `{field}` is {found}, expected {expected}", path.display())]
    #[diagnostic(help("correct `{field}`, or take a pack whose scheduler does without it"))]
    FieldValue { path: PathBuf, field: String, found: String, expected: String },

    /// γ(t) of (3) must fall strictly: each timestep of training is noisier than the one before.
    #[error(
        "{}: the signal-to-noise ratio does not fall from timestep {} to {timestep} (ᾱ {before} to {after})",
        path.display(), timestep.saturating_sub(1)
    )]
    #[diagnostic(help("every beta must lie above 0 and below 1; only the last may be 1"))]
    NotMonotone { path: PathBuf, timestep: usize, before: f64, after: f64 },

    /// At ᾱ = 0 the latent is pure noise, and its ε says nothing about z_0.
    #[error("{}: the last timestep has ᾱ = 0, where epsilon prediction is undefined", path.display())]
    #[diagnostic(help(
        "a zero-terminal-SNR schedule needs `prediction_type` \"v_prediction\" or \"sample\" (and a denoiser \
         trained for it)"
    ))]
    ZeroTerminalWithEpsilon { path: PathBuf },

    /// A chain of no steps.
    #[error("a denoising chain needs at least one step")]
    #[diagnostic(help("give the server or the device at least one step"))]
    NoSteps,

    /// More steps than the denoiser has timesteps.
    #[error("{steps} steps asked of a denoiser trained on {train_timesteps} timesteps")]
    #[diagnostic(help("take at most {train_timesteps} steps"))]
    TooManySteps { steps: u32, train_timesteps: u32 },

    /// More steps than a consistency model was distilled at.
    #[error("{steps} steps asked of sampler \"lcm\" with {original_steps} original steps")]
    #[diagnostic(help(
        "take at most {original_steps} steps; scheduler_config.json says by `original_inference_steps` at how many the model \
         was distilled"
    ))]
    BeyondOriginalSteps { steps: u32, original_steps: u32 },

    /// `steps_offset` pushes the first timestep past the end of the table.
    #[error(
        "a chain of {steps} steps would start at timestep {timestep}, but the last of training is {}",
        train_timesteps - 1
    )]
    #[diagnostic(help("take fewer steps, or lower `steps_offset` in scheduler_config.json"))]
    TimestepOutOfRange { timestep: f64, train_timesteps: u32, steps: u32 },

    /// DDIM's η outside of what leaves the remaining variance non-negative.
    #[error("eta = {eta}, expected a number from 0 (deterministic) to 1 (as noisy as ancestral sampling)")]
    #[diagnostic(help("set `diffusion.sampler = {{ kind = \"ddim\", eta = 0.0 }}`"))]
    Eta { eta: f64 },

    /// More server steps than the reference chain has, or device steps after its last.
    #[error("t0 = {t0} leaves nothing of the {n_ref}-step chain for t_k = {tk} device steps")]
    #[diagnostic(help("respaced: 0 ≤ t0 ≤ diffusion.steps, and t_k = 0 where t0 = diffusion.steps"))]
    NothingLeft { t0: u32, tk: u32, n_ref: u32 },

    /// Re-spacing would visit a timestep twice.
    #[error("{tk} device steps do not fit between timestep {from_timestep} and 0")]
    #[diagnostic(help("after t0 = {t0} server steps take fewer device steps"))]
    TooManyDeviceSteps { t0: u32, tk: u32, from_timestep: f64 },
}

impl ScheduleError {
    /// Whether the pack's configuration is at fault; otherwise it is the number of steps that was asked for.
    pub fn is_in_pack(&self) -> bool {
        matches!(
            self,
            Self::NotAnObject { .. }
                | Self::UnsupportedClass { .. }
                | Self::UnknownField { .. }
                | Self::FieldValue { .. }
                | Self::NotMonotone { .. }
                | Self::ZeroTerminalWithEpsilon { .. }
        )
    }
}
