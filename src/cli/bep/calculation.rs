//! From the options of `latentlink bep` to its numbers.

use serde::Serialize;

use super::{BepArgs, BepError, ConventionName, FadingName, ModulationName};
use crate::radio::{
    Fading, FisherSnedecorConvention, Modulation, average_bit_error_probability, db_to_linear, linear_to_db,
    outage_probability, required_mean_snr,
};

/// One answer of the calculator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BepRow {
    pub modulation: &'static str,
    /// SNR per symbol [dB]: the mean with `average_bit_error_probability`, of the instant with `bit_error_probability`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_snr_db: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snr_db: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_bit_error_probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_error_probability: Option<f64>,
    /// P(SNR < threshold), where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage_probability: Option<f64>,
}

/// One row per modulation and SNR (or target), modulations first.
pub fn calculate(args: &BepArgs) -> Result<Vec<BepRow>, BepError> {
    let questions = [&args.mean_snr_db, &args.snr_db, &args.target_bep];
    if questions.iter().filter(|values| !values.is_empty()).count() != 1 {
        return Err(BepError::OneQuestion);
    }
    for (option, values) in [("--mean-snr-db", &args.mean_snr_db), ("--snr-db", &args.snr_db)] {
        finite(option, values)?;
    }
    finite("--outage-threshold-db", args.outage_threshold_db.as_slice())?;
    let instantaneous = !args.snr_db.is_empty();
    let fading = fading(args, instantaneous)?;

    let mut rows = Vec::new();
    for &name in &args.modulation {
        let modulation = modulation(name);
        for &target in &args.target_bep {
            let snr = required_mean_snr(modulation, &fading, target)?;
            rows.push(row(modulation, &fading, linear_to_db(snr), instantaneous, args));
        }
        for &snr_db in args.mean_snr_db.iter().chain(&args.snr_db) {
            rows.push(row(modulation, &fading, snr_db, instantaneous, args));
        }
    }
    Ok(rows)
}

fn row(modulation: Modulation, fading: &Fading, snr_db: f64, instantaneous: bool, args: &BepArgs) -> BepRow {
    let snr = db_to_linear(snr_db);
    let probability = average_bit_error_probability(modulation, fading, snr);
    BepRow {
        modulation: modulation.name(),
        mean_snr_db: (!instantaneous).then_some(snr_db),
        snr_db: instantaneous.then_some(snr_db),
        average_bit_error_probability: (!instantaneous).then_some(probability),
        bit_error_probability: instantaneous.then_some(probability),
        outage_probability: args
            .outage_threshold_db
            .map(|threshold_db| outage_probability(fading, snr, db_to_linear(threshold_db))),
    }
}

fn finite(option: &'static str, values: &[f64]) -> Result<(), BepError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(&value) => Err(BepError::NotFinite { option, value }),
        None => Ok(()),
    }
}

fn modulation(name: ModulationName) -> Modulation {
    match name {
        ModulationName::Bpsk => Modulation::Bpsk,
        ModulationName::Qpsk => Modulation::Qpsk,
        ModulationName::Qam16 => Modulation::Qam16,
        ModulationName::Qam64 => Modulation::Qam64,
        ModulationName::Qam256 => Modulation::Qam256,
    }
}

/// The distribution that the options describe, with nothing missing and nothing that does not belong to it.
fn fading(args: &BepArgs, instantaneous: bool) -> Result<Fading, BepError> {
    if instantaneous && args.fading.is_some_and(|name| name != FadingName::None) {
        return Err(BepError::ParameterForeign {
            option: "--fading",
            context: "--snr-db, which is one instant".into(),
        });
    }
    let name = match args.fading {
        Some(name) => name,
        None if instantaneous => FadingName::None,
        None if args.mean_snr_db.is_empty() => {
            return Err(BepError::FadingMissing { question: "--target-bep" });
        }
        None => {
            return Err(BepError::FadingMissing { question: "--mean-snr-db" });
        }
    };
    let is = |names: &[FadingName]| names.contains(&name);
    let given = [
        ("--m", args.m.is_some(), is(&[FadingName::NakagamiM, FadingName::FisherSnedecor])),
        ("--ms", args.ms.is_some(), is(&[FadingName::FisherSnedecor])),
        ("--k-db", args.k_db.is_some(), is(&[FadingName::Rician])),
        ("--convention", args.convention.is_some(), is(&[FadingName::FisherSnedecor])),
    ];
    for (option, is_given, belongs) in given {
        if is_given && !belongs {
            return Err(BepError::ParameterForeign { option, context: format!("--fading {}", name.text()) });
        }
    }
    let needed = |value: Option<f64>, option: &'static str, example: &'static str| {
        value.ok_or(BepError::ParameterMissing { fading: name.text(), option, example })
    };
    let fading = match name {
        FadingName::None => Fading::None,
        FadingName::Rayleigh => Fading::Rayleigh,
        FadingName::Rician => Fading::Rician { k_db: needed(args.k_db, "--k-db", "--k-db 6")? },
        FadingName::NakagamiM => Fading::NakagamiM { m: needed(args.m, "--m", "--m 2")? },
        FadingName::FisherSnedecor => Fading::FisherSnedecor {
            m: needed(args.m, "--m", "--m 2 --ms 1.5")?,
            ms: needed(args.ms, "--ms", "--m 2 --ms 1.5")?,
            convention: match args.convention {
                Some(ConventionName::Letter2017) => FisherSnedecorConvention::Letter2017,
                Some(ConventionName::UnitMean) | None => FisherSnedecorConvention::UnitMean,
            },
        },
    };
    fading.validate()?;
    Ok(fading)
}
