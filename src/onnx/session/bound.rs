//! Calls whose tensors stay where they are computed, and the way there and back.
//!
//! ```text
//!  our memory ── upload ──► the device: inputs ─► call ─► outputs ─► the next call
//!             ◄─ download ──────────────────────────────────┘
//! ```
//!
//! On a GPU, transfers go by way of page-locked memory, which it reads and writes by itself, at the full speed of the bus.

use half::f16;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, SessionInputValue, SessionOutputs};
use ort::value::{DynTensor, PrimitiveTensorElementType, Tensor, TensorElementType};

use super::{FloatType, ModelSession, WantedOutputs, read_floats};
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;

/// Where an output of a call is wanted.
#[derive(Debug)]
pub enum Place<'a> {
    /// In this machine's memory.
    Host,
    /// On the device, in a new tensor.
    Device,
    /// In this tensor, which is on the device and has the output's type and shape.
    In(&'a mut DynTensor),
}

impl ModelSession {
    /// Whether inputs of bound calls must own their values.
    pub fn is_on_gpu(&self) -> bool {
        matches!(self.provider, ResolvedProvider::Cuda(_))
    }

    /// Runs the model for these outputs and leaves them on the device where they were computed, for calls to come, but for
    /// `here`, which comes over to this machine's memory. `read` is given all of them.
    ///
    /// Inputs must own their values ([`super::FloatInput::feed_owned`]) where the session is on a GPU: `ort` copies others
    /// before it binds them, and waits for itself when it does.
    ///
    /// # Errors
    /// [`PackError::Run`], and those of `read`.
    pub fn run_resident<'i, T>(
        &mut self,
        wanted: &WantedOutputs,
        here: Option<&str>,
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
        read: impl FnOnce(SessionOutputs<'_>) -> Result<T, PackError>,
    ) -> Result<T, PackError> {
        if !self.is_on_gpu() {
            // All of them are in this machine's memory, and nothing is copied.
            return read(self.run_for(wanted, batch, inputs)?);
        }
        let place = |name: &str| if here == Some(name) { Place::Host } else { Place::Device };
        let outputs = wanted.names.iter().map(|name| (name.as_str(), place(name))).collect();
        self.run_bound(outputs, batch, inputs, read)
    }

    /// Runs the model with each output where it is wanted; `read` is given all of them. Inputs as of
    /// [`ModelSession::run_resident`].
    ///
    /// # Errors
    /// [`PackError::Run`], and those of `read`.
    pub fn run_bound<'i, T>(
        &mut self,
        wanted: Vec<(&str, Place<'_>)>,
        batch: usize,
        inputs: impl IntoIterator<Item = (&'i str, ort::Result<SessionInputValue<'i>>)>,
        read: impl FnOnce(SessionOutputs<'_>) -> Result<T, PackError>,
    ) -> Result<T, PackError> {
        let values = self.values(batch, inputs)?;
        let bind = || -> ort::Result<IoBinding> {
            let mut binding = self.session.create_binding()?;
            values.iter().try_for_each(|(name, value)| binding.bind_input(*name, value))?;
            for (name, place) in wanted {
                match place {
                    Place::Host => {
                        binding.bind_output_to_device(name, &self.transfer_memory(MemoryType::CPUOutput)?)?;
                    }
                    Place::Device => binding.bind_output_to_device(name, &self.device_memory()?)?,
                    Place::In(tensor) => binding.bind_output(name, tensor)?,
                }
            }
            binding.synchronize_inputs()?;
            Ok(binding)
        };
        let binding = bind().map_err(|reason| self.failed(batch, reason))?;
        let file = self.file.clone();
        let failed = |reason| PackError::Run { file, batch, reason };
        let run = match &self.uncaptured {
            Some(options) => self.session.run_binding_with_options(&binding, &options.0),
            None => self.session.run_binding(&binding),
        };
        let outputs = match run {
            Ok(outputs) => outputs,
            Err(reason) => return Err(failed(reason)),
        };
        binding.synchronize_outputs().map_err(failed)?;
        read(outputs)
    }

    /// A tensor on the device. What it holds is undefined.
    pub(super) fn device_tensor(&self, element_type: TensorElementType, shape: &[usize]) -> ort::Result<DynTensor> {
        DynTensor::new(&self.allocator(&self.device_memory()?)?, element_type, shape.to_vec())
    }

    /// A tensor of ours with these values, ready to be copied to the device.
    ///
    /// # Errors
    /// Where there is no memory for it.
    ///
    /// # Panics
    /// Where there are more or fewer values than the shape has.
    pub fn host_floats(&self, float_type: FloatType, shape: &[usize], values: &[f32]) -> ort::Result<DynTensor> {
        let allocator = self.allocator(&self.transfer_memory(MemoryType::CPUInput)?)?;
        match float_type {
            FloatType::F32 => {
                filled(&allocator, shape, |tensor: &mut [f32]| tensor.copy_from_slice(values)).map(Tensor::upcast)
            }
            FloatType::F16 => filled(&allocator, shape, |tensor: &mut [f16]| {
                half::slice::HalfFloatSliceExt::convert_from_f32_slice(tensor, values);
            })
            .map(Tensor::upcast),
        }
    }

    /// A tensor on the device with these values.
    ///
    /// # Errors
    /// Where there is no memory for it, or it cannot be copied.
    ///
    /// # Panics
    /// As [`ModelSession::host_floats`].
    pub fn upload(&self, float_type: FloatType, shape: &[usize], values: &[f32]) -> ort::Result<DynTensor> {
        let ours = self.host_floats(float_type, shape, values)?;
        let mut tensor = self.device_tensor(*ours.data_type(), shape)?;
        ours.copy_into(&mut tensor)?;
        Ok(tensor)
    }

    /// The values of a tensor of floats on the device.
    ///
    /// # Errors
    /// Where it is of another type, or cannot be copied.
    pub fn download(&self, float_type: FloatType, tensor: &DynTensor) -> ort::Result<Vec<f32>> {
        let allocator = self.allocator(&self.transfer_memory(MemoryType::CPUOutput)?)?;
        let mut ours = DynTensor::new(&allocator, float_type.element_type(), tensor.shape().clone())?;
        tensor.copy_into(&mut ours)?;
        Ok(read_floats(&ours.into_dyn(), float_type)?.into_raw_vec_and_offset().0)
    }

    fn device_memory(&self) -> ort::Result<MemoryInfo<'static>> {
        match self.provider {
            ResolvedProvider::Cpu => memory_of_ours(),
            ResolvedProvider::Cuda(device) => {
                MemoryInfo::new(AllocationDevice::CUDA, device.device_id, AllocatorType::Device, MemoryType::Default)
            }
        }
    }

    /// Memory of ours that goes over to the device, or takes what comes from it: page-locked where ONNX Runtime has some.
    fn transfer_memory(&self, memory_type: MemoryType) -> ort::Result<MemoryInfo<'static>> {
        if let ResolvedProvider::Cuda(device) = self.provider {
            let (pinned, device_id) = (AllocationDevice::CUDA_PINNED, device.device_id);
            let pinned = MemoryInfo::new(pinned, device_id, AllocatorType::Device, memory_type)?;
            if self.allocator(&pinned).is_ok() {
                return Ok(pinned);
            }
        }
        memory_of_ours()
    }

    fn allocator(&self, memory: &MemoryInfo<'_>) -> ort::Result<Allocator> {
        if memory.allocation_device() == AllocationDevice::CPU {
            return Ok(Allocator::default());
        }
        Allocator::new(&self.session, memory.to_owned())
    }
}

fn memory_of_ours() -> ort::Result<MemoryInfo<'static>> {
    MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)
}

fn filled<T: PrimitiveTensorElementType + std::fmt::Debug>(
    allocator: &Allocator,
    shape: &[usize],
    fill: impl FnOnce(&mut [T]),
) -> ort::Result<Tensor<T>> {
    let mut tensor = Tensor::<T>::new(allocator, shape.to_vec())?;
    fill(tensor.extract_tensor_mut().1);
    Ok(tensor)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ort::value::{DynTensorValueType, DynValue};

    use super::*;

    #[test]
    fn bound_outputs_are_those_of_a_plain_run_and_go_into_the_next_one_as_they_are() {
        let model = include_bytes!("../judge_models/take_rows_f32.onnx");
        let mut session =
            ModelSession::from_bytes(model, Path::new("take_rows"), ResolvedProvider::Cpu, 1).expect("it loads");
        let rows = |rows: Vec<i64>| Tensor::from_array(([rows.len()], rows)).map(SessionInputValue::from);
        let values =
            session.upload(FloatType::F32, &[3, 1, 2, 1], &[0.0, 1.0, 10.0, 11.0, 20.0, 21.0]).expect("it is copied");
        let mut take = |values: SessionInputValue<'_>, chosen: Vec<i64>, place: Place<'_>| {
            let inputs = [("values", Ok(values)), ("rows", rows(chosen))];
            session
                .run_bound(vec![("taken", place)], 3, inputs, |mut outputs| {
                    Ok(outputs.remove("taken").expect("it was bound"))
                })
                .expect("it runs")
        };
        let first = take((&values).into(), vec![2, 0, 2, 1], Place::Device);
        let mut tensor =
            DynTensor::new(&Allocator::default(), TensorElementType::Float32, [2_usize, 1, 2, 1]).expect("a tensor");
        let address = tensor.data_ptr();
        let second = take((&first).into(), vec![3, 0], Place::In(&mut tensor));
        let floats = |value: DynValue| {
            let tensor = value.downcast::<DynTensorValueType>().expect("a tensor");
            session.download(FloatType::F32, &tensor).expect("it comes over")
        };
        assert_eq!(floats(first), [20.0, 21.0, 0.0, 1.0, 20.0, 21.0, 10.0, 11.0]);
        assert_eq!(floats(second), [10.0, 11.0, 20.0, 21.0]);
        assert_eq!(tensor.try_extract_tensor::<f32>().expect("floats").1, [10.0, 11.0, 20.0, 21.0]);
        assert_eq!(tensor.data_ptr(), address);
    }
}
