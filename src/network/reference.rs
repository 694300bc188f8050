//! Reference pictures: what a user's picture is measured against. They take no simulated time and no energy.

use super::context::{NetworkError, RunContext};
use super::records::UserRecord;
use crate::diffusion::{NodeId, Operation, Split, SplitChain};
use crate::scenario::PictureReference;

/// The comparison of a user's picture with one reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub against: PictureReference,
    pub reference_picture: NodeId,
    pub metrics: NodeId,
}

/// Adds the reference picture of `record` and its comparison to the graph.
pub fn compare(
    context: &RunContext,
    record: &UserRecord,
    against: PictureReference,
) -> Result<Comparison, NetworkError> {
    let prompt = record.journey.prompt;
    let diffusion = &context.scenario.diffusion;
    let latent = match (against, record.sent) {
        // The latent as it left the server: neither quantised nor hit by bit errors.
        (PictureReference::ErrorFree, Some(sent)) => {
            let chain = context.split_chain(record.t0, record.tk)?;
            context.denoise(sent, prompt, &chain.device, record.t0, record.journey.request)?
        }
        // The whole chain alone: as many steps as this user's chain had (joint), or N_ref. A device that worked
        // alone is its own error-free reference.
        (PictureReference::ErrorFree, None) => alone(context, record, record.tk)?,
        (PictureReference::Unshared, _) => {
            let steps = match diffusion.split {
                Split::Joint => record.t0 + record.tk,
                Split::Respaced => diffusion.steps,
            };
            alone(context, record, steps)?
        }
    };
    let reference_picture = context.insert(Operation::Decode { from: latent })?;
    let metrics = context.insert(Operation::Compare { picture: record.picture, reference: reference_picture })?;
    Ok(Comparison { against, reference_picture, metrics })
}

/// An unsplit chain with the user's own prompt.
fn alone(context: &RunContext, record: &UserRecord, steps: u32) -> Result<NodeId, NetworkError> {
    let diffusion = &context.scenario.diffusion;
    let chain = SplitChain::new(&context.schedule, diffusion.sampler, Split::Joint, steps, 0, steps)?;
    let request = record.journey.request;
    let start = context.start_latent(chain.start_scale, request)?;
    Ok(context.denoise(start, record.journey.prompt, &chain.device, 0, request)?)
}
