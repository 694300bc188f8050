//! `[[cell]]`, `[mobility]`: where servers and devices are.

use std::path::PathBuf;
use std::sync::Arc;

use rand::RngExt;

use super::{DeviceSettings, Scenario};
use crate::random::StreamKey;

/// `[[cell]]`: an edge server with its radio. Without any there is one, at the origin.
#[derive(Debug, Clone, PartialEq)]
pub struct CellSettings {
    /// Default `cell-1`, `cell-2`, …; of `[cells]`: numbered row by row.
    pub name: String,
    pub x_m: f64,
    pub y_m: f64,
}

/// `[cells]`: a square grid of cells about the origin, in place of [[cell]] tables. Kept to write the scenario back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellGrid {
    pub count: u32,
    pub spacing_m: f64,
}

/// Where a device is at first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Placement {
    /// `device.distance_m`: at this distance from the first cell, or one drawn up to `device.distance_max_m`, in a direction
    /// drawn per device.
    Distance,
    /// `device.x_m`, `device.y_m`.
    At { x_m: f64, y_m: f64 },
    /// `device.placement = "area"`: drawn uniformly from the area of the cells.
    Area,
}

impl DeviceSettings {
    /// The least and the largest distance to the first cell that it can be placed at [m].
    pub fn distances_m(&self) -> [f64; 2] {
        [self.distance_m, self.distance_max_m.unwrap_or(self.distance_m)]
    }
}

impl Scenario {
    /// How far from the first cell the device of that index is placed in that replication [m]; the same at all points of a
    /// sweep that share the range.
    pub fn distance_of_m(&self, device: usize, replication: u32) -> f64 {
        let settings = &self.devices[device];
        let Some(most_m) = settings.distance_max_m else {
            return settings.distance_m;
        };
        let stream = StreamKey::new(self.study.seed, replication, "distance", &settings.name);
        settings.distance_m + (most_m - settings.distance_m) * stream.compact_rng().random::<f64>()
    }
}

/// `[mobility]`: how devices move.
#[derive(Debug, Clone, PartialEq)]
pub enum MobilitySettings {
    /// They stay (default).
    Static,
    /// Straight to a point of the area drawn uniformly, at a speed drawn uniformly, then a pause.
    RandomWaypoint {
        /// > 0 [m/s].
        speed_min_mps: f64,
        speed_max_mps: f64,
        pause_s: f64,
    },
    /// Positions of a file, straight lines between its rows.
    Trace {
        /// Relative to the working directory.
        file: PathBuf,
        /// By device index; a device that is not in the file stays where it is.
        tracks: Arc<[Vec<TrackPoint>]>,
    },
}

/// One row of a mobility trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackPoint {
    pub time_s: f64,
    pub x_m: f64,
    pub y_m: f64,
}
