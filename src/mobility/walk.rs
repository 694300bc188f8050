//! Random waypoint: straight to a point of the area, a pause, and on to the next one.
//!
//! ```text
//!  depart_s            arrive_s     leave_s = depart_s of the next leg
//!     ├──── moving ───────┼── pause ───┤
//!   from                  to           to
//! ```
//!
//! The model of D. B. Johnson and D. A. Maltz (*Mobile Computing*, 1996). Two of its properties surprise. A speed drawn
//! uniformly is drawn per leg, and slow legs last longer: without pauses the speed seen at a random moment tends to
//! (v_max − v_min) / ln(v_max / v_min), which is 0 for v_min → 0 (J. Yoon et al., *INFOCOM* 2003). Keep v_min well above 0, or
//! the run never becomes stationary. And walkers are more often in the middle of the area than at its edge.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::{Area, Position};
use crate::random::StreamKey;

/// The leg that a device is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Walk {
    rng: Xoshiro256PlusPlus,
    from: Position,
    to: Position,
    depart_s: f64,
    arrive_s: f64,
    leave_s: f64,
}

impl Walk {
    /// At the start at time 0, about to leave.
    pub(super) fn new(start: Position, stream: StreamKey) -> Self {
        Self { rng: stream.compact_rng(), from: start, to: start, depart_s: 0.0, arrive_s: 0.0, leave_s: 0.0 }
    }

    /// Where the device is at a time that is not before the last one asked for. Costs about 50 ns per leg since then.
    pub(super) fn position(&mut self, time_s: f64, area: &Area, speeds_mps: [f64; 2], pause_s: f64) -> Position {
        debug_assert!(time_s >= self.depart_s, "times of one device never go back");
        while time_s >= self.leave_s {
            self.next_leg(area, speeds_mps, pause_s);
        }
        if time_s >= self.arrive_s {
            return self.to;
        }
        self.from.towards(self.to, (time_s - self.depart_s) / (self.arrive_s - self.depart_s))
    }

    fn next_leg(&mut self, area: &Area, [slowest, fastest]: [f64; 2], pause_s: f64) {
        self.from = self.to;
        self.to = area.draw(&mut self.rng);
        let speed_mps = slowest + self.rng.random::<f64>() * (fastest - slowest);
        self.depart_s = self.leave_s;
        self.arrive_s = self.depart_s + self.from.distance_m(self.to) / speed_mps;
        // A leg can be too short to move the clock.
        self.leave_s = (self.arrive_s + pause_s).max(self.depart_s.next_up());
    }
}
