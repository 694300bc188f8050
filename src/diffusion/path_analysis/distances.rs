//! How far two paths, two prompts and two distributions are apart.

use super::PathPoint;

/// ‖a − b‖, the Euclidean distance of two latents of equal length, of which (14), (16) and (17) are made.
pub fn euclidean_distance(a: &[f32], b: &[f32]) -> f64 {
    assert!(a.len() == b.len(), "the latents of a pack have one length");
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
}

/// The Kullback–Leibler divergence (15) [nat] between what is known of z_t under two prompts whose paths end a distance
/// `d` apart, γ(t) d² / 2.
///
/// By (4) z_t is N(α_t z_0, σ_t² I), here with z_0 = P_A(0) and P_B(0). Two Gaussians of one covariance σ² I diverge by the
/// squared distance of their means over 2σ², which is α_t² d² / 2σ_t², and γ(t) = ᾱ_t / (1 − ᾱ_t) of (3). (The paper prints
/// a sum over z; z is continuous, and it is an integral.) 0 at pure noise. `None` at the clean end, where ᾱ = 1: there each
/// distribution is one point, and the divergence has no bound.
pub fn kl_divergence(alpha_bar: f64, d: f64) -> Option<f64> {
    (alpha_bar < 1.0).then(|| alpha_bar / (1.0 - alpha_bar) * d * d / 2.0)
}

/// A cheap stand-in for (14) that needs no path: d = D √(2 (1 − cos)), the chord between two directions of cosine
/// similarity `cosine` on a sphere of radius D. D = √n is the norm of a latent of `latent_values` = n values of unit
/// variance, as the latents of a pack are scaled to. The cosine is that of the prompts' embeddings, averaged over tokens.
pub fn text_distance(cosine: f64, latent_values: usize) -> f64 {
    // Rounding may put the cosine of a prompt with itself above 1.
    sphere_radius(latent_values) * (2.0 * (1.0 - cosine).max(0.0)).sqrt()
}

/// D of [`text_distance`].
pub fn sphere_radius(latent_values: usize) -> f64 {
    (latent_values as f64).sqrt()
}

impl PathPoint {
    /// (15) at this point of the paths, for ends a distance `d` apart; see [`kl_divergence`]. `None` at t_off = 0, also
    /// where the schedule's last step leads to ᾱ_0 < 1: the ends of the paths are the z_0 of the formula.
    pub fn kl_divergence(&self, d: f64) -> Option<f64> {
        kl_divergence(self.alpha_bar, d).filter(|_| self.t_off > 0)
    }
}
