//! Where devices are: placed once, walking, or on tracks that somebody wrote down.
//!
//! ```text
//!             ┌─────────────┬─────────────┐  the area: the cells' bounding box,
//!             │      ○      │      ○      │  half a spacing wider on each side
//!             │   cell-1    │   cell-2    │
//!             ├─────────────┼──────┐  ┌───┤
//!             │      ○      │  ▲   └──┘○  │
//!             │   cell-3   ╶┼──┘   device │  at each request the nearest cell serves
//!             └─────────────┴─────────────┘
//! ```
//!
//! Positions are worked out when somebody asks, from the device's own random stream: a device that asks rarely costs
//! nothing in between, and where it is does not depend on who else asks.

mod area;
mod cell_map;
mod trace;
mod walk;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::random::StreamKey;
use crate::scenario::{MobilitySettings, Placement, Scenario, TrackPoint};

pub use area::Area;
pub use cell_map::CellMap;
pub use trace::read_tracks;
use walk::Walk;

/// Path loss formulas mean nothing right below the antenna: a device that moved or was placed by coordinates is taken to be
/// at least so far from its server [m].
pub const MINIMUM_DISTANCE_M: f64 = 1.0;

/// A point on the ground.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Position {
    pub x_m: f64,
    pub y_m: f64,
}

impl Position {
    /// On the ground [m].
    pub fn distance_m(self, other: Self) -> f64 {
        (self.x_m - other.x_m).hypot(self.y_m - other.y_m)
    }

    /// On the straight line to `other`, this part of the way along.
    fn towards(self, other: Self, part: f64) -> Self {
        Self { x_m: self.x_m + part * (other.x_m - self.x_m), y_m: self.y_m + part * (other.y_m - self.y_m) }
    }
}

/// The cell that serves a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServingCell {
    /// Index in the scenario.
    pub cell: u32,
    /// On the ground, to its server [m].
    pub distance_m: f64,
}

/// Where the devices of a run are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Places {
    /// At time 0, by device.
    starts: Vec<Position>,
    /// To the first cell, of those placed at a distance, by device [m]; empty where no distance is drawn.
    drawn_distances_m: Vec<f64>,
    /// By device; empty where nobody walks.
    walks: Vec<Walk>,
    /// Where they walk.
    area: Area,
}

impl Places {
    /// Where all devices are at time 0. Costs about a microsecond per device that draws something.
    pub fn new(scenario: &Scenario, replication: u32) -> Self {
        let area = Area::of(scenario);
        let stream = |component, device: usize| {
            StreamKey::new(scenario.study.seed, replication, component, &scenario.devices[device].name)
        };
        let start = |device: usize| match scenario.devices[device].placement {
            Placement::Distance => {
                let direction = std::f64::consts::TAU * stream("direction", device).compact_rng().random::<f64>();
                let distance_m = scenario.distance_of_m(device, replication);
                let server = &scenario.cells[0];
                Position {
                    x_m: server.x_m + distance_m * libm::cos(direction),
                    y_m: server.y_m + distance_m * libm::sin(direction),
                }
            }
            Placement::At { x_m, y_m } => Position { x_m, y_m },
            Placement::Area => area.draw(&mut stream("placement", device).compact_rng()),
        };
        let starts: Vec<Position> = (0..scenario.devices.len()).map(start).collect();
        let is_drawn = scenario.devices.iter().any(|device| device.distance_max_m.is_some());
        let drawn = if is_drawn { starts.len() } else { 0 };
        let drawn_distances_m = (0..drawn).map(|device| scenario.distance_of_m(device, replication)).collect();
        let walks = match scenario.mobility {
            MobilitySettings::RandomWaypoint { .. } => {
                (0..).zip(&starts).map(|(device, &start)| Walk::new(start, stream("walk", device))).collect()
            }
            MobilitySettings::Static | MobilitySettings::Trace { .. } => Vec::new(),
        };
        Self { starts, drawn_distances_m, walks, area }
    }

    /// Where a device is. The times asked for one device never go back.
    pub fn position(&mut self, scenario: &Scenario, device: usize, time_s: f64) -> Position {
        match &scenario.mobility {
            MobilitySettings::Static => self.starts[device],
            MobilitySettings::RandomWaypoint { speed_min_mps, speed_max_mps, pause_s } => {
                self.walks[device].position(time_s, &self.area, [*speed_min_mps, *speed_max_mps], *pause_s)
            }
            MobilitySettings::Trace { tracks, .. } => on_track(&tracks[device], time_s).unwrap_or(self.starts[device]),
        }
    }

    /// The nearest cell, and how far it is.
    ///
    /// A device that was placed at a distance from the first cell, and has not moved from there, is at exactly this distance
    /// of it, without the rounding of a way over coordinates.
    pub fn serving_cell(&mut self, scenario: &Scenario, cells: &CellMap, device: usize, time_s: f64) -> ServingCell {
        let settings = &scenario.devices[device];
        let position = self.position(scenario, device, time_s);
        let (cell, distance_m) = cells.nearest(position);
        if cell == 0 && settings.placement == Placement::Distance && position == self.starts[device] {
            let drawn_m = self.drawn_distances_m.get(device).copied();
            return ServingCell { cell, distance_m: drawn_m.unwrap_or(settings.distance_m) };
        }
        ServingCell { cell, distance_m: distance_m.max(MINIMUM_DISTANCE_M) }
    }
}

/// On the straight line between the rows before and after; at the first row before it, at the last after it. `None` without
/// rows.
fn on_track(track: &[TrackPoint], time_s: f64) -> Option<Position> {
    let at = |point: &TrackPoint| Position { x_m: point.x_m, y_m: point.y_m };
    let after = track.partition_point(|point| point.time_s <= time_s);
    match (track.get(after.wrapping_sub(1)), track.get(after)) {
        (Some(from), Some(to)) => {
            let part = (time_s - from.time_s) / (to.time_s - from.time_s);
            Some(at(from).towards(at(to), part))
        }
        (from, to) => from.or(to).map(at),
    }
}
