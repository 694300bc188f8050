//! Fields that are a name, or a table with that name as its `kind`.

use super::{Short, Variant};

const fn variant(kind: &'static str, keys: &'static [&'static str]) -> Variant {
    Variant { kind, keys, short: None }
}

const fn with_short(kind: &'static str, keys: &'static [&'static str], short: Short) -> Variant {
    Variant { kind, keys, short: Some(short) }
}

pub(in crate::scenario) const SAMPLERS: &[Variant] = &[
    variant("ddim", &["eta"]),
    variant("ddpm", &[]),
    variant("euler", &[]),
    variant("euler-ancestral", &[]),
    variant("pndm", &[]),
    variant("dpm-solver++", &[]),
    variant("lcm", &[]),
];

const UMA_NLOS: Variant = variant("uma-nlos", &[]);
const UMA_LOS: Variant = variant("uma-los", &[]);
const UMI_NLOS: Variant = variant("umi-nlos", &[]);
const UMI_LOS: Variant = variant("umi-los", &[]);
const LOG_DISTANCE: Variant = variant("log-distance", &["exponent", "reference_distance_m", "reference_loss_db"]);
const FIXED_GAIN: Variant = variant("fixed-gain", &["gain_db"]);

/// From a server to a device.
pub(in crate::scenario) const PATH_LOSSES: &[Variant] =
    &[UMA_NLOS, UMA_LOS, UMI_NLOS, UMI_LOS, LOG_DISTANCE, FIXED_GAIN];

/// From device to device.
pub(in crate::scenario) const DEVICE_PATH_LOSSES: &[Variant] =
    &[LOG_DISTANCE, FIXED_GAIN, UMA_NLOS, UMA_LOS, UMI_NLOS, UMI_LOS];

pub(in crate::scenario) const FADINGS: &[Variant] = &[
    variant("fisher-snedecor", &["m", "ms", "convention"]),
    variant("none", &[]),
    variant("rayleigh", &[]),
    variant("rician", &["k_db"]),
    variant("nakagami-m", &["m"]),
];

pub(in crate::scenario) const PROTECTIONS: &[Variant] = &[
    variant("none", &[]),
    variant("arq", &["block_bits", "maximum_attempts", "round_trip_s"]),
    variant("fec", &["block_bits", "code_rate"]),
    variant("harq-chase", &["block_bits", "code_rate", "maximum_attempts", "round_trip_s"]),
    variant("harq-incremental-redundancy", &["block_bits", "code_rate", "maximum_attempts", "round_trip_s"]),
    variant("unequal", &["protected_bits", "block_bits", "code_rate"]),
];

pub(in crate::scenario) const ARRIVALS: &[Variant] = &[
    variant("poisson", &["rate_hz"]),
    variant("gamma", &["rate_hz", "coefficient_of_variation"]),
    variant("mmpp", &["rates_hz", "sojourns_s"]),
    variant("deterministic", &["interval_s"]),
    variant("closed-loop", &["think_time_s"]),
    variant("trace", &["file"]),
];

pub(in crate::scenario) const PROMPTS: &[Variant] = &[
    variant("own", &[]),
    with_short("list", &["prompts"], Short::List),
    variant("file", &["file"]),
    variant("grammar", &["objects", "templates"]),
];

pub(in crate::scenario) const PATIENCES: &[Variant] =
    &[with_short("fixed", &["time_s"], Short::Number), variant("exponential", &["mean_s"])];

pub(in crate::scenario) const TIMES_TO_LIVE: &[Variant] =
    &[variant("reset", &["time_s"]), variant("fixed", &["time_s"])];
