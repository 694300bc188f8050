//! `[radio]`

use crate::radio::{Fading, FisherSnedecorConvention, Modulation, PathLoss};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::{FADINGS, PATH_LOSSES};
use crate::scenario::settings::{ErrorModel, MultipleAccess, RadioSettings};
use crate::scenario::words::{CONVENTIONS, ERROR_MODELS, MODULATIONS, MULTIPLE_ACCESSES};

pub(super) fn read(table: &mut TableReader<'_>) -> RadioSettings {
    let path_loss = path_loss(table);
    let heights = Range::Above(if is_3gpp(path_loss) { ENVIRONMENT_HEIGHT_M } else { 0.0 });
    let usual_height = if matches!(path_loss, PathLoss::UmiLos | PathLoss::UmiNlos) { 10.0 } else { 25.0 };
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
        multiple_access: table.word("multiple_access", MultipleAccess::Tdma, MULTIPLE_ACCESSES),
        efficiency: table.number("efficiency", 0.75, Range::Fraction),
        header_bits: table.integer("header_bits", 512, 0, u32::MAX.into()),
        energy_per_watt_j: table.optional_number("energy_per_watt_j", Range::AtLeast(0.0)),
        amplifier_efficiency: table.number("amplifier_efficiency", 0.35, Range::Fraction),
        bit_error_probability: table.optional_number("bit_error_probability", Range::Between(0.0, 0.5)),
    }
}

/// h_E of TR 38.901, note 1 of Table 7.4.1-1: antennas must stand above it for the breakpoint distance to exist.
const ENVIRONMENT_HEIGHT_M: f64 = 1.0;

fn is_3gpp(path_loss: PathLoss) -> bool {
    !matches!(path_loss, PathLoss::LogDistance { .. } | PathLoss::FixedGain { .. })
}

fn path_loss(table: &mut TableReader<'_>) -> PathLoss {
    let read = match table.choice("path_loss", PATH_LOSSES) {
        None => None,
        Some(("uma-nlos", _)) => Some(PathLoss::UmaNlos),
        Some(("uma-los", _)) => Some(PathLoss::UmaLos),
        Some(("umi-nlos", _)) => Some(PathLoss::UmiNlos),
        Some(("umi-los", _)) => Some(PathLoss::UmiLos),
        Some(("log-distance", mut table)) => {
            let example = "path_loss = { kind = \"log-distance\", exponent = 3.0, reference_loss_db = 43.3 }";
            let exponent = table.needed_number("exponent", Range::AtLeast(0.0), example);
            let reference_distance_m = table.number("reference_distance_m", 1.0, Range::Above(0.0));
            let loss = table.needed_number("reference_loss_db", Range::Any, example);
            exponent.zip(loss).map(|(exponent, reference_loss_db)| PathLoss::LogDistance {
                exponent,
                reference_distance_m,
                reference_loss_db,
            })
        }
        Some(("fixed-gain", mut table)) => {
            let example = "path_loss = { kind = \"fixed-gain\", gain_db = -120.0 }";
            let gain_db = table.needed_number("gain_db", Range::Any, example);
            gain_db.map(|gain_db| PathLoss::FixedGain { gain_db })
        }
        Some((kind, _)) => unreachable!("the schema knows a path loss {kind} that is never read"),
    };
    read.unwrap_or(PathLoss::UmaNlos)
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
