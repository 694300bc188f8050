//! `[radio]`, and what else has a path loss.

use super::{float, line, optional, optional_count, quote, table, word};
use crate::radio::{Fading, PathLoss, Protection};
use crate::scenario::settings::RadioSettings;
use crate::scenario::words::{CONVENTIONS, ERROR_MODELS, FADING_PROCESSES, MODULATIONS, MULTIPLE_ACCESSES, word_for};

pub(super) fn radio(text: &mut String, settings: &RadioSettings, has_demand: bool) {
    table(text, "[radio]");
    line(text, "carrier_hz", float(settings.carrier_hz));
    line(text, "bandwidth_hz", float(settings.bandwidth_hz));
    line(text, "noise_figure_db", float(settings.noise_figure_db));
    line(text, "path_loss", path_loss(settings.path_loss));
    line(text, "base_station_height_m", float(settings.base_station_height_m));
    line(text, "device_height_m", float(settings.device_height_m));
    line(text, "fading", fading(settings.fading));
    word(text, "modulation", MODULATIONS, settings.modulation);
    word(text, "error_model", ERROR_MODELS, settings.error_model);
    word(text, "multiple_access", MULTIPLE_ACCESSES, settings.multiple_access);
    line(text, "efficiency", float(settings.efficiency));
    line(text, "header_bits", settings.header_bits);
    optional(text, "energy_per_watt_j", settings.energy_per_watt_j);
    line(text, "amplifier_efficiency", float(settings.amplifier_efficiency));
    optional(text, "bit_error_probability", settings.bit_error_probability);
    optional_count(text, "channels", settings.channels.map(u64::from));
    if has_demand {
        line(text, "queue_capacity", settings.queue_capacity);
    }
    word(text, "fading_process", FADING_PROCESSES, settings.fading_process);
    optional(text, "coherence_time_s", settings.coherence_time_s);
    line(text, "noise_rise_db", float(settings.noise_rise_db));
    line(text, "noise_rise_follows_load", settings.noise_rise_follows_load);
    line(text, "protection", protection(settings.protection));
}

pub(super) fn path_loss(path_loss: PathLoss) -> String {
    match path_loss {
        PathLoss::UmaNlos => quote("uma-nlos"),
        PathLoss::UmaLos => quote("uma-los"),
        PathLoss::UmiNlos => quote("umi-nlos"),
        PathLoss::UmiLos => quote("umi-los"),
        PathLoss::LogDistance { exponent, reference_distance_m, reference_loss_db } => format!(
            "{{ kind = \"log-distance\", exponent = {}, reference_distance_m = {}, reference_loss_db = {} }}",
            float(exponent),
            float(reference_distance_m),
            float(reference_loss_db)
        ),
        PathLoss::FixedGain { gain_db } => {
            format!("{{ kind = \"fixed-gain\", gain_db = {} }}", float(gain_db))
        }
    }
}

fn fading(fading: Fading) -> String {
    match fading {
        Fading::None => quote("none"),
        Fading::Rayleigh => quote("rayleigh"),
        Fading::Rician { k_db } => format!("{{ kind = \"rician\", k_db = {} }}", float(k_db)),
        Fading::NakagamiM { m } => format!("{{ kind = \"nakagami-m\", m = {} }}", float(m)),
        Fading::FisherSnedecor { m, ms, convention } => format!(
            "{{ kind = \"fisher-snedecor\", m = {}, ms = {}, convention = {} }}",
            float(m),
            float(ms),
            quote(word_for(CONVENTIONS, convention))
        ),
    }
}

fn protection(protection: Protection) -> String {
    let coded =
        |block_bits: u32, code_rate: f64| format!("block_bits = {block_bits}, code_rate = {}", float(code_rate));
    let repeated = |maximum_attempts: u32, round_trip_s: f64| {
        format!("maximum_attempts = {maximum_attempts}, round_trip_s = {}", float(round_trip_s))
    };
    match protection {
        Protection::None => quote("none"),
        Protection::Arq { block_bits, maximum_attempts, round_trip_s } => {
            format!("{{ kind = \"arq\", block_bits = {block_bits}, {} }}", repeated(maximum_attempts, round_trip_s))
        }
        Protection::Fec { block_bits, code_rate } => format!("{{ kind = \"fec\", {} }}", coded(block_bits, code_rate)),
        Protection::HarqChase { block_bits, code_rate, maximum_attempts, round_trip_s } => format!(
            "{{ kind = \"harq-chase\", {}, {} }}",
            coded(block_bits, code_rate),
            repeated(maximum_attempts, round_trip_s)
        ),
        Protection::HarqIncrementalRedundancy { block_bits, code_rate, maximum_attempts, round_trip_s } => format!(
            "{{ kind = \"harq-incremental-redundancy\", {}, {} }}",
            coded(block_bits, code_rate),
            repeated(maximum_attempts, round_trip_s)
        ),
        Protection::Unequal { protected_bits, block_bits, code_rate } => {
            format!("{{ kind = \"unequal\", protected_bits = {protected_bits}, {} }}", coded(block_bits, code_rate))
        }
    }
}
