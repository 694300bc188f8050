//! `[policy]` as TOML: the keys of its kind.

use super::{float, line, list, quote, table, word};
use crate::scenario::settings::{DeviceSettings, PolicySettings, SearchPolicy, StepLimits};
use crate::scenario::words::{DECODERS, POLICIES};

/// Values of devices are written once for each [[device]] table: its devices have the same.
pub(super) fn policy(
    text: &mut String,
    settings: &PolicySettings,
    devices: &[DeviceSettings],
    powers_dbw: Option<&[f64]>,
) {
    table(text, "[policy]");
    word(text, "kind", POLICIES, settings.kind());
    let firsts = || devices.iter().enumerate().filter(|(_, device)| device.member == 0).map(|(index, _)| index);
    let given_steps = |text: &mut String, t0: u32, tk: &[u32]| {
        line(text, "t0", t0);
        line(text, "tk", list(firsts().map(|index| tk[index].to_string())));
    };
    match settings {
        PolicySettings::Fixed(policy) => {
            given_steps(text, policy.t0, &policy.tk);
            match powers_dbw {
                Some(powers) => line(text, "tx_power_dbw", list(powers.iter().copied().map(float))),
                None => line(text, "tx_power_w", list(firsts().map(|index| float(policy.tx_power_w[index])))),
            }
        }
        PolicySettings::Equal(given) | PolicySettings::ChannelInversion(given) => {
            given_steps(text, given.t0, &given.tk)
        }
        PolicySettings::Random(limits) => self::limits(text, *limits),
        PolicySettings::Greedy(search) | PolicySettings::Exhaustive(search) => self::search(text, search),
        PolicySettings::Actor(actor) => {
            line(text, "file", quote(&actor.file.to_string_lossy()));
            line(text, "samples", actor.samples);
            word(text, "decoder", DECODERS, actor.decoder);
            limits(text, actor.limits);
        }
    }
}

fn search(text: &mut String, settings: &SearchPolicy) {
    limits(text, settings.limits);
    line(text, "power_step_w", float(settings.power_step_w));
}

fn limits(text: &mut String, limits: StepLimits) {
    line(text, "maximum_shared_steps", limits.maximum_shared_steps);
    line(text, "maximum_own_steps", limits.maximum_own_steps);
}
