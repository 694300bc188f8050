//! One worker: a set of sessions and the kernels that run on it, a batch at a time.

mod stretch;

use std::sync::Arc;

use ndarray::{Array2, Array3, Array4, Axis};
use rand_distr::{Distribution, StandardNormal};

pub use self::stretch::{Stretch, StretchForm, denoise_stretches};
use super::codec;
use super::graph::BitChannel;
use super::sampler::{DenoisingStep, guide};
use super::text::TextEmbedding;
use super::value::{Failure, Latent, LinkErrors, Value};
use crate::onnx::{Conditioning, DiffusionModels, PackError};
use crate::picture::{Picture, PictureError};
use crate::random::StreamKey;

/// One latent on its way through one denoising step.
#[derive(Debug, Clone)]
pub struct DenoiseItem {
    pub latent: Arc<Latent>,
    pub text: Arc<TextEmbedding>,
    /// What stands for no prompt, where the step takes classifier-free guidance; none where it takes no guidance, or
    /// where the denoiser is told the scale.
    pub unconditional_text: Option<Arc<TextEmbedding>>,
    pub guidance: f64,
    pub step: DenoisingStep,
    /// Standard normal values of the latent's length, where the step is stochastic.
    pub noise: Option<Vec<f32>>,
}

impl DenoiseItem {
    /// UNet evaluations this item takes at a time: the unconditional one comes first.
    pub fn evaluations(&self) -> usize {
        1 + usize::from(self.unconditional_text.is_some())
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

/// Sends a latent over the link, and the history that goes along behind it: the bits of the latent flip as they would
/// without.
pub fn corrupt(latent: &Latent, channel: &BitChannel) -> Latent {
    let sent_history = &latent.history[..channel.history as usize];
    let joined: Vec<f32>;
    let sent = match sent_history {
        [] => &latent.values,
        history => {
            joined = [&latent.values[..]]
                .into_iter()
                .chain(history.iter().map(|earlier| &earlier[..]))
                .flatten()
                .copied()
                .collect();
            &joined
        }
    };
    let mut received = codec::transmit(
        sent,
        channel.codec,
        channel.latent_range as f32,
        channel.sanitize,
        channel.bit_error_probability,
        channel.protected,
        &channel.seed,
    );
    let received_history = received.latent.split_off(latent.values.len());
    Latent {
        history: received_history.chunks_exact(latent.values.len().max(1)).map(Arc::from).collect(),
        values: received.latent,
        link_errors: Some(LinkErrors {
            bits: received.bits,
            flipped_bits: received.flipped_bits,
            non_finite: received.non_finite,
            out_of_range: received.out_of_range,
        }),
    }
}

/// One denoising step (13) of every item, in one call of the UNet, and one more for the steps with a second evaluation.
///
/// ```text
///  latent ─┬─► UNet(z, t, τ(""))  ─┐                  ┌─► latent
///          └─► UNet(z, t, τ(c))   ─┴─► guidance ─► sampler step ─► history
/// ```
pub fn denoise(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    items: &[DenoiseItem],
) -> Result<Vec<Value>, PackError> {
    let evaluations =
        items.iter().map(|item| Evaluation { item, latent: &item.latent.values, timestep: item.step.timestep });
    let outputs = evaluate(models, latent_shape, &evaluations.collect::<Vec<_>>())?;

    let predicted: Vec<(usize, f64, Vec<f32>)> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let second = item.step.second_evaluation()?;
            Some((index, second.timestep, item.step.predict(&item.latent.values, &outputs[index])))
        })
        .collect();
    let evaluations = predicted.iter().map(|(index, timestep, latent)| Evaluation {
        item: &items[*index],
        latent,
        timestep: *timestep,
    });
    let second_outputs = evaluate(models, latent_shape, &evaluations.collect::<Vec<_>>())?;
    let mut means: Vec<Option<Vec<f32>>> = vec![None; items.len()];
    for ((index, ..), second) in predicted.iter().zip(second_outputs) {
        means[*index] =
            Some(outputs[*index].iter().zip(second).map(|(first, second)| 0.5 * (first + second)).collect());
    }

    let finish = |((item, first), mean): ((&DenoiseItem, &Vec<f32>), &Option<Vec<f32>>)| {
        let Latent { values: latent, history: earlier, .. } = &*item.latent;
        let mut values = vec![0.0; latent.len()];
        item.step.apply(latent, mean.as_ref().unwrap_or(first), earlier, item.noise.as_deref(), &mut values);
        if values.iter().any(|value| !value.is_finite()) {
            return Value::Failed(Failure::NonFiniteOutput);
        }
        let history = item.step.remember(latent, first, earlier);
        Value::Latent(Arc::new(Latent { values, history, link_errors: None }))
    };
    Ok(items.iter().zip(&outputs).zip(&means).map(finish).collect())
}

/// One question to the UNet on an item's behalf.
struct Evaluation<'a> {
    item: &'a DenoiseItem,
    latent: &'a [f32],
    timestep: f64,
}

/// The model's outputs after guidance, in one call; none where nothing is asked.
fn evaluate(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    evaluations: &[Evaluation<'_>],
) -> Result<Vec<Vec<f32>>, PackError> {
    if evaluations.is_empty() {
        return Ok(Vec::new());
    }
    let [channels, height, width] = latent_shape;
    let size = channels * height * width;
    let rows: usize = evaluations.iter().map(|evaluation| evaluation.item.evaluations()).sum();
    let mut samples = Vec::with_capacity(rows * size);
    let (mut timesteps, mut scales) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut told = Vec::with_capacity(rows);
    for Evaluation { item, latent, timestep } in evaluations {
        for text in item.unconditional_text.iter().chain([&item.text]) {
            samples.extend_from_slice(latent);
            timesteps.push(*timestep);
            scales.push(item.guidance);
            told.push(&**text);
        }
    }
    let (texts, pooled) = side_by_side(&told);
    let samples = Array4::from_shape_vec((rows, channels, height, width), samples)
        .expect("every latent of a pack has the pack's latent shape");
    let conditioning =
        Conditioning { text: texts.view(), pooled: pooled.as_ref().map(|rows| rows.view()), guidance: &scales };
    let output = models.predict(samples.view(), &timesteps, &conditioning)?;
    let mut output = output.into_raw_vec_and_offset().0;
    let mut rest = output.as_mut_slice();
    let mut outputs = Vec::with_capacity(evaluations.len());
    for Evaluation { item, .. } in evaluations {
        let (own, after) = rest.split_at_mut(item.evaluations() * size);
        rest = after;
        outputs.push(if item.unconditional_text.is_some() {
            let (unconditional, conditional) = own.split_at_mut(size);
            guide(unconditional, conditional, item.guidance as f32);
            unconditional.to_vec()
        } else {
            own.to_vec()
        });
    }
    Ok(outputs)
}

/// Texts of one pack, [b, tokens, hidden], and their pooled texts, [b, width], where the pack has these.
fn side_by_side(texts: &[&TextEmbedding]) -> (Array3<f32>, Option<Array2<f32>>) {
    let (tokens, hidden) = texts.first().map_or((0, 0), |text| text.tokens.dim());
    let width = texts.first().and_then(|text| Some(text.pooled.as_ref()?.len()));
    let mut rows = Array3::zeros((texts.len(), tokens, hidden));
    let mut pooled_rows = width.map(|width| Array2::zeros((texts.len(), width)));
    for (row, text) in texts.iter().enumerate() {
        rows.index_axis_mut(Axis(0), row).assign(&text.tokens);
        if let (Some(rows), Some(pooled)) = (&mut pooled_rows, &text.pooled) {
            rows.index_axis_mut(Axis(0), row).assign(pooled);
        }
    }
    (rows, pooled_rows)
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
