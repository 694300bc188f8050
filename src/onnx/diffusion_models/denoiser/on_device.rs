//! The denoiser's calls where all that it reads and writes stays on the device, at fixed addresses.

use ndarray::{ArrayView, Dimension};
use ort::value::TensorElementType;

use super::super::Conditioning;
use super::{Denoiser, Told};
use crate::onnx::pack_error::PackError;
use crate::onnx::session::{FixedCall, FloatInput, FloatType, ModelSession, numbers};

impl Denoiser {
    /// The type of latents that go in and predictions that come out.
    ///
    /// # Errors
    /// [`PackError::UnfitTensor`] where these are two.
    pub fn float_type(&self) -> Result<FloatType, PackError> {
        match self.prediction.declared() {
            (_, float_type) if float_type == self.latent.float_type => Ok(float_type),
            (declared, _) => Err(declared.unfit("of the type of `sample`, for latents that stay on the device")),
        }
    }

    /// A call for as many latents as there are texts, on tensors that hold nothing yet.
    pub fn fixed_call(
        &self,
        latent_shape: [usize; 3],
        conditioning: &Conditioning<'_>,
    ) -> Result<FixedCall, PackError> {
        let batch = conditioning.guidance.len();
        let [channels, height, width] = latent_shape;
        let shape = vec![batch, channels, height, width];
        let prediction = (self.prediction.name(), self.prediction.declared().1.element_type(), shape.as_slice());
        let timestep_shape = self.timestep_shape.lengths(batch);
        let mut inputs: Vec<(&str, TensorElementType, Vec<usize>)> = vec![
            (&self.latent.name, self.latent.float_type.element_type(), shape.clone()),
            (&self.timestep_name, self.timestep_type.element_type(), timestep_shape),
        ];
        let told = self.told(batch, conditioning);
        for (input, shape, _) in self.conditions(&told) {
            inputs.push((&input.name, input.float_type.element_type(), shape));
        }
        self.session.fixed_call(batch, &inputs, prediction)
    }

    /// Says to a call what to denoise to.
    pub fn tell(&self, call: &mut FixedCall, conditioning: &Conditioning<'_>) -> Result<(), PackError> {
        let batch = conditioning.guidance.len();
        for (input, shape, values) in self.conditions(&self.told(batch, conditioning)) {
            let copied = self.session.host_floats(input.float_type, &shape, values);
            let copied = copied.and_then(|values| call.copy_in(&input.name, &values));
            copied.map_err(|reason| self.session.failed(batch, reason))?;
        }
        Ok(())
    }

    /// Hands latents to a call.
    pub fn hand(&self, call: &mut FixedCall, shape: &[usize], latents: &[f32]) -> Result<(), PackError> {
        let values = self.session.host_floats(self.latent.float_type, shape, latents);
        let copied = values.and_then(|values| call.copy_in(&self.latent.name, &values));
        copied.map_err(|reason| self.session.failed(shape[0], reason))
    }

    /// Makes a call at one timestep for all of its latents.
    pub fn run_fixed(&mut self, call: &mut FixedCall, batch: usize, timestep: f64) -> Result<(), PackError> {
        let shape = self.timestep_shape.lengths(batch);
        let count = shape.iter().product();
        let timesteps = numbers(self.timestep_type, &shape, std::iter::repeat_n(timestep, count));
        let copied = timesteps.and_then(|timesteps| call.copy_in(&self.timestep_name, &timesteps));
        copied.map_err(|reason| self.session.failed(batch, reason))?;
        self.session.run_fixed(call)
    }

    /// What a call predicted.
    pub fn prediction_of(&self, call: &FixedCall, batch: usize) -> Result<Vec<f32>, PackError> {
        let (_, float_type) = self.prediction.declared();
        self.session.download(float_type, call.output()).map_err(|reason| self.session.failed(batch, reason))
    }

    /// The name of the input that takes latents.
    pub fn latent_name(&self) -> &str {
        &self.latent.name
    }

    /// The session whose memory all of this is in.
    pub fn memory(&self) -> &ModelSession {
        &self.session
    }

    fn conditions<'a>(&'a self, told: &'a Told<'_>) -> Vec<(&'a FloatInput, Vec<usize>, &'a [f32])> {
        let mut conditions = vec![condition(&self.text, told.text.view())];
        if let (Some(inputs), Some((text, sizes))) = (&self.pooled, &told.pooled) {
            conditions.extend([condition(&inputs.text, text.view()), condition(&inputs.sizes, sizes.view())]);
        }
        if let (Some(guidance), Some(scales)) = (&self.guidance, &told.scales) {
            conditions.push(condition(&guidance.input, scales.view()));
        }
        conditions
    }
}

fn condition<'a, D: Dimension>(
    input: &'a FloatInput,
    values: ArrayView<'a, f32, D>,
) -> (&'a FloatInput, Vec<usize>, &'a [f32]) {
    let shape = values.shape().to_vec();
    (input, shape, values.to_slice().expect("what is told is in standard layout"))
}
