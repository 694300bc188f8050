//! A batch that does not fit into memory is cut in half, and in half again, down to single items.
//!
//! On a GPU the largest batch depends on what else is there; a study that would end for a batch of 32 goes on with two of 16. Samples
//! of a batch do not depend on each other, so only the last bits of the results may differ.

use crate::onnx::PackError;

/// Calls on all items, or where memory ran out on its halves. Results are in the order of the items.
///
/// # Errors
/// What `call` says of anything but memory, and of a single item.
pub fn in_halves<I, O>(
    items: &[I],
    call: &mut impl FnMut(&[I]) -> Result<Vec<O>, PackError>,
) -> Result<Vec<O>, PackError> {
    match call(items) {
        Err(error) if items.len() > 1 && error.is_out_of_memory() => {
            let (first, second) = items.split_at(items.len() / 2);
            let mut results = in_halves(first, call)?;
            results.extend(in_halves(second, call)?);
            Ok(results)
        }
        outcome => outcome,
    }
}
