//! The noise schedule of the diffusion actor: variance preserving, T steps, as in the authors' public code.
//!
//! ```text
//! β_i = 1 − exp(−β_min / T − (β_max − β_min)(2i − 1) / 2T²),  i = 1..T,  β_min = 0.1, β_max = 10
//! ᾱ_i = Π_{j ≤ i} (1 − β_j)
//! x_{i−1} | x_i, x̂_0  ~  N(x̂_0 √ᾱ_{i−1} β_i / (1 − ᾱ_i) + x_i √α_i (1 − ᾱ_{i−1}) / (1 − ᾱ_i),  β_i (1 − ᾱ_{i−1}) / (1 − ᾱ_i))
//! ```
//!
//! The last line is the reverse step (7), (8) with the estimate x̂_0 in place of z_0. Indices of the code start at 0, as
//! those of the authors: step i here is i + 1 above. At step 0 the posterior is x̂_0 itself, without noise.

const BETA_MIN: f64 = 0.1;
const BETA_MAX: f64 = 10.0;

/// The numbers of one denoising step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenoisingStep {
    /// β, the noise that the forward step adds [variance].
    pub beta: f64,
    /// ᾱ, what is left of x_0 [power].
    pub alpha_cumprod: f64,
    /// Variance of the posterior; 0 at step 0.
    pub posterior_variance: f64,
    /// Weight of x̂_0 in the posterior mean.
    pub coefficient_x0: f64,
    /// Weight of x_i in the posterior mean.
    pub coefficient_xt: f64,
    /// 1 / √ᾱ, weight of x_i where x̂_0 is found from an estimate of the noise.
    pub sqrt_reciprocal_alpha: f64,
    /// √(1 / ᾱ − 1), weight of that noise. 12.45 at the last of five steps: why the ε head sits in corners.
    pub sqrt_reciprocal_alpha_minus_one: f64,
}

/// The steps 0..T of a chain of `steps` = T steps; the chain runs from the last one to step 0.
pub fn vp_schedule(steps: u32) -> Vec<DenoisingStep> {
    let total = f64::from(steps);
    let mut alpha_cumprod_before = 1.0;
    (1..=steps)
        .map(|step| {
            let ramp = 0.5 * (BETA_MAX - BETA_MIN) * (2.0 * f64::from(step) - 1.0) / (total * total);
            let alpha = libm::exp(-BETA_MIN / total - ramp);
            let beta = 1.0 - alpha;
            let alpha_cumprod = alpha_cumprod_before * alpha;
            let left = 1.0 - alpha_cumprod;
            let first = step == 1;
            let of_step = DenoisingStep {
                beta,
                alpha_cumprod,
                posterior_variance: beta * (1.0 - alpha_cumprod_before) / left,
                coefficient_x0: if first { 1.0 } else { beta * alpha_cumprod_before.sqrt() / left },
                coefficient_xt: (1.0 - alpha_cumprod_before) * alpha.sqrt() / left,
                sqrt_reciprocal_alpha: (1.0 / alpha_cumprod).sqrt(),
                sqrt_reciprocal_alpha_minus_one: (1.0 / alpha_cumprod - 1.0).sqrt(),
            };
            alpha_cumprod_before = alpha_cumprod;
            of_step
        })
        .collect()
}
