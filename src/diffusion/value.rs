//! What nodes of the denoising graph evaluate to.

use std::sync::Arc;

use super::image_metrics::PictureMetrics;
use crate::judge::Answer;
use crate::picture::Picture;

/// A latent [channels × height × width], channel by channel, with what the link did to it if it came over one.
#[derive(Debug, Clone, PartialEq)]
pub struct Latent {
    pub values: Vec<f32>,
    /// Earlier model outputs that the next steps of a multistep method go by, newest first, each as long as the latent.
    pub history: Vec<Arc<[f32]>>,
    /// Present on a latent that was just received.
    pub link_errors: Option<LinkErrors>,
}

impl Latent {
    /// A latent that nothing came before.
    pub fn new(values: Vec<f32>) -> Self {
        Self { values, history: Vec::new(), link_errors: None }
    }
}

/// What the link did to a latent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkErrors {
    /// Bits of the packed latent, and of the history that went along.
    pub bits: u64,
    /// Bits that arrived flipped.
    pub flipped_bits: u64,
    /// Values that were NaN or infinite before sanitising.
    pub non_finite: u64,
    /// Finite values outside the range before sanitising.
    pub out_of_range: u64,
}

/// Why a node has no content. Everything that depends on it fails for the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The latent handed to the denoiser or decoder held NaN or infinite values, as raw floats with flipped exponent
    /// bits do. The denoiser answers such a latent with NaN everywhere, so it is not called.
    NonFiniteLatent,
    /// The denoiser or decoder answered a finite latent with NaN or infinite values: its arithmetic overflowed.
    NonFiniteOutput,
}

impl Failure {
    /// The name used in tables and under pictures.
    pub fn name(self) -> &'static str {
        match self {
            Self::NonFiniteLatent => "non-finite-latent",
            Self::NonFiniteOutput => "non-finite-output",
        }
    }
}

/// The content of a node.
#[derive(Debug, Clone)]
pub enum Value {
    Latent(Arc<Latent>),
    Picture(Arc<Picture>),
    Metrics(PictureMetrics),
    Answer(Answer),
    Failed(Failure),
    /// A session call failed, so nothing is known of the content; with what the session said. Unlike [`Failure`] this is
    /// no property of the node: it is never stored, and whoever needs the node has failed as a whole.
    CallFailed(Arc<str>),
}
