//! The manifest of a study: what made these results, with what, and how long it took.
//!
//! Everything that differs between two equal runs (when, where, how fast) stands in the one object `run`: the rest of two
//! equal runs is byte for byte the same.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sysinfo::{CpuRefreshKind, System};

use super::durable_file::{ReportError, write_durably};

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this program.
    pub latentlink_version: String,
    pub study: String,
    /// Seed of every random stream.
    pub seed: u64,
    /// SHA-256 of the resolved `scenario.toml`, hexadecimal.
    pub scenario_sha256: String,
    /// SHA-256 of what makes runs of two studies comparable: the scenario without replications and figures, the packs, the
    /// runtime and this program. Equal ones can be merged.
    #[serde(default)]
    pub identity_sha256: String,
    /// The part of the study that this is, as `2/5`; left out for a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    pub models: Vec<ModelPack>,
    pub onnx_runtime_version: String,
    /// The provider that was taken, not what was asked for: `cpu` or `cuda`.
    pub execution_provider: String,
    pub counts: Counts,
    /// Every file of the results but this one, in the order of their paths.
    pub files: Vec<WrittenFile>,
    /// All that differs between two equal runs.
    pub run: Run,
}

/// A model pack that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPack {
    /// `diffusion` or `judge`.
    pub role: String,
    pub name: String,
    /// Digest of the pack, hexadecimal.
    pub digest: String,
}

/// How much was simulated and computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Points of the sweep.
    pub points: u64,
    /// Points × replications.
    pub runs: u64,
    /// Nodes of the denoising graph that were asked for.
    pub nodes_before_sharing: u64,
    /// Nodes that were left after equal ones became one.
    pub nodes_after_sharing: u64,
    /// UNet evaluations that the study takes, two a step with guidance. What is in the score store is not made again:
    /// see [`Run`].
    pub unet_evaluations: u64,
    /// Those of them that only reference pictures needed.
    pub unet_evaluations_of_references: u64,
    /// UNet evaluations that generating every user's picture by itself would take, without reference pictures.
    pub unet_evaluations_unshared: u64,
    /// Runs that an error stopped; `failures.csv` lists them.
    #[serde(default)]
    pub failed_runs: u64,
    /// Pictures that could not be made.
    pub failed_pictures: u64,
    /// Answers in `scores.csv`.
    #[serde(default)]
    pub scores: u64,
    /// Those of them that hold no score.
    #[serde(default)]
    pub failed_scores: u64,
}

/// A file of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Below the results folder, with `/`.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

/// When, where and how fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// RFC 3339 in UTC, whole seconds: `2026-11-22T20:15:00Z`.
    pub started_utc: String,
    pub wall_time_s: f64,
    /// Worker threads.
    pub threads: usize,
    /// Runs that earlier processes had finished.
    #[serde(default)]
    pub runs_found: u64,
    /// Different questions that were put to judges.
    #[serde(default)]
    pub scores_computed: u64,
    /// Different questions whose answers were in the score store.
    #[serde(default)]
    pub scores_from_store: u64,
    /// Pictures, comparisons, links and scores that were computed.
    #[serde(default)]
    pub values_computed: u64,
    /// The same that were in the score store.
    #[serde(default)]
    pub values_from_store: u64,
    /// UNet evaluations that were made in this process.
    #[serde(default)]
    pub unet_evaluations_made: u64,
    /// Where the ONNX Runtime library came from: `environment variable`, `cache`, `pip`.
    pub onnx_runtime_origin: String,
    pub host: Host,
}

/// The kind of machine, without its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub operating_system: String,
    pub architecture: String,
    pub cpu_model: String,
    /// Logical cores that this program may use.
    pub cores: usize,
    pub memory_bytes: u64,
}

impl Host {
    /// Asks the operating system. What it does not tell is `unknown` or 0.
    pub fn of_this_machine() -> Self {
        let mut host = Self {
            operating_system: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu_model: "unknown".to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: 0,
        };
        if let Ok(mut system) = System::new() {
            system.refresh_memory();
            system.refresh_cpu_list(CpuRefreshKind::nothing());
            host.memory_bytes = system.total_memory();
            if let Some(cpu) = system.cpus().first().filter(|cpu| !cpu.brand().trim().is_empty()) {
                host.cpu_model = cpu.brand().trim().to_owned();
            }
        }
        host
    }
}

impl WrittenFile {
    /// Size and digest of `results/relative`.
    ///
    /// # Errors
    /// [`ReportError::Read`].
    pub fn of(results: &Path, relative: &Path) -> Result<Self, ReportError> {
        let path = results.join(relative);
        let failed = |source: io::Error| ReportError::Read { path: path.clone(), source };
        // A table may be larger than the memory.
        let mut file = File::open(&path).map_err(failed)?;
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut part = vec![0; 1 << 16];
        loop {
            let length = file.read(&mut part).map_err(failed)?;
            if length == 0 {
                break;
            }
            hash.update(&part[..length]);
            bytes += length as u64;
        }
        Ok(Self {
            path: relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"),
            bytes,
            sha256: hexadecimal(&hash.finalize()),
        })
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A moment as RFC 3339 in UTC, whole seconds. Moments before 1970 count as 1970.
pub fn utc_timestamp(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of the Gregorian calendar, from days since 1970-01-01. Years are counted from March, so that the
/// leap day is the last of its year, in eras of 400 years = 146 097 days.
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

impl Manifest {
    /// Pretty JSON with a final line break.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("a manifest has string keys and finite numbers only");
        json + "\n"
    }

    /// Writes `manifest.json`, beside its place and then renamed.
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_durably(path, self.to_json().as_bytes())
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ReportError::Read`], [`ReportError::Content`].
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = fs::read_to_string(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
        serde_json::from_str(&text)
            .map_err(|error| ReportError::Content { path: path.to_owned(), message: error.to_string() })
    }
}
