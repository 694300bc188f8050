//! How a wave is cut into batches: by the wave and the execution provider alone, so that any number of workers gives the same
//! bytes. And how a batch is cut further where a network does not take it.

use std::ops::Range;

use super::ExecutorError;
use crate::diffusion::NodeId;
use crate::diffusion::graph::{DenoisingGraph, Operation};
use crate::diffusion::value::Value;
use crate::diffusion::worker::DenoiseItem;
use crate::onnx::ResolvedProvider;

/// How large calls are. More than the most gains little for each sample; on the CPU a wave is cut into two batches as soon as
/// each is worth a call, so that two workers have something to do.
#[derive(Debug, Clone, Copy)]
struct CallSizes {
    /// UNet evaluations.
    evaluations: CallSize,
    /// Pictures to decode.
    pictures: usize,
    /// Questions, unless they differ in their seed alone: those share nearly all of their work.
    questions: CallSize,
}

#[derive(Debug, Clone, Copy)]
struct CallSize {
    worth_a_call: usize,
    most: usize,
}

/// Measured on two cores with the shipped packs (`benches/executor.rs`, `benches/judge.rs`).
const ON_CPU: CallSizes = CallSizes {
    evaluations: CallSize { worth_a_call: 4, most: 16 },
    pictures: 4,
    questions: CallSize { worth_a_call: 8, most: 32 },
};
/// One call after the other, and each takes what a GPU fills itself with. Not measured: no GPU has been at hand.
const ON_GPU: CallSizes = CallSizes {
    evaluations: CallSize { worth_a_call: 64, most: 64 },
    pictures: 16,
    questions: CallSize { worth_a_call: 64, most: 64 },
};
/// Questions in one batch at most that differ in their seed alone.
const SEEDS_PER_CALL: usize = 256;

impl CallSizes {
    fn on(provider: ResolvedProvider) -> Self {
        match provider {
            ResolvedProvider::Cpu => ON_CPU,
            ResolvedProvider::Cuda(_) => ON_GPU,
        }
    }
}

/// Cuts a wave into batches by the number of evaluations.
pub(super) fn denoising<'a>(
    items: impl Iterator<Item = &'a DenoiseItem>,
    provider: ResolvedProvider,
) -> Vec<Range<usize>> {
    let sizes: Vec<usize> = items.map(DenoiseItem::evaluations).collect();
    cut(&sizes, CallSizes::on(provider).evaluations)
}

/// Pictures to decode.
pub(super) fn decoding(pictures: usize, provider: ResolvedProvider) -> Vec<Range<usize>> {
    let most = CallSizes::on(provider).pictures;
    (0..pictures).step_by(most).map(|start| start..(start + most).min(pictures)).collect()
}

/// Sorts the questions of a wave, so that those of one judge, one persona, and one picture are together, and cuts them.
/// Questions that differ in their seed alone stay in one batch.
pub(super) fn scoring(graph: &DenoisingGraph, ids: &mut [NodeId], provider: ResolvedProvider) -> Vec<Range<usize>> {
    let question = |id: &NodeId| match graph.operation(*id) {
        Operation::Score { picture, persona, request, judge, .. } => {
            (*judge, persona.traits().map(f64::to_bits), *picture, *request)
        }
        _ => unreachable!("only scores are asked for"),
    };
    ids.sort_by_key(|id| (question(id), *id));
    let mut batches = Vec::new();
    let mut start = 0;
    for of_one_judge in ids.chunk_by(|a, b| question(a).0 == question(b).0) {
        let of_one_question: Vec<usize> = of_one_judge
            .chunk_by(|a, b| question(a) == question(b))
            .flat_map(|seeds| seeds.chunks(SEEDS_PER_CALL).map(<[NodeId]>::len))
            .collect();
        let mut first = start;
        let ends: Vec<usize> = of_one_question
            .iter()
            .map(|questions| {
                first += questions;
                first
            })
            .collect();
        for batch in cut(&of_one_question, CallSizes::on(provider).questions) {
            let end = ends[batch.end - 1];
            batches.push(start..end);
            start = end;
        }
    }
    batches
}

/// Ranges of items whose sizes sum to half of all, but at least what is worth a call and at most what one takes; larger
/// items stay alone.
fn cut(sizes: &[usize], CallSize { worth_a_call, most }: CallSize) -> Vec<Range<usize>> {
    let limit = sizes.iter().sum::<usize>().div_ceil(2).clamp(worth_a_call, most);
    let mut batches = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (index, size) in sizes.iter().enumerate() {
        if sum > 0 && sum + size > limit {
            batches.push(start..index);
            (start, sum) = (index, 0);
        }
        sum += size;
    }
    if start < sizes.len() {
        batches.push(start..sizes.len());
    }
    batches
}

/// The values of a batch: in one call, or where that fails in calls on its halves, down to single items. So an item that no
/// network takes does not spoil its neighbours, and a batch for which a GPU lacks memory is made in parts that fit.
pub(super) fn in_halves(
    batch: Range<usize>,
    call: &impl Fn(Range<usize>) -> Result<Vec<Value>, ExecutorError>,
) -> Result<Vec<Value>, ExecutorError> {
    match call(batch.clone()) {
        Err(ExecutorError::Call { message }) if batch.len() == 1 => Ok(vec![Value::CallFailed(message.into())]),
        Err(ExecutorError::Call { .. }) => {
            let middle = batch.start + batch.len() / 2;
            let mut values = in_halves(batch.start..middle, call)?;
            values.extend(in_halves(middle..batch.end, call)?);
            Ok(values)
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::diffusion::value::Failure;

    /// What stands for item `index`.
    fn value(index: usize) -> Value {
        if index == 5 { Value::CallFailed("no".into()) } else { Value::Failed(Failure::NonFiniteOutput) }
    }

    fn refused() -> Result<Vec<Value>, ExecutorError> {
        Err(ExecutorError::Call { message: "no".into() })
    }

    #[test]
    fn a_batch_that_memory_does_not_hold_is_made_in_parts_that_fit() {
        let sizes = RefCell::new(Vec::new());
        let values = in_halves(6..13, &|part| {
            sizes.borrow_mut().push(part.len());
            if part.len() > 2 { refused() } else { Ok(part.map(value).collect()) }
        });
        assert_eq!(values.expect("pairs fit").len(), 7);
        assert_eq!(*sizes.borrow(), [7, 3, 1, 2, 4, 2, 2]);
    }

    #[test]
    fn one_item_that_no_network_takes_fails_alone_and_everything_keeps_its_place() {
        let values = in_halves(0..8, &|part| {
            if part.contains(&5) { refused() } else { Ok(part.map(value).collect()) }
        });
        let failed: Vec<bool> = values
            .expect("the others are taken")
            .iter()
            .map(|value| matches!(value, Value::CallFailed(message) if &**message == "no"))
            .collect();
        assert_eq!(failed, [false, false, false, false, false, true, false, false]);
    }

    #[test]
    fn a_request_to_stop_is_no_reason_to_try_again() {
        let calls = RefCell::new(0);
        let stopped = in_halves(0..8, &|_| {
            *calls.borrow_mut() += 1;
            Err(ExecutorError::Stopped)
        });
        assert!(matches!(stopped, Err(ExecutorError::Stopped)) && *calls.borrow() == 1);
    }
}
