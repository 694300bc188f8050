//! One worker: a set of sessions and the kernels that run on it, a batch at a time.

use std::sync::Arc;

use ndarray::{Array2, Array3, Array4, Axis, s};
use rand_distr::{Distribution, StandardNormal};

use super::codec;
use super::graph::{BitChannel, is_guided};
use super::sampler::{DenoisingStep, guide};
use super::value::{Failure, Latent, LinkErrors, Value};
use crate::onnx::{DiffusionModels, PackError};
use crate::picture::{Picture, PictureError};
use crate::random::StreamKey;

/// A text embedding [tokens × hidden].
pub type TextEmbedding = Arc<Array2<f32>>;

/// One latent on its way through one denoising step.
pub struct DenoiseItem {
    pub latent: Arc<Latent>,
    pub text: TextEmbedding,
    /// Embedding of the empty prompt.
    pub empty_text: TextEmbedding,
    pub guidance: f64,
    pub step: DenoisingStep,
    /// Standard normal values of the latent's length, where the step is stochastic.
    pub noise: Option<Vec<f32>>,
}

impl DenoiseItem {
    /// UNet evaluations this item takes: with guidance the unconditional one comes first.
    pub fn evaluations(&self) -> usize {
        if is_guided(self.guidance) { 2 } else { 1 }
    }
}

/// Standard normal values of a stream, times `scale`: a start latent z_T, or the fresh noise of a step.
pub fn draw_noise(seed: &StreamKey, scale: f64, len: usize) -> Vec<f32> {
    let mut rng = seed.rng();
    (0..len)
        .map(|_| {
            let value: f64 = StandardNormal.sample(&mut rng);
            (value * scale) as f32
        })
        .collect()
}

/// Sends a latent over the link.
pub fn corrupt(latent: &Latent, channel: &BitChannel) -> Latent {
    let received = codec::transmit(
        &latent.values,
        channel.codec,
        channel.latent_range as f32,
        channel.sanitize,
        channel.bit_error_probability,
        channel.protected,
        &channel.seed,
    );
    Latent {
        values: received.latent,
        link_errors: Some(LinkErrors {
            bits: received.bits,
            flipped_bits: received.flipped_bits,
            non_finite: received.non_finite,
            out_of_range: received.out_of_range,
        }),
    }
}

/// One denoising step (13) of every item, in one call of the UNet.
///
/// ```text
///  latent ─┬─► UNet(z, t, τ(""))  ─┐
///          └─► UNet(z, t, τ(c))   ─┴─► guidance ─► sampler step ─► latent
/// ```
pub fn denoise(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    items: &[DenoiseItem],
) -> Result<Vec<Value>, PackError> {
    let [channels, height, width] = latent_shape;
    let size = channels * height * width;
    let evaluations: usize = items.iter().map(DenoiseItem::evaluations).sum();
    let (tokens, hidden) = items.first().map_or((0, 0), |item| item.text.dim());
    let mut samples = Vec::with_capacity(evaluations * size);
    let mut timesteps = Vec::with_capacity(evaluations);
    let mut texts = Array3::<f32>::zeros((evaluations, tokens, hidden));
    let mut row = 0;
    for item in items {
        let unconditional = is_guided(item.guidance).then_some(&item.empty_text);
        for text in unconditional.into_iter().chain([&item.text]) {
            samples.extend_from_slice(&item.latent.values);
            timesteps.push(item.step.timestep);
            texts.slice_mut(s![row, .., ..]).assign(text.as_ref());
            row += 1;
        }
    }
    let samples = Array4::from_shape_vec((evaluations, channels, height, width), samples)
        .expect("every latent of a pack has the pack's latent shape");
    let output = models.predict(samples.view(), &timesteps, texts.view())?;
    let mut output = output.into_raw_vec_and_offset().0;

    let mut results = Vec::with_capacity(items.len());
    let mut rest = output.as_mut_slice();
    for item in items {
        let (own, after) = rest.split_at_mut(item.evaluations() * size);
        rest = after;
        let prediction = if is_guided(item.guidance) {
            let (unconditional, conditional) = own.split_at_mut(size);
            guide(unconditional, conditional, item.guidance as f32);
            unconditional
        } else {
            own
        };
        let mut values = vec![0.0; size];
        item.step.apply(&item.latent.values, prediction, item.noise.as_deref(), &mut values);
        results.push(if values.iter().all(|value| value.is_finite()) {
            Value::Latent(Arc::new(Latent { values, link_errors: None }))
        } else {
            Value::Failed(Failure::NonFiniteOutput)
        });
    }
    Ok(results)
}

/// The pictures (2) of the latents, in one call of the decoder.
pub fn decode(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    latents: &[Arc<Latent>],
) -> Result<Vec<Value>, PackError> {
    let [channels, height, width] = latent_shape;
    let values = latents.iter().flat_map(|latent| latent.values.iter().copied()).collect();
    let batch = Array4::from_shape_vec((latents.len(), channels, height, width), values)
        .expect("every latent of a pack has the pack's latent shape");
    let pictures = models.decode(batch.view())?;
    Ok(pictures
        .axis_iter(Axis(0))
        .map(|picture| match Picture::from_chw(picture) {
            Ok(picture) => Value::Picture(Arc::new(picture)),
            Err(PictureError::NotFinite { .. }) => Value::Failed(Failure::NonFiniteOutput),
            Err(error) => unreachable!("the decoder's output is checked to be [b, 3, H, W]: {error}"),
        })
        .collect())
}
