//! What a checked scenario holds, table by table.
//!
//! Each field of a struct is a key of the table its doc names, with the same name and unit; `docs/scenario.md` is the
//! same list for users.

mod analysis;
mod architecture;
mod demand;
mod faults;
mod figure;
mod judge;
mod places;
mod policy;
mod server;
mod train;

use std::path::PathBuf;

use crate::diffusion::{History, LatentCodec, Sampler, Sanitize, Split};
use crate::onnx::{CudaDevice, ExecutionProvider};
use crate::radio::{Fading, FadingProcess, Modulation, PathLoss, Protection};

pub use analysis::{AnalysisSettings, WarmUp};
pub use architecture::{ArchitectureKind, ArchitectureSettings, Election, Topology};
pub use demand::{ArrivalStream, Arrivals, DemandSettings, Patience, PromptChoice, StartLatent, TraceRow};
pub use faults::{FaultKind, FaultSettings, FaultTimes, RecoverySettings};
pub use figure::{
    BoxSettings, CdfSettings, FigureKind, FigureSettings, HeatMapSettings, ImageGridSettings, IntervalStyle,
    LineSettings, PageSettings, SERIES_OF_DEVICES, ScatterSettings, SurfacePlotSettings, TimelineSettings,
};
pub use judge::{
    EndpointSettings, JudgeKind, JudgeSettings, MeasuredSettings, PersonaSettings, PopulationSettings,
    SimilaritySettings, SurfaceSettings, VlmSettings,
};
pub use places::{CellGrid, CellSettings, MobilitySettings, Placement, TrackPoint};
pub use policy::{ActorPolicy, FixedPolicy, GivenSteps, PolicyKind, PolicySettings, SearchPolicy, StepLimits};
pub use server::{
    Admission, CacheSettings, CacheSharing, Eviction, GroupingSettings, ProfileSettings, QueueDiscipline,
    ServerSettings, TimeToLive, USUAL_QUEUE_CAPACITY,
};
pub use train::{ActorHead, Algorithm, CriticInput, QoeTerm, RewardSettings, TrainSettings};

/// One checked point of a study: everything a run needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub study: StudySettings,
    pub models: ModelSettings,
    pub diffusion: DiffusionSettings,
    pub server: ServerSettings,
    pub radio: RadioSettings,
    /// At least one; names are unique.
    pub devices: Vec<DeviceSettings>,
    pub policy: PolicySettings,
    pub judge: JudgeSettings,
    /// Whom users and devices are drawn from; `None` where the scenario has no such table.
    pub population: Option<PopulationSettings>,
    /// Who asks when; `None`: one synchronous round.
    pub demand: Option<DemandSettings>,
    pub grouping: GroupingSettings,
    /// `None`: nothing is kept.
    pub cache: Option<CacheSettings>,
    pub architecture: ArchitectureSettings,
    /// At least one.
    pub cells: Vec<CellSettings>,
    /// Where `cells` came from `[cells]`.
    pub cell_grid: Option<CellGrid>,
    pub mobility: MobilitySettings,
    pub faults: Vec<FaultSettings>,
    pub recovery: RecoverySettings,
    pub analysis: AnalysisSettings,
    /// How a policy is learned; `None` where nobody says.
    pub train: Option<TrainSettings>,
    /// Figures to draw after the run; empty: the default picture grid.
    pub figures: Vec<FigureSettings>,
}

/// `[study]`
#[derive(Debug, Clone, PartialEq)]
pub struct StudySettings {
    /// Name of the results folder: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Seed of every random stream. Default 41.
    pub seed: u64,
    /// Independent repetitions of each point, the first ones where more are added. Default 1, at least 1.
    pub replications: u32,
    /// When to stop adding replications to a point; `None`: none are added.
    pub until: Option<Until>,
}

/// Replications are added to a point until the 95 % interval of a mean is narrow enough, or there are too many.
#[derive(Debug, Clone, PartialEq)]
pub struct Until {
    /// Half the width of the interval over the mean that it must not exceed, `study.until_relative_half_width`; > 0.
    pub relative_half_width: f64,
    /// What the mean is of, `study.until_quantity`. Default `sum_qoe`.
    pub quantity: String,
    /// The cap, `study.maximum_replications`. Default 1000, or `replications` where that is more; never less than it.
    pub maximum_replications: u32,
}

/// `[models]`
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// Folder of the diffusion pack, relative to the working directory. Default `models/emoji-ldm`.
    pub diffusion: PathBuf,
    /// Default `auto`.
    pub execution_provider: ExecutionProvider,
    /// Number of the GPU, as the CUDA driver counts them. Default 0.
    pub cuda_device_id: u32,
    /// What the memory arena of each model may grow to on the GPU [GB, 10⁹ bytes]; `None`: all there is.
    pub cuda_memory_limit_gb: Option<f64>,
    /// Whether latents stay on the device between steps that nobody looks between. Default false.
    pub resident_latents: bool,
    /// Whether the kernels of such steps are replayed as CUDA graphs; only with `resident_latents` on `cuda`. Default false.
    pub cuda_graphs: bool,
    /// Folder of an ONNX sentence encoder that says how similar prompts are, relative to the working directory; `None`: the
    /// diffusion pack's text encoder does.
    pub sentence_encoder: Option<PathBuf>,
}

impl ModelSettings {
    /// The GPU, for sessions on CUDA.
    pub fn cuda_device(&self) -> CudaDevice {
        CudaDevice {
            device_id: self.cuda_device_id.cast_signed(),
            memory_limit_bytes: self.cuda_memory_limit_gb.map(|gigabytes| (gigabytes * 1e9) as u64),
            cuda_graphs: self.cuda_graphs,
        }
    }
}

/// Against which picture MSE, PSNR and SSIM are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureReference {
    /// The same chain with the latent handed over untouched: no codec, no bit errors.
    ErrorFree,
    /// The picture the device would have made alone, all steps with its own prompt.
    Unshared,
}

impl PictureReference {
    /// The name in scenarios and sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::ErrorFree => "error-free",
            Self::Unshared => "unshared",
        }
    }

    /// The name in columns of tables.
    pub fn column_suffix(self) -> &'static str {
        match self {
            Self::ErrorFree => "error_free",
            Self::Unshared => "unshared",
        }
    }
}

/// When the neural networks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Execution {
    /// After the simulation, batched over everything that was recorded (default).
    Deferred,
    /// At each event, one call at a time.
    Eager,
}

/// `[diffusion]`
#[derive(Debug, Clone, PartialEq)]
pub struct DiffusionSettings {
    /// `"ddim"`, `"ddpm"`, `"euler"`, `"euler-ancestral"`, `"pndm"`, `"dpm-solver++"`, `"lcm"`, or
    /// `{ kind = "ddim", eta = 0.5 }`. Default DDIM with eta 0.
    pub sampler: Sampler,
    /// Of the multistep samplers, `"pndm"` and `"dpm-solver++"`. Default `restart`.
    pub history: History,
    /// N_ref, the steps of an unsplit chain. Default 11; 1..=1000.
    pub steps: u32,
    /// Default `respaced`.
    pub split: Split,
    /// Classifier-free guidance scale w ≥ 0; 1 means no guidance. Default 2, as the shipped pack recommends.
    pub guidance: f64,
    /// Default `int8`.
    pub codec: LatentCodec,
    /// Latents live in ±latent_range for quantising, clipping and range checks. Default 5; > 0.
    pub latent_range: f64,
    /// Default `clip`.
    pub sanitize: Sanitize,
    /// Each names a reference picture per user. Default `["error-free"]`.
    pub metrics_against: Vec<PictureReference>,
    /// Default `deferred`.
    pub execution: Execution,
}

/// How devices share the downlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MultipleAccess {
    /// One after the other over the whole bandwidth (default).
    Tdma,
    /// All at once, each over bandwidth / K; noise shrinks along.
    Ofdma,
}

/// What the bit error probability of a drawn link means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorModel {
    /// Of the drawn fading gain, quasi-static over the latent (default).
    Instantaneous,
    /// Averaged over the fading distribution.
    Average,
}

/// `[radio]`
#[derive(Debug, Clone, PartialEq)]
pub struct RadioSettings {
    /// Default 3.5e9; > 0.
    pub carrier_hz: f64,
    /// Default 5e6; > 0.
    pub bandwidth_hz: f64,
    /// Default 7.
    pub noise_figure_db: f64,
    /// `"uma-nlos"` …, `{ kind = "log-distance", exponent, reference_distance_m, reference_loss_db }`,
    /// `{ kind = "fixed-gain", gain_db }`. Default `uma-nlos`.
    pub path_loss: PathLoss,
    /// Default 25 for UMa (and others), 10 for UMi; > 0.
    pub base_station_height_m: f64,
    /// Default 1.5; > 0.
    pub device_height_m: f64,
    /// `"none"`, `"rayleigh"`, `{ kind = "rician", k_db }`, `{ kind = "nakagami-m", m }`,
    /// `{ kind = "fisher-snedecor", m, ms, convention = "unit-mean" | "letter-2017" }`. Default F with m 2, ms 1.5.
    pub fading: Fading,
    /// `bpsk`, `qpsk`, `qam16`, `qam64`, `qam256`. Default `bpsk`.
    pub modulation: Modulation,
    /// Default `instantaneous`.
    pub error_model: ErrorModel,
    /// Default `tdma`.
    pub multiple_access: MultipleAccess,
    /// Part of the symbols that carry coded bits (cyclic prefix, pilots, control). Default 0.75; in (0, 1].
    pub efficiency: f64,
    /// Bits of header, scale and checksum sent with each latent, assumed protected. Default 512.
    pub header_bits: u64,
    /// β [J per W]; `None`: airtime / amplifier_efficiency.
    pub energy_per_watt_j: Option<f64>,
    /// Power amplifier efficiency η_PA. Default 0.35; in (0, 1].
    pub amplifier_efficiency: f64,
    /// Pins every link instead of drawing it; in [0, 0.5].
    pub bit_error_probability: Option<f64>,
    /// Latents on the air of one cell at once under OFDMA, each over bandwidth / channels; `None`: one per device. Only of a
    /// scenario with `[demand]`.
    pub channels: Option<u32>,
    /// Latents that may wait for a transmitter's channels; more are dropped. Default [`USUAL_QUEUE_CAPACITY`]. Only of a scenario
    /// with `[demand]`.
    pub queue_capacity: u64,
    /// Default `per-latent`.
    pub fading_process: FadingProcess,
    /// Of the fading [s]; there where `fading_process` needs one; > 0.
    pub coherence_time_s: Option<f64>,
    /// Interference of other cells as a rise of the noise [dB]. Default 0; ≥ 0.
    pub noise_rise_db: f64,
    /// Whether the rise grows from nothing to `noise_rise_db` with the part of the other cells that are on the air. Default false.
    pub noise_rise_follows_load: bool,
    /// Default `none`.
    pub protection: Protection,
}

impl RadioSettings {
    /// Latents that one transmitter can have on the air at once, in a scenario with so many devices.
    pub fn channel_count(&self, devices: usize) -> u32 {
        match self.multiple_access {
            MultipleAccess::Tdma => 1,
            MultipleAccess::Ofdma => self.channels.unwrap_or(devices as u32),
        }
    }
}

/// `[[device]]`
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSettings {
    /// Default `device-1`, `device-2`, …
    pub name: String,
    /// What the user asked for. Required.
    pub prompt: String,
    /// Who the user is. Default: drawn from the population where there is one, else `neutral`.
    pub persona: PersonaSettings,
    /// Ground distance to the server [m]. Default 500; > 0. With `x_m` and `y_m` their distance to the origin.
    pub distance_m: f64,
    /// The distance is drawn uniformly from [`distance_m`, this], anew in each replication; `None`: it is `distance_m`.
    pub distance_max_m: Option<f64>,
    /// δ_k, energy of one denoising step [J]. Default 1.
    pub step_energy_j: f64,
    /// Duration of one denoising step [s]. Default 0.4.
    pub step_time_s: f64,
    /// Energy of decoding the latent to a picture [J]. Default 0 (the paper ignores it).
    pub decode_energy_j: f64,
    /// Duration of decoding [s]. Default 0.
    pub decode_time_s: f64,
    /// Power of the receiver while the latent arrives [W]. Default 0.
    pub receive_power_w: f64,
    /// E_k, budget for compute and radio in (22) [J]; `None`: unlimited.
    pub energy_budget_j: Option<f64>,
    /// The [[device]] table it is of, counted from 0, and how many devices that table makes (`count`, default 1), this one
    /// being the `member`-th, counted from 0.
    pub table: u32,
    pub count: u32,
    pub member: u32,
    /// Default `distance`.
    pub placement: Placement,
    /// Step time and energy by batch size; `None`: the numbers above.
    pub profile: Option<ProfileSettings>,
    /// From its requests until the picture should be there [s]; `None`: `demand.deadline_s`.
    pub deadline_s: Option<f64>,
    /// The higher, the sooner its requests are served under `server.queue = "priority"`. Default 0.
    pub priority: i32,
    /// Whether it shares cached latents with others that do, where `cache.sharing = "opt-in"`. Default false.
    pub shares_latents: bool,
    /// Energy that it can store [J], full at first; `None`: it never runs dry.
    pub battery_j: Option<f64>,
    /// Power that recharges the battery [W]. Default 0.
    pub recharge_w: f64,
}
