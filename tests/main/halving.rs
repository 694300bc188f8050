//! Batches that do not fit into memory.

use std::cell::RefCell;
use std::path::PathBuf;

use latentlink::diffusion::halving::in_halves;
use latentlink::onnx::PackError;

fn failed(batch: usize, message: &str) -> PackError {
    PackError::Run { file: PathBuf::from("unet/model.onnx"), batch, reason: ort::Error::new(message) }
}

#[test]
fn a_batch_for_which_memory_runs_out_is_cut_in_half_until_it_fits() {
    let sizes = RefCell::new(Vec::new());
    let results = in_halves(&[1, 2, 3, 4, 5, 6, 7], &mut |items: &[i32]| {
        sizes.borrow_mut().push(items.len());
        // what ONNX Runtime's arena says
        let message = "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1073741824";
        if items.len() > 2 {
            Err(failed(items.len(), message))
        } else {
            Ok(items.iter().map(|item| 10 * item).collect())
        }
    });
    assert_eq!(results.expect("pairs fit"), [10, 20, 30, 40, 50, 60, 70]);
    assert_eq!(*sizes.borrow(), [7, 3, 1, 2, 4, 2, 2]);
}

#[test]
fn a_single_item_that_does_not_fit_and_any_other_failure_are_errors() {
    let of_memory = in_halves(&[1, 2], &mut |items: &[i32]| -> Result<Vec<i32>, PackError> {
        Err(failed(items.len(), "CUDA failure 2: out of memory"))
    });
    assert!(matches!(of_memory, Err(PackError::Run { batch: 1, .. })));
    let calls = RefCell::new(0);
    let of_shape = in_halves(&[1, 2], &mut |items: &[i32]| -> Result<Vec<i32>, PackError> {
        *calls.borrow_mut() += 1;
        Err(failed(items.len(), "Got invalid dimensions for input"))
    });
    assert!(matches!(of_shape, Err(PackError::Run { batch: 2, .. })) && *calls.borrow() == 1);
}
