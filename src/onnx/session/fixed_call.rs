//! A call that is made again and again on tensors that stay where they are, so that a GPU may replay its kernels as a CUDA
//! graph: that remembers addresses and shapes, and asks neither the CPU nor the arena anything.
//!
//! ```text
//!   copy_in ──► input ──┐
//!   a bound output ─────┼─► run, the same each time ─► output ─► input of other calls
//!   (another call's) ───┘
//! ```

use std::fmt;
use std::sync::atomic::Ordering;

use ort::session::{IoBinding, NoSelectedOutputs, RunOptions};
use ort::value::{DynTensor, TensorElementType};

use super::ModelSession;
use crate::onnx::pack_error::PackError;

/// Tensors on the device, and the binding of one session to them.
#[derive(Debug)]
pub struct FixedCall {
    batch: usize,
    inputs: Vec<(String, DynTensor)>,
    output: DynTensor,
    binding: IoBinding,
    options: GraphOptions,
    /// Calls so far.
    runs: usize,
}

/// Calls before the one that is captured, in which the arena grows to what they take: none may be allocated in a capture.
const RUNS_BEFORE_CAPTURE: usize = 2;

/// Run options that say which CUDA graph a call is captured in.
pub(super) struct GraphOptions(pub RunOptions<NoSelectedOutputs>);

impl GraphOptions {
    /// The run option by which ONNX Runtime tells the graphs of one session apart.
    const KEY: &str = "gpu_graph_id";

    pub fn of_graph(number: u32) -> ort::Result<Self> {
        Self::new(&number.to_string())
    }

    /// For a call that is not captured.
    pub fn of_no_graph() -> ort::Result<Self> {
        Self::new("-1")
    }

    fn new(id: &str) -> ort::Result<Self> {
        let mut options = RunOptions::new()?;
        options.set(Self::KEY, id)?;
        Ok(Self(options))
    }
}

impl fmt::Debug for GraphOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GraphOptions").finish_non_exhaustive()
    }
}

impl ModelSession {
    /// A call on batches of `batch` samples with inputs of these types and shapes, on tensors in the device's memory that
    /// `memory` manages: another session, unless this one captures nothing.
    ///
    /// # Errors
    /// [`PackError::Run`] where there is no memory for the tensors.
    pub fn fixed_call(
        &self,
        memory: &Self,
        batch: usize,
        inputs: &[(&str, TensorElementType, Vec<usize>)],
        (output, output_type, output_shape): (&str, TensorElementType, &[usize]),
    ) -> Result<FixedCall, PackError> {
        let build = || -> ort::Result<FixedCall> {
            let tensors = inputs.iter().map(|(name, element_type, shape)| {
                Ok(((*name).to_owned(), memory.device_tensor(*element_type, shape)?))
            });
            let inputs: Vec<(String, DynTensor)> = tensors.collect::<ort::Result<_>>()?;
            let mut result = memory.device_tensor(output_type, output_shape)?;
            let mut binding = self.session.create_binding()?;
            binding.bind_output(output, &mut result)?;
            // A session that captures nothing does not look at it. Numbers of calls that are gone are not given again: their
            // graphs remember tensors that are gone too.
            let options = GraphOptions::of_graph(self.fixed_calls.fetch_add(1, Ordering::Relaxed))?;
            Ok(FixedCall { batch, inputs, output: result, binding, options, runs: 0 })
        };
        build().map_err(|reason| self.failed(batch, reason))
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn run_fixed(&mut self, call: &mut FixedCall) -> Result<(), PackError> {
        let FixedCall { batch, inputs, binding, options, runs, .. } = call;
        let options = match &self.uncaptured {
            Some(uncaptured) if *runs < RUNS_BEFORE_CAPTURE => uncaptured,
            _ => options,
        };
        *runs += 1;
        let mut run = || {
            // An input that the session wants elsewhere than on the device is copied when it is bound.
            inputs.iter().try_for_each(|(name, tensor)| binding.bind_input(name.as_str(), tensor))?;
            binding.synchronize_inputs()?;
            self.session.run_binding_with_options(binding, &options.0).map(drop)
        };
        run().map_err(|reason| self.failed(*batch, reason))
    }
}

impl FixedCall {
    /// Copies `values` into the input `name`.
    ///
    /// # Errors
    /// Where type or shape are others.
    ///
    /// # Panics
    /// Where the call has no such input.
    pub fn copy_in(&mut self, name: &str, values: &DynTensor) -> ort::Result<()> {
        values.copy_into(self.input_and_output(name).0)
    }

    /// The input `name` to write into, and the output to read.
    ///
    /// # Panics
    /// Where the call has no such input.
    pub fn input_and_output(&mut self, name: &str) -> (&mut DynTensor, &DynTensor) {
        let input = self.inputs.iter_mut().find(|(own, _)| own == name);
        (&mut input.expect("the call was made with this input").1, &self.output)
    }
}
