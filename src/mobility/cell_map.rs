//! Which cell is nearest, without a look at all of them.
//!
//! The cells' bounding box is cut into about as many equal boxes as there are cells. A query looks at the box it is in, then
//! at the ring of boxes around it, and so on until no cell outside can be nearer:
//!
//! ```text
//!  ┌───┬───┬───┬───┐
//!  │   │ 1 │ 1 │ 1 │    0: the box of the query (or the nearest one, for a query outside)
//!  ├───┼───┼───┼───┤    1: the first ring
//!  │   │ 1 │ 0 │ 1 │
//!  ├───┼───┼───┼───┤
//!  │   │ 1 │ 1 │ 1 │
//!  └───┴───┴───┴───┘
//! ```
//!
//! In a grid of cells that is nine boxes with a cell each, about 50 ns for any number of cells.

use super::Position;
use crate::scenario::CellSettings;

/// An index of the cells. Built once for a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct CellMap {
    cells: Vec<Position>,
    /// Lower left corner of the bounding box.
    corner: Position,
    /// Of one box [m].
    width_m: f64,
    height_m: f64,
    columns: usize,
    rows: usize,
    /// Indices of cells, box by box, ascending in each.
    members: Vec<u32>,
    /// Where each box begins in `members`, and the end.
    begins: Vec<u32>,
}

impl CellMap {
    /// From at least one cell.
    pub fn new(cells: &[CellSettings]) -> Self {
        let cells: Vec<Position> = cells.iter().map(|cell| Position { x_m: cell.x_m, y_m: cell.y_m }).collect();
        let bounds = |coordinate: fn(&Position) -> f64| {
            let all = cells.iter().map(coordinate);
            (all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max))
        };
        let ((left, right), (bottom, top)) = (bounds(|cell| cell.x_m), bounds(|cell| cell.y_m));
        let side = (cells.len() as f64).sqrt().ceil() as usize;
        // A box of no extent would be divided by.
        let extent = |length_m: f64| if length_m > 0.0 { length_m / side as f64 } else { 1.0 };
        let mut map = Self {
            corner: Position { x_m: left, y_m: bottom },
            width_m: extent(right - left),
            height_m: extent(top - bottom),
            columns: if right > left { side } else { 1 },
            rows: if top > bottom { side } else { 1 },
            members: Vec::with_capacity(cells.len()),
            begins: vec![0],
            cells,
        };
        let mut boxes = vec![Vec::new(); map.columns * map.rows];
        for (index, &cell) in (0u32..).zip(&map.cells) {
            let (column, row) = map.box_of(cell);
            boxes[row * map.columns + column].push(index);
        }
        for members in boxes {
            map.members.extend(members);
            map.begins.push(map.members.len() as u32);
        }
        map
    }

    /// The nearest cell, of equally near ones that with the lowest index, and its distance on the ground [m].
    pub fn nearest(&self, position: Position) -> (u32, f64) {
        let (column, row) = self.box_of(position);
        let mut best = (f64::INFINITY, u32::MAX);
        for ring in 0..self.columns.max(self.rows) {
            self.visit_ring(column, row, ring, &mut |cell| {
                let other = self.cells[cell as usize];
                let squared = (other.x_m - position.x_m).powi(2) + (other.y_m - position.y_m).powi(2);
                if (squared, cell) < best {
                    best = (squared, cell);
                }
            });
            // Strictly: an equally near cell with a lower index may be farther out.
            if best.0.sqrt() < self.least_distance_outside_m(position, column, row, ring) {
                break;
            }
        }
        (best.1, best.0.sqrt())
    }

    fn box_of(&self, position: Position) -> (usize, usize) {
        // Conversion from a negative number gives 0.
        let column = ((position.x_m - self.corner.x_m) / self.width_m) as usize;
        let row = ((position.y_m - self.corner.y_m) / self.height_m) as usize;
        (column.min(self.columns - 1), row.min(self.rows - 1))
    }

    /// All cells of the boxes that are `ring` boxes away.
    fn visit_ring(&self, column: usize, row: usize, ring: usize, visit: &mut dyn FnMut(u32)) {
        let (left, right) = (column.saturating_sub(ring), (column + ring).min(self.columns - 1));
        for other_row in row.saturating_sub(ring)..=(row + ring).min(self.rows - 1) {
            let is_edge = other_row.abs_diff(row) == ring;
            let mut visit_box = |other_column: usize| {
                let at = other_row * self.columns + other_column;
                let (begin, end) = (self.begins[at] as usize, self.begins[at + 1] as usize);
                self.members[begin..end].iter().for_each(|&cell| visit(cell));
            };
            if is_edge {
                (left..=right).for_each(visit_box);
            } else {
                // Only the two ends of this row, where they are on the map.
                if column >= ring {
                    visit_box(column - ring);
                }
                if column + ring < self.columns {
                    visit_box(column + ring);
                }
            }
        }
    }

    /// No cell beyond the ring is nearer than this [m]; infinite when there are no boxes left.
    fn least_distance_outside_m(&self, position: Position, column: usize, row: usize, ring: usize) -> f64 {
        let edge = |corner: f64, size: f64, at: usize| corner + at as f64 * size;
        // How far the position is from the map along the other axis.
        let outside = |at: f64, low: f64, high: f64| (low - at).max(at - high).max(0.0);
        let (x, y) = (position.x_m, position.y_m);
        let outside_x = outside(x, self.corner.x_m, edge(self.corner.x_m, self.width_m, self.columns));
        let outside_y = outside(y, self.corner.y_m, edge(self.corner.y_m, self.height_m, self.rows));
        let mut least = f64::INFINITY;
        if column + ring + 1 < self.columns {
            let along = edge(self.corner.x_m, self.width_m, column + ring + 1) - x;
            least = least.min(along.max(0.0).hypot(outside_y));
        }
        if column > ring {
            let along = x - edge(self.corner.x_m, self.width_m, column - ring);
            least = least.min(along.max(0.0).hypot(outside_y));
        }
        if row + ring + 1 < self.rows {
            let along = edge(self.corner.y_m, self.height_m, row + ring + 1) - y;
            least = least.min(along.max(0.0).hypot(outside_x));
        }
        if row > ring {
            let along = y - edge(self.corner.y_m, self.height_m, row - ring);
            least = least.min(along.max(0.0).hypot(outside_x));
        }
        // A cell at an edge may have been rounded into the box beyond it.
        least - 1e-9 * (self.width_m + self.height_m + least.min(f64::MAX).abs())
    }
}
