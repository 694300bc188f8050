//! The devices' batteries: what is left in them, and who can pay for what.

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

/// All batteries of a run. A device without one never runs dry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batteries {
    /// By device; empty where no device has a battery.
    cells: Vec<Option<Battery>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Battery {
    capacity_j: f64,
    recharge_w: f64,
    /// What was in it at `updated_s` [J].
    level_j: f64,
    updated_s: f64,
}

impl Batteries {
    /// All full.
    pub fn of(scenario: &Scenario) -> Self {
        if scenario.devices.iter().all(|device| device.battery_j.is_none()) {
            return Self::default();
        }
        let battery = |device: &crate::scenario::DeviceSettings| {
            device.battery_j.map(|capacity_j| Battery {
                capacity_j,
                recharge_w: device.recharge_w,
                level_j: capacity_j,
                updated_s: 0.0,
            })
        };
        Self { cells: scenario.devices.iter().map(battery).collect() }
    }

    /// What is left in a device's battery [J]; `None` where it has none.
    pub fn left_j(&self, device: usize, time_s: f64) -> Option<f64> {
        self.cells.get(device).copied().flatten().map(|battery| battery.level_at(time_s).max(0.0))
    }

    /// Whether a device can spend so much now.
    pub fn can_pay(&self, device: usize, energy_j: f64, time_s: f64) -> bool {
        self.left_j(device, time_s).is_none_or(|left_j| left_j >= energy_j)
    }

    /// Takes energy out of a device's battery; less than nothing gives some back.
    pub fn draw(&mut self, device: usize, energy_j: f64, time_s: f64) {
        if let Some(Some(battery)) = self.cells.get_mut(device) {
            // Repetitions on the air may take a little more than was there: what is owed is recharged first.
            battery.level_j = battery.level_at(time_s) - energy_j;
            battery.updated_s = battery.updated_s.max(time_s);
        }
    }
}

impl Battery {
    fn level_at(&self, time_s: f64) -> f64 {
        let recharged_j = self.recharge_w * (time_s - self.updated_s).max(0.0);
        (self.level_j + recharged_j).min(self.capacity_j)
    }
}
