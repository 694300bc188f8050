//! Points of a grid by number: a number whose digits are the positions along the dimensions, the last one varying
//! fastest.
//!
//! ```text
//! index = ((p₀ · n₁ + p₁) · n₂ + p₂) · …        0 ≤ p_d < n_d
//! ```

use super::Axis;

/// How long each dimension of the axes is.
pub(super) fn lengths(axes: &[Axis]) -> Vec<usize> {
    let mut lengths = Vec::new();
    for axis in axes {
        if axis.dimension == lengths.len() {
            lengths.push(axis.values.len());
        }
    }
    lengths
}

/// How many points the grid of the axes has; `None` beyond all counting.
pub(in crate::scenario) fn point_count(axes: &[Axis]) -> Option<usize> {
    lengths(axes).iter().try_fold(1usize, |points, length| points.checked_mul(*length))
}

/// Where along each dimension the point with that index is.
pub(super) fn positions(lengths: &[usize], mut index: usize) -> Vec<usize> {
    let mut positions = vec![0; lengths.len()];
    for (position, length) in positions.iter_mut().zip(lengths).rev() {
        *position = index % length;
        index /= length;
    }
    positions
}

/// The inverse of [`positions`].
pub(super) fn index_of(lengths: &[usize], positions: &[usize]) -> usize {
    lengths.iter().zip(positions).fold(0, |index, (length, position)| index * length + position)
}
