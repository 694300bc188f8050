//! `[radio]`

use super::demand::refuse_without_demand;
use super::{path_loss, protection};
use crate::diffusion::LatentCodec;
use crate::radio::{Fading, FadingProcess, FisherSnedecorConvention, Modulation, PathLoss};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::{FADINGS, PATH_LOSSES};
use crate::scenario::settings::{ErrorModel, MultipleAccess, RadioSettings, USUAL_QUEUE_CAPACITY};
use crate::scenario::words::{CONVENTIONS, ERROR_MODELS, FADING_PROCESSES, MODULATIONS, MULTIPLE_ACCESSES, word_for};

/// Most channels of a cell.
const MAXIMUM_CHANNELS: u64 = 100_000;

/// `codec` is how latents are written, whose bits a protection counts.
pub(super) fn read(table: &mut TableReader<'_>, codec: LatentCodec, has_demand: bool) -> RadioSettings {
    let path_loss = path_loss::read(table, PATH_LOSSES, PathLoss::UmaNlos);
    let heights = Range::Above(if is_3gpp(path_loss) { ENVIRONMENT_HEIGHT_M } else { 0.0 });
    let usual_height = if matches!(path_loss, PathLoss::UmiLos | PathLoss::UmiNlos) { 10.0 } else { 25.0 };
    let multiple_access = table.word("multiple_access", MultipleAccess::Tdma, MULTIPLE_ACCESSES);
    let fading_process = table.word("fading_process", FadingProcess::PerLatent, FADING_PROCESSES);
    RadioSettings {
        carrier_hz: table.number("carrier_hz", 3.5e9, Range::Above(0.0)),
        bandwidth_hz: table.number("bandwidth_hz", 5e6, Range::Above(0.0)),
        noise_figure_db: table.number("noise_figure_db", 7.0, Range::AtLeast(0.0)),
        path_loss,
        base_station_height_m: table.number("base_station_height_m", usual_height, heights),
        device_height_m: table.number("device_height_m", 1.5, heights),
        fading: fading(table),
        modulation: table.word("modulation", Modulation::Bpsk, MODULATIONS),
        error_model: table.word("error_model", ErrorModel::Instantaneous, ERROR_MODELS),
        multiple_access,
        efficiency: table.number("efficiency", 0.75, Range::Fraction),
        header_bits: table.integer("header_bits", 512, 0, u32::MAX.into()),
        energy_per_watt_j: table.optional_number("energy_per_watt_j", Range::AtLeast(0.0)),
        amplifier_efficiency: table.number("amplifier_efficiency", 0.35, Range::Fraction),
        bit_error_probability: table.optional_number("bit_error_probability", Range::Between(0.0, 0.5)),
        channels: channels(table, multiple_access, has_demand),
        queue_capacity: queue_capacity(table, has_demand),
        fading_process,
        coherence_time_s: coherence_time_s(table, fading_process),
        noise_rise_db: table.number("noise_rise_db", 0.0, Range::AtLeast(0.0)),
        noise_rise_follows_load: table.flag("noise_rise_follows_load", false),
        protection: protection::read(table, codec),
    }
}

/// In a round everything that is to be sent is sent.
fn queue_capacity(table: &mut TableReader<'_>, has_demand: bool) -> u64 {
    refuse_without_demand(table, &["queue_capacity"], has_demand);
    table.integer("queue_capacity", USUAL_QUEUE_CAPACITY, 0, u64::MAX)
}

/// In a round, each device has its share of the band. In time nobody knows how many latents there are at once.
fn channels(table: &mut TableReader<'_>, multiple_access: MultipleAccess, has_demand: bool) -> Option<u32> {
    if !has_demand {
        refuse_without_demand(table, &["channels"], has_demand);
        return None;
    }
    match (multiple_access, table.has("channels")) {
        (MultipleAccess::Tdma, true) => {
            let help = "with tdma one latent is on the air over the whole band: take the line away, or write \
                        multiple_access = \"ofdma\"";
            table.refuse(&["channels"], "multiple_access = \"tdma\"", help);
            None
        }
        (MultipleAccess::Tdma, false) => None,
        (MultipleAccess::Ofdma, false) => {
            let problem = Problem::new("`multiple_access` = \"ofdma\", but `channels` is not given");
            let problem = problem.expected("`channels` in this table, the latents on the air of a cell at once");
            table.push_at("multiple_access", problem.help("add a line under [radio], say\n  channels = 8"));
            None
        }
        (MultipleAccess::Ofdma, true) => {
            table.optional_integer("channels", 1, MAXIMUM_CHANNELS).map(|channels| channels as u32)
        }
    }
}

fn coherence_time_s(table: &mut TableReader<'_>, process: FadingProcess) -> Option<f64> {
    let whom = format!("fading_process = \"{}\"", word_for(FADING_PROCESSES, process));
    if process == FadingProcess::PerLatent {
        let help = "each latent has a gain of its own, whenever it is sent: take the line away, or write \
                    fading_process = \"block\"";
        table.refuse(&["coherence_time_s"], &whom, help);
        return None;
    }
    if !table.has("coherence_time_s") {
        let problem = Problem::new(format!("{whom}, but `coherence_time_s` is not given"));
        let problem = problem.expected("`coherence_time_s` in this table");
        table.push_at("fading_process", problem.help("add a line under [radio], say\n  coherence_time_s = 0.05"));
        return None;
    }
    let time_s = table.optional_number("coherence_time_s", Range::AtLeast(0.0))?;
    if time_s == 0.0 {
        let problem = Problem::new("`coherence_time_s` = 0: the gain would change within each symbol");
        let problem = problem.expected("a number above 0 in s");
        let help = "for a new gain with every latent write fading_process = \"per-latent\"; for the mean over the \
                    fading error_model = \"average\"";
        table.push_at("coherence_time_s", problem.help(help));
        return None;
    }
    Some(time_s)
}

/// h_E of TR 38.901, note 1 of Table 7.4.1-1: antennas must stand above it for the breakpoint distance to exist.
const ENVIRONMENT_HEIGHT_M: f64 = 1.0;

fn is_3gpp(path_loss: PathLoss) -> bool {
    !matches!(path_loss, PathLoss::LogDistance { .. } | PathLoss::FixedGain { .. })
}

fn fading(table: &mut TableReader<'_>) -> Fading {
    let usual = Fading::FisherSnedecor { m: 2.0, ms: 1.5, convention: FisherSnedecorConvention::UnitMean };
    let read = match table.choice("fading", FADINGS) {
        None => None,
        Some(("fisher-snedecor", mut table)) => {
            let m = table.number("m", 2.0, Range::Above(0.0));
            let at = table.origin("ms").cloned();
            let ms = table.number("ms", 1.5, Range::Any);
            let convention = table.word("convention", FisherSnedecorConvention::UnitMean, CONVENTIONS);
            if let (Some(origin), true) = (at, ms <= 1.0) {
                let problem = Problem::new(format!("`ms` = {ms} leaves the fading without a mean")).at(&origin);
                let problem = problem.expected("a number above 1");
                let help = "the Fisher–Snedecor F gain has a mean only for ms > 1; the paper's value is 1.5";
                table.push(problem.help(help));
            }
            Some(Fading::FisherSnedecor { m, ms, convention })
        }
        Some(("none", _)) => Some(Fading::None),
        Some(("rayleigh", _)) => Some(Fading::Rayleigh),
        Some(("rician", mut table)) => table
            .needed_number("k_db", Range::Any, "fading = { kind = \"rician\", k_db = 6.0 }")
            .map(|k_db| Fading::Rician { k_db }),
        Some(("nakagami-m", mut table)) => table
            .needed_number("m", Range::AtLeast(0.5), "fading = { kind = \"nakagami-m\", m = 2.0 }")
            .map(|m| Fading::NakagamiM { m }),
        Some((kind, _)) => unreachable!("the schema knows a fading {kind} that is never read"),
    };
    read.unwrap_or(usual)
}
