//! Steps between which nobody looks at the latent, taken without its coming back from the device.

mod trial;

use std::sync::Arc;

use ndarray::ArrayView4;

use super::{DenoiseItem, draw_noise, side_by_side};
use crate::diffusion::sampler::{DenoisingStep, FactorPair, StepFactors};
use crate::diffusion::text::TextEmbedding;
use crate::diffusion::value::{Failure, Latent, Value};
use crate::onnx::{Conditioning, DiffusionModels, PackError, ResidentChains, ResidentStep, STEP_FACTORS};
use crate::random::StreamKey;

/// A denoising step, and those of the same chain that follow it at once: each of one evaluation, all with the same prompt and
/// guidance.
#[derive(Debug, Clone)]
pub struct Stretch {
    pub first: DenoiseItem,
    /// With the stream of the fresh noise, where the step is stochastic.
    pub later: Vec<(DenoisingStep, Option<StreamKey>)>,
}

/// What stretches must have in common to be taken side by side. Ordered, so that batches are the same each time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StretchForm {
    is_guided: bool,
    steps: Vec<StepForm>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StepForm {
    timestep_bits: u64,
    earlier_outputs: usize,
    history_length: usize,
    is_stochastic: bool,
}

impl Stretch {
    pub fn form(&self) -> StretchForm {
        let form = |step: &DenoisingStep| StepForm {
            timestep_bits: step.timestep.to_bits(),
            earlier_outputs: step.earlier_outputs(),
            history_length: step.history_length(),
            is_stochastic: step.is_stochastic(),
        };
        StretchForm { is_guided: self.first.unconditional_text.is_some(), steps: self.steps().map(form).collect() }
    }

    fn steps(&self) -> impl Iterator<Item = &DenoisingStep> {
        std::iter::once(&self.first.step).chain(self.later.iter().map(|(step, _)| step))
    }

    fn step(&self, index: usize) -> &DenoisingStep {
        index.checked_sub(1).map_or(&self.first.step, |later| &self.later[later].0)
    }

    /// One step by itself, from this latent.
    fn item(&self, index: usize, latent: Arc<Latent>) -> DenoiseItem {
        let step = *self.step(index);
        DenoiseItem { latent, step, noise: step.is_stochastic().then(|| self.noise(index)), ..self.first.clone() }
    }

    /// Fresh noise of a step, of a latent's length.
    fn noise(&self, index: usize) -> Vec<f32> {
        let drawn = match index.checked_sub(1) {
            None => self.first.noise.clone(),
            Some(later) => {
                self.later[later].1.as_ref().map(|seed| draw_noise(seed, 1.0, self.first.latent.values.len()))
            }
        };
        drawn.expect("a stochastic step has a stream of noise")
    }
}

/// All steps of stretches of one form, or those before somebody asked to stop. The values are those of one step after the other
/// in the same batches: on the CPU to the last bit, elsewhere but for rounding, which is seen to the first time (`trial`).
///
/// # Errors
/// Those of [`DiffusionModels::denoise_resident`]; [`PackError::Unworkable`] where the values are others.
pub fn denoise_stretches(
    models: &mut DiffusionModels,
    latent_shape: [usize; 3],
    stretches: &[Stretch],
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Value>, PackError> {
    let evaluations = stretches.iter().map(|stretch| stretch.first.evaluations()).sum();
    if models.is_resident_unproven(evaluations) {
        trial::take(models, latent_shape, stretches, evaluations, is_stopped)
    } else {
        take(models, latent_shape, stretches, is_stopped)
    }
}

fn take(
    models: &mut DiffusionModels,
    [channels, height, width]: [usize; 3],
    stretches: &[Stretch],
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Value>, PackError> {
    let Some(example) = stretches.first() else { return Ok(Vec::new()) };
    let (batch, size) = (stretches.len(), channels * height * width);
    let latents = joined(stretches, |stretch| &stretch.first.latent.values);
    let history = (0..example.first.step.earlier_outputs())
        .map(|age| joined(stretches, |stretch| &stretch.first.latent.history[age]))
        .collect();

    let is_guided = example.first.unconditional_text.is_some();
    let unconditional = stretches.iter().filter_map(|stretch| stretch.first.unconditional_text.as_ref());
    let texts = unconditional.chain(stretches.iter().map(|stretch| &stretch.first.text));
    let told: Vec<&TextEmbedding> = texts.map(|text| &**text).collect();
    let (texts, pooled) = side_by_side(&told);
    let guidance = stretches.iter().map(|stretch| stretch.first.guidance);
    let of_evaluations: Vec<f64> = guidance.clone().cycle().take(told.len()).collect();
    let scales: Vec<f32> = guidance.map(|scale| scale as f32).collect();
    let chains = ResidentChains {
        latents: ArrayView4::from_shape((batch, channels, height, width), &latents)
            .expect("every latent of a pack has the pack's latent shape"),
        history,
        conditioning: Conditioning {
            text: texts.view(),
            pooled: pooled.as_ref().map(|rows| rows.view()),
            guidance: &of_evaluations,
        },
        guidance: is_guided.then_some(&scales),
    };
    let steps = example.steps().enumerate().take_while(|_| !is_stopped());
    let steps = steps.map(|(index, step)| ResidentStep {
        timestep: step.timestep,
        factors: stretches.iter().map(|stretch| in_order(stretch.step(index).factors())).collect(),
        earlier_outputs: step.earlier_outputs(),
        history_length: step.history_length(),
        noise: step.is_stochastic().then(|| stretches.iter().flat_map(|stretch| stretch.noise(index)).collect()),
    });
    let outcome = models.denoise_resident(&chains, steps)?;

    let value = |(index, values): (usize, &[f32])| {
        if values.iter().any(|value| !value.is_finite()) {
            return Value::Failed(Failure::NonFiniteOutput);
        }
        let own = |earlier: &Vec<f32>| Arc::from(&earlier[index * size..(index + 1) * size]);
        let history = outcome.history.iter().map(own).collect();
        Value::Latent(Arc::new(Latent { values: values.to_vec(), history, link_errors: None }))
    };
    Ok(outcome.latents.chunks_exact(size).enumerate().map(value).collect())
}

fn joined<'a>(stretches: &'a [Stretch], values: impl Fn(&'a Stretch) -> &'a [f32]) -> Vec<f32> {
    stretches.iter().flat_map(values).copied().collect()
}

/// In the order of the step's graph.
fn in_order(factors: StepFactors) -> [f32; STEP_FACTORS] {
    let StepFactors { of_clean, clean, clip, rest, of_earlier: [first, second, third], of_noise, remembered } = factors;
    let FactorPair { of_latent: clean_z, of_output: clean_o } = clean;
    let FactorPair { of_latent: rest_z, of_output: rest_o } = rest;
    let FactorPair { of_latent: remembered_z, of_output: remembered_o } = remembered;
    // A clean latent that is not clipped is 0 here, and part of the rest.
    let clip = clip.unwrap_or(f32::MAX);
    [clean_z, clean_o, clip, of_clean, rest_z, rest_o, first, second, third, of_noise, remembered_z, remembered_o]
}
