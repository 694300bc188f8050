//! How far a picture is from a reference picture: MSE, PSNR and SSIM.
//!
//! These are full-reference metrics: they tell what bit errors or sharing changed, not whether the picture is good.

use miette::Diagnostic;
use thiserror::Error;

use crate::picture::Picture;

/// Distance of a picture from its reference, both with values in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureMetrics {
    /// Mean squared error over all pixels and channels.
    pub mse: f64,
    /// Peak signal-to-noise ratio, 10 log₁₀(1 / MSE) [dB]. Positive infinity for identical pictures; tables write it as `inf`.
    pub psnr_db: f64,
    /// Structural similarity after Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
    /// structural similarity", IEEE Trans. Image Process. 13(4), 2004; in [−1, 1], 1 for identical pictures.
    pub ssim: f64,
}

/// Why two pictures cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum MetricsError {
    /// The pictures differ in size.
    #[error("pictures of {width}×{height} and {reference_width}×{reference_height} pixels cannot be compared")]
    #[diagnostic(help("compare pictures of one model pack only"))]
    DifferentSizes { width: usize, height: usize, reference_width: usize, reference_height: usize },
    /// A side is shorter than the window of SSIM.
    #[error("SSIM needs pictures of at least {WINDOW}×{WINDOW} pixels, but these have {width}×{height}")]
    #[diagnostic(help("use a model pack that makes larger pictures"))]
    TooSmall { width: usize, height: usize },
}

/// Width of the Gaussian window of SSIM [pixels].
const WINDOW: usize = 11;
/// Standard deviation of the window [pixels].
const WINDOW_DEVIATION: f64 = 1.5;
/// (K₁ L)² and (K₂ L)² with K₁ = 0.01, K₂ = 0.03 and the dynamic range L = 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

impl PictureMetrics {
    /// Compares a picture with its reference, in f64.
    ///
    /// SSIM is taken per channel, then averaged, over the windows that lie wholly inside the picture; this is what
    /// scikit-image's `structural_similarity` gives for `gaussian_weights=True, use_sample_covariance=False, data_range=1,
    /// channel_axis=-1`, which crops the border where windows would stick out.
    ///
    /// # Errors
    /// [`MetricsError::DifferentSizes`], [`MetricsError::TooSmall`].
    pub fn between(picture: &Picture, reference: &Picture) -> Result<Self, MetricsError> {
        let (width, height) = (picture.width(), picture.height());
        if (width, height) != (reference.width(), reference.height()) {
            return Err(MetricsError::DifferentSizes {
                width,
                height,
                reference_width: reference.width(),
                reference_height: reference.height(),
            });
        }
        if width < WINDOW || height < WINDOW {
            return Err(MetricsError::TooSmall { width, height });
        }
        let mse = mean_squared_error(picture.rgb(), reference.rgb());
        let ssim = (0..3)
            .map(|channel| {
                let plane = |of: &Picture| -> Vec<f64> {
                    of.rgb()[channel..].iter().step_by(3).map(|&v| f64::from(v)).collect()
                };
                structural_similarity(&plane(picture), &plane(reference), width)
            })
            .sum::<f64>()
            / 3.0;
        Ok(Self { mse, psnr_db: 10.0 * mse.recip().log10(), ssim })
    }
}

fn mean_squared_error(values: &[f32], reference: &[f32]) -> f64 {
    let sum: f64 = values.iter().zip(reference).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    sum / values.len() as f64
}

/// Mean SSIM of one channel, both planes in rows of `width`.
fn structural_similarity(x: &[f64], y: &[f64], width: usize) -> f64 {
    let combined = |of: fn(f64, f64) -> f64| -> Vec<f64> { x.iter().zip(y).map(|(&x, &y)| of(x, y)).collect() };
    let window = gaussian_window();
    let mean = |plane: &[f64]| window_means(plane, width, &window);
    let (mean_x, mean_y) = (mean(x), mean(y));
    // The formula needs both variances only as their sum.
    let mean_squares = mean(&combined(|x, y| x * x + y * y));
    let mean_products = mean(&combined(|x, y| x * y));
    let sum: f64 = (0..mean_x.len())
        .map(|at| {
            let product = mean_x[at] * mean_y[at];
            let squares = mean_x[at] * mean_x[at] + mean_y[at] * mean_y[at];
            let variances = mean_squares[at] - squares;
            let covariance = mean_products[at] - product;
            (2.0 * product + C1) * (2.0 * covariance + C2) / ((squares + C1) * (variances + C2))
        })
        .sum();
    sum / mean_x.len() as f64
}

/// The Gaussian, sampled at the pixel centres and normalised to sum 1.
fn gaussian_window() -> [f64; WINDOW] {
    let centre = (WINDOW / 2) as f64;
    let mut window: [f64; WINDOW] =
        std::array::from_fn(|at| (-0.5 * ((at as f64 - centre) / WINDOW_DEVIATION).powi(2)).exp());
    let sum: f64 = window.iter().sum();
    window.iter_mut().for_each(|weight| *weight /= sum);
    window
}

/// Weighted means over every window inside the plane: the two-dimensional Gaussian is separable, so that rows go first,
/// then columns.
fn window_means(plane: &[f64], width: usize, window: &[f64; WINDOW]) -> Vec<f64> {
    let (inner_width, height) = (width - WINDOW + 1, plane.len() / width);
    let mut along_rows = vec![0.0; inner_width * height];
    for (means, row) in along_rows.chunks_exact_mut(inner_width).zip(plane.chunks_exact(width)) {
        weighted_sums(means, row, 1, window);
    }
    let mut means = vec![0.0; inner_width * (height - WINDOW + 1)];
    weighted_sums(&mut means, &along_rows, inner_width, window);
    means
}

/// `sums[i]` = Σ `window[o]` · `values[i + o · stride]`, eight neighbours at a time, which stay in registers.
fn weighted_sums(sums: &mut [f64], values: &[f64], stride: usize, window: &[f64; WINDOW]) {
    const LANES: usize = 8;
    let (blocks, rest) = sums.as_chunks_mut::<LANES>();
    let rest_from = LANES * blocks.len();
    for (block, sums) in blocks.iter_mut().enumerate() {
        let mut lanes = [0.0; LANES];
        for (offset, weight) in window.iter().enumerate() {
            let from = LANES * block + offset * stride;
            for (lane, value) in lanes.iter_mut().zip(&values[from..from + LANES]) {
                *lane += weight * value;
            }
        }
        *sums = lanes;
    }
    for (at, sum) in rest.iter_mut().enumerate() {
        let weighted = |(offset, weight)| weight * values[rest_from + at + offset * stride];
        *sum = window.iter().enumerate().map(weighted).sum();
    }
}
