//! The area in which devices are placed and walk.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Position;
use crate::scenario::{CellSettings, Scenario};

/// A part of the ground.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Area {
    Rectangle { corner: Position, width_m: f64, height_m: f64 },
    Disc { centre: Position, radius_m: f64 },
}

impl Area {
    /// The area of a scenario's cells.
    ///
    /// Of several: their bounding box, wider on each side by half the spacing, which is the largest distance of a cell to its
    /// nearest neighbour. In a square grid each cell gets the square about it. Of one, or several at one place: a disc about
    /// it as far as the farthest `device.distance_m`, or `device.distance_max_m`.
    pub fn of(scenario: &Scenario) -> Self {
        let bounds = |coordinate: fn(&CellSettings) -> f64| {
            let coordinates = scenario.cells.iter().map(coordinate);
            (coordinates.clone().fold(f64::INFINITY, f64::min), coordinates.fold(f64::NEG_INFINITY, f64::max))
        };
        let ((left, right), (bottom, top)) = (bounds(|cell| cell.x_m), bounds(|cell| cell.y_m));
        if left == right && bottom == top {
            let radius_m = scenario.devices.iter().map(|device| device.distances_m()[1]).fold(0.0, f64::max);
            return Self::Disc { centre: Position { x_m: left, y_m: bottom }, radius_m };
        }
        let margin = spacing_m(scenario) / 2.0;
        Self::Rectangle {
            corner: Position { x_m: left - margin, y_m: bottom - margin },
            width_m: right - left + 2.0 * margin,
            height_m: top - bottom + 2.0 * margin,
        }
    }

    /// A point of it, drawn uniformly.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Position {
        let [first, second]: [f64; 2] = rng.random();
        match *self {
            Self::Rectangle { corner, width_m, height_m } => {
                Position { x_m: corner.x_m + first * width_m, y_m: corner.y_m + second * height_m }
            }
            Self::Disc { centre, radius_m } => {
                // The part of a disc within r grows with r².
                let (radius_m, direction) = (radius_m * first.sqrt(), std::f64::consts::TAU * second);
                Position {
                    x_m: centre.x_m + radius_m * libm::cos(direction),
                    y_m: centre.y_m + radius_m * libm::sin(direction),
                }
            }
        }
    }
}

/// Largest distance of a cell to its nearest neighbour elsewhere [m]; cells at more than one place. Quadratic in the cells
/// unless they are a grid.
fn spacing_m(scenario: &Scenario) -> f64 {
    if let Some(grid) = scenario.cell_grid {
        return grid.spacing_m;
    }
    let nearest_m = |cell: &CellSettings| {
        let distances = scenario.cells.iter().map(|other| (other.x_m - cell.x_m).hypot(other.y_m - cell.y_m));
        distances.filter(|&distance| distance > 0.0).fold(f64::INFINITY, f64::min)
    };
    scenario.cells.iter().map(nearest_m).fold(0.0, f64::max)
}
