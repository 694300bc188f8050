//! How a latent consistency model is told the guidance scale.

use ndarray::Array2;

/// Embeddings [b, width] of guidance scales: sines, then cosines, of 1000 (w − 1) in `width` / 2 frequencies from 1 down to
/// 1/10000, as `get_guidance_scale_embedding` of diffusers makes them (arXiv 2310.04378, appendix; the form is that of
/// arXiv 2107.00630). An odd width ends in a zero.
pub(super) fn guidance_embedding(scales: &[f64], width: usize) -> Array2<f32> {
    let half = width / 2;
    let decay = 10_000_f64.ln() / (half - 1) as f64;
    Array2::from_shape_fn((scales.len(), width), |(sample, place)| {
        let angle = |frequency: usize| 1000.0 * (scales[sample] - 1.0) * (-decay * frequency as f64).exp();
        match place {
            place if place < half => angle(place).sin() as f32,
            place if place < 2 * half => angle(place - half).cos() as f32,
            _ => 0.0,
        }
    })
}
