//! What a network in time has besides its demand: `[grouping]`, `[cache]`, `[architecture]`, cells, `[mobility]`, faults,
//! `[recovery]`, `[analysis]`.

use super::radio::path_loss;
use super::{float, line, list, optional, optional_count, quote, table, word};
use crate::scenario::check::MSER_5;
use crate::scenario::settings::{
    AnalysisSettings, ArchitectureSettings, CacheSettings, FaultKind, FaultSettings, FaultTimes, GroupingSettings,
    MobilitySettings, RecoverySettings, Scenario, WarmUp,
};
use crate::scenario::words::{ARCHITECTURES, CODECS, ELECTIONS, EVICTIONS, FAULTS, SHARINGS, TOPOLOGIES};

pub(super) fn grouping(text: &mut String, settings: &GroupingSettings) {
    table(text, "[grouping]");
    line(text, "window_s", float(settings.window_s));
    line(text, "maximum_size", settings.maximum_size);
    optional(text, "similarity_threshold", settings.similarity_threshold);
    line(text, "only_if_saving", settings.only_if_saving);
}

/// A cache that is switched off is written with all it would be.
pub(super) fn cache(text: &mut String, settings: &CacheSettings, is_enabled: bool) {
    table(text, "[cache]");
    line(text, "enabled", is_enabled);
    word(text, "eviction", EVICTIONS, settings.eviction);
    optional_count(text, "capacity_bytes", settings.capacity_bytes);
    optional_count(text, "capacity_entries", settings.capacity_entries);
    if let Some(life) = settings.time_to_live {
        let kind = if life.is_reset_by_hits { "reset" } else { "fixed" };
        line(text, "time_to_live", format!("{{ kind = \"{kind}\", time_s = {} }}", float(life.time_s)));
    }
    if let Some(steps) = &settings.steps {
        line(text, "steps", list(steps.iter().map(u32::to_string)));
    }
    if let Some(thresholds) = &settings.thresholds {
        line(text, "thresholds", list(thresholds.iter().copied().map(float)));
    }
    line(text, "divergence", float(settings.divergence));
    word(text, "codec", CODECS, settings.codec);
    word(text, "sharing", SHARINGS, settings.sharing);
}

pub(super) fn architecture(text: &mut String, settings: &ArchitectureSettings) {
    table(text, "[architecture]");
    word(text, "kind", ARCHITECTURES, settings.kind);
    word(text, "election", ELECTIONS, settings.election);
    word(text, "topology", TOPOLOGIES, settings.topology);
    line(text, "with_server", settings.with_server);
    line(text, "relay_steps", settings.relay_steps);
    line(text, "path_loss", path_loss(settings.path_loss));
    optional(text, "device_distance_m", settings.device_distance_m);
}

pub(super) fn cells(text: &mut String, scenario: &Scenario) {
    if let Some(grid) = scenario.cell_grid {
        table(text, "[cells]");
        line(text, "count", grid.count);
        line(text, "spacing_m", float(grid.spacing_m));
        return;
    }
    for cell in &scenario.cells {
        table(text, "[[cell]]");
        line(text, "name", quote(&cell.name));
        line(text, "x_m", float(cell.x_m));
        line(text, "y_m", float(cell.y_m));
    }
}

pub(super) fn mobility(text: &mut String, settings: &MobilitySettings) {
    table(text, "[mobility]");
    match settings {
        MobilitySettings::Static => line(text, "kind", quote("static")),
        MobilitySettings::RandomWaypoint { speed_min_mps, speed_max_mps, pause_s } => {
            line(text, "kind", quote("random-waypoint"));
            line(text, "speed_min_mps", float(*speed_min_mps));
            line(text, "speed_max_mps", float(*speed_max_mps));
            line(text, "pause_s", float(*pause_s));
        }
        MobilitySettings::Trace { file, .. } => {
            line(text, "kind", quote("trace"));
            line(text, "file", quote(&file.to_string_lossy()));
        }
    }
}

/// One fault of the scenario.
pub(super) fn fault(text: &mut String, fault: &FaultSettings, scenario: &Scenario) {
    table(text, "[[fault]]");
    word(text, "kind", FAULTS, fault.kind);
    match &fault.times {
        FaultTimes::At(times) => line(text, "at_s", list(times.iter().copied().map(float))),
        FaultTimes::Rate { rate_hz } => line(text, "rate_hz", float(*rate_hz)),
    }
    if fault.kind != FaultKind::LeaderLoss {
        line(text, "duration_s", float(fault.duration_s));
    }
    let Some(target) = fault.target else { return };
    match fault.kind {
        FaultKind::ServerOutage | FaultKind::LinkOutage => {
            line(text, "cell", quote(&scenario.cells[target as usize].name));
        }
        FaultKind::DeviceAway | FaultKind::LeaderLoss => {
            line(text, "device", quote(&scenario.devices[target as usize].name));
        }
    }
}

pub(super) fn recovery(text: &mut String, settings: &RecoverySettings) {
    table(text, "[recovery]");
    line(text, "retransmissions", settings.retransmissions);
    line(text, "timeout_s", float(settings.timeout_s));
}

pub(super) fn analysis(text: &mut String, settings: &AnalysisSettings) {
    table(text, "[analysis]");
    match settings.warm_up {
        WarmUp::Mser5 => line(text, "warm_up", quote(MSER_5)),
        WarmUp::Time { time_s } => line(text, "warm_up", float(time_s)),
    }
    line(text, "batches", settings.batches);
    line(text, "write_requests", settings.write_requests);
    line(text, "check_invariants", settings.check_invariants);
    optional(text, "checkpoint_interval_s", settings.checkpoint_interval_s);
}
