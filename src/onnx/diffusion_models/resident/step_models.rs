//! Guidance and sampler step of latents that are on the device: a graph of element-wise operators (2 KB each, made by
//! `tests/reference/step_models.py`). It computes what the CPU would, in the same order and in 32 bits.

use std::path::Path;

use ort::session::{SessionInputValue, SessionOutputs};
use ort::value::{DynTensor, DynTensorValueType};

use super::{ResidentStep, STEP_FACTORS};
use crate::onnx::diffusion_models::denoiser::Denoiser;
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FixedCall, FloatType, ModelSession, Place};

/// A graph's name and bytes, for a denoiser in 32 bits and for one in 16.
type Graphs = [(&'static str, &'static [u8]); 2];

/// Each evaluation is the output.
const PLAIN: Graphs = [
    ("plain_step_f32.onnx", include_bytes!("plain_step_f32.onnx")),
    ("plain_step_f16.onnx", include_bytes!("plain_step_f16.onnx")),
];
/// Classifier-free guidance.
const GUIDED: Graphs = [
    ("guided_step_f32.onnx", include_bytes!("guided_step_f32.onnx")),
    ("guided_step_f16.onnx", include_bytes!("guided_step_f16.onnx")),
];
/// Inputs for earlier model outputs, newest first.
const EARLIER: [&str; 3] = ["earlier_1", "earlier_2", "earlier_3"];

/// The graphs.
#[derive(Debug)]
pub(super) struct StepModels {
    float_type: FloatType,
    plain: ModelSession,
    /// Once it was needed.
    guided: Option<ModelSession>,
}

/// Chains on their way.
#[derive(Debug)]
pub(super) struct OnDevice {
    /// [b, channels, height, width].
    pub latent: DynTensor,
    /// Newest first.
    pub history: Vec<DynTensor>,
}

impl StepModels {
    /// For a denoiser whose latents and predictions are of this type.
    ///
    /// # Errors
    /// [`PackError::Load`].
    pub fn load(float_type: FloatType, provider: ResolvedProvider) -> Result<Self, PackError> {
        Ok(Self { float_type, plain: open(PLAIN, float_type, provider)?, guided: None })
    }

    /// The session that manages the memory of all tensors here: no CUDA graph of its own writes there.
    pub fn memory(&self) -> &ModelSession {
        &self.plain
    }

    /// Takes a step by what `call` predicted, and puts the next latents where it reads them.
    ///
    /// # Errors
    /// [`PackError::Run`], [`PackError::Load`].
    pub fn take(
        &mut self,
        denoiser: &Denoiser,
        call: &mut FixedCall,
        guidance: Option<&[f32]>,
        step: &ResidentStep,
        chains: &mut OnDevice,
    ) -> Result<(), PackError> {
        let OnDevice { latent, history } = &*chains;
        let shape: Vec<usize> = latent.shape().iter().map(|&length| length as usize).collect();
        let batch = step.factors.len();
        let (sample, output) = call.input_and_output(denoiser.latent_name());
        let floats = |shape: &[usize], values: &[f32]| {
            self.plain.host_floats(FloatType::F32, shape, values).map(SessionInputValue::from)
        };
        let factors: Vec<f32> =
            (0..STEP_FACTORS).flat_map(|factor| step.factors.iter().map(move |own| own[factor])).collect();
        let mut inputs = vec![
            ("latent", Ok(latent.into())),
            ("output", Ok(output.into())),
            ("factors", floats(&[STEP_FACTORS, batch, 1, 1, 1], &factors)),
            ("noise", step.noise.as_ref().map_or_else(|| Ok(latent.into()), |noise| floats(&shape, noise))),
        ];
        // What a step does not go by stands beside a factor of 0; the latent is finite, or the chain has failed anyway.
        for (index, name) in EARLIER.into_iter().enumerate() {
            let earlier = history.get(index).filter(|_| index < step.earlier_outputs);
            inputs.push((name, Ok(earlier.unwrap_or(latent).into())));
        }
        if let Some(scales) = guidance {
            inputs.push(("scale", floats(&[batch, 1, 1, 1], scales)));
        }
        let mut wanted = vec![("next", Place::Device), ("sample", Place::In(sample))];
        if step.history_length > 0 {
            wanted.push(("remembered", Place::Device));
        }
        let take = |mut outputs: SessionOutputs<'_>| {
            let mut tensor = |name| {
                let value = outputs.remove(name)?;
                Some(value.downcast::<DynTensorValueType>().expect("it is declared a tensor"))
            };
            Ok((tensor("next").expect("it was asked for"), tensor("remembered")))
        };
        let provider = self.plain.provider();
        let model = match (guidance, &mut self.guided) {
            (None, _) => &mut self.plain,
            (Some(_), Some(model)) => model,
            (Some(_), none) => none.insert(open(GUIDED, self.float_type, provider)?),
        };
        let (next, remembered) = model.run_bound(wanted, batch, inputs, take)?;
        chains.latent = next;
        chains.history.splice(..0, remembered);
        chains.history.truncate(step.history_length);
        Ok(())
    }
}

fn open(graphs: Graphs, float_type: FloatType, provider: ResolvedProvider) -> Result<ModelSession, PackError> {
    let (name, bytes) = graphs[usize::from(float_type == FloatType::F16)];
    ModelSession::from_bytes(bytes, Path::new(name), provider, 1)
}
