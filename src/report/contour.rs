//! Lines of one level through numbers on a grid: marching squares (Lorensen and Cline 1987, in the plane).
//!
//! ```text
//!   0.2 ───── 0.8      A square of four neighbours. The level 0.5 crosses the upper side in its middle and the right
//!    │     ╱   │       side at two thirds, where straight lines between the numbers reach it; the crossings are joined.
//!    │    ╱    │       Squares with a corner that has no number interrupt the line.
//!   0.1 ───── 0.35
//! ```

use std::collections::BTreeMap;

/// A side between two neighbours, from (column, row) rightwards or to the next row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    row: usize,
    column: usize,
    to_next_row: bool,
}

/// Lines along which the numbers (rows of columns) have a level, each as points (column, row) in fractions; a closed line
/// ends where it began. What equals the level counts as above it.
pub fn contour_lines(numbers: &[Vec<Option<f64>>], level: f64) -> Vec<Vec<(f64, f64)>> {
    let number = |column: usize, row: usize| numbers.get(row).and_then(|row| *row.get(column)?);
    let columns = numbers.iter().map(Vec::len).max().unwrap_or(0);
    let mut segments: Vec<[Side; 2]> = Vec::new();
    for row in 0..numbers.len().saturating_sub(1) {
        for column in 0..columns.saturating_sub(1) {
            let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(right, down)| number(column + right, row + down));
            if let [Some(a), Some(b), Some(c), Some(d)] = corners {
                segments.extend(segments_of_square([a, b, c, d], level, (column, row)));
            }
        }
    }
    let place = |side: Side| {
        let (column, row) = (side.column as f64, side.row as f64);
        let from = number(side.column, side.row).unwrap_or(level);
        let to = match side.to_next_row {
            true => number(side.column, side.row + 1),
            false => number(side.column + 1, side.row),
        };
        // One of the two is below the level and the other is not: they differ.
        let part = (level - from) / (to.unwrap_or(level) - from);
        if side.to_next_row { (column, row + part) } else { (column + part, row) }
    };
    joined(&segments).into_iter().map(|line| line.into_iter().map(place).collect()).collect()
}

/// Up to two segments between the sides of a square whose corners go round it, the first at (column, row).
fn segments_of_square(corners: [f64; 4], level: f64, (column, row): (usize, usize)) -> Vec<[Side; 2]> {
    let above = corners.map(|corner| corner >= level);
    let sides = [
        Side { row, column, to_next_row: false },
        Side { row, column: column + 1, to_next_row: true },
        Side { row: row + 1, column, to_next_row: false },
        Side { row, column, to_next_row: true },
    ];
    let crossed: Vec<usize> = (0..4).filter(|&at| above[at] != above[(at + 1) % 4]).collect();
    match crossed.as_slice() {
        [one, other] => vec![[sides[*one], sides[*other]]],
        // A saddle: the mean of the corners says whether the first corner is cut off from the middle.
        [_, _, _, _] => {
            let middle_above = corners.iter().sum::<f64>() / 4.0 >= level;
            match middle_above == above[0] {
                true => vec![[sides[0], sides[1]], [sides[2], sides[3]]],
                false => vec![[sides[3], sides[0]], [sides[1], sides[2]]],
            }
        }
        _ => Vec::new(),
    }
}

/// Segments that share a side as one line.
fn joined(segments: &[[Side; 2]]) -> Vec<Vec<Side>> {
    let mut at_side: BTreeMap<Side, Vec<usize>> = BTreeMap::new();
    for (at, segment) in segments.iter().enumerate() {
        for side in segment {
            at_side.entry(*side).or_default().push(at);
        }
    }
    let mut used = vec![false; segments.len()];
    let mut lines = Vec::new();
    // Lines with ends first, from an end; what is left are closed lines.
    let ends = at_side.iter().filter(|(_, of_side)| of_side.len() == 1).map(|(side, _)| *side);
    let starts: Vec<Side> = ends.chain(at_side.keys().copied()).collect();
    for start in starts {
        let mut line = vec![start];
        let mut side = start;
        while let Some(&next) = at_side[&side].iter().find(|&&at| !used[at]) {
            used[next] = true;
            let [one, other] = segments[next];
            side = if one == side { other } else { one };
            line.push(side);
        }
        if line.len() > 1 {
            lines.push(line);
        }
    }
    lines
}
