//! Whether a network in time can do the work that it is asked for, worked out before it is simulated.
//!
//! ```text
//!  load = arrivals [Hz] × time that one takes [s] / servers          at 1 and above the queue grows as long as requests come
//! ```
//!
//! Of a policy that chooses steps it is the load of the most that it may choose: "at most".

use crate::demand::arrivals::mean_rate_hz;
use crate::radio::airtime_s;
use crate::scenario::{ArchitectureKind, ArrivalStream, Arrivals, FaultKind, Scenario};

/// What a user should know of the load and the cache of this scenario; nothing of a round.
pub fn warnings(scenario: &Scenario, latent_values: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(rate_hz) = arrival_rate_hz(scenario) else { return warnings };
    let (policy, t0) = (&scenario.policy, scenario.policy.shared_steps());
    let at_most = if policy.given_shared_steps().is_none() { "at most " } else { "" };
    let architecture = &scenario.architecture;
    let has_server = architecture.has_server();
    let is_grouped = scenario.grouping.window_s > 0.0;
    let users = match architecture.kind {
        _ if !is_grouped => 1.0,
        ArchitectureKind::DeviceToDevice => 2.0,
        _ => f64::from(scenario.grouping.maximum_size),
    };
    let cells = scenario.cells.len() as f64;
    if has_server && t0 > 0 {
        let server = &scenario.server;
        let batch = f64::from(server.maximum_batch);
        let step_s = match &server.profile {
            Some(profile) => profile.profile.step(server.maximum_batch).time_s / batch,
            None => server.step_time_s / batch,
        };
        let load = rate_hz / users * f64::from(t0) * step_s / (f64::from(server.workers) * cells);
        let unless = match (is_grouped, scenario.cache.is_some()) {
            (_, true) => ", unless its cache helps",
            (true, false) => " even if every group is as large as it may be",
            (false, false) => "",
        };
        push(&mut warnings, "the edge server", (at_most, load), unless, "server.workers", server.queue_capacity);
    }
    if t0 > 0 {
        let radio = &scenario.radio;
        let channels = f64::from(radio.channel_count(scenario.devices.len()));
        let diffusion = &scenario.diffusion;
        let sent_values = latent_values * (1 + u64::from(diffusion.history.sent_after(diffusion.sampler, t0)));
        let bits = sent_values * u64::from(diffusion.codec.bits_per_value()) + radio.header_bits;
        let airtime_s = airtime_s(bits, radio.bandwidth_hz / channels, radio.modulation, radio.efficiency);
        // Where devices lead, each has a radio of its own; a server that helps them sends to leaders only.
        let sent_hz = match architecture.kind {
            ArchitectureKind::Edge => rate_hz,
            _ if has_server => rate_hz / users,
            _ => 0.0,
        };
        let load = sent_hz * airtime_s / (channels * cells);
        push(&mut warnings, "the radio", ("", load), "", "radio.bandwidth_hz", radio.queue_capacity);
    }
    // Shared steps that a device runs for its group, at least.
    let led_steps = if has_server { 0.0 } else { f64::from(t0) / users };
    let each_hz = rate_hz / scenario.devices.len() as f64;
    let busiest = scenario
        .devices
        .iter()
        .enumerate()
        .map(|(index, device)| {
            each_hz * ((f64::from(policy.own_steps(index)) + led_steps) * device.step_time_s + device.decode_time_s)
        })
        .fold(0.0, f64::max);
    if busiest >= 1.0 {
        warnings.push(format!(
            "a device is asked for {at_most}{busiest:.2} times the work it can do: its users wait longer and longer as long as \
             requests come; lower the rate, or give it less to do"
        ));
    }
    warnings.extend(small_cache(scenario, t0, latent_values));
    if has_server && scenario.faults.iter().any(|fault| fault.kind == FaultKind::LeaderLoss) {
        let nobody = "a fault of kind \"leader-loss\" strikes nobody: the shared steps are run by servers";
        warnings.push(nobody.to_owned());
    }
    warnings
}

fn push(warnings: &mut Vec<String>, who: &str, (at_most, load): (&str, f64), unless: &str, more: &str, capacity: u64) {
    if load >= 1.0 {
        warnings.push(format!(
            "{who} is offered {at_most}{load:.2} times the work it can do{unless}: its queue grows up to {capacity} \
             (`queue_capacity`) and then drops; raise `{more}` or lower the rate"
        ));
    }
}

/// Long-run rate of all requests [1/s]; `None` where it depends on how they are served, and in a round.
fn arrival_rate_hz(scenario: &Scenario) -> Option<f64> {
    let demand = scenario.demand.as_ref()?;
    if let Arrivals::Trace { rows, .. } = &demand.arrivals {
        let last_s = rows.last()?.arrival_s;
        return (last_s > 0.0).then(|| rows.len() as f64 / last_s);
    }
    let rate_hz = mean_rate_hz(&demand.arrivals)?;
    Some(match demand.stream {
        ArrivalStream::Population => rate_hz,
        ArrivalStream::Device => rate_hz * scenario.devices.len() as f64,
    })
}

fn small_cache(scenario: &Scenario, t0: u32, latent_values: u64) -> Option<String> {
    let cache = scenario.cache.as_ref().filter(|_| t0 > 0)?;
    if cache.capacity_entries == Some(0) {
        return Some("the cache's `capacity_entries` is 0: nothing is ever kept".to_owned());
    }
    let latent_bytes = latent_values * u64::from(cache.codec.bits_per_value()).div_ceil(8);
    let kept: Vec<u32> = match &cache.steps {
        Some(steps) => steps.iter().copied().filter(|step| *step <= t0).collect(),
        None => (1..=t0).collect(),
    };
    if kept.is_empty() {
        return Some(format!(
            "none of the cache's `steps` is among the first {t0}, which are shared: nothing is ever kept"
        ));
    }
    let (sampler, history) = (scenario.diffusion.sampler, scenario.diffusion.history);
    let tensors: u64 = kept.iter().map(|&step| 1 + u64::from(history.sent_after(sampler, step))).sum();
    let entry_bytes = tensors * latent_bytes;
    let kept = kept.len();
    let capacity_bytes = cache.capacity_bytes.filter(|capacity_bytes| *capacity_bytes < entry_bytes)?;
    Some(format!(
        "the cache's `capacity_bytes` = {capacity_bytes} is less than the {entry_bytes} bytes of the {kept} latents of one chain: \
         whole chains are never kept; raise it, or keep fewer `steps`"
    ))
}
