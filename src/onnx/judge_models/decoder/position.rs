//! The positions of tokens. In Qwen2-VL a position has three axes (its article's M-RoPE): text goes along all of them at
//! once, a picture's tokens stand still in time and spread over rows and columns, and what follows goes on after the
//! farthest of them:
//!
//! ```text
//!            a  b  ▢ ▢ ▢  c           a picture of 2 rows and 3 columns after two words
//!                  ▢ ▢ ▢
//!  time      0  1  2 2 2 2 2 2  5
//!  row       0  1  2 2 2 3 3 3  5
//!  column    0  1  2 3 4 2 3 4  5
//! ```
//!
//! In other models a position is a number, the first of the three.

use super::row::PictureSpan;

/// Time, row, column.
pub(super) const AXES: usize = 3;

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub axes: [usize; AXES],
}

/// The positions of `tokens` tokens, the first of which stands at `start`, and where the next one stands.
pub(super) fn positions_after(start: usize, tokens: usize, picture: Option<PictureSpan>) -> (Vec<Position>, usize) {
    let text = |position: usize| Position { axes: [position; AXES] };
    let Some(PictureSpan { first, rows, columns }) = picture else {
        return ((start..start + tokens).map(text).collect(), start + tokens);
    };
    let corner = start + first;
    let on_grid = |place: usize| Position { axes: [corner, corner + place / columns, corner + place % columns] };
    let after = corner + rows.max(columns);
    let next = after + tokens - first - rows * columns;
    let positions = (start..corner).map(text).chain((0..rows * columns).map(on_grid)).chain((after..next).map(text));
    (positions.collect(), next)
}

#[cfg(test)]
mod tests {
    use super::{PictureSpan, positions_after};

    #[test]
    fn text_goes_on_after_the_farthest_row_or_column_of_a_picture() {
        let picture = Some(PictureSpan { first: 2, rows: 2, columns: 3 });
        let (positions, next) = positions_after(10, 9, picture);
        let along = |axis: usize| positions.iter().map(|position| position.axes[axis] - 10).collect::<Vec<_>>();
        assert_eq!(along(0), [0, 1, 2, 2, 2, 2, 2, 2, 5]);
        assert_eq!(along(1), [0, 1, 2, 2, 2, 3, 3, 3, 5]);
        assert_eq!(along(2), [0, 1, 2, 3, 4, 2, 3, 4, 5]);
        assert_eq!(next, 16);
    }
}
