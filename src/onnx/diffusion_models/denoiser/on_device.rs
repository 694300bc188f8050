//! The denoiser's calls where all that it reads and writes stays on the device, at fixed addresses.
//!
//! Their tensors are in another session's memory. A CUDA graph writes its intermediate results where they were when it was
//! captured, and the denoiser's own arena has given these places away since.

use ndarray::{ArrayView, Dimension};
use ort::value::TensorElementType;

use super::super::Conditioning;
use super::{ConditionArrays, Denoiser};
use crate::onnx::pack_error::PackError;
use crate::onnx::session::{FixedCall, FloatInput, FloatType, ModelSession, numbers};

impl Denoiser {
    /// The type of latents that go in and predictions that come out.
    ///
    /// # Errors
    /// [`PackError::Unworkable`] where these are two.
    pub fn float_type(&self) -> Result<FloatType, PackError> {
        let (_, predicted) = self.prediction.declared();
        if predicted == self.latent.float_type {
            return Ok(predicted);
        }
        Err(PackError::Unworkable {
            file: self.session.file().to_owned(),
            fed: "latents that stay on the device".to_owned(),
            reason: format!(
                "`sample` is of type {:?}, `{}` of {predicted:?}",
                self.latent.float_type,
                self.prediction.name()
            ),
            help: "leave out `resident_latents` under [models], or export the model with one type".to_owned(),
        })
    }

    /// A call for as many latents as there are texts, on tensors in `memory` that hold nothing yet.
    ///
    /// # Errors
    /// [`PackError::Run`] where there is no memory for them.
    pub fn fixed_call(
        &self,
        memory: &ModelSession,
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
        let arrays = self.condition_arrays(batch, conditioning);
        for (input, shape, _) in self.conditions(&arrays) {
            inputs.push((&input.name, input.float_type.element_type(), shape));
        }
        self.session.fixed_call(memory, batch, &inputs, prediction)
    }

    /// Writes what to denoise to into a call's tensors.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn set_conditions(
        &self,
        memory: &ModelSession,
        call: &mut FixedCall,
        conditioning: &Conditioning<'_>,
    ) -> Result<(), PackError> {
        let batch = conditioning.guidance.len();
        for (input, shape, values) in self.conditions(&self.condition_arrays(batch, conditioning)) {
            let copied = memory.host_floats(input.float_type, &shape, values);
            let copied = copied.and_then(|values| call.copy_in(&input.name, &values));
            copied.map_err(|reason| self.session.failed(batch, reason))?;
        }
        Ok(())
    }

    /// Writes latents of this shape into a call's tensor.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn set_latents(
        &self,
        memory: &ModelSession,
        call: &mut FixedCall,
        shape: &[usize],
        latents: &[f32],
    ) -> Result<(), PackError> {
        let values = memory.host_floats(self.latent.float_type, shape, latents);
        let copied = values.and_then(|values| call.copy_in(&self.latent.name, &values));
        copied.map_err(|reason| self.session.failed(shape[0], reason))
    }

    /// Makes a call at one timestep for all of its latents.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn run_fixed(&mut self, call: &mut FixedCall, batch: usize, timestep: f64) -> Result<(), PackError> {
        let shape = self.timestep_shape.lengths(batch);
        let count = shape.iter().product();
        let timesteps = numbers(self.timestep_type, &shape, std::iter::repeat_n(timestep, count));
        let copied = timesteps.and_then(|timesteps| call.copy_in(&self.timestep_name, &timesteps));
        copied.map_err(|reason| self.session.failed(batch, reason))?;
        self.session.run_fixed(call)
    }

    /// The name of the input that takes latents.
    pub fn latent_name(&self) -> &str {
        &self.latent.name
    }

    fn conditions<'a>(&'a self, arrays: &'a ConditionArrays<'_>) -> Vec<(&'a FloatInput, Vec<usize>, &'a [f32])> {
        let mut conditions = vec![condition(&self.text, arrays.text.view())];
        if let (Some(inputs), Some((text, sizes))) = (&self.pooled, &arrays.pooled) {
            conditions.extend([condition(&inputs.text, text.view()), condition(&inputs.sizes, sizes.view())]);
        }
        if let (Some(guidance), Some(scales)) = (&self.guidance, &arrays.scales) {
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
    (input, shape, values.to_slice().expect("these arrays are in standard layout"))
}
