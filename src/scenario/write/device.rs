//! `[[device]]`: a table of many devices is written once.

use super::{float, judge, line, optional, quote, table, word};
use crate::scenario::check::PLACEMENTS;
use crate::scenario::settings::{DeviceSettings, Placement};

/// Keys that only a network in time has are written where `has_demand`.
pub(super) fn devices(text: &mut String, devices: &[DeviceSettings], has_demand: bool) {
    for first in firsts(devices) {
        device(text, first, has_demand);
    }
}

/// The first device of each table.
pub(super) fn firsts(devices: &[DeviceSettings]) -> impl Iterator<Item = &DeviceSettings> {
    devices.iter().filter(|device| device.member == 0)
}

fn device(text: &mut String, settings: &DeviceSettings, has_demand: bool) {
    table(text, "[[device]]");
    line(text, "name", quote(settings.table_name()));
    line(text, "count", settings.count);
    line(text, "prompt", quote(&settings.prompt));
    line(text, "persona", judge::user(&settings.persona));
    match settings.placement {
        Placement::At { x_m, y_m } => {
            line(text, "x_m", float(x_m));
            line(text, "y_m", float(y_m));
        }
        Placement::Area | Placement::Distance => {
            word(text, "placement", PLACEMENTS, settings.placement);
            line(text, "distance_m", float(settings.distance_m));
            optional(text, "distance_max_m", settings.distance_max_m);
        }
    }
    match &settings.profile {
        Some(profile) => line(text, "profile", quote(&profile.file.to_string_lossy())),
        None => {
            line(text, "step_energy_j", float(settings.step_energy_j));
            line(text, "step_time_s", float(settings.step_time_s));
            line(text, "decode_energy_j", float(settings.decode_energy_j));
            line(text, "decode_time_s", float(settings.decode_time_s));
        }
    }
    line(text, "receive_power_w", float(settings.receive_power_w));
    optional(text, "energy_budget_j", settings.energy_budget_j);
    if has_demand {
        optional(text, "deadline_s", settings.deadline_s);
        line(text, "priority", settings.priority);
        line(text, "shares_latents", settings.shares_latents);
    }
    if settings.battery_j.is_some() {
        optional(text, "battery_j", settings.battery_j);
        line(text, "recharge_w", float(settings.recharge_w));
    }
}
