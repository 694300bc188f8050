//! `latentlink bep`: the calculator for bit error probabilities over fading links.

pub mod calculation;
mod table;

use clap::{Args, ValueEnum};
use miette::Diagnostic;
use thiserror::Error;

use self::calculation::calculate;
use crate::radio::{FadingError, RequiredSnrError};

const EXAMPLES: &str = "\
Examples:
  Average over Fisher-Snedecor F fading at a mean SNR of 10 dB per symbol:
    latentlink bep --fading fisher-snedecor --m 2 --ms 1.5 --mean-snr-db 10 --modulation qam16
  A curve, for two modulations, as JSON:
    latentlink bep --fading rayleigh --mean-snr-db 0,5,10,15,20 --modulation bpsk,qpsk --json
  Without fading, at an instantaneous SNR:
    latentlink bep --snr-db 8 --modulation qam64
  With the probability that the SNR stays below 3 dB:
    latentlink bep --fading rician --k-db 6 --mean-snr-db 10 --modulation bpsk --outage-threshold-db 3
  The mean SNR at which 3 % of the bits are wrong:
    latentlink bep --fading fisher-snedecor --m 2 --ms 1.5 --modulation bpsk --target-bep 0.03

The SNR is per symbol (E_s/N_0). Columns are separated by blanks; probabilities have 10 significant digits.";

/// Bit error probability of a Gray-mapped modulation, instantaneous or averaged over fading.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct BepArgs {
    /// Modulation; several are separated by commas.
    #[arg(long, value_delimiter = ',', required = true, value_name = "NAME")]
    pub modulation: Vec<ModulationName>,
    /// Fading distribution of the power gain [needed with --mean-snr-db and --target-bep].
    #[arg(long, value_name = "NAME")]
    pub fading: Option<FadingName>,
    /// Multipath parameter m of nakagami-m and fisher-snedecor.
    #[arg(long)]
    pub m: Option<f64>,
    /// Shadowing parameter m_s of fisher-snedecor, above 1.
    #[arg(long)]
    pub ms: Option<f64>,
    /// Rician factor K [dB].
    #[arg(long, allow_negative_numbers = true)]
    pub k_db: Option<f64>,
    /// Form of the F distribution: its mean gain is 1, or m_s/(m_s - 1) as in the 2017 letter [default: unit-mean].
    #[arg(long, value_name = "NAME")]
    pub convention: Option<ConventionName>,
    /// Mean SNR per symbol [dB] at gain 1; several are separated by commas.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "DB")]
    pub mean_snr_db: Vec<f64>,
    /// Instantaneous SNR per symbol [dB], without fading; several are separated by commas.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "DB")]
    pub snr_db: Vec<f64>,
    /// Instead of an SNR: the average bit error probability to reach, in (0, 0.5).
    #[arg(long, value_delimiter = ',', value_name = "PROBABILITY")]
    pub target_bep: Vec<f64>,
    /// Also the probability that the SNR stays below this [dB].
    #[arg(long, allow_negative_numbers = true, value_name = "DB")]
    pub outage_threshold_db: Option<f64>,
    /// Print a JSON array of objects.
    #[arg(long)]
    pub json: bool,
}

/// Modulations by their names in scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModulationName {
    Bpsk,
    Qpsk,
    Qam16,
    Qam64,
    Qam256,
}

/// Fading distributions by their names in scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FadingName {
    None,
    Rayleigh,
    Rician,
    NakagamiM,
    FisherSnedecor,
}

impl FadingName {
    const fn text(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rayleigh => "rayleigh",
            Self::Rician => "rician",
            Self::NakagamiM => "nakagami-m",
            Self::FisherSnedecor => "fisher-snedecor",
        }
    }
}

/// Forms of the F distribution by their names in scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConventionName {
    UnitMean,
    #[value(name = "letter-2017")]
    Letter2017,
}

/// A command line that `latentlink bep` cannot answer: a usage error, exit code 2.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum BepError {
    /// None, or more than one, of the three questions is asked.
    #[error("give exactly one of --mean-snr-db, --snr-db and --target-bep")]
    #[diagnostic(help(
        "--mean-snr-db averages over --fading, --snr-db is one instant without fading, --target-bep asks for the mean SNR that reaches it"
    ))]
    OneQuestion,
    /// An average needs a distribution.
    #[error("{question} needs --fading")]
    #[diagnostic(help(
        "choose one of none, rayleigh, rician, nakagami-m, fisher-snedecor; or give --snr-db for one instant"
    ))]
    FadingMissing { question: &'static str },
    /// The fading has a parameter that was not given.
    #[error("--fading {fading} needs {option}")]
    #[diagnostic(help("for example: {example}"))]
    ParameterMissing { fading: &'static str, option: &'static str, example: &'static str },
    /// A parameter was given that the fading does not have.
    #[error("{option} means nothing with {context}")]
    #[diagnostic(help(
        "leave {option} out, or choose another --fading (--m: nakagami-m, fisher-snedecor; --ms, --convention: fisher-snedecor; --k-db: rician)"
    ))]
    ParameterForeign { option: &'static str, context: String },
    /// An SNR or threshold is not a finite number.
    #[error("{option} must be a finite number of decibels, not {value}")]
    #[diagnostic(help("for example: {option} 10"))]
    NotFinite { option: &'static str, value: f64 },
    /// The parameters describe no usable distribution.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fading(#[from] FadingError),
    /// No SNR reaches the target.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RequiredSnr(#[from] RequiredSnrError),
}

/// The answer as it is printed: a table with a header line, or with `--json` an array of objects.
pub fn render(args: &BepArgs) -> Result<String, BepError> {
    let rows = calculate(args)?;
    if args.json {
        let json = serde_json::to_string_pretty(&rows).expect("rows hold only names and finite numbers");
        return Ok(json + "\n");
    }
    Ok(table::of(&rows))
}
